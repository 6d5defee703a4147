"""Layout analysis of printed pages: lines, columns, paragraphs and hyphenated words from character boxes."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from index.formats.content import Boxes, Place

NOWHERE = (math.nan, math.nan, math.nan, math.nan)
"""Rectangle of a character that is not printed."""

Rectangle = tuple[float, float, float, float]
"""Left, top, right, bottom in points, from the upper left corner of the page."""

_SAME_LINE = 0.5
"""Smallest vertical overlap of two characters on one line, as a share of the lower one's height."""
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

_WITHOUT_HYPHEN = "\b"
_HYPHENS = "-\u2010"
_SENTENCE_END = re.compile(r"[.!?:;…][\"')\]”’»]*$")  # noqa: RUF001 (quotation marks as they are printed)
_WORD = re.compile(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*")
_CUT_WORD = re.compile(rf"(?P<before>[^\W_]+)[{_HYPHENS}]$")
_FIRST_WORD = re.compile(r"[^\W\d_]+")
_KEEP_HYPHEN = frozenset("all anti co cross ex full half high long low non post pre self short well".split())
"""Prefixes of English words that are mostly hyphenated."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line of print, or the part of it that is in one column.

    Attributes:
        text: Its characters; all white space is single spaces, none at the ends.
        rectangles: Rectangle of each character; `NOWHERE` for an inserted space.
        box: Bounding box of all characters.
        height: Median height of its characters, in points.
        is_row: Whether it consists of several pieces far apart: a table row.
    """

    text: str
    rectangles: tuple[Rectangle, ...]
    box: Rectangle
    height: float
    is_row: bool = False

    @property
    def first_word_width(self) -> float:
        """Width of the text before the first space, in points."""
        end = self.text.find(" ")
        printed = [box for box in self.rectangles[: None if end < 0 else end] if not math.isnan(box[0])]
        return max(box[2] for box in printed) - min(box[0] for box in printed)


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """The lines of a page in reading order.

    Attributes:
        size: Width and height in points.
        lines: Its lines.
        separators: Separator before each line: " " within a paragraph, a newline at a deliberate line break, an empty
            line before a new paragraph. The first one separates it from the page before.
    """

    size: tuple[float, float]
    lines: tuple[Line, ...]
    separators: tuple[str, ...]


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


def lay_out(size: tuple[float, float], characters: Sequence[tuple[str, Rectangle]]) -> Page:
    """Find the lines and paragraphs of a page.

    Args:
        size: Width and height in points.
        characters: The characters printed on it with their rectangles, in file order, which is taken as reading order
            except where lines of two columns alternate; `NOWHERE` for spaces and newlines that pdfium inserted.

    Returns:
        The page.
    """
    stretches = [line for line in map(make_line, _stretches(characters)) if line is not None]
    lines = tuple(_whole_lines(_in_reading_order(stretches)))
    return Page(size, lines, tuple(_separators(lines)))


def set_text(pages: Sequence[Page]) -> tuple[str, tuple[Place, ...], Boxes]:
    """Join pages to one text, and hyphenated words within it.

    Args:
        pages: The pages.

    Returns:
        The text, a place for each page that has text, and each character's box.
    """
    words = _vocabulary(pages)
    text: list[str] = []
    numbers: list[int] = []
    rectangles: list[Rectangle] = []
    places: list[Place] = []
    before: Page | None = None
    for number, page in enumerate(pages):
        last = before.lines[-1] if before is not None else None
        for line, separator in zip(page.lines, page.separators, strict=True):
            begins = line is page.lines[0]
            given = _over_the_break(before.lines, before.lines[-1], line) if begins and before else separator
            between = _joint(last, line, given, words) if last is not None else ""
            if between == _WITHOUT_HYPHEN:
                del text[-1], numbers[-1], rectangles[-1]
                between = ""
            text.extend(between)
            numbers.extend(-1 for _ in between)
            rectangles.extend(NOWHERE for _ in between)
            if begins:
                places.append(Place(len(text), f"page {number + 1}"))
            text.extend(line.text)
            numbers.extend(-1 if math.isnan(box[0]) else number for box in line.rectangles)
            rectangles.extend(line.rectangles)
            last = line
        before = page if page.lines else before
    sizes = np.array([page.size for page in pages], dtype=np.float32).reshape(-1, 2)
    return "".join(text), tuple(places), _boxes(sizes, numbers, rectangles)


def _boxes(sizes: NDArray[np.float32], numbers: list[int], rectangles: list[Rectangle]) -> Boxes:
    return Boxes(sizes, np.array(numbers, dtype=np.int32), np.array(rectangles, dtype=np.float32).reshape(-1, 4))


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
    if newline and not _on_one_line(last, box):
        return True
    return _distance(last, box) > _WIDE_GAP * max(last[3] - last[1], box[3] - box[1])


def _want_space(pair: str, last: Rectangle, box: Rectangle, newline: bool) -> bool:
    """Return whether two characters on a line, with no white space in between, belong to different words."""
    if pair.isdigit():
        # A footnote mark is not a digit of the number before it.
        return abs((last[3] - last[1]) - (box[3] - box[1])) > _SAME_SIZE * max(last[3] - last[1], box[3] - box[1])
    return newline and _distance(last, box) > _WORD_GAP * (box[3] - box[1])


def _on_one_line(one: Rectangle, other: Rectangle) -> bool:
    overlap = min(one[3], other[3]) - max(one[1], other[1])
    return overlap >= _SAME_LINE * min(one[3] - one[1], other[3] - other[1])


def _distance(one: Rectangle, other: Rectangle) -> float:
    """Return the horizontal gap in points, in either writing direction; negative if they overlap."""
    return max(other[0] - one[2], one[0] - other[2])


def _whole_lines(stretches: Sequence[Line]) -> Iterator[Line]:
    """Join stretches that are side by side, such as table cells, to lines."""
    row: list[Line] = []
    for stretch in stretches:
        if row and not (_on_one_line(row[-1].box, stretch.box) and stretch.box[0] >= row[-1].box[2]):
            yield _joined(row)
            row = []
        row.append(stretch)
    if row:
        yield _joined(row)


def _joined(row: list[Line]) -> Line:
    if len(row) == 1:
        return row[0]
    characters: list[tuple[str, Rectangle]] = []
    for stretch in row:
        characters += [(" ", NOWHERE), *zip(stretch.text, stretch.rectangles, strict=True)]
    line = make_line(characters) or row[0]
    is_row = any(_distance(one.box, other.box) > _CELL_GAP * line.height for one, other in pairwise(row))
    return replace(line, is_row=is_row)


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


def _separators(lines: Sequence[Line]) -> Iterator[str]:
    """Yield the separator before each line."""
    leadings = [below.box[3] - above.box[3] for above, below in pairwise(lines) if _goes_on_below(above, below)]
    leading = median(leadings) if leadings else 0.0
    before: Line | None = None
    for block in _blocks(lines):
        # A paragraph may continue in the next column.
        yield "\n\n" if before is None else _over_the_break(lines, before, block[0])
        margin = sorted(line.box[2] for line in block)[math.ceil(_MARGIN * (len(block) - 1))]
        for above, line in pairwise(block):
            if line.box[3] - above.box[3] > _WIDE_LEADING * leading or _is_indented(above, line, margin):
                yield "\n\n"
            else:
                yield "\n" if _is_broken_on_purpose(above, line, margin) else " "
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


def _is_broken_on_purpose(above: Line, line: Line, margin: float) -> bool:
    if above.is_row or line.is_row:
        return True
    return _would_fit(line, above, margin) and _CUT_WORD.search(above.text) is None


def _would_fit(line: Line, above: Line, margin: float) -> bool:
    """Return whether the first word would have fitted on the line above: then the line break is deliberate."""
    return above.box[2] + line.first_word_width + _WORD_GAP * above.height < margin


def _is_indented(above: Line, line: Line, margin: float) -> bool:
    ended = _SENTENCE_END.search(above.text) is not None or _would_fit(line, above, margin)
    return ended and line.box[0] - above.box[0] > _INDENT * line.height


def _over_the_break(lines: Sequence[Line], last: Line, line: Line) -> str:
    """Return the separator between the last line of a column or page and the first of the next.

    The paragraph continues if the last line has full width and does not end a sentence, and the next one begins with a
    lower-case letter.
    """
    is_full = _width(last) >= _FULL_LINE * median(map(_width, lines))
    goes_on = is_full and _are_alike(last, line) and line.text[0].islower() and not _SENTENCE_END.search(last.text)
    return " " if goes_on else "\n\n"


def _width(line: Line) -> float:
    return line.box[2] - line.box[0]


# Words cut at a line's end ----------------------------------------------------------------------------------------


def _vocabulary(pages: Sequence[Page]) -> frozenset[str]:
    """Return the text's words in lower case, except those at line ends and starts, which may be halves."""
    return frozenset(
        match.group().lower()
        for page in pages
        for line in page.lines
        for match in _WORD.finditer(line.text)
        if match.start() > 0 and match.end() < len(line.text.rstrip(_HYPHENS))
    )


def _joint(last: Line, line: Line, separator: str, words: frozenset[str]) -> str:
    """Return the separator between two lines; `_WITHOUT_HYPHEN` to remove the hyphen at the first one's end."""
    cut = _CUT_WORD.search(last.text) if separator == " " else None
    if cut is None:
        return separator
    rest = _FIRST_WORD.match(line.text)
    if rest is None:
        return "" if line.text[0].isdigit() else separator
    if rest.group() in {"and", "or", "und", "oder", "et", "ou", "y", "o"}:  # "pre- and post-war"
        return separator
    return "" if _keeps_hyphen(cut, rest.group(), words) else _WITHOUT_HYPHEN


def _keeps_hyphen(cut: re.Match[str], rest: str, words: frozenset[str]) -> bool:
    """Return whether a hyphen at a line's end belongs to the word, judged by the rest of the text or else by rule."""
    before = cut["before"].lower()
    after = rest.lower()
    if not before.isalpha() or cut.string[: cut.start()].endswith(tuple(_HYPHENS)):
        return True
    if before + after in words:
        return False
    if not rest[0].islower():
        return True
    if f"{before}-{after}" in words or before in _KEEP_HYPHEN:
        return True
    return before in words and after in words
