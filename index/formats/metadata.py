"""What files say of themselves, in one way of writing: dates in ISO 8601, languages in ISO 639-1."""

import re
from datetime import date, datetime
from email.utils import parsedate_to_datetime

_ISO_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?![\d.])")
_MAX_CHARS = 500
_LANGUAGE = re.compile(r"([A-Za-z]{2})(?:[-_].*)?")


def one_line(words: str) -> str:
    """The words on one line, as many of them as say what they have to.

    Args:
        words: A title, a name, a description.

    Returns:
        At most 500 characters without line breaks.
    """
    return " ".join(words[: 4 * _MAX_CHARS].split())[:_MAX_CHARS]


def iso_date(said: str) -> str:
    """The day that a date names.

    Args:
        said: As the file has it: ISO 8601, or as in a mail.

    Returns:
        "2026-05-04", "2026-05" or "2026"; "" where it is no date.
    """
    said = said[:_MAX_CHARS].strip()
    if found := _ISO_DATE.match(said):
        year, month, day = (int(part or 1) for part in found.groups())
        try:
            date(year, month, day)
        except ValueError:
            return ""
        return found[0]
    moment = mail_date(said)
    return moment.date().isoformat() if moment else ""


def mail_date(said: str) -> datetime | None:
    """The moment that a mail's date names.

    Args:
        said: "Mon, 4 May 2026 10:00:00 +0200".

    Returns:
        The moment, in the zone it is said in; None where it is none.
    """
    try:
        return parsedate_to_datetime(said[:_MAX_CHARS])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def language_code(tag: str) -> str:
    """The language of a tag.

    Args:
        tag: "en-GB".

    Returns:
        "en"; "" where it names no language that has a code of two letters.
    """
    found = _LANGUAGE.fullmatch(tag.strip()[:40])
    return found[1].lower() if found else ""
