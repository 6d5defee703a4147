"""Layout of a document for reading: its text as headings, lists, tables, code or slides, in place of one long column.

Only stretches of the stored text and what they are leave this module: the page builds elements of its own from them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from index.formats.content import Place
from index.formats.kinds import CODE, CSV, JSON, JSONL, MARKDOWN, ODF, PPTX, PROSE, XLSX, Kind, kind_by_head
from index.formats.text.markdown import HEADING_SEPARATOR
from index.records import TableRow
from qa.web.documents.elements import Element, trimmed
from qa.web.documents.markdown_layout import markdown_elements

View = Literal["document", "slides", "sheet", "code", "text"]

_SHEETS = (".ods", ".ots")
_BLOCK = re.compile(r"\S(?:[^\n\r]|\r?\n(?!\s*\n)|\r(?!\n))*")
_ITEM = re.compile(
    r"([ \t]*)(?:[-\u2013*\u2022\u2023\u25aa\u25e6]|\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-z]|[ivxl]{1,5})[.)])[ \t]+\S",
    re.IGNORECASE,
)
_SLIDE = re.compile(r"slide (\d+)(, notes)?")
MAX_ELEMENTS = 100_000
_MAX_BRACKETS = 10_000
"""Opening brackets of Markdown, each of which is looked up in all that follows: 10,000 take 0.2 s."""
_MAX_LINES = 20_000
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
    return "sheet" if name.lower().endswith(_SHEETS) else _VIEWS.get(kind, "document")


_VIEWS: dict[Kind, View] = {
    PPTX: "slides", ODF: "slides", XLSX: "sheet", CSV: "sheet", CODE: "code", JSON: "code", JSONL: "code"
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Head:
    """What the rows of a table share.

    Attributes:
        about: Its sheet, caption or title; "" if unknown.
        headers: Header of each column; "" for one without.
    """

    about: str
    headers: tuple[str, ...]


def elements_of(
    name: str, text: str, places: Sequence[Place], rows: Sequence[TableRow] = ()
) -> tuple[list[Element], list[Head]]:
    """Lay out a text, or a stretch of one.

    Args:
        name: The document's name.
        text: The text.
        places: The document's places in it, with offsets in this text.
        rows: The rows of tables in it, with offsets in this text, in order.

    Returns:
        Its elements in order, outer ones before inner ones; and the heads of its tables, which they refer to. None
        for Markdown that would take too long to lay out.
    """
    if kind_by_head(name, b"") is MARKDOWN:
        is_quick = text.count("[") <= _MAX_BRACKETS and text.count("\n") <= _MAX_LINES
        found = markdown_elements(text) if is_quick else []
        return (found, []) if len(found) <= MAX_ELEMENTS else ([], [])
    slides = [(place.start, slide) for place in places if (slide := _SLIDE.fullmatch(place.label)) is not None]
    outline = _Outline(text, {} if slides else _headings(text, places), rows)
    if slides:
        ends = [start for start, _ in slides[1:]] + [len(text)]
        parts = (outline.slide(slide, start, end) for (start, slide), end in zip(slides, ends, strict=True))
        return [each for part in parts for each in part], outline.heads
    return list(outline.stretch(0, len(text))), outline.heads


class _Outline:
    """Paragraphs, headings, lists and tables of a text."""

    def __init__(self, text: str, headings: Mapping[int, int], rows: Sequence[TableRow]) -> None:
        self._text = text
        self._headings = headings
        self._rows = rows
        self.heads: list[Head] = []

    def stretch(self, start: int, end: int) -> Iterator[Element]:
        """Yield the elements between two offsets."""
        for table in _grids([row for row in self._rows if start <= row.start and row.end <= end]):
            yield from _blocks(self._text, start, table[0].start, self._headings)
            yield from self._table(table)
            start = table[-1].end
        yield from _blocks(self._text, start, end, self._headings)

    def slide(self, label: re.Match[str], start: int, end: int) -> list[Element]:
        """Return the elements of a slide, whose first paragraph is its title, or of its notes; none if it is blank."""
        start, end = trimmed(self._text, start, end)
        inner = list(self.stretch(start, end))
        is_notes = label[2] is not None
        if inner and inner[0].tag == "p" and not is_notes:
            inner[0] = inner[0]._replace(tag="h", number=2)
        return [Element("notes" if is_notes else "slide", start, end, int(label[1])), *inner] if inner else []

    def _table(self, rows: Sequence[TableRow]) -> Iterator[Element]:
        headers: dict[int, str] = {}
        for each in {row.table: row for row in rows}.values():
            headers |= {column: header for column, header in enumerate(each.headers) if header}
        self.heads.append(Head(rows[0].about, tuple(headers.get(at, "") for at in range(max(headers, default=-1) + 1))))
        yield Element("table", rows[0].start, rows[-1].end, len(self.heads))
        for number, parts in groupby(rows, lambda row: row.number):
            abreast = list(parts)
            yield Element("row", abreast[0].start, abreast[-1].end, number)
            for cell in (cell for row in abreast for cell in row.cells):
                yield Element("cell", cell.start, cell.end, cell.column)
                yield Element("text", cell.start, cell.end)


def _grids(rows: Sequence[TableRow]) -> Iterator[list[TableRow]]:
    """Yield the rows of each table; tables that stand side by side, as on a sheet, are one."""
    grid: list[TableRow] = []
    tables: set[int] = set()
    for row in rows:
        last = grid[-1] if grid else None
        is_abreast = last is not None and row.number == last.number and _starts_right_of(row, last)
        if last is not None and row.table not in tables and not is_abreast:
            yield grid
            grid, tables = [], set()
        grid.append(row)
        tables.add(row.table)
    if grid:
        yield grid


def _starts_right_of(row: TableRow, other: TableRow) -> bool:
    return bool(row.cells and other.cells) and row.cells[0].column > other.cells[-1].column


def _headings(text: str, places: Sequence[Place]) -> Mapping[int, int]:
    """Return the level of each heading by its offset: of places that begin with their own label."""
    levels = {}
    for place in places:
        *above, last = place.label.split(HEADING_SEPARATOR)
        if last and text.startswith(last.rstrip("…"), place.start):
            levels[place.start] = min(len(above) + 1, _MAX_LEVEL)
    return levels


def _blocks(text: str, start: int, end: int, headings: Mapping[int, int]) -> Iterator[Element]:
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
    yield Element("items", start, end)
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
