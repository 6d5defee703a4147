"""Layout of a document for reading: its text as headings, lists, tables, code or slides, in place of one long column.

Only stretches of the stored text and what they are leave this module: the page builds elements of its own from them.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from index.formats.content import Place
from index.formats.kinds import CODE, CSV, JSON, JSONL, MARKDOWN, ODF, PPTX, PROSE, XLSX, Kind, kind_by_head
from index.formats.text.markdown import HEADING_SEPARATOR
from qa.web.documents.elements import Element, trimmed
from qa.web.documents.markdown_layout import markdown_elements

View = Literal["document", "slides", "sheet", "code", "text"]

_BLOCK = re.compile(r"\S(?:[^\n\r]|\r?\n(?!\s*\n)|\r(?!\n))*")
_ITEM = re.compile(r"([ \t]*)(?:[-•◦▪‣*–]|\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-z]|[ivxl]{1,5})[.)])[ \t]+\S", re.IGNORECASE)
_SLIDE = re.compile(r"slide (\d+)(, notes)?")
_MAX_LEVEL = 6
_MAX_DEPTH = 6


def view_of(name: str, n_pages: int) -> View:
    """Return how a document is best shown.

    Args:
        name: Its name, whose suffix tells the kind.
        n_pages: Number of its pages, 0 for formats without.

    Returns:
        The view; "text" is the text as it is stored.
    """
    kind = kind_by_head(name, b"")
    if n_pages or kind is None or kind is PROSE:
        return "text"
    return _VIEWS.get(kind, "document")


_VIEWS: dict[Kind, View] = {
    PPTX: "slides", ODF: "slides", XLSX: "sheet", CSV: "sheet", CODE: "code", JSON: "code", JSONL: "code"
}  # fmt: skip


def elements_of(name: str, text: str, places: Sequence[Place]) -> list[Element]:
    """Lay out a text, or a stretch of one.

    Args:
        name: The document's name.
        text: The text.
        places: The document's places in it, with offsets in this text.

    Returns:
        Its elements in order, outer ones before inner ones.
    """
    if kind_by_head(name, b"") is MARKDOWN:
        return markdown_elements(text)
    slides = [(place, *match.groups()) for place in places if (match := _SLIDE.fullmatch(place.label))]
    if not slides:
        return list(_blocks(text, 0, len(text), _headings(text, places)))
    found: list[Element] = []
    ends = [place.start for place, _, _ in slides[1:]] + [len(text)]
    for (place, number, notes), end in zip(slides, ends, strict=True):
        start, after = trimmed(text, place.start, end)
        if start == after:
            continue
        found.append(Element("notes" if notes else "slide", start, after, int(number)))
        inner = list(_blocks(text, start, after, {}))
        if not notes and inner and inner[0].tag == "p":
            inner[0] = inner[0]._replace(tag="h", number=2)
        found += inner
    return found


def _headings(text: str, places: Sequence[Place]) -> dict[int, int]:
    """Return the level of each heading by its offset: of places that begin with their own label."""
    levels = {}
    for place in places:
        *above, last = place.label.split(HEADING_SEPARATOR)
        if last and text.startswith(last.rstrip("…"), place.start):
            levels[place.start] = min(len(above) + 1, _MAX_LEVEL)
    return levels


def _blocks(text: str, start: int, end: int, headings: dict[int, int]) -> Iterator[Element]:
    """Yield the paragraphs, headings and lists of a stretch."""
    for block in _BLOCK.finditer(text, start, end):
        first, after = trimmed(text, *block.span())
        line_end = _end_of_line(text, first, after)
        if first in headings:
            yield Element("h", first, line_end, headings[first])
            yield Element("text", first, line_end)
            first, _ = trimmed(text, line_end, after)
        if first < after:
            yield from _paragraph(text, _start_of_line(text, first), after)


def _paragraph(text: str, start: int, end: int) -> Iterator[Element]:
    """Yield a paragraph, or the items of a list among its lines."""
    lines = [line.span() for line in re.compile(r"[^\n\r]+").finditer(text, start, end) if line[0].strip()]
    items = [(first, after, _ITEM.match(text, first, after)) for first, after in lines]
    if sum(1 for *_, item in items if item) < 2:  # noqa: PLR2004 (one item alone is rather a sentence: "1. January …")
        first, after = trimmed(text, start, end)
        yield from (Element("p", first, after), Element("text", first, after))
        return
    yield Element("ul", start, end)
    ends = [first for first, _, _ in items[1:]] + [end]
    for (first, after, item), following in zip(items, ends, strict=True):
        depth = min(len(item[1].expandtabs(2)) // 2, _MAX_DEPTH) if item else 0
        yield Element("li", first, following, depth)
        yield Element("text", *trimmed(text, first, after))


def _end_of_line(text: str, start: int, end: int) -> int:
    found = re.compile(r"[\n\r]").search(text, start, end)
    return end if found is None else found.start()


def _start_of_line(text: str, start: int) -> int:
    return max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
