"""Writes tables as text: one line for each row, each value with the header of its column."""

import re
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from index.formats.content import Table
from index.formats.limits import MAX_HEADER_CHARS
from index.formats.text.markdown import HEADING_SEPARATOR

_LOOK_AHEAD = 20
_MAX_HEADER_ROWS = 4
MAX_SPAN = 100
"""Most columns that a cell may span."""
_FIGURE = re.compile(r"[^\w]*\d[\d\s.,:/'%€$£+-]*\w{0,3}\W*$")
_YEAR = re.compile(r"(?:1[89]|20)\d\d(?:[/\u2013-]\d\d)?")
_ENOUGH_FOR_GROUPS = 3
"""Fewest rows of a table whose first row groups the headers of the second without merged cells: two, and a row."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: Its text.
        is_header: Whether the file marks it as a header.
        n_columns: Number of columns that it spans.
        n_rows: Number of rows that it spans.
    """

    text: str
    is_header: bool = False
    n_columns: int = 1
    n_rows: int = 1


Row = tuple[int, Sequence[Cell | str]]
"""A row's number in the file and the cells that begin in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """What the rows of a table share.

    Attributes:
        about: The title row above it; "" if there is none.
        headers: Header of each column; "" for a column without one.
    """

    about: str
    headers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A row as text.

    Attributes:
        number: The row's number in the file.
        text: Its text, on one line.
        values: Column, start and end in `text` of each value.
        head: Head of its table; None for a line that stands alone, such as a title.
    """

    number: int
    text: str
    values: tuple[tuple[int, int, int], ...]
    head: Head | None


@dataclass(slots=True)
class _GridRow:
    """A row with every cell in its column.

    Attributes:
        number: Its number in the file.
        texts: Text of each column; a cell that spans rows is repeated in each, one that spans columns stands in the
            first.
        widths: Number of columns that the cell in each column spans; 0 where another one reaches.
        marked: Whether the file marks the cell in each column as a header.
        is_apart: Whether a blank row is above it.
    """

    number: int
    texts: list[str]
    widths: list[int]
    marked: list[bool]
    is_apart: bool = False

    @property
    def names(self) -> list[str]:
        """The texts that are not blank."""
        return [text for text in self.texts if text]

    @property
    def is_grouping(self) -> bool:
        """Whether one of several cells spans columns."""
        return len(self.names) > 1 and any(w > 1 for w, text in zip(self.widths, self.texts, strict=True) if text)

    @property
    def is_marked(self) -> bool:
        """Whether the file marks all its cells as headers."""
        return all(is_header for is_header, text in zip(self.marked, self.texts, strict=True) if text)

    def part(self, first: int, last: int) -> "_GridRow":
        """Return the columns from one to before another."""
        part = slice(first, last)
        return _GridRow(self.number, self.texts[part], self.widths[part], self.marked[part], self.is_apart)


def written(rows: Iterable[Row], has_header: bool = False, *, may_stand_abreast: bool = False) -> Iterator[Line]:
    """Write the tables in some rows as text: `Item: Travel; Cost: 120 EUR` below headers, else `Travel; 120 EUR`.

    Rows that the file marks as headers are headers; otherwise the first rows of a table are judged by their words: a
    header is no number, unless it is a year; a row that groups columns has another header row below it. Rows that stand
    alone with one cell are titles. After a blank row or a title, a new table begins if its first row cannot belong to
    the one above. A table of two columns without headers is read as names and values: `Name: Ann Lee`.

    Args:
        rows: The rows in order; only a few are kept in memory at a time.
        has_header: Whether the file itself marks the first row as a header row.
        may_stand_abreast: Whether several tables may stand side by side, as on a sheet.

    Yields:
        Each row that is not blank. Header rows are yielded by themselves only if no row follows them.
    """
    ahead = _Ahead(_grid(rows))
    tables: list[_Written] = []
    title = ""
    while (row := ahead.next()) is not None:
        is_first = not tables
        is_apart = row.is_apart or bool(title) or row.is_marked
        if len(row.names) == 1 and (is_first or row.is_apart or _is_across(row, tables)):
            title = row.names[0]
            yield Line(row.number, title, (), None)
            continue
        if is_first or (is_apart and not any(table.takes(row, ahead.rows) for table in tables)):
            about = title if len(title) <= MAX_HEADER_CHARS else ""
            bands = _bands([row, *ahead.rows]) if may_stand_abreast else [(0, None)]
            for table in tables:
                yield from table.close()
            tables = [
                _Written(first, last, about, [row, *ahead.rows], has_header and is_first) for first, last in bands
            ]
        title = ""
        for table in tables[:1]:
            yield from table.lines(row)
        for table in tables[1:]:
            table.keep(row)
    for table in tables:
        yield from table.close()


class _Ahead:
    """An iterator of rows, with those that follow."""

    def __init__(self, rows: Iterator[_GridRow]) -> None:
        self._rows = rows
        self.rows = deque(islice(rows, _LOOK_AHEAD))

    def next(self) -> _GridRow | None:
        """Return the next row; None at the end."""
        if not self.rows:
            return None
        row = self.rows.popleft()
        self.rows.extend(islice(self._rows, 1))
        return row


class _Written:
    """A table that is being written, of some columns of a sheet."""

    def __init__(self, first: int, last: int | None, about: str, rows: list[_GridRow], has_header: bool) -> None:
        self._first, self._last = first, last
        self._is_empty = True
        self._kept: list[Line] = []
        rows = [part for row in rows if (part := self._part(row)).names]
        n_headers = _n_headers(rows, has_header)
        self._headers_left = n_headers
        self._heads = rows[:n_headers]
        below = rows[n_headers:]
        self._has_marks = any(not row.is_marked for row in below)
        self._figures = [any(_is_figure(row, column) for row in below) for column in range(_width(rows))]
        self._is_paired = not n_headers and self._has_marks and _width(rows) == 2  # noqa: PLR2004 (columns)
        self._head = Head(about, tuple(_headers(self._heads, _width(rows))))

    def _part(self, row: _GridRow) -> _GridRow:
        return row.part(self._first, len(row.texts) if self._last is None else self._last)

    def takes(self, row: _GridRow, ahead: Iterable[_GridRow]) -> bool:
        """Return whether a row may belong to this table, rather than being the headers of another one."""
        part = self._part(row)
        if self._headers_left or len(part.names) < len(row.names):
            return True
        if self._has_marks and part.is_marked and len(part.names) > 1:
            return any(part.texts == head.texts for head in self._heads)
        if any(map(_FIGURE.match, part.names)) or len(part.names) < 2:  # noqa: PLR2004
            return True
        if _width([part]) > len(self._figures):
            return False
        columns = [column for column, text in enumerate(part.texts) if text]
        below = [other for other in map(self._part, islice(ahead, 3)) if other.names]
        return not any(self._figures[column] for column in columns) or not any(
            _is_figure(other, column) for other in below for column in columns
        )

    def lines(self, row: _GridRow) -> Iterator[Line]:
        """Yield the line of a row that is no header row and not blank in this table's columns."""
        part = self._part(row)
        if part.names and self._headers_left:
            self._headers_left -= 1
        elif part.names and not any(part.texts == head.texts for head in self._heads):  # repeated on each page, say
            self._is_empty = False
            yield Line(part.number, *_line(part, self._head.headers, self._is_paired), self._head)

    def keep(self, row: _GridRow) -> None:
        """Keep the line of a row until the table to the left is complete."""
        self._kept += self.lines(row)

    def close(self) -> Iterator[Line]:
        """Yield the lines that were kept; the header rows if no other rows were written."""
        yield from self._kept
        if self._is_empty:
            for row in self._heads:
                yield Line(row.number, *_line(row, (), is_paired=False), self._head)


_Hanging = dict[int, tuple[int, Cell]]
"""Cells that reach into rows below, by column: the number of rows left, and the cell."""


def _grid(rows: Iterable[Row]) -> Iterator[_GridRow]:
    """Yield the rows that are not blank, with each cell in its column."""
    hanging: _Hanging = {}
    is_apart = False
    for number, cells in rows:
        placed = None if hanging else _plain(number, cells, is_apart)
        if placed is None:
            placed, is_blank = _placed(number, cells, is_apart, hanging)
        else:
            is_blank = not placed.names
        if not is_blank:
            yield placed
        is_apart = is_blank


def _placed(number: int, cells: Sequence[Cell | str], is_apart: bool, hanging: _Hanging) -> tuple[_GridRow, bool]:
    """Return a row with each cell in its column, and whether it has no words but those that reach down into it."""
    placed = _GridRow(number, [], [], [], is_apart)
    fresh = iter(cells)
    is_blank = True
    while True:
        column = len(placed.texts)
        if column in hanging:
            left, cell = hanging.pop(column)
            if left > 1:
                hanging[column] = (left - 1, cell)
        elif (begun := next(fresh, None)) is not None:
            cell = Cell(" ".join(begun.split())) if isinstance(begun, str) else _flat(begun)
            is_blank = is_blank and not cell.text
            if cell.n_rows > 1:
                repeated = cell if len(cell.text) <= MAX_HEADER_CHARS else replace(cell, text="")
                hanging[column] = (cell.n_rows - 1, repeated)
        elif hanging and max(hanging) > column:
            cell = Cell("")
        else:
            return placed, is_blank
        width = min(max(cell.n_columns, 1), MAX_SPAN)
        placed.texts += [cell.text, *[""] * (width - 1)]
        placed.widths += [width, *[0] * (width - 1)]
        placed.marked += [cell.is_header] * width


def _plain(number: int, cells: Sequence[Cell | str], is_apart: bool) -> _GridRow | None:
    """Return a row of mere texts, as nearly all rows are; None if it has other cells."""
    texts = [" ".join(cell.split()) for cell in cells if isinstance(cell, str)]
    if len(texts) < len(cells):
        return None
    return _GridRow(number, texts, [1] * len(texts), [False] * len(texts), is_apart)


def _flat(cell: Cell) -> Cell:
    return Cell(" ".join(cell.text.split()), cell.is_header, cell.n_columns, cell.n_rows)


def _width(rows: Sequence[_GridRow]) -> int:
    """Return the number of columns up to the last that is not blank."""
    return max((column + 1 for row in rows for column, text in enumerate(row.texts) if text), default=0)


def _is_figure(row: _GridRow, column: int) -> bool:
    return column < len(row.texts) and bool(_FIGURE.match(row.texts[column]))


def _is_across(row: _GridRow, tables: Sequence[_Written]) -> bool:
    """Return whether a row's only cell spans a table, as a title does."""
    return bool(tables) and max(row.widths) > 1 and sum(width > 0 for width in row.widths) == 1


def _n_headers(rows: Sequence[_GridRow], has_header: bool) -> int:
    """Return the number of header rows at the top of a table; 0 if there are none, or one is too long to repeat."""
    n_rows = min(len(rows), _MAX_HEADER_ROWS)
    n_short = next((n for n in range(n_rows) if max(map(len, rows[n].texts)) > MAX_HEADER_CHARS), n_rows)
    n_marked = next((n for n in range(n_short) if not rows[n].is_marked), n_short)
    if n_marked and not all(row.is_marked for row in rows):
        return n_marked
    n_headers = 0
    while n_headers < n_short and rows[n_headers].is_grouping and len(rows) > n_headers + 1:
        n_headers += 1
    if n_headers:  # the row below a group names its columns
        names = rows[n_headers].names if n_headers < n_short else []
        return n_headers + 1 if len(rows) > n_headers + 1 and names and all(map(_may_be_header, names)) else 0
    if n_short and len(rows) > 1 and (has_header or _are_headers(rows[0], rows[1:])):
        return 2 if n_short > 1 and _is_group_of(rows[0], rows[1], rows[2:]) else 1
    return 2 if n_short > 1 and len(rows[0].names) > 1 and _is_group_of(rows[0], rows[1], rows[2:]) else 0


def _may_be_header(name: str) -> bool:
    return not _FIGURE.match(name) or bool(_YEAR.fullmatch(name))


def _are_headers(first: _GridRow, others: Sequence[_GridRow]) -> bool:
    names = first.names
    if len(set(names)) < len(names) or len(names) < 2:  # noqa: PLR2004
        return False
    if any(map(_FIGURE.match, names)):
        return _are_years(first, others)
    if _width([first, *others]) > 2:  # noqa: PLR2004 (columns)
        return True
    return any(_is_figure(row, 1) for row in others)


def _are_years(first: _GridRow, others: Sequence[_GridRow]) -> bool:
    """Return whether a row holds, beside words, years in order, and those below hold other figures."""
    years = [name for name in first.names if _FIGURE.match(name)]
    if not all(map(_YEAR.fullmatch, years)) or sorted(years) not in (years, years[::-1]) or len(years) < 2:  # noqa: PLR2004
        return False
    columns = [column for column, text in enumerate(first.texts) if text in years]
    below = [row.texts[column] for row in others for column in columns if column < len(row.texts) and row.texts[column]]
    return bool(below) and not all(map(_YEAR.fullmatch, below))


def _is_group_of(first: _GridRow, second: _GridRow, others: Sequence[_GridRow]) -> bool:
    """Return whether a row without merged cells groups the headers below it, blank where a group goes on."""
    if len(others) < _ENOUGH_FOR_GROUPS - 2 or not all(map(_may_be_header, [*first.names, *second.names])):
        return False
    width = _width([first, second])
    upper, lower = (row.texts + [""] * (width - len(row.texts)) for row in (first, second))
    goes_on = [column for column in range(1, width) if not upper[column] and lower[column]]
    is_complete = all(upper[column] or lower[column] for column in range(1, width))
    has_figures = all(any(_is_figure(row, column) for row in others) for column in goes_on)
    return bool(goes_on) and is_complete and has_figures and len(second.names) > 1


def _headers(rows: Sequence[_GridRow], width: int) -> list[str]:
    """Return the header of each column: those above it, outermost first, without repetitions."""
    headers: list[list[str]] = [[] for _ in range(width)]
    for depth, row in enumerate(rows):
        is_grouping = depth + 1 < len(rows)
        text, left = "", 0
        for column in range(min(width, len(row.texts))):
            if row.texts[column]:
                text, left = row.texts[column], row.widths[column]
            elif is_grouping and not row.is_grouping and not row.is_marked and column:
                left = max(left, 1)  # a group without merged cells goes on up to the next
            if left > 0 and text and text not in headers[column]:
                headers[column].append(text)
            left -= 1
    return [" ".join(words) for words in headers]


def _line(row: _GridRow, headers: Sequence[str], is_paired: bool) -> tuple[str, tuple[tuple[int, int, int], ...]]:
    """Return a row's text, and column, start and end of each value."""
    filled = [(column, text) for column, text in enumerate(row.texts) if text]
    first = filled[0][0]
    is_named = row.marked[first] and not (headers and headers[first]) and not row.is_marked
    text = ""
    values = []
    for order, (column, value) in enumerate(filled):
        if order:
            text += ": " if order == 1 and (is_named or is_paired) else "; "
        header = headers[column] if column < len(headers) else ""
        if header and header != value:
            text += f"{header}: "
        values.append((column, len(text), len(text) + len(value)))
        text += value
    return text, tuple(values)


def _bands(rows: Sequence[_GridRow]) -> list[tuple[int, int | None]]:
    """Return first and last column of each table that stands side by side with others, by columns that are blank.

    A blank column alone may also be an empty one: the tables on its sides must share a header, or one of them must
    have rows where the other has none.
    """
    rows = rows[: next((n for n, row in enumerate(rows) if n and row.is_apart), len(rows))]
    width = _width(rows)
    used = [any(column < len(row.texts) and row.texts[column] for row in rows) for column in range(width)]
    bands: list[tuple[int, int]] = []
    for column in range(width):
        if used[column] and (not column or not used[column - 1]):
            bands.append((column, column + 1))
        elif used[column]:
            bands[-1] = (bands[-1][0], column + 1)
    if len(bands) < 2 or any(last - first < 2 for first, last in bands):  # noqa: PLR2004
        return [(0, None)]
    parts = [[bool(row.part(*band).names) for row in rows] for band in bands]
    names = [set(rows[0].part(*band).names) for band in bands]
    has_same = any(names[i] & names[i + 1] for i in range(len(bands) - 1))
    if not has_same and all(part == parts[0] for part in parts):
        return [(0, None)]
    return [*bands[:-1], (bands[-1][0], None)]


@dataclass(slots=True)
class _Growing:
    """A table whose rows are being recorded."""

    about: str
    head: Head
    rows: "array[int]" = field(default_factory=lambda: array("i"))
    cells: "array[int]" = field(default_factory=lambda: array("i"))


class TableRecorder:
    """Records where in a text the lines of tables stand."""

    def __init__(self) -> None:
        """Start without tables."""
        self._tables: dict[int, _Growing] = {}

    def add(self, line: Line, start: int, about: Sequence[str] = ()) -> None:
        """Record a line; one that belongs to no table is ignored.

        Args:
            line: The line.
            start: Offset of its first character in the text.
            about: What the table is about, outermost first, besides its own title row.
        """
        if line.head is None:
            return
        table = self._tables.get(id(line.head))
        if table is None:
            words = dict.fromkeys(filter(None, [*about, line.head.about]))
            table = self._tables[id(line.head)] = _Growing(HEADING_SEPARATOR.join(words), line.head)
        position = len(table.rows) // 3
        table.rows.extend((start, start + len(line.text), line.number))
        for column, first, last in line.values:
            table.cells.extend((position, column, start + first, start + last))

    def tables(self, length: int) -> tuple[Table, ...]:
        """Return the tables recorded.

        Args:
            length: Length of the text; rows beyond it are left out.

        Returns:
            The tables, in the order of their first rows.
        """
        return tuple(
            _table(growing, length) for growing in self._tables.values() if growing.rows and growing.rows[1] <= length
        )


def _table(growing: _Growing, length: int) -> Table:
    rows = np.array(growing.rows, dtype=np.int32).reshape(-1, 3)
    cells = np.array(growing.cells, dtype=np.int32).reshape(-1, 4)
    n_rows = int(np.searchsorted(rows[:, 1], length, side="right"))
    return Table(growing.about, growing.head.headers, rows[:n_rows], cells[cells[:, 0] < n_rows])
