"""The documents of an index, by name: texts, records and metadata."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from index.errors import UnknownDocumentError
from index.records import Document, DocumentRecord
from index.storage.database import Database
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

    def all(self) -> list[DocumentRecord]:
        """All documents in the order of their names, without their texts; `record` and `records` look some up."""
        query = f"SELECT {_RECORD} FROM documents WHERE name IS NOT NULL ORDER BY name"
        with self._database.reading() as connection:
            return [DocumentRecord(*row) for row in connection.execute(query)]

    def record(self, name: str) -> DocumentRecord:
        """Look up one document without its text."""
        with self._database.reading():
            return DocumentRecord(*self._row(name, _RECORD))

    def records(self, names: Iterable[str]) -> dict[str, DocumentRecord]:
        """Look up documents without their texts; names that no document has are missing."""
        query = f"SELECT {_RECORD} FROM documents WHERE name IN (SELECT value FROM json_each(?)) ORDER BY name"
        with self._database.reading() as connection:
            return {row[0]: DocumentRecord(*row) for row in connection.execute(query, (json.dumps(list(names)),))}

    def names_by_hash(self, hashes: Iterable[str]) -> dict[str, list[str]]:
        """Names of the documents whose file has one of some hashes, in order, by hash."""
        query = (
            "SELECT sha256, name FROM documents WHERE sha256 IN (SELECT value FROM json_each(?))"
            " AND name IS NOT NULL ORDER BY name"
        )
        found: dict[str, list[str]] = {}
        with self._database.reading() as connection:
            for sha256, name in connection.execute(query, (json.dumps(list(hashes)),)):
                found.setdefault(sha256, []).append(name)
        return found

    def names_below(self, name: str) -> list[str]:
        """Names of the documents within a file or folder, in order."""
        query = "SELECT name FROM documents WHERE name > ? AND name < ? ORDER BY name"
        with self._database.reading() as connection:
            # "0" is what comes after the slash: between the two lies all that begins with the name and a slash.
            return [row[0] for row in connection.execute(query, (f"{name}/", f"{name}0"))]

    def names_in(self, text: str) -> list[str]:
        """Names of documents that stand in a text, letter case aside, in order.

        Args:
            text: The text.

        Returns:
            The names; beside them there may be some that do not quite stand there, as a name within a longer word.
        """
        # SQLite lowers the letters of ASCII only: names with others are looked at here.
        query = (
            "SELECT name, length(name) = length(CAST(name AS BLOB)) FROM documents WHERE name IS NOT NULL"
            " AND (instr(?, lower(name)) OR length(name) <> length(CAST(name AS BLOB))) ORDER BY name"
        )
        folded = _folded(text)
        with self._database.reading() as connection:
            rows = connection.execute(query, (folded,)).fetchall()
        return [name for name, is_ascii in rows if is_ascii or _folded(name) in folded]

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

    def id_of(self, name: str) -> int:
        """The number that a document's rows in other tables refer to it by."""
        with self._database.reading():
            return int(self._row(name, "id")[0])

    def add(self, document: Document, n_passages: int) -> int:
        """Write a document, whose name no other may have, without what else belongs to it.

        Args:
            document: The document.
            n_passages: How many passages it has.

        Returns:
            Its id, which its places and passages refer to.
        """
        said = json.dumps(dict(document.metadata))
        values = (document.name, document.title, document.sha256, len(document.text), n_passages, said, document.text)
        columns = "name, title, sha256, n_chars, n_passages, metadata, text"
        query = f"INSERT INTO documents ({columns}) VALUES ({', '.join('?' * len(values))}) RETURNING id"
        with self._database.writing() as connection:
            return int(connection.execute(query, values).fetchone()[0])

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


def _folded(text: str) -> str:
    """A text without letter case, as regular expressions compare it: they take the Turkish i's for i."""
    return text.casefold().replace("\u0307", "").replace("\u0131", "i")
