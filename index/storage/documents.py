"""The documents of an index: texts, metadata, places, pages, and where characters are printed on them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from index.errors import UnknownDocumentError
from index.formats.content import Place
from index.records import Document, DocumentRecord, PageBoxes
from index.storage.char_boxes import PIECE_CHARS, pack, unpack
from index.storage.database import Database
from index.storage.highlights import lines_of
from index.storage.meta import DELETIONS, Meta

_RECORD = "name, title, sha256, n_passages, n_chars"


class Documents:
    """The documents of an index, looked up by name. Methods that take one name raise `UnknownDocumentError`."""

    def __init__(self, database: Database, meta: Meta) -> None:
        """Make it over an index's database.

        Args:
            database: The database.
            meta: Where deletions are counted.
        """
        self._database = database
        self._meta = meta

    def count(self) -> int:
        """Number of documents."""
        with self._database.reading() as connection:
            return int(connection.execute("SELECT count(name) FROM documents").fetchone()[0])

    def records(self) -> list[DocumentRecord]:
        """All documents in the order of their names, without their texts. `record` looks one up."""
        query = f"SELECT {_RECORD} FROM documents WHERE name IS NOT NULL ORDER BY name"
        with self._database.reading() as connection:
            return [DocumentRecord(*row) for row in connection.execute(query)]

    def record(self, name: str) -> DocumentRecord:
        """Look up one document without its text."""
        with self._database.reading():
            return DocumentRecord(*self._row(name, _RECORD))

    def missing(self, names: Iterable[str]) -> list[str]:
        """Return those of some names that no document has, in their order."""
        query = "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT name FROM documents WHERE name IS NOT NULL)"
        with self._database.reading() as connection:
            return [name for (name,) in connection.execute(query, (json.dumps(list(names)),))]

    def get(self, name: str) -> Document:
        """A document with its text; without places, metadata and boxes, which have methods of their own."""
        with self._database.reading():
            return Document(*self._row(name, "name, text, title, sha256"))

    def metadata(self, name: str) -> dict[str, str]:
        """What a document says of itself.

        Args:
            name: Its name.

        Returns:
            "author", "date" (ISO 8601), "language" (ISO 639-1), "subject" and the like; what it doesn't say is missing.
        """
        with self._database.reading():
            (stored,) = self._row(name, "metadata")
        with self._database.decoding():
            said: dict[str, str] = json.loads(stored)
        return said

    def places(self, name: str) -> tuple[Place, ...]:
        """Where stretches of a document's text stand in its file, in order."""
        query = "SELECT start, label FROM places WHERE document_id = ? ORDER BY start"
        with self._database.reading() as connection:
            return tuple(Place(*row) for row in connection.execute(query, self._row(name, "id")))

    def place_at(self, name: str, offset: int) -> str:
        """Label of the place that an offset in a document's text stands at; "" where there is none."""
        query = "SELECT label FROM places WHERE document_id = ? AND start <= ? ORDER BY start DESC LIMIT 1"
        with self._database.reading() as connection:
            found = connection.execute(query, (*self._row(name, "id"), offset)).fetchone()
        return "" if found is None else str(found[0])

    def extent(self, name: str) -> tuple[int, int]:
        """How many pages a document is printed on, 0 for formats without pages, and how many places it has."""
        query = (
            "SELECT (SELECT count(*) FROM pages WHERE document_id = ?), (SELECT count(*) FROM places WHERE"
            " document_id = ?)"
        )
        with self._database.reading() as connection:
            (id_,) = self._row(name, "id")
            n_pages, n_places = connection.execute(query, (id_, id_)).fetchone()
        return n_pages, n_places

    def page_sizes(self, name: str) -> list[tuple[float, float]]:
        """Width and height of each page of a document, in points (1/72 inch).

        Args:
            name: Its name.

        Returns:
            The sizes in the order of the pages; (0, 0) of one that cannot be shown, none for formats without pages.
        """
        query = "SELECT width, height FROM pages WHERE document_id = ? ORDER BY number"
        with self._database.reading() as connection:
            return list(connection.execute(query, self._row(name, "id")))

    def boxes(self, name: str, start: int, end: int) -> list[PageBoxes]:
        """Where a stretch of a document's text is printed.

        Args:
            name: Its name.
            start: Offset of its first character.
            end: Offset after its last one.

        Returns:
            The pages that it is on, with a rectangle for each line; none where it is printed nowhere.
        """
        query = "SELECT first, piece FROM boxes WHERE document_id = ? AND first > ? AND first < ? ORDER BY first"
        with self._database.reading() as connection:
            (id_,) = self._row(name, "id")
            pieces = connection.execute(query, (id_, start - PIECE_CHARS, end)).fetchall()
            sizes = "SELECT number, width, height FROM pages WHERE document_id = ?"
            pages = {number: (w, h) for number, w, h in connection.execute(sizes, (id_,))} if pieces else {}
        characters = []
        for first, piece in pieces:
            stretch = slice(max(start - first, 0), max(end - first, 0))
            with self._database.decoding():
                numbers, rectangles = unpack(piece)
            printed = zip(numbers[stretch], rectangles[stretch], strict=True)
            characters += [(page, box) for page, box in printed if page >= 0]
        return [PageBoxes(page + 1, *pages[page], tuple(lines)) for page, lines in lines_of(characters)]

    def add(self, document: Document, n_passages: int) -> int:
        """Write a document, whose name no other may have, with its places, pages and boxes.

        Args:
            document: The document.
            n_passages: How many passages it has.

        Returns:
            Its id, which its passages refer to.
        """
        said = json.dumps(dict(document.metadata))
        values = (document.name, document.title, document.sha256, len(document.text), n_passages, said, document.text)
        columns = "name, title, sha256, n_chars, n_passages, metadata, text"
        marks = ", ".join("?" * len(values))
        sizes = [] if document.boxes is None else np.nan_to_num(document.boxes.sizes).tolist()
        pieces = [] if document.boxes is None else list(pack(document.boxes))
        with self._database.writing() as connection:
            query = f"INSERT INTO documents ({columns}) VALUES ({marks}) RETURNING id"
            (id_,) = connection.execute(query, values).fetchone()
            places = ((id_, place.start, place.label) for place in document.places)
            connection.executemany("INSERT INTO places VALUES (?, ?, ?)", places)
            pages = ((id_, number, width, height) for number, (width, height) in enumerate(sizes))
            connection.executemany("INSERT INTO pages VALUES (?, ?, ?, ?)", pages)
            connection.executemany("INSERT INTO boxes VALUES (?, ?, ?)", ((id_, *piece) for piece in pieces))
        return int(id_)

    def rename(self, names: Mapping[str, str]) -> None:
        """Give documents other names, old to new; names that are not there are passed over."""
        query = "UPDATE documents SET name = ? WHERE name = ?"
        with self._database.writing() as connection:
            connection.executemany(query, [(new, old) for old, new in names.items()])

    def delete(self, names: Iterable[str]) -> None:
        """Take documents' names, and with them all that belongs to them out of reach: quick, however long they are.

        Nothing finds them from then on; `Erasure` takes them out of the files. Names that no document has are skipped.

        Args:
            names: Names of the documents.
        """
        query = "UPDATE documents SET name = NULL WHERE name = ?"
        with self._database.writing() as connection:
            n_deleted = sum(connection.execute(query, (name,)).rowcount for name in names)
            if n_deleted:
                self._meta.add(DELETIONS, n_deleted)

    def _row(self, name: str, columns: str) -> tuple[Any, ...]:
        """What is stored of a document, in the transaction that is open.

        Args:
            name: The document's name.
            columns: Which columns.

        Returns:
            Their values.

        Raises:
            UnknownDocumentError: There is no document of that name.
        """
        with self._database.reading() as connection:
            query = f"SELECT {columns} FROM documents WHERE name = ?"
            row: tuple[Any, ...] | None = connection.execute(query, (name,)).fetchone()
        if row is None:
            raise UnknownDocumentError(f"there is no document {name!r} in the index")
        return row
