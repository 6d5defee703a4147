"""The SQLite store, the one source of truth: documents, passages, vectors, lexical rows; a transaction a document."""

import json
import re
import sqlite3
import threading
import uuid
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from index.errors import BusyIndexError, DamagedIndexError, UnknownDocumentError, VerbatimError
from index.formats.content import Place
from index.records import Document, DocumentRecord, FileRecord, PageBoxes, Passage, Vectors
from index.storage import private_files
from index.storage.char_boxes import PIECE_CHARS, pack, unpack
from index.storage.highlights import lines_of

FILE_NAME = "store.sqlite"
SCHEMA_VERSION = 4
MENDED_BY = "mend it with: verbatim doctor FOLDER --mend"
_BUSY_TIMEOUT_S = 30
_CLOSING_PATIENCE_S = 5
_IDS_PER_QUERY = 500
_FREED_PAGES_PER_STEP = 500
_CHECKPOINT_PATIENCE_MS = 500
_DAMAGE = ("malformed", "not a database", "no such table", "could not decode")

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- The ledger: every file that was met in the folder, and what became of it.
CREATE TABLE files (
    name TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    detail TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    checked_ns INTEGER NOT NULL,
    parent TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX files_by_parent ON files (parent);

-- What was taken out by hand, by name and by content: neither another name nor a new file brings it back.
CREATE TABLE kept_out (name TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (name, sha256)) WITHOUT ROWID;

-- A document without a name is deleted: nothing finds it, and its rows are erased in the background.
-- The text comes last: what stands behind a long one is slow to reach.
CREATE TABLE documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT UNIQUE,
    title TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    n_chars INTEGER NOT NULL,
    n_passages INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    text TEXT NOT NULL
);

-- Where stretches of a document's text stand in its file; each goes on to the beginning of the next.
CREATE TABLE places (
    document_id INTEGER NOT NULL REFERENCES documents (id),
    start INTEGER NOT NULL,
    label TEXT NOT NULL,
    PRIMARY KEY (document_id, start)
) WITHOUT ROWID;

-- Sizes of a document's pages, in points, and where its characters are printed on them, as char_boxes.py has it.
CREATE TABLE pages (
    document_id INTEGER NOT NULL REFERENCES documents (id),
    number INTEGER NOT NULL,
    width REAL NOT NULL,
    height REAL NOT NULL,
    PRIMARY KEY (document_id, number)
) WITHOUT ROWID;
CREATE TABLE boxes (
    document_id INTEGER NOT NULL REFERENCES documents (id),
    first INTEGER NOT NULL,
    piece BLOB NOT NULL,
    PRIMARY KEY (document_id, first)
);

-- AUTOINCREMENT: an id is never used again, so a derived index can tell what it lacks and what it has too much.
CREATE TABLE passages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id INTEGER NOT NULL REFERENCES documents (id),
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    heading TEXT NOT NULL,
    context TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX passages_by_document ON passages (document_id);

CREATE TABLE vectors (passage_id INTEGER PRIMARY KEY REFERENCES passages (id), vector BLOB NOT NULL);

CREATE VIRTUAL TABLE lexical USING fts5 (
    context, text, content = 'passages', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2'
);
"""


_LOOKED_AT = 20
"""Passages in which the form of a word is looked for."""


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A passage with what belongs to it in the store.

    Attributes:
        passage: The passage.
        context: Title and headings, embedded and searched in front of its text.
        vector: `(dimension,)` float32, unit length.
    """

    passage: Passage
    context: str
    vector: Vectors


@dataclass(eq=False, slots=True, weakref_slot=True)
class _Held:
    """A thread's connection, closed when the thread is gone or the store is closed.

    Attributes:
        connection: The connection.
        in_use: Held by the thread as long as it works with it.
    """

    connection: sqlite3.Connection
    in_use: threading.RLock = field(default_factory=threading.RLock)

    def __del__(self) -> None:
        self.connection.close()


class Store:
    """One index on disk. Safe to use from many threads; one process at a time may write."""

    def __init__(self, folder: Path, rebuild_command: str = "verbatim index FOLDER --rebuild") -> None:
        """Open the store in a folder, making it when there is none.

        Args:
            folder: Where the store's file lies; made when missing.
            rebuild_command: What people are told to type when the store is damaged.

        Raises:
            DamagedIndexError: There is a file, and it is no store of ours or cannot be read.
            VerbatimError: The folder cannot be made or written.
        """
        self.path = folder / FILE_NAME
        self._rebuild_command = rebuild_command
        self._local = threading.local()
        self._held: weakref.WeakSet[_Held] = weakref.WeakSet()
        self._guard = threading.Lock()
        try:
            private_files.make_folder(folder)
        except OSError as error:
            place = f"index_dir={str(folder)!r}"
            raise VerbatimError(f"{place} cannot be made: {error.strerror}; name a folder that can") from error
        with self._connected() as connection:
            is_new = not _has_tables(connection)
        if is_new:
            with self.writing() as connection:
                if not _has_tables(connection):  # another process may have made it between the look and the lock
                    _make_tables(connection, {})

    def clear(self, meta: dict[str, object]) -> None:
        """Begin anew, in one transaction: whoever has the store open sees the old state or the new one.

        Args:
            meta: What the index is, by key.

        Raises:
            DamagedIndexError: The store cannot be read.
            BusyIndexError: Another process kept the store locked for too long.
        """
        with self.writing() as connection:
            n_deleted = connection.execute("SELECT count(*) FROM documents").fetchone()[0]
            for table in _TABLES:
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            _make_tables(connection, meta | {_COUNTS[0]: n_deleted})

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection; what is still open at the end of the block is undone.

        Yields:
            The connection.

        Raises:
            IntegrityError: As it came: it is a mistake of ours, not of the disk.
        """
        with ExitStack() as in_use:
            connection: sqlite3.Connection | None = None
            try:
                held = self._hold()
                in_use.enter_context(held.in_use)
                connection = held.connection
                yield connection
            except sqlite3.IntegrityError:
                raise
            except sqlite3.DatabaseError as error:
                raise self._explain(error) from error
            finally:
                with suppress(sqlite3.ProgrammingError):  # closed in the middle of it, which undid it as well
                    if connection is not None and connection.in_transaction:
                        connection.execute("ROLLBACK")

    def _explain(self, error: sqlite3.Error) -> VerbatimError:
        said = str(error).lower()
        if any(words in said for words in _DAMAGE):
            return DamagedIndexError(
                f"the index {self.path} cannot be read ({error}); rebuild it with: {self._rebuild_command}"
            )
        if "locked" in said:
            return BusyIndexError(f"the index {self.path} is being written by another process; try again later")
        if "full" in said:
            return VerbatimError(f"the disk of {self.path} is full; free some space and run it again, nothing is lost")
        if "closed" in said:
            return VerbatimError(f"the index {self.path} was closed; open it again")
        if "readonly" in said or "unable to open" in said:
            return VerbatimError(f"{self.path} cannot be written ({error}); set index_dir to a folder that can")
        return VerbatimError(f"the index {self.path} cannot be used: {error}; check the disk that it is on")

    def _hold(self) -> _Held:
        """This thread's connection, opened when there is none."""
        held: _Held | None = getattr(self._local, "held", None)
        if held is None:
            with suppress(OSError):  # SQLite says what is wrong
                private_files.make_file(self.path)
            # check_same_thread off only for closing: each thread uses its own.
            held = _Held(
                sqlite3.connect(self.path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
            )
            held.connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new file; no other heeds it
            held.connection.execute("PRAGMA journal_mode = WAL")
            held.connection.execute("PRAGMA secure_delete = ON")
            held.connection.execute("PRAGMA synchronous = NORMAL")
            held.connection.execute("PRAGMA foreign_keys = ON")
            self._local.held = held
            with self._guard:
                self._held.add(held)
        return held

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is committed, or nothing.

        Yields:
            The connection, inside the transaction.

        Raises:
            DamagedIndexError: The store cannot be read.
            BusyIndexError: Another process kept the store locked for too long.
            VerbatimError: The disk is full, or the store may not be written.
        """
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent state of the store, whatever is being written meanwhile.

        Yields:
            The connection, inside a read transaction; a nested call joins the outer one.

        Raises:
            DamagedIndexError: The store cannot be read.
        """
        held: _Held | None = getattr(self._local, "held", None)
        if held is not None and held.connection.in_transaction:
            yield held.connection
            return
        with self._connected() as connection:
            connection.execute("BEGIN")
            yield connection

    def close(self) -> None:
        """Close the connections of all threads. Nothing is lost by not calling it.

        One that another thread is using is waited for: SQLite crashes when a connection is closed under a statement.
        One that is in use for longer is closed when that thread is done with it.
        """
        self._local = threading.local()
        with self._guard:
            all_held = list(self._held)
            self._held.clear()
        for held in all_held:
            if held.in_use.acquire(timeout=_CLOSING_PATIENCE_S):
                try:
                    held.connection.close()
                finally:
                    held.in_use.release()

    # What the index is

    def meta(self, key: str) -> Any:  # noqa: ANN401 (whatever was stored as JSON)
        """A value stored under a key; None when there is none."""
        with self.reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def set_meta(self, key: str, value: object) -> None:
        """Store a JSON value under a key."""
        with self.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))

    def generation(self) -> int:
        """How many times documents were written or deleted since the store was made."""
        return int(self.meta("generation"))

    def counts(self) -> dict[str, int]:
        """Number of documents, passages, vectors and lexical rows; what is deleted is not counted."""
        queries = {
            "documents": "SELECT count(name) FROM documents",
            "passages": f"SELECT count(*) FROM passages WHERE id NOT IN ({_DELETED})",
            "vectors": f"SELECT count(*) FROM vectors WHERE passage_id NOT IN ({_DELETED})",
            "lexical": f"SELECT count(*) FROM lexical_docsize WHERE id NOT IN ({_DELETED})",
        }
        with self.reading() as connection:
            return {what: connection.execute(query).fetchone()[0] for what, query in queries.items()}

    def n_rows(self) -> tuple[int, int]:
        """Number of documents and of passages, without what is deleted; quicker than `counts`, which looks at each."""
        with self.reading() as connection:
            n_documents = connection.execute("SELECT count(name) FROM documents").fetchone()[0]
            n_passages = connection.execute("SELECT count(document_id) FROM passages").fetchone()[0]
            n_deleted = connection.execute(f"SELECT count(*) FROM ({_DELETED})").fetchone()[0]
        return n_documents, n_passages - n_deleted

    # Documents

    def put(self, document: Document, rows: Sequence[PassageRow], file: FileRecord | None) -> None:
        """Write a document with all that belongs to it, in place of the one of that name if there is one.

        Args:
            document: The document.
            rows: Its passages.
            file: The ledger's line for it, None when it comes from no file.
        """
        pieces = [] if document.boxes is None else list(pack(document.boxes))
        with self.writing() as connection:
            _delete(connection, document.name)
            id_ = _insert_document(connection, document, len(rows))
            connection.executemany("INSERT INTO boxes VALUES (?, ?, ?)", [(id_, *piece) for piece in pieces])
            for row in rows:
                _insert_passage(connection, id_, row)
            if file is not None:
                _write_file(connection, file)
            _next_generation(connection)

    def delete(self, names: Iterable[str], files: Iterable[FileRecord] = ()) -> None:
        """Delete documents with all that belongs to them; names that are not there are passed over.

        Nothing finds them from then on; `erase_some`, `rebuild_lexical`, `shrink_some` and `empty_log` take them out of
        its files.

        Args:
            names: Names of the documents, whose ledger lines go with them.
            files: Ledger lines to write in the same transaction.
        """
        with self.writing() as connection:
            for name in names:
                _delete(connection, name)
                connection.execute("DELETE FROM files WHERE name = ?", (name,))
            for file in files:
                _write_file(connection, file)
            _next_generation(connection)

    def rename(self, old: str, file: FileRecord) -> None:
        """Give a file another name, and so its document and the files within it; passages and vectors stay.

        Args:
            old: The name so far, whose ledger line goes.
            file: The ledger's line for the new name.
        """
        parts = "SELECT name FROM files WHERE parent = ?"
        moved = "? || substr(name, ?)"
        values = (file.name, len(old) + 1, old)
        with self.writing() as connection:
            connection.execute(f"UPDATE documents SET name = {moved} WHERE name IN ({parts})", values)
            connection.execute("UPDATE documents SET name = ? WHERE name = ?", (file.name, old))
            connection.execute(
                "UPDATE files SET detail = ? || substr(detail, ?) WHERE status = 'duplicate'"
                f" AND (detail = ? OR detail IN ({parts}))",
                (file.name, len(old) + 1, old, old),
            )
            connection.execute(f"UPDATE files SET parent = ?, name = {moved} WHERE parent = ?", (file.name, *values))
            connection.execute("DELETE FROM files WHERE name = ?", (old,))
            _write_file(connection, file)
            _next_generation(connection)

    def begin_file(self, name: str, parts: Iterable[FileRecord], keep: Iterable[str]) -> None:
        """Make ready for the documents of a file that has files within it, or had; its own line comes last, by `put`.

        Until then the ledger does not know the file: a run that is interrupted reads it again.

        Args:
            name: The file's name.
            parts: Ledger lines of the files within it that are no documents.
            keep: Names of its documents, which are about to be written; all others that it had go.
        """
        kept = json.dumps(list(keep))
        gone = (
            "SELECT name FROM documents WHERE (name = ? OR name IN (SELECT name FROM files WHERE parent = ?))"
            " AND name NOT IN (SELECT value FROM json_each(?))"
        )
        with self.writing() as connection:
            for (document,) in connection.execute(gone, (name, name, kept)).fetchall():
                _delete(connection, document)
            connection.execute(
                "DELETE FROM files WHERE name = ? OR parent = ? AND name NOT IN (SELECT value FROM json_each(?))",
                (name, name, kept),
            )
            for part in parts:
                _write_file(connection, part)
            _next_generation(connection)

    def documents(self) -> list[DocumentRecord]:
        """All documents in the order of their names."""
        query = "SELECT name, title, sha256, n_passages, n_chars FROM documents WHERE name IS NOT NULL ORDER BY name"
        with self.reading() as connection:
            return [DocumentRecord(*row) for row in connection.execute(query)]

    def record(self, name: str) -> DocumentRecord:
        """Look up one document without its text.

        Args:
            name: Its name.

        Returns:
            The record.

        Raises:
            UnknownDocumentError: There is none of that name.
        """
        with self.reading() as connection:
            return DocumentRecord(*self._row(connection, name, "name, title, sha256, n_passages, n_chars"))

    def records(self, names: Iterable[str]) -> dict[str, DocumentRecord]:
        """Look up documents without their texts; names that no document has are missing."""
        query = (
            "SELECT name, title, sha256, n_passages, n_chars FROM documents"
            " WHERE name IN (SELECT value FROM json_each(?)) ORDER BY name"
        )
        with self.reading() as connection:
            return {row[0]: DocumentRecord(*row) for row in connection.execute(query, (json.dumps(list(names)),))}

    def names_by_hash(self, hashes: Iterable[str]) -> dict[str, list[str]]:
        """Names of the documents whose file has one of some hashes, in order, by hash."""
        query = (
            "SELECT sha256, name FROM documents WHERE sha256 IN (SELECT value FROM json_each(?))"
            " AND name IS NOT NULL ORDER BY name"
        )
        found: dict[str, list[str]] = {}
        with self.reading() as connection:
            for sha256, name in connection.execute(query, (json.dumps(list(hashes)),)):
                found.setdefault(sha256, []).append(name)
        return found

    def names_below(self, name: str) -> list[str]:
        """Names of the documents within a file or folder, in order."""
        query = "SELECT name FROM documents WHERE name > ? AND name < ? ORDER BY name"
        with self.reading() as connection:
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
        with self.reading() as connection:
            rows = connection.execute(query, (folded,)).fetchall()
        return [name for name, is_ascii in rows if is_ascii or _folded(name) in folded]

    def document(self, name: str) -> Document:
        """A document with its text.

        Args:
            name: Its name.

        Returns:
            The document.

        Raises:
            UnknownDocumentError: There is none of that name.
        """
        with self.reading() as connection:
            return Document(*self._row(connection, name, "name, text, title, sha256"))

    def _row(self, connection: sqlite3.Connection, name: str, columns: str) -> tuple[Any, ...]:
        """What the store has of a document.

        Args:
            connection: A connection, in a transaction.
            name: The document's name.
            columns: Which columns.

        Returns:
            Their values.

        Raises:
            UnknownDocumentError: There is no document of that name.
        """
        row: tuple[Any, ...] | None = connection.execute(
            f"SELECT {columns} FROM documents WHERE name = ?", (name,)
        ).fetchone()
        if row is None:
            raise UnknownDocumentError(f"there is no document {name!r} in the index")
        return row

    def metadata(self, name: str) -> dict[str, str]:
        """What a document says of itself.

        Args:
            name: Its name.

        Returns:
            "author", "date" (ISO 8601), "language" (ISO 639-1), "subject" and the like; what it doesn't say is missing.

        Raises:
            UnknownDocumentError: There is none of that name.
        """
        with self.reading() as connection:
            said: dict[str, str] = json.loads(self._row(connection, name, "metadata")[0])
        return said

    def places(self, name: str) -> tuple[Place, ...]:
        """Where stretches of a document's text stand in its file.

        Args:
            name: Its name.

        Returns:
            The places in order.

        Raises:
            UnknownDocumentError: There is none of that name.
        """
        with self.reading() as connection:
            query = "SELECT start, label FROM places WHERE document_id = ? ORDER BY start"
            return tuple(Place(*row) for row in connection.execute(query, self._row(connection, name, "id")))

    def extent(self, name: str) -> tuple[int, int]:
        """How many pages a document is printed on, 0 for formats without pages, and how many places it has.

        Args:
            name: Its name.

        Returns:
            The two numbers.

        Raises:
            UnknownDocumentError: There is none of that name.
        """
        query = (
            "SELECT (SELECT count(*) FROM pages WHERE document_id = ?), (SELECT count(*) FROM places WHERE"
            " document_id = ?)"
        )
        with self.reading() as connection:
            (id_,) = self._row(connection, name, "id")
            n_pages, n_places = connection.execute(query, (id_, id_)).fetchone()
        return n_pages, n_places

    def page_sizes(self, name: str) -> list[tuple[float, float]]:
        """Width and height of each page of a document, in points (1/72 inch).

        Args:
            name: Its name.

        Returns:
            The sizes in the order of the pages; (0, 0) of one that cannot be shown, none for formats without pages.

        Raises:
            UnknownDocumentError: There is none of that name.
        """
        query = "SELECT width, height FROM pages WHERE document_id = ? ORDER BY number"
        with self.reading() as connection:
            return list(connection.execute(query, self._row(connection, name, "id")))

    def place_at(self, name: str, offset: int) -> str:
        """What people call the place that an offset in a document's text stands at.

        Args:
            name: Its name.
            offset: The offset.

        Returns:
            The place's label; "" where there is none.

        Raises:
            UnknownDocumentError: There is none of that name.
        """
        query = "SELECT label FROM places WHERE document_id = ? AND start <= ? ORDER BY start DESC LIMIT 1"
        with self.reading() as connection:
            found = connection.execute(query, (*self._row(connection, name, "id"), offset)).fetchone()
        return "" if found is None else str(found[0])

    def boxes(self, name: str, start: int, end: int) -> list[PageBoxes]:
        """Where a stretch of a document's text is printed.

        Args:
            name: Its name.
            start: Offset of its first character.
            end: Offset after its last one.

        Returns:
            The pages that it is on, with a rectangle for each line; none where it is printed nowhere.

        Raises:
            UnknownDocumentError: There is none of that name.
        """
        query = "SELECT first, piece FROM boxes WHERE document_id = ? AND first > ? AND first < ? ORDER BY first"
        with self.reading() as connection:
            (id_,) = self._row(connection, name, "id")
            pieces = connection.execute(query, (id_, start - PIECE_CHARS, end)).fetchall()
            sizes = "SELECT number, width, height FROM pages WHERE document_id = ?"
            pages = {number: (w, h) for number, w, h in connection.execute(sizes, (id_,))} if pieces else {}
        characters = []
        for first, piece in pieces:
            stretch = slice(max(start - first, 0), max(end - first, 0))
            numbers, rectangles = unpack(piece)
            printed = zip(numbers[stretch], rectangles[stretch], strict=True)
            characters += [(page, box) for page, box in printed if page >= 0]
        return [PageBoxes(page + 1, *pages[page], tuple(lines)) for page, lines in lines_of(characters)]

    # The ledger of files

    def files(self) -> dict[str, FileRecord]:
        """The ledger's lines by name."""
        with self.reading() as connection:
            rows = connection.execute("SELECT * FROM files ORDER BY name").fetchall()
        return {row[0]: FileRecord(*row) for row in rows}

    def file_records(self, names: Iterable[str]) -> dict[str, FileRecord]:
        """Look up ledger lines by name; names without one are missing."""
        query = "SELECT * FROM files WHERE name IN (SELECT value FROM json_each(?)) ORDER BY name"
        with self.reading() as connection:
            return {row[0]: FileRecord(*row) for row in connection.execute(query, (json.dumps(list(names)),))}

    def write_files(self, files: Iterable[FileRecord]) -> None:
        """Write ledger lines, each in place of the one of its name."""
        with self.writing() as connection:
            for file in files:
                _write_file(connection, file)

    # What was taken out by hand

    def keep_out(self, names: Iterable[str], within: Iterable[str] = ()) -> None:
        """Delete documents and keep their names and contents out; their files' ledger lines say so.

        Args:
            names: Names of documents, or of files that hold nothing but others.
            within: Documents within those, which go with them; of their contents nothing is said.
        """
        with self.writing() as connection:
            for name in names:
                connection.execute(
                    "INSERT OR IGNORE INTO kept_out SELECT name, sha256 FROM files WHERE name = ?", (name,)
                )
                connection.execute("UPDATE files SET status = 'removed', detail = '' WHERE name = ?", (name,))
                _delete(connection, name)
            for name in within:
                connection.execute("DELETE FROM files WHERE name = ?", (name,))
                _delete(connection, name)
            _next_generation(connection)

    def kept_out(self) -> tuple[frozenset[str], frozenset[str]]:
        """Names, and hashes of contents, that stay out of the index."""
        with self.reading() as connection:
            rows = connection.execute("SELECT name, sha256 FROM kept_out").fetchall()
        return frozenset(name for name, _ in rows), frozenset(sha256 for _, sha256 in rows)

    def let_in(self, name: str, sha256: str) -> None:
        """Keep a name, all that is within it, and a content out no longer; the ledger forgets the files that were."""
        theirs = "(name = ? OR sha256 = ? OR substr(name, 1, ?) = ?)"
        values = (name, sha256, len(name) + 1, f"{name}/")
        with self.writing() as connection:
            connection.execute(f"DELETE FROM kept_out WHERE {theirs}", values)
            of_parts = f"SELECT parent FROM files WHERE status = 'removed' AND {theirs} AND parent != ''"
            connection.execute(f"DELETE FROM files WHERE name IN ({of_parts})", values)
            connection.execute(f"DELETE FROM files WHERE status = 'removed' AND {theirs}", values)

    # Passages and vectors

    def passages(self, ids: Sequence[int]) -> dict[int, tuple[Passage, Document]]:
        """Passages by their ids, each with its document, whose text is left out; ids that are gone are missing."""
        found: dict[int, tuple[Passage, Document]] = {}
        with self.reading() as connection:
            for start in range(0, len(ids), _IDS_PER_QUERY):
                some = ids[start : start + _IDS_PER_QUERY]
                query = (
                    'SELECT p.id, d.name, p.start, p."end", p.text, p.heading, d.title, d.sha256'
                    " FROM passages p JOIN documents d ON d.id = p.document_id"
                    f" WHERE p.id IN ({_marks(some)}) AND d.name IS NOT NULL"
                )
                for id_, name, first, end, text, heading, title, sha256 in connection.execute(query, some):
                    found[id_] = (Passage(name, first, end, text, heading), Document(name, "", title, sha256))
        return found

    def passage_ids(self, names: Sequence[str] | None = None) -> list[int]:
        """Ids of all passages, or of those of the documents named, in ascending order."""
        chosen = "name IS NOT NULL" if names is None else "name IN (SELECT value FROM json_each(?))"
        query = f"SELECT id FROM passages WHERE document_id IN (SELECT id FROM documents WHERE {chosen})"
        values = () if names is None else (json.dumps(list(names)),)
        with self.reading() as connection:
            # Sorted here: asked for in order, SQLite would read the texts, in place of the index by document.
            return sorted(row[0] for row in connection.execute(query, values))

    def vectors(self, ids: Sequence[int]) -> tuple[list[int], Vectors]:
        """Vectors of passages.

        Args:
            ids: Ids of passages.

        Returns:
            Those of the ids that are there, ascending, and their vectors, `(n, dimension)` float32.

        Raises:
            DamagedIndexError: They are of different lengths.
        """
        found: list[int] = []
        blobs: list[bytes] = []
        with self.reading() as connection:
            for start in range(0, len(ids), _IDS_PER_QUERY):
                some = ids[start : start + _IDS_PER_QUERY]
                query = f"SELECT passage_id, vector FROM vectors WHERE passage_id IN ({_marks(some)}) ORDER BY 1"
                for id_, blob in connection.execute(query, some):
                    found.append(id_)
                    blobs.append(blob)
        if len({len(blob) for blob in blobs}) > 1:
            raise DamagedIndexError(f"the index {self.path} holds vectors of different lengths; {MENDED_BY}")
        flat = np.frombuffer(b"".join(blobs), dtype=np.float32)
        return found, flat.reshape(len(found), -1) if found else flat.reshape(0, 0)

    def match(self, expression: str, limit: int, ids: Sequence[int] | None = None) -> list[tuple[int, float]]:
        """Passages that match a full-text expression, best first.

        Args:
            expression: In FTS5's syntax.
            limit: How many at most.
            ids: Passages to choose from; None is all of them.

        Returns:
            Id and BM25 score of each; higher is better, unlike FTS5's own sign.
        """
        query = "SELECT rowid, -bm25(lexical) AS score FROM lexical WHERE lexical MATCH ?"
        query += f" AND rowid NOT IN ({_DELETED})"
        values: list[object] = [expression]
        if ids is not None:
            # The sign keeps SQLite from matching anew for each passage to choose from: 1,000 take 0.9 ms, not 182.
            query += " AND +rowid IN (SELECT value FROM json_each(?))"
            values.append(json.dumps(list(ids)))
        query += " ORDER BY score DESC, rowid LIMIT ?"
        with self.reading() as connection:
            return connection.execute(query, [*values, limit]).fetchall()

    def words_held(self, words: Iterable[str], *, as_written: bool = False) -> set[str]:
        """Those of some words that a document holds.

        Args:
            words: Words of letters and digits, in lower case.
            as_written: In this form; else in any that the lexical search takes for the same.

        Returns:
            Those that are held; one of a document just deleted may yet be among them. A form that is rare beside others
            may be missed.
        """
        query = "SELECT p.text FROM lexical l JOIN passages p ON p.id = l.rowid WHERE lexical MATCH ? LIMIT ?"
        held = set()
        with self.reading() as connection:
            for word in words:
                rows = connection.execute(query, (f'"{word}"', _LOOKED_AT if as_written else 1))
                if any(not as_written or re.search(rf"\b{word}\b", text, re.IGNORECASE) for (text,) in rows):
                    held.add(word)
        return held

    # What is deleted, and still in the file

    def remains(self) -> int:
        """Number of the last deletion whose words and vectors may still stand in the files; 0 when none does."""
        with self.reading() as connection:
            rows = dict(connection.execute("SELECT key, CAST(value AS INTEGER) FROM meta WHERE key IN (?, ?)", _COUNTS))
        deletion, erased = (rows.get(key, 0) for key in _COUNTS)
        return deletion if deletion > erased else 0

    def erase_some(self, limit: int = 100) -> bool:
        """Erase some of the rows of deleted documents, in one short transaction.

        Args:
            limit: How many passages at most, with their vectors and lexical rows.

        Returns:
            Whether there was something to erase.
        """
        with self.writing() as connection:
            row = connection.execute("SELECT id FROM documents WHERE name IS NULL LIMIT 1").fetchone()
            if row is not None and not _erase_passages(connection, row[0], limit):
                for table in OF_DOCUMENT:
                    connection.execute(f"DELETE FROM {table} WHERE document_id = ?", row)
                connection.execute("DELETE FROM documents WHERE id = ?", row)
        return row is not None

    def rebuild_lexical(self) -> None:
        """Make the lexical index anew from the passages.

        It notes that a row is deleted by its words, and keeps the note; merging its segments, or optimizing it, drops
        them not always, and not before SQLite 3.42 could it do without.
        """
        with self.writing() as connection:
            connection.execute("INSERT INTO lexical (lexical) VALUES ('rebuild')")

    def shrink_some(self) -> bool:
        """Give pages that are no longer used back to the disk.

        Returns:
            Whether there are more.
        """
        with self.writing() as connection:
            connection.execute(f"PRAGMA incremental_vacuum({_FREED_PAGES_PER_STEP})").fetchall()
            is_able = connection.execute("PRAGMA auto_vacuum").fetchone()[0]  # not where an older version made the file
            return bool(is_able and connection.execute("PRAGMA freelist_count").fetchone()[0])

    def settle(self) -> None:
        """Make sure that what is committed so far outlives a power failure."""
        with self._connected() as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def empty_log(self) -> bool:
        """Move what is in the write-ahead log to the store's file and cut the log to nothing.

        Returns:
            Whether it is empty: while another connection reads an older state, it cannot be.
        """
        with self._connected() as connection:
            connection.execute(f"PRAGMA busy_timeout = {_CHECKPOINT_PATIENCE_MS}")
            try:
                is_busy = bool(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
            finally:
                connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_S * 1000}")
        return not is_busy

    def note_erased(self, deletion: int) -> None:
        """Note that nothing is left in the files of what was deleted.

        Args:
            deletion: What `remains` gave before the work began: what was deleted meanwhile is not covered.
        """
        self.set_meta(_COUNTS[1], deletion)


_COUNTS = ("deletions", "deletions_erased")
_DELETED = "SELECT id FROM passages WHERE document_id IN (SELECT id FROM documents WHERE name IS NULL)"
OF_DOCUMENT = ("places", "pages", "boxes")
"""Tables of what is known of a document besides its passages."""
_TABLES = ("lexical", "vectors", "passages", *OF_DOCUMENT, "documents", "kept_out", "files", "meta")
"""All tables, those that refer to others before those."""


def _folded(text: str) -> str:
    """A text without letter case, as regular expressions compare it: they take the Turkish i's for i."""
    return text.casefold().replace("\u0307", "").replace("\u0131", "i")


def _has_tables(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is not None


def _make_tables(connection: sqlite3.Connection, meta: dict[str, object]) -> None:
    for statement in _SCHEMA.split(";\n"):
        connection.execute(statement)
    first = {"schema_version": SCHEMA_VERSION, "store_id": uuid.uuid4().hex, "generation": 0}
    first |= dict.fromkeys(_COUNTS, 0)
    rows = [(key, json.dumps(value)) for key, value in (first | meta).items()]
    connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)


def _insert_document(connection: sqlite3.Connection, document: Document, n_passages: int) -> int | None:
    """A document with its places and pages; its id."""
    columns = "name, title, sha256, n_chars, n_passages, metadata, text"
    said = json.dumps(dict(document.metadata))
    values = (document.name, document.title, document.sha256, len(document.text), n_passages, said, document.text)
    id_ = connection.execute(f"INSERT INTO documents ({columns}) VALUES ({_marks(values)})", values).lastrowid
    places = ((id_, place.start, place.label) for place in document.places)
    connection.executemany("INSERT INTO places VALUES (?, ?, ?)", places)
    sizes = [] if document.boxes is None else np.nan_to_num(document.boxes.sizes).tolist()
    pages = ((id_, number, width, height) for number, (width, height) in enumerate(sizes))
    connection.executemany("INSERT INTO pages VALUES (?, ?, ?, ?)", pages)
    return id_


def _insert_passage(connection: sqlite3.Connection, document_id: int | None, row: PassageRow) -> None:
    passage = row.passage
    cursor = connection.execute(
        'INSERT INTO passages (document_id, start, "end", heading, context, text) VALUES (?, ?, ?, ?, ?, ?)',
        (document_id, passage.start, passage.end, passage.heading, row.context, passage.text),
    )
    vector = np.ascontiguousarray(row.vector, dtype=np.float32).tobytes()
    connection.execute("INSERT INTO vectors VALUES (?, ?)", (cursor.lastrowid, vector))
    connection.execute(
        "INSERT INTO lexical (rowid, context, text) VALUES (?, ?, ?)", (cursor.lastrowid, row.context, passage.text)
    )


def _delete(connection: sqlite3.Connection, name: str) -> None:
    """Take a document's name, and with it all that belongs to it out of reach: quick, however long it is."""
    if connection.execute("UPDATE documents SET name = NULL WHERE name = ?", (name,)).rowcount:
        connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = ?", _COUNTS[:1])


def _erase_passages(connection: sqlite3.Connection, document_id: int, limit: int) -> bool:
    """Erase some passages of a document with all that belongs to them; whether there were any."""
    query = "SELECT id, context, text FROM passages WHERE document_id = ? LIMIT ?"
    rows = connection.execute(query, (document_id, limit)).fetchall()
    ids = [(row[0],) for row in rows]
    connection.executemany("INSERT INTO lexical (lexical, rowid, context, text) VALUES ('delete', ?, ?, ?)", rows)
    connection.executemany("DELETE FROM vectors WHERE passage_id = ?", ids)
    connection.executemany("DELETE FROM passages WHERE id = ?", ids)
    return bool(rows)


def _write_file(connection: sqlite3.Connection, file: FileRecord) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            file.name,
            file.status,
            file.detail,
            file.sha256,
            file.size_bytes,
            file.modified_ns,
            file.checked_ns,
            file.parent,
        ),
    )


def _next_generation(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'generation'")


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
