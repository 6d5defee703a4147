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
    """The documents of an index, by name. Methods that take one name raise `UnknownDocumentError`."""

    def __init__(self, database: Database, meta: Meta) -> None:
        """Access the documents of an index's database.

        Args:
            database: The database.
            meta: Counts deletions.
        """
        self._database = database
        self._meta = meta

    def count(self) -> int:
        """Return the number of documents."""
        with self._database.reading() as connection:
            return int(connection.execute("SELECT count(name) FROM documents").fetchone()[0])

    def all(self) -> list[DocumentRecord]:
        """Return all documents without their texts, sorted by name."""
        query = f"SELECT {_RECORD} FROM documents WHERE name IS NOT NULL ORDER BY name"
        with self._database.reading() as connection:
            return [DocumentRecord(*row) for row in connection.execute(query)]

    def record(self, name: str) -> DocumentRecord:
        """Look up a document without its text."""
        with self._database.reading():
            return DocumentRecord(*self._row(name, _RECORD))

    def records(self, names: Iterable[str]) -> dict[str, DocumentRecord]:
        """Look up documents without their texts; unknown names are missing from the result."""
        query = f"SELECT {_RECORD} FROM documents WHERE name IN (SELECT value FROM json_each(?)) ORDER BY name"
        with self._database.reading() as connection:
            return {row[0]: DocumentRecord(*row) for row in connection.execute(query, (json.dumps(list(names)),))}

    def names_by_hash(self, hashes: Iterable[str]) -> dict[str, list[str]]:
        """Look up the names of documents by the SHA-256 of their files; names are sorted."""
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
        """Return the names of the documents inside a file or folder, sorted."""
        query = "SELECT name FROM documents WHERE name > ? AND name < ? ORDER BY name"
        with self._database.reading() as connection:
            # "0" is what comes after the slash: between the two lies all that begins with the name and a slash.
            return [row[0] for row in connection.execute(query, (f"{name}/", f"{name}0"))]

    def names_in(self, text: str) -> list[str]:
        """Return the names of documents that occur in a text, ignoring case, sorted.

        Args:
            text: The text.

        Returns:
            The names; some may occur only as part of a longer word.
        """
        # SQLite folds the case of ASCII only; names with other letters are compared here.
        query = (
            "SELECT name, length(name) = length(CAST(name AS BLOB)) FROM documents WHERE name IS NOT NULL"
            " AND (instr(?, lower(name)) OR length(name) <> length(CAST(name AS BLOB))) ORDER BY name"
        )
        folded = _folded(text)
        with self._database.reading() as connection:
            rows = connection.execute(query, (folded,)).fetchall()
        return [name for name, is_ascii in rows if is_ascii or _folded(name) in folded]

    def get(self, name: str) -> Document:
        """Return a document with its text, but without places, metadata and boxes, which have their own methods."""
        with self._database.reading():
            return Document(*self._row(name, "name, text, title, sha256"))

    def metadata(self, name: str) -> dict[str, str]:
        """Return the metadata of a document.

        Args:
            name: The document's name.

        Returns:
            "author", "date" (ISO 8601), "language" (ISO 639-1), "subject" and others; missing where not stated.
        """
        with self._database.reading():
            (stored,) = self._row(name, "metadata")
        with self._database.decoding():
            said: dict[str, str] = json.loads(stored)
        return said

    def id_of(self, name: str) -> int:
        """Return a document's id, which its rows in other tables refer to."""
        with self._database.reading():
            return int(self._row(name, "id")[0])

    def add(self, document: Document, n_passages: int) -> int:
        """Insert a document; its name must be new, and its places and passages are written separately.

        Args:
            document: The document.
            n_passages: Number of its passages.

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
        """Rename documents, old to new; unknown names are ignored."""
        query = "UPDATE documents SET name = ? WHERE name = ?"
        with self._database.writing() as connection:
            connection.executemany(query, [(new, old) for old, new in names.items()])

    def delete(self, names: Iterable[str]) -> None:
        """Delete documents by removing their names, which is fast; `Erasure` removes the rows. Skips unknown names."""
        query = "UPDATE documents SET name = NULL WHERE name = ?"
        with self._database.writing() as connection:
            n_deleted = sum(connection.execute(query, (name,)).rowcount for name in names)
            if n_deleted:
                self._meta.add(DELETIONS, n_deleted)

    def _row(self, name: str, columns: str) -> tuple[Any, ...]:
        """Return columns of a document, in the open transaction.

        Args:
            name: The document's name.
            columns: The columns.

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
    """Fold case as regular expressions do, which treat the Turkish dotted and dotless i as i."""
    return text.casefold().replace("\u0307", "").replace("\u0131", "i")
