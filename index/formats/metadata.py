"""Normalizes metadata: dates to ISO 8601, languages to ISO 639-1."""

import re
from datetime import date, datetime
from email.utils import parsedate_to_datetime

_ISO_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?![\d.])")
_MAX_CHARS = 500
_LANGUAGE = re.compile(r"([A-Za-z]{2})(?:[-_].*)?")


def one_line(words: str) -> str:
    """Return the text on one line, cut to 500 characters."""
    return " ".join(words[: 4 * _MAX_CHARS].split())[:_MAX_CHARS]


def iso_date(said: str) -> str:
    """Return the date in ISO 8601, without a time.

    Args:
        said: A date in ISO 8601, or in the format of mail headers (RFC 5322).

    Returns:
        "2026-05-04", "2026-05" or "2026"; "" if it is not a date.
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
    """Parse the date of a mail header (RFC 5322).

    Args:
        said: "Mon, 4 May 2026 10:00:00 +0200".

    Returns:
        The time, in the time zone given; None if it cannot be parsed.
    """
    try:
        return parsedate_to_datetime(said[:_MAX_CHARS])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def language_code(tag: str) -> str:
    """Return the two-letter language code of a language tag.

    Args:
        tag: "en-GB".

    Returns:
        "en"; "" if the tag has no two-letter language.
    """
    found = _LANGUAGE.fullmatch(tag.strip()[:40])
    return found[1].lower() if found else ""
