"""Calendars: events, tasks and journal entries, a paragraph each."""

import re
from collections.abc import Iterator
from datetime import date

from index.errors import EmptyFileError, UnreadableFileError
from index.formats.assembling import Assembly
from index.formats.content import Content
from index.formats.mail.content_lines import Component, Line, components
from index.formats.metadata import one_line

_KINDS = {"VEVENT": "Event", "VTODO": "Task", "VJOURNAL": "Journal entry"}
_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})?(Z?))?")
_TEXTS = (("LOCATION", "Place"), ("STATUS", "Status"), ("CATEGORIES", "Categories"), ("URL", "Address"))
_FREQUENCIES = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year", "HOURLY": "hour"}
_DAYS = dict(
    zip("MO TU WE TH FR SA SU".split(), "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(), strict=True)
)


def load_calendar(content: bytes) -> Content:
    """Read a calendar.

    Args:
        content: The file's bytes.

    Returns:
        A paragraph for each event, task and journal entry, with a line for each of its fields: "Start: 2026-05-04
        10:00 (Europe/Berlin)". Its place is its title and day. Times are as written, in their own time zones.

    Raises:
        EmptyFileError: It holds no entry with text.
        UnreadableFileError: The file is not a calendar.
    """
    calendars = list(components(content))
    if not any(calendar.name == "VCALENDAR" for calendar in calendars):
        raise UnreadableFileError("damaged, or not a calendar: it does not begin with BEGIN:VCALENDAR")
    text = Assembly()
    for calendar in calendars:
        for entry in calendar.inner:
            if entry.name in _KINDS:
                text.stand(_label(entry))
                text.add("\n".join(_fields(entry)))
    if not text.length:
        raise EmptyFileError("empty: it holds no events")
    return text.content(next((name for each in calendars if (name := each.said("X-WR-CALNAME"))), ""), {})


def _label(entry: Component) -> str:
    start = entry.first("DTSTART") or entry.first("DUE")
    day = _TIME.match(start.value) if start is not None else None
    title = one_line(entry.said("SUMMARY")) or _KINDS[entry.name]
    return f"{title}, {day[1]}-{day[2]}-{day[3]}" if day else title


def _fields(entry: Component) -> Iterator[str]:
    if title := entry.said("SUMMARY"):
        yield f"{_KINDS[entry.name]}: {title}"
    for name, label in (("DTSTART", "Start"), ("DTEND", "End"), ("DUE", "Due"), ("COMPLETED", "Completed")):
        line = entry.first(name)
        if line is not None:
            yield f"{label}: {_moment(line, is_end=name == 'DTEND')}"
    for line in entry.all("RRULE"):
        yield f"Repeats: {_repetition(line.value)}"
    for name, label in _TEXTS:
        if words := entry.said(name):
            yield f"{label}: {words}"
    people = [("Organizer", entry.all("ORGANIZER")), ("Attendees", entry.all("ATTENDEE"))]
    yield from (f"{label}: {', '.join(map(_person, lines))}" for label, lines in people if lines)
    for name in ("DESCRIPTION", "COMMENT"):
        if words := entry.said(name):
            yield words


def _moment(line: Line, *, is_end: bool) -> str:
    match = _TIME.match(line.value)
    if match is None:
        return line.words
    year, month, day, hour, minute, _, utc = match.groups()
    if hour is None:
        return _day_before(f"{year}-{month}-{day}") if is_end else f"{year}-{month}-{day}"
    zone = "UTC" if utc else line.parameters.get("TZID", "")
    return f"{year}-{month}-{day} {hour}:{minute}" + (f" ({zone})" if zone else "")


def _day_before(day: str) -> str:
    """Return the last day of an event of whole days, whose end is written as the day after."""
    try:
        return date.fromordinal(date.fromisoformat(day).toordinal() - 1).isoformat()
    except ValueError:
        return day


def _repetition(rule: str) -> str:
    """Return a rule in words, "every 2 weeks on Monday until 2026-12-31"; as written if it says more than that."""
    parts = dict(part.partition("=")[::2] for part in rule.strip().split(";"))
    unit = _FREQUENCIES.get(parts.pop("FREQ", ""))
    step = parts.pop("INTERVAL", "1")
    parts.pop("WKST", None)
    until = _TIME.match(parts.pop("UNTIL", ""))
    times = parts.pop("COUNT", "")
    days = [_DAYS.get(day, "") for day in parts.pop("BYDAY", "").split(",") if day]
    if unit is None or parts or not all(days) or not step.isdigit():
        return rule
    words = f"every {unit}" if step == "1" else f"every {step} {unit}s"
    words += f" on {', '.join(days)}" if days else ""
    words += f" until {until[1]}-{until[2]}-{until[3]}" if until else ""
    return f"{words}, {times} times" if times else words


def _person(line: Line) -> str:
    address = re.sub("^mailto:", "", line.words.strip(), flags=re.IGNORECASE)
    name = line.parameters.get("CN", "").strip()
    return f"{name} <{address}>" if name and name != address else address
