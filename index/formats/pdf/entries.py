"""Places what was filled into a page, such as values of form fields, beside its printed label."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from index.formats.pdf.annotations import Entry
from index.formats.pdf.lines import Line, Rectangle, make_line, on_one_line

_BUTTON_REACH = 3.0
"""Largest gap between a checkbox and the label to its right, in heights of the box."""
_FILLERS = "_.\u2026"
"""What is printed where something is to be filled in."""
_ABOVE_REACH = 1.5
"""Largest gap between a field and the label above it, in heights of the label."""


def with_entries(stretches: Sequence[Line], entries: Sequence[Entry]) -> list[Line]:
    """Insert what was filled in.

    Args:
        stretches: The printed stretches of a page, in reading order.
        entries: What was filled in, with rectangles on the same page.

    Returns:
        The stretches with the entries, each behind the label to its left or above it, or for a checkbox before the
        label to its right. An entry without one is named as in the file.
    """
    placed = list(stretches)
    for entry in sorted(entries, key=lambda entry: (entry.box[1], entry.box[0])):
        for number, (words, box) in enumerate(_rows(entry)):
            _insert(placed, replace(entry, text=words, box=box, name="" if number else entry.name))
    return placed


def _rows(entry: Entry) -> Iterator[tuple[str, Rectangle]]:
    """Yield the lines of an entry, each with its share of the rectangle."""
    rows = [row for row in entry.text.split("\n") if row.strip()]
    left, top, right, bottom = entry.box
    height = (bottom - top) / len(rows)
    for number, row in enumerate(rows):
        yield row, (left, top + number * height, right, top + (number + 1) * height)


def _insert(placed: list[Line], entry: Entry) -> None:
    beside = [at for at, stretch in enumerate(placed) if on_one_line(stretch.box, entry.box)]
    label = _label_to_the_right(placed, beside, entry)
    if label is not None:
        placed[label:label] = _lines(entry)
        return
    before = max(
        (at for at in beside if placed[at].box[0] < entry.box[0]), key=lambda at: placed[at].box[0], default=-1
    )
    above = [at for at, stretch in enumerate(placed) if _is_above(stretch, entry.box)]
    if before >= 0 and not (placed[before].is_entry and above):
        at = before
        head, tail = _split(placed[at], entry.box[0])
        placed[at : at + 1] = [*head, *_lines(entry, entry.state), *tail]
        return
    if above:
        at = max(above, key=lambda at: placed[at].box[3]) + 1
        placed[at:at] = _lines(entry, entry.state)
        return
    below = (at for at, stretch in enumerate(placed) if stretch.box[1] >= entry.box[1])
    at = next(below, len(placed))
    placed[at:at] = _lines(replace(entry, text=_named(entry)), entry.state)


def _label_to_the_right(placed: Sequence[Line], beside: Sequence[int], entry: Entry) -> int | None:
    """Return where the label of a checkbox is, if it is close to the right of it."""
    after = [at for at in beside if placed[at].box[0] >= entry.box[0] and not placed[at].is_entry]
    if not entry.is_button or not after:
        return None
    at = min(after, key=lambda at: placed[at].box[0])
    reach = _BUTTON_REACH * (entry.box[3] - entry.box[1])
    return at if placed[at].box[0] - entry.box[2] <= reach else None


def _split(stretch: Line, left: float) -> tuple[list[Line], list[Line]]:
    """Split a stretch where its words are to the right of an entry, which lies over it."""
    places = enumerate(stretch.rectangles)
    at = next((place for place, box in places if not math.isnan(box[0]) and box[0] >= left), None)
    if at is None or stretch.is_entry:
        return [stretch], []
    while at and stretch.text[at - 1] in _FILLERS:
        at -= 1
    characters = list(zip(stretch.text, stretch.rectangles, strict=True))
    head, tail = make_line(characters[:at]), make_line(characters[at:])
    return ([stretch], []) if head is None or tail is None else ([head], [tail])


def _is_above(stretch: Line, box: Rectangle) -> bool:
    gap = box[1] - stretch.box[3]
    overlap = min(stretch.box[2], box[2]) - max(stretch.box[0], box[0])
    return overlap > 0 and -0.5 * stretch.height <= gap <= _ABOVE_REACH * stretch.height and not stretch.is_entry


def _named(entry: Entry) -> str:
    return f"{entry.name.rstrip(':')}: {entry.text}" if entry.name else entry.text


def _lines(entry: Entry, state: str = "") -> list[Line]:
    """Return an entry as a line, each of whose characters has the rectangle of the field; none if it is blank."""
    line = make_line((character, entry.box) for character in f"{entry.text} {state}")
    return [] if line is None else [replace(line, is_entry=True)]
