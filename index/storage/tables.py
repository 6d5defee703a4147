"""Tables of an index's documents: what each is about, its headers, and where its rows and values stand."""

import json
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from index.formats.content import Table
from index.records import Cell, Document, TableRecord, TableRow
from index.storage.database import Database
from index.storage.documents import Documents

_ROWS_PER_PIECE = 256
_EVERYWHERE = 2**31 - 1


class Tables:
    """Tables of an index's documents. All methods that take a name raise `UnknownDocumentError`."""

    def __init__(self, database: Database, documents: Documents) -> None:
        """Access the tables of an index's database.

        Args:
            database: The database.
            documents: The documents, to look up by name.
        """
        self._database = database
        self._documents = documents

    def rows(self, name: str, start: int, end: int) -> list[TableRow]:
        """Return the rows of tables that share characters with a stretch of a document's text.

        Args:
            name: The document's name.
            start: Offset of the stretch's first character.
            end: Offset after its last character.

        Returns:
            The rows, in the order of the text.
        """
        query = (
            "SELECT r.number, t.about, t.headers, r.piece FROM table_rows r"
            " JOIN tables t ON t.document_id = r.document_id AND t.number = r.number"
            ' WHERE r.document_id = ? AND r.start < ? AND r."end" > ?'
        )
        with self._database.reading() as connection:
            found = connection.execute(query, (self._documents.id_of(name), end, start)).fetchall()
        rows: list[TableRow] = []
        for number, about, headers, piece in found:
            with self._database.decoding():
                rows += _unpack(number, about, tuple(json.loads(headers)), piece, start, end)
        return sorted(rows, key=lambda row: (row.start, row.table))

    def whole(self, name: str, number: int) -> list[TableRow]:
        """Return all rows of a document's table, in the order of the text; none if it has no such table."""
        query = (
            "SELECT t.about, t.headers, r.piece FROM tables t"
            " JOIN table_rows r ON r.document_id = t.document_id AND r.number = t.number"
            " WHERE t.document_id = ? AND t.number = ? ORDER BY r.start"
        )
        with self._database.reading() as connection:
            found = connection.execute(query, (self._documents.id_of(name), number)).fetchall()
        rows: list[TableRow] = []
        for about, headers, piece in found:
            with self._database.decoding():
                rows += _unpack(number, about, tuple(json.loads(headers)), piece, 0, _EVERYWHERE)
        return rows

    def with_headers(self, headers: Sequence[str], most: int) -> list[TableRecord]:
        """Look up the tables with exactly these headers, `most` at most, by document and number."""
        query = (
            "SELECT d.name, t.number, t.about, t.n_rows FROM tables t JOIN documents d ON d.id = t.document_id"
            " WHERE t.headers = ? AND d.name IS NOT NULL ORDER BY d.name, t.number LIMIT ?"
        )
        with self._database.reading() as connection:
            found = connection.execute(query, (json.dumps(headers), most)).fetchall()
        return [TableRecord(name, number, about, tuple(headers), n_rows) for name, number, about, n_rows in found]

    def among(self, passages: Sequence[int]) -> set[int]:
        """Return the ids of those of some passages that hold rows of tables."""
        query = (
            "SELECT id FROM passages p WHERE id IN (SELECT value FROM json_each(?)) AND EXISTS (SELECT 1 FROM"
            ' table_rows r WHERE r.document_id = p.document_id AND r.start < p."end" AND r."end" > p.start)'
        )
        with self._database.reading() as connection:
            return {row[0] for row in connection.execute(query, (json.dumps(list(passages)),))}

    def add(self, document_id: int, document: Document) -> None:
        """Write the tables of a document."""
        with self._database.writing() as connection:
            for number, table in enumerate(document.tables):
                values = (document_id, number, table.about, json.dumps(table.headers), len(table.rows))
                connection.execute("INSERT INTO tables VALUES (?, ?, ?, ?, ?)", values)
                pieces = ((document_id, number, *piece) for piece in _pack(table))
                connection.executemany("INSERT INTO table_rows VALUES (?, ?, ?, ?, ?)", pieces)


def _pack(table: Table) -> Iterator[tuple[int, int, bytes]]:
    """Yield start, end and the packed rows and cells of each piece of a table."""
    for first in range(0, len(table.rows), _ROWS_PER_PIECE):
        rows = table.rows[first : first + _ROWS_PER_PIECE]
        low, high = np.searchsorted(table.cells[:, 0], [first, first + len(rows)])
        cells = table.cells[low:high] - np.array([first, 0, 0, 0], dtype=np.int32)
        flat = np.concatenate([[len(rows)], rows.ravel(), cells.ravel()]).astype("<i4")
        yield int(rows[:, 0].min()), int(rows[:, 1].max()), zlib.compress(flat.tobytes(), 6)


def _unpack(
    number: int, about: str, headers: tuple[str, ...], piece: bytes, first: int, last: int
) -> Iterator[TableRow]:
    """Yield the rows of a piece that share characters with a stretch of the text."""
    flat = np.frombuffer(zlib.decompress(piece), dtype="<i4")
    n_rows = int(flat[0])
    rows: NDArray[np.int32] = flat[1 : 1 + 3 * n_rows].reshape(-1, 3)
    cells: NDArray[np.int32] = flat[1 + 3 * n_rows :].reshape(-1, 4)
    begin = np.searchsorted(cells[:, 0], np.arange(n_rows + 1))
    for order in np.flatnonzero((rows[:, 0] < last) & (rows[:, 1] > first)).tolist():
        start, end, row_number = rows[order].tolist()
        its = cells[begin[order] : begin[order + 1], 1:].tolist()
        values = tuple(Cell(column, headers[column] if column < len(headers) else "", a, b) for column, a, b in its)
        yield TableRow(number, row_number, about, headers, start, end, values)
