"""Lines of print and pages of them: what layout analysis works on, and what it results in."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import median

from index.formats.tables import Line as WrittenLine

NOWHERE = (math.nan, math.nan, math.nan, math.nan)
"""Rectangle of a character that is not printed."""

Rectangle = tuple[float, float, float, float]
"""Left, top, right, bottom in points, from the upper left corner of the page."""

NEW_PARAGRAPH = "\n\n"
"""Separator of paragraphs in the text."""

_SAME_LINE = 0.5
"""Smallest vertical overlap of two characters on one line, as a share of the lower one's height."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line of print, or the part of it that is in one column.

    Attributes:
        text: Its characters; all white space is single spaces, none at the ends.
        rectangles: Rectangle of each character; `NOWHERE` for an inserted space.
        box: Bounding box of all characters.
        height: Median height of its characters, in points.
        is_row: Whether it consists of several pieces far apart: a table row.
        is_entry: Whether it was filled in, so that it may lie over what is printed.
        is_aside: Whether it is no part of the page's sentences: a running header, a page number, a comment.
        pieces: What it was joined from, if from several pieces side by side.
        row: The table row that it is, before it is written with its headers; None for other lines.
        written: The table row that it is, once it is written; None for other lines.
    """

    text: str
    rectangles: tuple[Rectangle, ...]
    box: Rectangle
    height: float
    is_row: bool = False
    is_entry: bool = False
    is_aside: bool = False
    pieces: tuple["Line", ...] = ()
    row: "TableRow | None" = None
    written: "Written | None" = None

    @property
    def first_word_width(self) -> float:
        """Width of the text before the first space, in points."""
        end = self.text.find(" ")
        printed = [box for box in self.rectangles[: None if end < 0 else end] if not math.isnan(box[0])]
        return max(box[2] for box in printed) - min(box[0] for box in printed)


@dataclass(frozen=True, slots=True, eq=False)
class PrintedCell:
    """A cell of a table.

    Attributes:
        line: What is printed in it, as one line; None if it is empty.
        n_columns: Number of columns that it spans.
        n_rows: Number of rows that it spans.
    """

    line: Line | None
    n_columns: int = 1
    n_rows: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class TableRow:
    """A row of a table on a page.

    Attributes:
        columns: Where its table's columns begin, and the last one ends, in points; the same object for all its rows.
        number: Its number in the table, from 0; those of blank rows are missing.
        cells: The cells that begin in it, from left to right.
    """

    columns: tuple[float, ...]
    number: int
    cells: tuple[PrintedCell, ...]

    def as_line(self) -> Line | None:
        """Return the row as a line of print; None if it is blank."""
        printed = [cell.line for cell in self.cells if cell.line is not None]
        line = make_line(
            its for cell in printed for its in ((" ", NOWHERE), *zip(cell.text, cell.rectangles, strict=True))
        )
        if line is None:
            return None
        box = (self.columns[0], line.box[1], self.columns[-1], line.box[3])
        return replace(line, box=box, is_row=True, row=self)


@dataclass(frozen=True, slots=True)
class Written:
    """A table row as it is written.

    Attributes:
        table: Number of its table in the document.
        line: Its text, and where in it the values are.
        about: What its table is about: its caption.
    """

    table: int
    line: WrittenLine
    about: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """The lines of a page in reading order.

    Attributes:
        size: Width and height in points.
        lines: Its lines.
        separators: Separator before each line: " " within a paragraph, a newline at a deliberate line break, an empty
            line before a new paragraph. The first one separates it from the page before.
        confidence: How sure OCR is of the letters, 0 to 100; 100 if they are those of the file.
    """

    size: tuple[float, float]
    lines: tuple[Line, ...]
    separators: tuple[str, ...]
    confidence: float = 100.0

    def asides(self) -> "Page":
        """Return the page with its asides only."""
        kept = [(line, its) for line, its in zip(self.lines, self.separators, strict=True) if line.is_aside]
        return Page(self.size, tuple(line for line, _ in kept), tuple(its for _, its in kept))


def make_line(characters: Iterable[tuple[str, Rectangle]]) -> Line | None:
    """Build a line from its characters.

    Args:
        characters: Each with its rectangle; any white space becomes single spaces.

    Returns:
        The line; None if it is blank.
    """
    kept: list[tuple[str, Rectangle]] = []
    for character, box in characters:
        if not character.isspace():
            kept.append((character, box))
        elif kept and kept[-1][0] != " ":
            kept.append((" ", box))
    if kept and kept[-1][0] == " ":
        kept.pop()
    printed = [box for character, box in kept if character != " " and not math.isnan(box[0])]
    if not printed:
        return None
    lefts, tops, rights, bottoms = zip(*printed, strict=True)
    around = (min(lefts), min(tops), max(rights), max(bottoms))
    height = median(bottom - top for _, top, _, bottom in printed)
    return Line("".join(character for character, _ in kept), tuple(box for _, box in kept), around, height)


def on_one_line(one: Rectangle, other: Rectangle) -> bool:
    """Return whether two rectangles overlap vertically enough to be on one line."""
    overlap = min(one[3], other[3]) - max(one[1], other[1])
    return overlap >= _SAME_LINE * min(one[3] - one[1], other[3] - other[1])


def distance(one: Rectangle, other: Rectangle) -> float:
    """Return the horizontal gap in points, in either writing direction; negative if they overlap."""
    return max(other[0] - one[2], one[0] - other[2])
