"""Finds tables whose cells are separated by drawn lines."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise

from index.formats.pdf.lines import NOWHERE, Line, PrintedCell, Rectangle, TableRow, make_line, on_one_line
from index.formats.pdf.tables.rulings import Ruling, Rulings

_MAX_COLUMNS = 100
_FIGURE = re.compile(r"\W*\d[\d\s.,:/'%€$£+()-]*\w{0,3}\W*")
_REACH = 3.0
"""Distance, in points, up to which a line meets another."""
_MAX_RULINGS = 1_500
_MIN_REGULAR = 0.6
"""Share of rows that must have all columns: in the boxes of a form, each row is divided in its own way."""

_MIN_SUPPORT = 0.3
"""Share of a table's height or width over which the lines between two columns or rows must be drawn."""
_MOST = 0.6
"""Share of a cell's lines that must be figures, or end before they are full, to be rows of their own."""
_MAX_LABELS = 0.25
"""Largest share of cells that end with a colon: more are the labels of a form."""

_Characters = list[tuple[str, Rectangle]]
_Place = tuple[int, int]
"""Row and column of a cell."""


@dataclass(slots=True)
class _Cell:
    """A cell with what is printed in it, line by line."""

    column: int
    n_columns: int
    n_rows: int
    lines: list[list[Line]]

    def holds(self, part: Line) -> bool:
        return any(part is other for line in self.lines for other in line)


@dataclass(slots=True)
class _Grid:
    """Lines that meet one another.

    Attributes:
        horizontal: Those from left to right.
        vertical: Those from top to bottom.
        xs: Where columns begin, and the last one ends.
        ys: Where rows begin, and the last one ends.
        contents: The lines of print in each cell, by row and column.
        stretches: All that is printed in it.
    """

    horizontal: list[Ruling]
    vertical: list[Ruling]
    xs: list[float] = field(default_factory=list)
    ys: list[float] = field(default_factory=list)
    contents: defaultdict[_Place, list[Line]] = field(default_factory=lambda: defaultdict(list))
    stretches: list[Line] = field(default_factory=list)
    _begins: dict[_Place, _Place] = field(default_factory=dict)

    def contains(self, box: Rectangle) -> bool:
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        return self.xs[0] <= x <= self.xs[-1] and self.ys[0] <= y <= self.ys[-1]

    @property
    def is_turned(self) -> bool:
        """Whether its words run up or down."""
        words = [line for parts in self.contents.values() for line in parts if len(line.text) > 2]  # noqa: PLR2004
        return 2 * sum(line.box[3] - line.box[1] > line.box[2] - line.box[0] for line in words) > len(words)

    @property
    def is_form(self) -> bool:
        """Whether its cells are labels and values."""
        cells = [parts[-1].text for parts in self.contents.values()]
        return sum(text.endswith((":", "\uff1a")) for text in cells) > _MAX_LABELS * len(cells)

    def begin(self, row: int, column: int) -> _Place:
        """Return row and column where the cell that covers a place begins."""
        if (row, column) not in self._begins:
            first = column
            while first and self.width(row, first - 1) > 1:
                first -= 1
            top = row
            while top and self.height(top - 1, first) > 1:
                top -= 1
            self._begins[row, column] = top, first
        return self._begins[row, column]

    def width(self, row: int, column: int) -> int:
        """Return how many columns the cell that begins here spans."""
        middle = (self.ys[row] + self.ys[row + 1]) / 2
        return _steps(self.vertical, self.xs[column + 1 : -1], middle)

    def height(self, row: int, column: int) -> int:
        """Return how many rows the cell that begins here spans."""
        middle = (self.xs[column] + self.xs[column + 1]) / 2
        return _steps(self.horizontal, self.ys[row + 1 : -1], middle)


def with_ruled_tables(
    stretches: Sequence[Line], drawn: Callable[[], Rulings], entries: Sequence[Rectangle]
) -> list[Line]:
    """Put the rows of ruled tables in place of what is printed in them.

    Args:
        stretches: The printed stretches of a page.
        drawn: Finds the lines drawn on it; called only if words are side by side.
        entries: Rectangles of form fields: what contains them is a form, and no table.

    Returns:
        The stretches, with each table's rows where the first of its stretches was.
    """
    if not _are_side_by_side(stretches):
        return list(stretches)
    grids = [grid for grid in _grids(drawn()) if not any(grid.contains(box) for box in entries) and _is_regular(grid)]
    if not grids:
        return list(stretches)
    placed: list[Line | _Grid] = []
    for stretch in stretches:
        grid = next((grid for grid in grids if grid.contains(stretch.box)), None)
        if grid is None:
            placed.append(stretch)
            continue
        if not grid.stretches:
            placed.append(grid)
        grid.stretches.append(stretch)
        for cell, part in _parts(stretch, grid):
            grid.contents[cell].append(part)
    return [line for item in placed for line in (_rows(item) if isinstance(item, _Grid) else (item,))]


def _are_side_by_side(stretches: Sequence[Line]) -> bool:
    """Return whether at least two lines of the page consist of several stretches."""
    by_height = sorted(stretches, key=lambda stretch: stretch.box[1] + stretch.box[3])
    pairs = (on_one_line(above.box, below.box) for above, below in pairwise(by_height))
    return sum(islice(filter(None, pairs), 2)) == 2  # noqa: PLR2004


def _grids(drawn: Rulings) -> Iterator[_Grid]:
    """Yield the groups of lines that meet and make at least two rows and two columns."""
    horizontal, vertical = drawn.horizontal, drawn.vertical
    if not horizontal or not vertical or len(horizontal) + len(vertical) > _MAX_RULINGS:
        return
    left_h, left_v = set(range(len(horizontal))), set(range(len(vertical)))
    while left_h:
        grid = _Grid([], [])
        waiting = [(True, left_h.pop())]
        while waiting:
            is_horizontal, number = waiting.pop()
            line = horizontal[number] if is_horizontal else vertical[number]
            (grid.horizontal if is_horizontal else grid.vertical).append(line)
            others, lines = (left_v, vertical) if is_horizontal else (left_h, horizontal)
            met = {other for other in others if _meet(line, lines[other])}
            others -= met
            waiting += [(not is_horizontal, other) for other in met]
        grid.xs = _places(grid.vertical, grid.horizontal)
        grid.ys = _places(grid.horizontal, grid.vertical)
        if 3 <= len(grid.xs) <= _MAX_COLUMNS + 1 and len(grid.ys) >= 3:  # noqa: PLR2004 (two columns and rows)
            yield grid


def _meet(one: Ruling, other: Ruling) -> bool:
    return other.start - _REACH <= one.at <= other.end + _REACH and one.start - _REACH <= other.at <= one.end + _REACH


def _places(lines: Sequence[Ruling], across: Sequence[Ruling]) -> list[float]:
    """Return where rows or columns begin and end: at lines, and where those across extend beyond the outermost.

    Lines that are short beside the table are left out: they are the edges of what is shaded within a cell.
    """
    if not lines or not across:
        return []
    start, end = min(line.at for line in across), max(line.at for line in across)
    ends = [min(line.start for line in across), max(line.end for line in across)]
    clusters: list[list[Ruling]] = []
    for line in sorted(lines, key=lambda line: line.at):
        if clusters and line.at - clusters[-1][-1].at <= 2 * _REACH:
            clusters[-1].append(line)
        else:
            clusters.append([line])
    long = [cluster for cluster in clusters if sum(map(_length, cluster)) >= _MIN_SUPPORT * (end - start)]
    kept = [sum(line.at for line in cluster) / len(cluster) for cluster in long]
    if not kept:
        return []
    before = [ends[0]] if kept[0] - ends[0] > 2 * _REACH else []
    after = [ends[1]] if ends[1] - kept[-1] > 2 * _REACH else []
    return [*before, *kept, *after]


def _length(line: Ruling) -> float:
    return line.end - line.start


def _steps(lines: Sequence[Ruling], places: Sequence[float], middle: float) -> int:
    """Return after how many of these places a line is drawn at `middle`."""
    for number, place in enumerate(places, 1):
        if any(abs(line.at - place) <= 2 * _REACH and line.start <= middle <= line.end for line in lines):
            return number
    return len(places) + 1


def _is_regular(grid: _Grid) -> bool:
    n_rows = len(grid.ys) - 1
    regular = sum(all(grid.width(row, column) == 1 for column in range(len(grid.xs) - 1)) for row in range(n_rows))
    return regular >= _MIN_REGULAR * n_rows


def _parts(stretch: Line, grid: _Grid) -> Iterator[tuple[_Place, Line]]:
    """Yield the parts of a stretch that are in different cells."""
    row = _interval(grid.ys, (stretch.box[1] + stretch.box[3]) / 2)
    parts: list[tuple[_Place, _Characters]] = []
    for character, box in zip(stretch.text, stretch.rectangles, strict=True):
        if character != " ":
            cell = grid.begin(row, _interval(grid.xs, (box[0] + box[2]) / 2))
            if not parts or parts[-1][0] != cell:
                parts.append((cell, []))
        parts[-1][1].append((character, box))
    for cell, characters in parts:
        line = make_line(characters)
        if line is not None:
            yield cell, line


def _interval(places: Sequence[float], at: float) -> int:
    return min(max(bisect_right(places, at) - 1, 0), len(places) - 2)


def _rows(grid: _Grid) -> Iterator[Line]:
    """Yield the rows of a table that are not blank, as lines; what is printed if it is no table."""
    bands = list(_bands(grid))
    n_placed = sum(len(line) for band in bands for cell in band for line in cell.lines)
    is_whole = n_placed == sum(map(len, grid.contents.values()))  # cells may overlap where lines are missing
    bands_of_rows = [_split(cells, grid) for cells in bands]
    if grid.is_turned or grid.is_form or not is_whole or any(map(_is_partly_ruled, bands_of_rows)):
        yield from grid.stretches
        return
    columns = tuple(grid.xs)
    rows = (cells for band in bands_of_rows for cells in band)
    for number, cells in enumerate(rows):
        printed = tuple(PrintedCell(_together(cell.lines), cell.n_columns, cell.n_rows) for cell in cells)
        line = TableRow(columns, number, printed).as_line()
        if line is not None:
            yield line


def _bands(grid: _Grid) -> Iterator[list[_Cell]]:
    """Yield the cells that begin between two horizontal lines."""
    covered: set[_Place] = set()
    for row in range(len(grid.ys) - 1):
        cells: list[_Cell] = []
        for column in range(len(grid.xs) - 1):
            if (row, column) not in covered:
                width, height = grid.width(row, column), grid.height(row, column)
                covered |= {(row + down, column + right) for down in range(height) for right in range(width)}
                cells.append(_Cell(column, width, height, _lines(grid.contents.get((row, column), []))))
        yield cells


def _split(cells: list[_Cell], grid: _Grid) -> list[list[_Cell]]:
    """Return the rows that are between two drawn lines: mostly one, several where there are no lines between them."""
    if not _are_several(cells, grid):
        return [cells]
    every = _lines([part for cell in cells for line in cell.lines for part in line])
    return [
        [
            _Cell(
                cell.column, cell.n_columns, 1, [kept] if (kept := [part for part in row if cell.holds(part)]) else []
            )
            for cell in cells
        ]
        for row in every
    ]


def _are_several(cells: Sequence[_Cell], grid: _Grid) -> bool:
    """Return whether cells hold several rows: figures below one another, or lines that end before they are full."""
    high = [cell for cell in cells if len(cell.lines) > 1]
    if len(high) < 2 or any(cell.n_rows > 1 for cell in cells):  # noqa: PLR2004 (cells)
        return False
    for cell in high:
        n_figures = sum(_FIGURE.fullmatch(_text(line)) is not None for line in cell.lines)
        if n_figures > 1 and n_figures >= _MOST * len(cell.lines):
            return True
    first = high[0]
    if first is not cells[0]:
        return False
    right = grid.xs[first.column + first.n_columns] - _REACH
    ended = sum(
        above[-1].box[2] + below[0].first_word_width + below[0].height / 2 < right
        for above, below in pairwise(first.lines)
    )
    return ended >= _MOST * (len(first.lines) - 1)


def _is_partly_ruled(band: Sequence[Sequence[_Cell]]) -> bool:
    """Return whether rows without lines between them have columns without lines between them, too."""
    return len(band) > 1 and any(len(line) > 1 for row in band for cell in row for line in cell.lines)


def _lines(parts: Sequence[Line]) -> list[list[Line]]:
    """Return parts in lines from top to bottom, each from left to right."""
    lines: list[list[Line]] = []
    for part in sorted(parts, key=lambda part: part.box[1] + part.box[3]):
        if lines and on_one_line(lines[-1][0].box, part.box):
            lines[-1].append(part)
        else:
            lines.append([part])
    return [sorted(line, key=lambda part: part.box[0]) for line in lines]


def _text(line: Sequence[Line]) -> str:
    return " ".join(part.text for part in line)


def _together(lines: Sequence[Sequence[Line]]) -> Line | None:
    """Return what is printed in a cell as one line."""
    parts = (part for line in lines for part in line)
    return make_line(its for part in parts for its in ((" ", NOWHERE), *zip(part.text, part.rectangles, strict=True)))
