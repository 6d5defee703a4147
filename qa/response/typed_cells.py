"""Typed cells: a column's values as exact numbers or dates, when all of them are, in one form and one unit."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

_SPACE = " \u00a0\u2009\u202f"
_NUMBER = re.compile(
    rf"(?P<before>[$€£¥]|[A-Z]{{3}} |[$€£¥] )?(?P<sign>[-\u2212+]?)"
    rf"(?P<digits>\d{{1,30}}(?:[.,{_SPACE}'\u2019]\d+)*)"
    rf"[{_SPACE}]?(?P<after>%|[^\W\d_]{{1,12}}[²³]?(?:/[^\W\d_]{{1,8}})?|[$€£¥°]C?F?)?"
)
_PLAIN = re.compile(r"(?:0|[1-9]\d*)(?:\.\d+)?")
_ENGLISH = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_SPACED = re.compile(rf"[1-9]\d{{0,2}}(?:[{_SPACE}'\u2019]\d{{3}})+(?:[.,]\d+)?")
_CONTINENTAL = re.compile(r"(?:0|[1-9]\d*),\d+|[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?")
_MAY_BE_THOUSANDS = re.compile(r"[1-9]\d{0,2}\.\d{3}")
_YEAR = re.compile(r"[12]\d{3}")
_DATE_FORMS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y",
    "%m-%d-%Y", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%B %d %Y", "%b %d %Y", "%B %Y", "%b %Y",
)  # fmt: skip
_TITLE_YEARS = (1000, 2200)


@dataclass(frozen=True, slots=True)
class Column:
    """The values of a column.

    Attributes:
        values: Numbers or dates, as far as they are given; years are numbers.
        unit_before: What stands before each number: "£"; "" if nothing does.
        unit_after: What stands after each: " km", "%"; "" if nothing does.
        is_of_time: Whether they are dates or years.
    """

    values: tuple[Decimal | datetime, ...]
    unit_before: str = ""
    unit_after: str = ""
    is_of_time: bool = False

    @property
    def numbers(self) -> tuple[Decimal, ...]:
        """The values, if they are numbers; years are none."""
        return () if self.is_of_time else tuple(value for value in self.values if isinstance(value, Decimal))


def typed(cells: Sequence[str]) -> Column | None:
    """Read a column's cells.

    Args:
        cells: The text of each cell that is not blank.

    Returns:
        The column; None if a cell is neither a number nor a date, its reading is not certain, or units are mixed.
    """
    texts = [unicodedata.normalize("NFC", cell).strip() for cell in cells]
    if not texts:
        return None
    if all(_YEAR.fullmatch(text) and _TITLE_YEARS[0] <= int(text) < _TITLE_YEARS[1] for text in texts):
        return Column(tuple(map(Decimal, texts)), is_of_time=True)
    return _numbers(texts) or _dates(texts)


def _numbers(texts: Sequence[str]) -> Column | None:
    matches = [match for text in texts if (match := _NUMBER.fullmatch(text)) is not None]
    units = {((match["before"] or "").strip(), (match["after"] or "").strip()) for match in matches}
    if len(matches) < len(texts) or len(units) > 1:
        return None
    digits = [match["digits"] for match in matches]
    read = _reading(digits)
    if read is None:
        return None
    values = [
        -read(text) if match["sign"] in ("-", "\u2212") else read(text)
        for text, match in zip(digits, matches, strict=True)
    ]
    first = matches[0]
    after = first["after"] or ""
    return Column(tuple(values), first["before"] or "", texts[0][first.end("digits") :] if after else "")


def _reading(digits: Sequence[str]) -> Callable[[str], Decimal] | None:
    """Return what reads figures that are all written alike; None if a point may mean tenths or thousands."""
    if all(_PLAIN.fullmatch(text) or _ENGLISH.fullmatch(text) for text in digits):
        points = [text for text in digits if "." in text]
        has_commas = any("," in text for text in digits)
        if points and not has_commas and all(map(_MAY_BE_THOUSANDS.fullmatch, points)):
            return None
        return lambda text: Decimal(text.replace(",", ""))
    if all("." not in text or text.count(".") > 1 or "," in text for text in digits) and all(
        _PLAIN.fullmatch(text) or _CONTINENTAL.fullmatch(text) for text in digits
    ):
        return lambda text: Decimal(text.replace(".", "").replace(",", "."))
    if all(_PLAIN.fullmatch(text) or _SPACED.fullmatch(text) for text in digits):
        if len({mark for text in digits for mark in text if mark in ".,"}) > 1:
            return None
        return lambda text: Decimal(re.sub(rf"[{_SPACE}'\u2019]", "", text).replace(",", "."))
    return None


def _dates(texts: Sequence[str]) -> Column | None:
    """Read dates in the only form that fits all; where days and months may be exchanged, there are two."""
    readings = {tuple(read) for form in _DATE_FORMS if (read := _in_form(texts, form)) is not None}
    return Column(readings.pop(), is_of_time=True) if len(readings) == 1 else None


def _in_form(texts: Sequence[str], form: str) -> list[datetime] | None:
    read = []
    for text in texts:
        try:
            read.append(datetime.strptime(text, form))
        except ValueError:
            return None
    return read


def written(column: Column, value: Decimal) -> str:
    """Return a number as a column's are written, with thousands separators and its unit."""
    sign = "-" if value < 0 else ""
    return f"{sign}{column.unit_before}{abs(value):,f}{column.unit_after}"
