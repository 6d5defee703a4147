"""Renders tables of web pages as text, one line of headers and values per row."""

from dataclasses import dataclass, field

from index.formats.limits import MAX_HEADER_CHARS

_MAX_SPAN = 100
"""Most columns that a cell may span."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: Its text on one line.
        is_header: Whether it is marked as a header (`th`).
        n_columns: Number of columns that it spans.
        n_rows: Number of rows that it spans.
    """

    text: str
    is_header: bool = False
    n_columns: int = 1
    n_rows: int = 1


@dataclass(slots=True)
class _Grid:
    """The state of a table's columns while its rows are read.

    Attributes:
        headers: Header of each column that has one.
        hanging: Cells that span further rows, by column: the number of rows left, and the cell.
    """

    headers: dict[int, str] = field(default_factory=dict)
    hanging: dict[int, tuple[int, Cell]] = field(default_factory=dict)


def table_lines(rows: list[list[Cell]]) -> list[str]:
    """Render a table, one line per row.

    Args:
        rows: Its rows, each with the cells that begin there.

    Returns:
        "header: value; header: value" where columns or the row have headers, else the values joined by "; "; no line
        for blank rows, nor for column headers that have rows below them.
    """
    grid = _Grid()
    lines: list[str] = []
    heading_lines: list[str] = []
    for row in rows:
        placed = _placed(row, grid)
        if not lines and _heads_columns(placed):
            for column, cell in placed:
                _head(grid, column, cell)
            heading_lines.append(_joined([cell.text for _, cell in placed]))
        elif line := _line(placed, grid.headers):
            lines.append(line)
    return lines or [line for line in heading_lines if line]


def _placed(row: list[Cell], grid: _Grid) -> list[tuple[int, Cell]]:
    """Return each cell of a row with its column, cells that span from rows above included."""
    placed: list[tuple[int, Cell]] = []
    cells = iter(row)
    column = 0
    while True:
        if column in grid.hanging:
            cell = _let_down(grid, column)
        elif (fresh := next(cells, None)) is not None:
            cell = fresh
            if cell.n_rows > 1 and len(cell.text) <= MAX_HEADER_CHARS:
                grid.hanging[column] = (cell.n_rows - 1, cell)
        elif grid.hanging and max(grid.hanging) > column:
            column += 1
            continue
        else:
            return placed
        placed.append((column, cell))
        column += min(max(cell.n_columns, 1), _MAX_SPAN)


def _let_down(grid: _Grid, column: int) -> Cell:
    n_rows, cell = grid.hanging.pop(column)
    if n_rows > 1:
        grid.hanging[column] = (n_rows - 1, cell)
    return cell


def _heads_columns(placed: list[tuple[int, Cell]]) -> bool:
    return bool(placed) and all(cell.is_header and len(cell.text) <= MAX_HEADER_CHARS for _, cell in placed)


def _head(grid: _Grid, column: int, cell: Cell) -> None:
    for spanned in range(column, column + min(max(cell.n_columns, 1), _MAX_SPAN)):
        above = grid.headers.get(spanned, "")
        grid.headers[spanned] = f"{above} {cell.text}".strip() if cell.text not in above else above


def _line(placed: list[tuple[int, Cell]], headers: dict[int, str]) -> str:
    cells = [(headers.get(column, ""), cell) for column, cell in placed if cell.text]
    if not cells:
        return ""
    is_named = cells[0][1].is_header and not cells[0][0] and len(cells) > 1
    if is_named:  # by a header in the row's first cell
        return f"{cells[0][1].text}: {_joined([_with_header(*cell) for cell in cells[1:]])}"
    return _joined([_with_header(*cell) for cell in cells])


def _with_header(header: str, cell: Cell) -> str:
    return f"{header}: {cell.text}" if header and header != cell.text else cell.text


def _joined(texts: list[str]) -> str:
    return "; ".join(text for text in texts if text)
