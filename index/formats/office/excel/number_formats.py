"""Number formats of spreadsheets: what a cell shows for its value."""

import re
from datetime import datetime, time, timedelta

from openpyxl.styles.numbers import is_date_format, is_timedelta_format
from openpyxl.utils.datetime import from_excel

_NO_TEXT = re.compile(r"\[\$(?P<currency>[^\]-]*)[^\]]*\]|\[[^\]<>=]*\]|[_*].|\\(?P<escaped>.)|\"(?P<quoted>[^\"]*)\"")
_FIGURE = re.compile(
    r"(?P<before>[^#0?.,]*)(?P<whole>[#0?][#0?,]*?)?(?P<thousands>,*)"
    r"(?:\.(?P<decimals>[#0?]*)(?P<more>,*))?(?P<after>[^#0?]*)"
)
_PLACEHOLDER = re.compile(r"[#0?]")
_OTHER_FORMAT = re.compile(r"[eE][+-]|/|@")
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)(-?\d+(?:\.\d*)?)\]")
_HOLDS = {
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    "<>": lambda value, limit: value != limit,
    "=": lambda value, limit: value == limit,
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
}
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.I)
_SECONDS = {"h": 3600, "m": 60, "s": 1}
_QUOTED = re.compile(r"\"[^\"]*\"|\\.|\[[^\]]*\]")


def shown(value: object, number_format: str) -> str:
    """Return a cell's value as a spreadsheet displays it; dates in ISO 8601, since their format depends on the locale.

    Args:
        value: The value.
        number_format: The cell's number format, `#,##0.00 "EUR"`, say.

    Returns:
        The text displayed.
    """
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return _number(value, number_format)
    if isinstance(value, timedelta):
        return _duration(value, number_format)
    if isinstance(value, datetime) and not _shows_day(number_format):
        value = value.time()
    if isinstance(value, datetime | time):
        if isinstance(value, datetime) and value.time() == time.min:
            return value.date().isoformat()
        precision = "seconds" if value.second else "minutes"
        return value.isoformat(" ", precision) if isinstance(value, datetime) else value.isoformat(precision)
    return str(value)


def shown_number(value: float, number_format: str) -> str:
    """Return what a spreadsheet or chart displays for a number, which may stand for a date or a duration.

    Args:
        value: The number.
        number_format: Its number format.

    Returns:
        The text displayed.
    """
    if is_date_format(number_format):
        return shown(from_excel(value, timedelta=is_timedelta_format(number_format)), number_format)
    return _number(value, number_format)


def _shows_day(number_format: str) -> bool:
    """Return whether a date's format shows the day, not only the time."""
    plain = _QUOTED.sub("", number_format.partition(";")[0]).lower()
    return "h" not in plain or any(letter in plain for letter in "dy")


def _duration(value: timedelta, number_format: str) -> str:
    """Return a duration as `[h]:mm` shows it: in as many hours as there are, not in days."""
    elapsed = _ELAPSED.search(number_format)
    unit = elapsed[1][0].lower() if elapsed is not None else "h"
    after = _QUOTED.sub("", number_format[elapsed.end() :] if elapsed is not None else "mm").lower()
    smaller = [each for each in "ms" if each in after and _SECONDS[each] < _SECONDS[unit]]
    precision = _SECONDS[smaller[-1] if smaller else unit]
    left = round(abs(value).total_seconds() / precision) * precision
    figures = [str(left // _SECONDS[unit]).zfill(len(elapsed[1]) if elapsed is not None else 1)]
    figures += [f"{left % (60 * _SECONDS[each]) // _SECONDS[each]:02}" for each in smaller]
    return ("-" if value < timedelta() and left else "") + ":".join(figures)


def _number(value: float, number_format: str) -> str:
    plain, writes_sign = _section(value, _NO_TEXT.sub(_literal, number_format))
    if not plain or _OTHER_FORMAT.search(plain) or "general" in plain.lower():
        return f"{value:.11g}" if isinstance(value, float) else str(value)
    figure = abs(value) if writes_sign else value
    match = _FIGURE.fullmatch(plain)
    if match is None:
        return _put_back(_masked(figure, plain)).strip()
    whole, places = match["whole"] or "", match["decimals"] or ""
    if not whole and not places:
        return _put_back(plain).strip()
    figure = figure * (100 if "%" in plain else 1) / 1000 ** len(match["thousands"] + (match["more"] or ""))
    digits = f"{figure:{',' if ',' in whole else ''}.{len(places)}f}"
    optional = len(places) - len(places.rstrip("#?"))
    while optional and digits.endswith("0"):
        digits, optional = digits[:-1], optional - 1
    return _put_back(match["before"] + _padded(digits.removesuffix("."), whole) + match["after"]).strip()


def _section(value: float, plain: str) -> tuple[str, bool]:
    """Return the section of a format that shows a value, and whether it writes the sign itself."""
    sections = plain.split(";")
    conditions = [_CONDITION.search(section) for section in sections]
    if any(conditions):
        for section, condition in zip(sections, conditions, strict=True):
            if condition is None or _HOLDS[condition[1]](value, float(condition[2])):
                return _CONDITION.sub("", section), False
        return "", False
    if value < 0 and len(sections) > 1 and sections[1]:
        return sections[1], True
    is_zero = value == 0 and len(sections) > 2  # noqa: PLR2004 (positive; negative; zero)
    return (sections[2] if is_zero and sections[2] else sections[0]), False


def _padded(digits: str, whole: str) -> str:
    """Return a number with the zeros in front that its format asks for, and without the one that it does not."""
    sign, digits = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
    before, point, after = digits.partition(".")
    if before == "0" and "0" not in whole:
        before = ""
    elif "," not in whole:
        before = before.zfill(whole.count("0"))
    return sign + before + point + after


def _masked(value: float, plain: str) -> str:
    """Fill the digits of a whole number into a format with signs between them: `000-0000`."""
    places = [match.start() for match in _PLACEHOLDER.finditer(plain)]
    digits = f"{abs(value):.0f}".zfill(plain.count("0"))
    filled = list(plain)
    for place in reversed(places):
        digits, filled[place] = digits[:-1], digits[-1:]
    filled[places[0]] = digits + filled[places[0]]
    return ("-" if value < 0 else "") + "".join(filled)


_PRIVATE = 0xE000
"""Literal characters are shifted here while a format is parsed, so that a dot within quotes is no decimal point."""


def _literal(match: re.Match[str]) -> str:
    words = match["currency"] or match["escaped"] or match["quoted"] or ""
    return "".join(chr(_PRIVATE + ord(character)) if ord(character) < _ASCII else character for character in words)


_ASCII = 0x80


def _put_back(words: str) -> str:
    return "".join(chr(ord(c) - _PRIVATE) if _PRIVATE <= ord(c) < _PRIVATE + _ASCII else c for c in words)
