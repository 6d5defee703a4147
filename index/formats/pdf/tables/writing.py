"""Writes the tables on a document's pages as text, with the rectangles of their values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from index.formats.pdf.lines import NEW_PARAGRAPH, NOWHERE, Line, Page, Rectangle, TableRow, Written
from index.formats.pdf.tables.aligned import continued
from index.formats.tables import Cell, written
from index.formats.tables import Line as WrittenLine

_SAME_PLACE = 6.0
"""Difference, in points, up to which a column on the next page is the same."""
_MAX_CAPTION_CHARS = 120

_Spot = tuple[int, int]
"""Number of a page and of a line on it."""


@dataclass(slots=True)
class _Table:
    """A table, which may go on over several pages.

    Attributes:
        columns: Where its columns begin and end.
        caption: The line above it, if that may be its caption.
        rows: Its rows with their numbers, and where they are.
    """

    columns: tuple[float, ...]
    caption: str
    rows: dict[int, tuple[_Spot, Line, TableRow]] = field(default_factory=dict)

    def add(self, spot: _Spot, line: Line, row: TableRow) -> None:
        """Add a row; a blank one is before the first on another page, which may be the header row of another table.

        A repetition of this table's first row is not.
        """
        last = max(self.rows, default=-1)
        if not self.rows:
            step = 1
        elif self.rows[last][0][0] != spot[0]:
            step = 1 if line.text == self.rows[min(self.rows)][1].text else 2
        else:
            step = max(row.number - self.rows[last][2].number, 1)
        self.rows[last + step] = spot, line, row


def with_written_tables(pages: Sequence[Page]) -> list[Page]:
    """Write table rows with the headers of their columns.

    Args:
        pages: The pages in order. A table at the end of one goes on at the beginning of the next if that has the same
            columns.

    Returns:
        The pages with a line for each row; header rows are left out where other rows follow, for these name them.
    """
    lines: dict[_Spot, Line] = {}
    tables = list(_tables(pages))
    if not tables:
        return list(pages)
    for number, table in enumerate(tables):
        lines.update(_written(table, number))
    return [_rewritten(page, number, lines) for number, page in enumerate(pages)]


def _tables(pages: Sequence[Page]) -> Iterator[_Table]:
    table: _Table | None = None
    for number, page in enumerate(pages):
        last: Line | None = None
        may_go_on = table is not None
        for place, line in enumerate(page.lines):
            if line.is_aside:
                continue
            row = line.row
            if table is not None and may_go_on:
                row = _going_on(line, table.columns, place)
                may_go_on = row is not None
            if table is not None and row is None and line.row is not None and line.row.columns is table.columns:
                row = line.row
            if table is not None and (row is None or row.columns is not table.columns):
                yield table
                table, row = None, line.row
            if row is not None:
                table = table or _Table(row.columns, "" if last is None else _caption(last, page.separators[place - 1]))
                table.add((number, place), line, row)
            last = line
    if table is not None:
        yield table


def _going_on(line: Line, columns: tuple[float, ...], number: int) -> TableRow | None:
    """Return a line at the beginning of a page as a row of the table on the page before; None if it is none."""
    if line.row is None:
        return continued(line.pieces, columns, number)
    row = line.row
    close = (abs(one - other) <= _SAME_PLACE for one, other in zip(row.columns, columns, strict=False))
    if len(row.columns) == len(columns) and all(close):
        return TableRow(columns, row.number, row.cells)
    if any(cell.n_columns > 1 or cell.n_rows > 1 for cell in row.cells):
        return None
    return continued([cell.line for cell in row.cells if cell.line is not None], columns, row.number)


def _caption(line: Line, separator: str) -> str:
    """Return the text of the line above a table if it is short and begins a paragraph; else ""."""
    is_one = separator == NEW_PARAGRAPH and len(line.text) <= _MAX_CAPTION_CHARS and line.row is None
    return line.text if is_one else ""


def _written(table: _Table, number: int) -> Iterator[tuple[_Spot, Line]]:
    """Yield the lines of a table; rows of which something would be missing are left as they are printed."""
    printed = dict(_in_columns(table))
    about = (table.caption,) if table.caption else ()
    told = {line.number: line for line in written(_cells(table))}
    whole = "\n".join(line.text for line in told.values())
    for place, (spot, original, row) in table.rows.items():
        line = told.get(place)
        words = whole if line is None else line.text
        if any(cell.line.text not in words for cell in row.cells if cell.line is not None):
            yield spot, replace(original, row=None)
        elif line is not None:
            boxes = tuple(_rectangles(line, original, printed))
            its = Written(number, line, about)
            yield spot, replace(original, text=line.text, rectangles=boxes, row=None, written=its)


def _rectangles(line: WrittenLine, original: Line, printed: Mapping[tuple[int, int], Line]) -> list[Rectangle]:
    """Return the rectangle of each character of a written row; `NOWHERE` for those of headers."""
    if not line.values:  # a title
        return list(original.rectangles) if line.text == original.text else [original.box] * len(line.text)
    boxes = [NOWHERE] * len(line.text)
    for column, start, end in line.values:
        its = printed.get((line.number, column))
        if its is not None and len(its.text) == end - start:
            boxes[start:end] = its.rectangles
    return boxes


def _cells(table: _Table) -> Iterator[tuple[int, list[Cell]]]:
    for number in range(max(table.rows) + 1):
        if number not in table.rows:
            yield number, []
            continue
        _, _, row = table.rows[number]
        yield (
            number,
            [
                Cell("" if cell.line is None else cell.line.text, False, cell.n_columns, cell.n_rows)
                for cell in row.cells
            ],
        )


def _in_columns(table: _Table) -> Iterator[tuple[tuple[int, int], Line]]:
    """Yield what is printed in each cell, by row and column; in each row of a cell that spans several."""
    taken: set[tuple[int, int]] = set()
    for number in sorted(table.rows):
        column = 0
        for cell in table.rows[number][2].cells:
            while (number, column) in taken:
                column += 1
            for down in range(cell.n_rows):
                taken |= {(number + down, column + right) for right in range(cell.n_columns)}
                if cell.line is not None:
                    yield (number + down, column), cell.line
            column += cell.n_columns


def _rewritten(page: Page, number: int, lines: dict[_Spot, Line]) -> Page:
    together: list[tuple[Line, str]] = []
    last: Line | None = None
    for place, (line, separator) in enumerate(zip(page.lines, page.separators, strict=True)):
        its = lines.get((number, place), None if line.row is not None else line)
        if its is None:
            continue
        if its.is_aside or last is None or (its.written is None and last.written is None):
            together.append((its, separator))
        else:
            is_same = its.written is not None and last.written is not None and its.written.table == last.written.table
            together.append((its, "\n" if is_same else NEW_PARAGRAPH))
        last = last if its.is_aside else its
    return Page(page.size, tuple(line for line, _ in together), tuple(separator for _, separator in together))
