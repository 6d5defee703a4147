"""Layout analysis of printed pages: lines, columns, paragraphs and hyphenated words from character boxes."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

import numpy as np

from index.formats.pdf.annotations import Entry
from index.formats.pdf.entries import with_entries
from index.formats.pdf.lines import NEW_PARAGRAPH, NOWHERE, Line, Page, Rectangle, distance, make_line, on_one_line
from index.formats.pdf.tables.aligned import with_aligned_tables
from index.formats.pdf.tables.ruled import with_ruled_tables
from index.formats.pdf.tables.rulings import NO_RULINGS, Rulings

_WIDE_GAP = 0.8
"""Gap, in character heights, above which two words may be in different columns."""
_CELL_GAP = 2.0
"""Gap, in character heights, above which they are cells of a table row: wider than word gaps in justified text."""
_WORD_GAP = 0.15
_SAME_SIZE = 0.12
_WIDE_LEADING = 1.3
_INDENT = 0.7
_MIN_COLUMN_LINES = 4
_MIN_COLUMN_CHARS = 12
_MAX_SPANNING = 0.25
"""Largest share of lines that may span both columns: titles, captions."""
_HALF_GUTTER = 0.5
_MAX_CANDIDATES = 20
_MAX_DEPTH = 3
_MARGIN = 0.9
"""Share of a column's lines that end at or before its right margin; a heading may extend beyond."""
_INTERLEAVED = 0.7
"""Share of lines followed by one in the other column: as high as this only in files that store text row by row."""

_FULL_LINE = 0.8

HYPHENS = "-\u2010"
_SENTENCE_END = re.compile(r"[.!?:;…][\"')\]”’»]*$")  # noqa: RUF001 (quotation marks as they are printed)
CUT_WORD = re.compile(rf"(?P<before>[^\W_]+)[{HYPHENS}]$")


def lay_out(
    size: tuple[float, float],
    characters: Sequence[tuple[str, Rectangle]],
    entries: Sequence[Entry] = (),
    drawn: Callable[[], Rulings] = lambda: NO_RULINGS,
) -> Page:
    """Find the lines and paragraphs of a page.

    Args:
        size: Width and height in points.
        characters: The characters printed on it with their rectangles, in file order, which is taken as reading order
            except where lines of two columns alternate; `NOWHERE` for spaces and newlines that pdfium inserted.
        entries: What was filled in, to be put beside its printed label.
        drawn: Finds the lines drawn on the page, which may be those of tables.

    Returns:
        The page.
    """
    stretches = [line for line in map(make_line, _stretches(characters)) if line is not None]
    stretches = with_ruled_tables(stretches, drawn, [entry.box for entry in entries])
    ordered = _in_reading_order(stretches)
    lines = with_aligned_tables(list(_whole_lines(with_entries(ordered, entries) if entries else ordered)))
    return Page(size, tuple(lines), tuple(separators(lines)))


# Lines ------------------------------------------------------------------------------------------------------------


def _stretches(characters: Sequence[tuple[str, Rectangle]]) -> Iterator[list[tuple[str, Rectangle]]]:
    """Yield runs of characters without a new line or a wide gap in between."""
    run: list[tuple[str, Rectangle]] = []
    last: Rectangle | None = None
    newline = False
    for character, box in characters:
        if character.isspace() or math.isnan(box[0]):
            if character in "\r\n":
                newline = True
            else:
                run.append((character, box))
            continue
        if last is not None and _are_apart(last, box, newline):
            yield run
            run = []
        elif last is not None and _want_space(run[-1][0] + character, last, box, newline):
            run.append((" ", NOWHERE))
        run.append((character, box))
        last, newline = box, False
    yield run


def _are_apart(last: Rectangle, box: Rectangle, newline: bool) -> bool:
    if newline and not on_one_line(last, box):
        return True
    return distance(last, box) > _WIDE_GAP * max(last[3] - last[1], box[3] - box[1])


def _want_space(pair: str, last: Rectangle, box: Rectangle, newline: bool) -> bool:
    """Return whether two characters on a line, with no white space in between, belong to different words."""
    if pair.isdigit():
        # A footnote mark is not a digit of the number before it.
        return abs((last[3] - last[1]) - (box[3] - box[1])) > _SAME_SIZE * max(last[3] - last[1], box[3] - box[1])
    return newline and distance(last, box) > _WORD_GAP * (box[3] - box[1])


def _whole_lines(stretches: Sequence[Line]) -> Iterator[Line]:
    """Join stretches that are side by side, such as table cells, to lines."""
    row: list[Line] = []
    for stretch in stretches:
        if row and not _is_beside(row, stretch):
            yield _joined(row)
            row = []
        row.append(stretch)
    if row:
        yield _joined(row)


def _is_beside(row: Sequence[Line], stretch: Line) -> bool:
    last = row[-1]
    if last.row is not None or stretch.row is not None or not on_one_line(last.box, stretch.box):
        return False
    if stretch.is_entry or last.is_entry:  # it may lie over dots or a rule of what is printed, and be higher
        return stretch.box[0] >= last.box[0] and on_one_line(row[0].box, stretch.box)
    return stretch.box[0] >= last.box[2]


def _joined(row: list[Line]) -> Line:
    if len(row) == 1:
        return row[0]
    characters: list[tuple[str, Rectangle]] = []
    for stretch in row:
        characters += [(" ", NOWHERE), *zip(stretch.text, stretch.rectangles, strict=True)]
    line = make_line(characters) or row[0]
    printed = [stretch for stretch in row if not stretch.is_entry]
    if printed and len(printed) < len(row):  # the height of a form field is not that of a line
        top, bottom = min(stretch.box[1] for stretch in printed), max(stretch.box[3] for stretch in printed)
        box = (line.box[0], top, line.box[2], bottom)
        return replace(line, is_row=True, height=median(stretch.height for stretch in printed), box=box, is_entry=True)
    return replace(line, is_row=is_row([stretch.box for stretch in row], line.height), pieces=tuple(row))


# Columns ----------------------------------------------------------------------------------------------------------


def _in_reading_order(stretches: Sequence[Line], depth: int = 0) -> Sequence[Line]:
    """Return the lines in file order; where lines of two columns alternate, column by column."""
    gutter = _gutter(stretches) if depth < _MAX_DEPTH else None
    if gutter is None:
        return stretches
    ordered: list[Line] = []
    band: list[Line] = []
    for stretch in stretches:
        if stretch.box[0] < gutter < stretch.box[2]:
            ordered += [*_by_column(band, gutter, depth), stretch]
            band = []
        else:
            band.append(stretch)
    return [*ordered, *_by_column(band, gutter, depth)]


def _by_column(band: list[Line], gutter: float, depth: int) -> Iterator[Line]:
    yield from _in_reading_order([stretch for stretch in band if stretch.box[2] <= gutter], depth + 1)
    yield from _in_reading_order([stretch for stretch in band if stretch.box[2] > gutter], depth + 1)


def _gutter(stretches: Sequence[Line]) -> float | None:
    """Return the x position of the gap between two columns whose lines alternate; None if there are no columns."""
    if len(stretches) < 2 * _MIN_COLUMN_LINES:
        return None
    lefts = np.sort([stretch.box[0] for stretch in stretches])
    rights = np.sort([stretch.box[2] for stretch in stretches])
    candidates = np.unique(lefts) - _HALF_GUTTER
    spanning = np.searchsorted(lefts, candidates) - np.searchsorted(rights, candidates, side="right")
    likely = np.argsort(spanning, kind="stable")[:_MAX_CANDIDATES]
    places = (float(candidates[place]) for place in likely if spanning[place] <= _MAX_SPANNING * len(stretches))
    return next((place for place in places if _are_columns(stretches, place)), None)


def _are_columns(stretches: Sequence[Line], gutter: float) -> bool:
    beside = [stretch for stretch in stretches if not stretch.box[0] < gutter < stretch.box[2]]
    sides = [stretch.box[2] > gutter for stretch in beside]
    for side in (False, True):
        lengths = [len(stretch.text) for stretch, its in zip(beside, sides, strict=True) if its is side]
        if len(lengths) < _MIN_COLUMN_LINES or median(lengths) < _MIN_COLUMN_CHARS:
            return False
    switches = sum(one is not other for one, other in pairwise(sides))
    return switches >= _INTERLEAVED * min(len(sides), 2 * sides.count(True), 2 * sides.count(False))


# Paragraphs -------------------------------------------------------------------------------------------------------


def separators(lines: Sequence[Line]) -> Iterator[str]:
    """Find paragraphs and deliberate line breaks.

    Args:
        lines: The lines of a page, without those that are asides, in reading order.

    Yields:
        The separator before each line, as in `Page`.
    """
    leadings = [below.box[3] - above.box[3] for above, below in pairwise(lines) if _goes_on_below(above, below)]
    leading = median(leadings) if leadings else 0.0
    before: Line | None = None
    for block in _blocks(lines):
        # A paragraph may continue in the next column.
        yield NEW_PARAGRAPH if before is None else over_the_break(lines, before, block[0])
        margin = right_margin(block)
        for above, line in pairwise(block):
            if line.box[3] - above.box[3] > _WIDE_LEADING * leading or _is_indented(above, line, margin):
                yield NEW_PARAGRAPH
            else:
                yield "\n" if is_broken_on_purpose(above, line, margin) else " "
        before = block[-1]


def _blocks(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Group consecutive lines of one size, each below the one before."""
    block: list[Line] = []
    for line in lines:
        if block and not _goes_on_below(block[-1], line):
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _goes_on_below(above: Line, below: Line) -> bool:
    overlap = min(above.box[2], below.box[2]) - max(above.box[0], below.box[0])
    return _are_alike(above, below) and above.box[3] < below.box[3] < above.box[3] + 4 * above.height and overlap > 0


def _are_alike(one: Line, other: Line) -> bool:
    return abs(one.height - other.height) <= _SAME_SIZE * max(one.height, other.height)


def right_margin(block: Sequence[Line]) -> float:
    """Return the x position at which the lines of a block end, in points; one may extend beyond."""
    return sorted(line.box[2] for line in block)[math.ceil(_MARGIN * (len(block) - 1))]


def is_broken_on_purpose(above: Line, line: Line, margin: float) -> bool:
    """Return whether a line begins although its first word would have fitted above, or is a table row."""
    if above.is_row or line.is_row:
        return True
    return _would_fit(line, above, margin) and CUT_WORD.search(above.text) is None


def is_row(pieces: Sequence[Rectangle], height: float) -> bool:
    """Return whether pieces of a line are so far apart that they are the cells of a table row."""
    return any(distance(one, other) > _CELL_GAP * height for one, other in pairwise(pieces))


def _would_fit(line: Line, above: Line, margin: float) -> bool:
    """Return whether the first word would have fitted on the line above: then the line break is deliberate."""
    return above.box[2] + line.first_word_width + _WORD_GAP * above.height < margin


def _is_indented(above: Line, line: Line, margin: float) -> bool:
    ended = _SENTENCE_END.search(above.text) is not None or _would_fit(line, above, margin)
    return ended and line.box[0] - above.box[0] > _INDENT * line.height


def over_the_break(lines: Sequence[Line], last: Line, line: Line) -> str:
    """Find whether a paragraph continues in the next column or on the next page.

    It does if its last line has full width and does not end a sentence, and the next one begins with a lower-case
    letter.

    Args:
        lines: The lines of the page.
        last: The last line of the column or page.
        line: The first line of the next.

    Returns:
        The separator between the two.
    """
    is_full = _width(last) >= _FULL_LINE * median(map(_width, lines))
    goes_on = is_full and _are_alike(last, line) and line.text[0].islower() and not _SENTENCE_END.search(last.text)
    return " " if goes_on else NEW_PARAGRAPH


def _width(line: Line) -> float:
    return line.box[2] - line.box[0]
