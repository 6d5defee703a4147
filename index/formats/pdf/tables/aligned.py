"""Finds tables without drawn lines between cells, by words that stand below one another."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from index.formats.pdf.lines import NOWHERE, Line, PrintedCell, Rectangle, TableRow, make_line

_MIN_ROWS = 3
_MAX_COLUMNS = 60
_MAX_GAP = 3.0
"""Largest gap between two rows, in line heights."""
_CONTINUED = 1.35
"""Largest distance from a line to the one above, in multiples of the smallest, for it to continue the same cell."""
_MIN_FIGURES = 0.5
"""Share of the rows of a table of two columns that must have a figure in the second: else it may be a letterhead."""
_MAX_CELL_CHARS = 60
"""Median length of cells up to which they are a table's: longer ones are columns of prose."""
_FIGURE = re.compile(r"\W*\d[\d\s.,:/'%€$£+()-]*\w{0,3}\W*")
_LABEL = re.compile(r".*:")

_MIN_SEVERAL = 0.6
"""Share of lines that must have several cells."""
_CLOSE = 1.5
"""Distance of the lines of a header, in line heights, up to which they are one."""
_SLACK = 0.5
_OUTSIDE = 10.0
"""How far words on the next page may extend beyond their column, in points: none there may have been as long."""
_MAX_HEADER_LINES = 4
_NEAR = 4.0
"""Distance of a header from the column that it is not quite above, in line heights."""

_Interval = tuple[float, float]


def with_aligned_tables(lines: Sequence[Line]) -> list[Line]:
    """Put table rows in place of lines whose pieces stand below one another.

    Args:
        lines: The lines of a page in reading order, with their pieces.

    Returns:
        The lines; those that are rows of a table know its cells.
    """
    placed: list[Line] = []
    for run in _runs(lines):
        rows = _rows(run) if sum(len(line.pieces) > 1 for line in run) >= _MIN_ROWS else []
        placed += rows or run
    return placed


def continued(pieces: Sequence[Line], columns: tuple[float, ...], number: int) -> TableRow | None:
    """Read what is printed side by side as a row of a table that began on the page before.

    Args:
        pieces: What is printed.
        columns: Where the table's columns begin, and the last one ends, in points.
        number: Number of the row.

    Returns:
        The row; None if the pieces are not each within a column.
    """
    intervals = list(pairwise(columns))
    parts: dict[int, Line] = {}
    for piece in pieces:
        at = min(max(bisect_right(columns, (piece.box[0] + piece.box[2]) / 2) - 1, 0), len(intervals) - 1)
        left, right = intervals[at]
        if at in parts or piece.box[0] < left - _OUTSIDE or piece.box[2] > right + _OUTSIDE:
            return None
        parts[at] = piece
    if len(parts) < 2:  # noqa: PLR2004
        return None
    return TableRow(columns, number, tuple(PrintedCell(parts.get(at)) for at in range(len(intervals))))


def _runs(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield the lines in groups: those that may be one table begin and end with a line of several pieces."""
    run: list[Line] = []
    after: list[Line] = []
    for line in lines:
        is_several = len(line.pieces) > 1 and line.row is None
        last = (run + after)[-1] if run else None
        if last is not None and not (last.box[1] < line.box[1] < last.box[3] + _MAX_GAP * last.height):
            yield run
            yield from ([other] for other in after)
            run, after = [], []
        if is_several:
            run += [*after, line]
            after = []
        elif run and line.row is None and not line.is_entry and len(after) < 1:
            after.append(line)
        else:
            yield run
            yield from ([other] for other in [*after, line])
            run, after = [], []
    yield run
    yield from ([other] for other in after)


def _rows(run: Sequence[Line]) -> list[Line]:
    """Return the lines as rows of one table; none if they are no table."""
    columns = _columns(run)
    if not 2 <= len(columns) <= _MAX_COLUMNS:  # noqa: PLR2004
        return []
    table = [_cells(line, columns) for line in run]
    if not _is_table(table, len(columns)):
        return []
    begins = (columns[0][0], *((left[1] + right[0]) / 2 for left, right in pairwise(columns)), columns[-1][1])
    rows: list[Line] = []
    for number, cells in enumerate(_whole_rows(run, table)):
        line = TableRow(begins, number, tuple(cells)).as_line()
        rows += [] if line is None else [line]
    return rows


def _columns(run: Sequence[Line]) -> list[_Interval]:
    """Return left and right of each column: what pieces of the lines cover, apart from those that bridge several."""
    several = [line for line in run if len(line.pieces) > 1]
    height = median(line.height for line in several)
    n_headers = next((n for n, line in enumerate(several) if any(map(_holds_figure, line.pieces))), 0)
    n_headers = min(max(n_headers, 1), _MAX_HEADER_LINES, len(several) - 1)
    body = several[n_headers:]
    edges = sorted(edge for line in body for piece in line.pieces for edge in ((piece.box[0], 1), (piece.box[2], -1)))
    may_bridge = len(body) // 10
    columns: list[_Interval] = []
    depth, begin = 0, 0.0
    for x, step in edges:
        before, depth = depth, depth + step
        if before <= may_bridge < depth:
            begin = x
        elif depth <= may_bridge < before:
            columns.append((begin, x))
    columns = _apart(columns, height)
    for line in reversed(several[:n_headers]):
        columns = _with_headers(columns, [piece.box for piece in line.pieces], height)
    return columns


def _with_headers(columns: list[_Interval], headers: Sequence[Rectangle], height: float) -> list[_Interval]:
    """Return the columns with their headers, which may not be exactly above their values; one may have no values."""
    n_missing = len(columns) - len(headers)
    if n_missing == 0 or (n_missing == 1 and headers[0][0] > columns[0][1]):
        pairs = dict(enumerate(headers, n_missing))
        wide = [_union(column, pairs.get(number)) for number, column in enumerate(columns)]
        if all(left[1] < right[0] for left, right in pairwise(wide)):
            return wide
    wide = list(columns)
    headed: set[int] = set()
    for box in headers:
        covered = [number for number, column in enumerate(columns) if _overlap(column, box) > 0]
        headed.update(covered)
        if len(covered) == 1:
            wide[covered[0]] = _union(wide[covered[0]], box)
    for box in headers:
        if any(_overlap(column, box) > 0 for column in columns):
            continue
        free = [number for number in range(len(columns)) if number not in headed]
        nearest = max(free, key=lambda number: _overlap(columns[number], box), default=None)
        if nearest is not None and _overlap(columns[nearest], box) > -_NEAR * height:
            headed.add(nearest)
            wide[nearest] = _union(wide[nearest], box)
        else:
            wide.append((box[0], box[2]))
    return _apart(sorted(wide), height)


def _union(column: _Interval, box: Rectangle | None) -> _Interval:
    return column if box is None else (min(column[0], box[0]), max(column[1], box[2]))


def _holds_figure(piece: Line) -> bool:
    return _FIGURE.fullmatch(piece.text) is not None


def _apart(columns: Sequence[_Interval], height: float) -> list[_Interval]:
    """Join columns that are closer than words are."""
    joined: list[_Interval] = []
    for left, right in columns:
        if joined and left - joined[-1][1] < 0.3 * height:
            joined[-1] = (joined[-1][0], max(right, joined[-1][1]))
        else:
            joined.append((left, right))
    return joined


def _overlap(column: _Interval, box: Rectangle) -> float:
    return min(column[1], box[2]) - max(column[0], box[0])


def _cells(line: Line, columns: Sequence[_Interval]) -> list[PrintedCell]:
    """Return the cells of a line, empty ones included; a piece over several columns spans them."""
    pieces: dict[int, tuple[int, list[Line]]] = {}
    for piece in line.pieces or (line,):
        for part in _parts(piece, columns):
            covered = [number for number, column in enumerate(columns) if _overlap(column, part.box) > 0]
            first = covered[0] if covered else _nearest(part, columns)
            width, others = pieces.get(first, (1, []))
            pieces[first] = max(width, len(covered)), [*others, part]
    cells: list[PrintedCell] = []
    column = 0
    while column < len(columns):
        width, parts = pieces.get(column, (1, []))
        following = min((first for first in pieces if first > column), default=len(columns))
        width = min(width, following - column)
        cells.append(PrintedCell(_together(parts), width))
        column += width
    return cells


def _parts(piece: Line, columns: Sequence[_Interval]) -> Iterator[Line]:
    """Yield the parts of a piece, cut at spaces that are as wide as the gap between two columns."""
    gaps = [(left[1], right[0]) for left, right in pairwise(columns)]
    characters = list(zip(piece.text, piece.rectangles, strict=True))
    cuts = [0]
    for at, character in enumerate(piece.text):
        if character != " ":
            continue
        left, right = piece.rectangles[at - 1][2], piece.rectangles[at + 1][0]
        if any(left <= begin + _SLACK and right >= end - _SLACK for begin, end in gaps):
            cuts.append(at)
    for start, end in pairwise([*cuts, len(characters)]):
        part = make_line(characters[start:end])
        if part is not None:
            yield part


def _nearest(part: Line, columns: Sequence[_Interval]) -> int:
    return max(bisect_right([left for left, _ in columns], part.box[0]) - 1, 0)


def _together(parts: Sequence[Line]) -> Line | None:
    return make_line(its for part in parts for its in ((" ", NOWHERE), *zip(part.text, part.rectangles, strict=True)))


def _is_table(table: Sequence[Sequence[PrintedCell]], n_columns: int) -> bool:
    """Return whether lines that have cells below one another are a table, not columns of prose, addresses or labels.

    A column of figures is what tells them: words below one another have many reasons.
    """
    several = [row for row in table if sum(cell.line is not None for cell in row) > 1]
    texts = [cell.line.text for row in several for cell in row if cell.line is not None]
    if len(several) < max(_MIN_ROWS, _MIN_SEVERAL * len(table)) or median(map(len, texts)) > _MAX_CELL_CHARS:
        return False
    if sum(_LABEL.fullmatch(row[0].line.text) is not None for row in several if row[0].line) >= 0.5 * len(several):
        return False
    figures: Counter[int] = Counter()
    filled: Counter[int] = Counter()
    for row in several:
        column = 0
        for cell in row:
            if cell.line is not None and column:
                filled[column] += 1
                figures[column] += _FIGURE.fullmatch(cell.line.text) is not None
            column += cell.n_columns
    fewest = max(_MIN_ROWS - 1, _MIN_FIGURES * len(several) if n_columns == 2 else 0)  # noqa: PLR2004
    return any(figures[column] >= max(fewest, _MIN_FIGURES * filled[column]) for column in filled)


def _whole_rows(run: Sequence[Line], table: Sequence[Sequence[PrintedCell]]) -> Iterator[Sequence[PrintedCell]]:
    """Yield the rows; lines of a header, and one close below another without a first cell, are one row."""
    distances = [below.box[3] - above.box[3] for above, below in pairwise(run)]
    smallest, usual = min(distances), median(distances)
    n_headers = next((number for number, row in enumerate(table) if any(map(_is_figure, row))), 0)
    row = list(table[0])
    for number, (cells, distance) in enumerate(zip(table[1:], distances, strict=True), 1):
        is_close = usual > _CONTINUED * smallest and distance <= _CONTINUED * smallest
        is_header = number < n_headers and distance <= _CLOSE * run[number].height
        spans = [cell.n_columns for cell in row], [cell.n_columns for cell in cells]
        if spans[0] == spans[1] and (is_header or (is_close and cells[0].line is None)):
            row = [
                PrintedCell(_together([part.line for part in both if part.line is not None]), both[0].n_columns)
                for both in zip(row, cells, strict=True)
            ]
        else:
            yield row
            row = list(cells)
    yield row


def _is_figure(cell: PrintedCell) -> bool:
    return cell.line is not None and _FIGURE.fullmatch(cell.line.text) is not None
