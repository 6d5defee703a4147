"""One SQLite file: opened for its owner alone, read and written in transactions, its errors said in one line."""

import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from index.storage import private_files
from index.storage.database_kind import DatabaseKind, in_brief

_BUSY_TIMEOUT_S = 30
_CLOSING_PATIENCE_S = 5


@dataclass(eq=False, slots=True, weakref_slot=True)
class _Held:
    """A thread's connection, closed when the thread is gone or the database is closed.

    Attributes:
        connection: The connection.
        file: Device and inode of the file that it is to.
        in_use: Held by the thread as long as it works with it.
        is_writing: Whether it is in a transaction that writes.
    """

    connection: sqlite3.Connection
    file: tuple[int, int]
    in_use: threading.RLock = field(default_factory=threading.RLock)
    is_writing: bool = False

    def __del__(self) -> None:
        self.connection.close()


class Database:
    """An SQLite file. Safe to use from many threads and processes.

    Every method that reads or writes it raises the errors of its kind, each with a message of one line.
    """

    def __init__(self, path: Path, kind: DatabaseKind) -> None:
        """Name a file; nothing is opened or made, only an open mode of an existing file is corrected.

        Args:
            path: The file.
            kind: What it holds, and how it is used.
        """
        self.path = path
        self._kind = kind
        self._local = threading.local()
        self._held: weakref.WeakSet[_Held] = weakref.WeakSet()
        self._guard = threading.Lock()
        private_files.mend_file(path)

    def make(self) -> None:
        """Make the file where there is none, readable by its owner alone; its tables come with `make_tables`.

        Raises:
            VerbatimError: It cannot be made or opened.
        """
        try:
            private_files.make_file(self.path)
        except OSError as error:
            if not _is_there(self.path):
                raise self._kind.unwritable(self.path, str(error.strerror)) from error
        with self.connected() as connection:
            connection.execute(f"PRAGMA auto_vacuum = {self._kind.auto_vacuum}")  # heeded by a new file only
            connection.execute("PRAGMA journal_mode = WAL")

    def make_tables(self, schema: str, version: int) -> None:
        """Make the tables of a file that has none, and refuse one of a newer version.

        Args:
            schema: SQL statements, each ending in a semicolon at the end of a line.
            version: Number of the schema, 1 or more, kept in the file as `user_version`.
        """
        with self.writing() as connection:
            if self.version(version):
                return
            for statement in schema.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version}")

    def version(self, newest: int) -> int:
        """Number of the schema that the file has.

        Args:
            newest: The newest that can be used.

        Returns:
            The number; 0 of a file without tables.

        Raises:
            VerbatimError: It is of a newer version.
        """
        with self.reading() as connection:
            found = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if found > newest:
            raise self._kind.newer(self.path)
        return found

    def exists(self) -> bool:
        """Whether the file is there.

        Returns:
            Whether it is.

        Raises:
            VerbatimError: Not even its folder is there: it was moved or deleted.
        """
        if _is_there(self.path):
            return True
        if not _is_there(self.path.parent):
            raise self._kind.gone(self.path)
        return False

    @contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection, outside a transaction; what is left open at the end is undone.

        Yields:
            The connection.
        """
        with self._acquired() as held:
            yield held.connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that writes: all of it is committed, or nothing.

        Yields:
            The connection, inside the transaction; a nested call joins the outer one.
        """
        current = self._current()
        if current is not None and current.is_writing:
            yield current.connection
            return
        with self._acquired() as held:
            held.connection.execute("BEGIN IMMEDIATE")
            held.is_writing = True
            yield held.connection
            held.connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent state of the database, whatever is being written meanwhile.

        Yields:
            The connection, inside a transaction; a nested call joins the outer one.
        """
        current = self._current()
        if current is not None and current.connection.in_transaction:
            yield current.connection
            return
        with self._acquired() as held:
            held.connection.execute("BEGIN")
            yield held.connection

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Turn the errors of making values of what is stored into the error of a damaged file.

        Yields:
            Nothing.
        """
        try:
            yield
        except (TypeError, ValueError) as error:
            raise self._kind.unreadable(self.path, in_brief(error)) from error

    def settle(self) -> None:
        """Make sure that what is committed so far outlives a power failure."""
        with self.connected() as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

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

    def _current(self) -> _Held | None:
        held: _Held | None = getattr(self._local, "held", None)
        return held

    @contextmanager
    def _acquired(self) -> Iterator[_Held]:
        """This thread's connection, its errors in our words.

        Yields:
            The connection.

        Raises:
            IntegrityError: As it came: it is a mistake of ours, not of the disk.
        """
        try:
            with ExitStack() as stack:
                held = self._hold()
                stack.enter_context(held.in_use)
                stack.callback(self._let_go, held)
                yield held
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            raise self._kind.explain(self.path, error) from error
        except UnicodeDecodeError as error:  # of a column's name, say: sqlite3 does not call it an error of its own
            raise self._kind.unreadable(self.path, in_brief(error)) from error

    def _hold(self) -> _Held:
        """This thread's connection, opened when there is none, or another file has taken its place."""
        file = self._file()
        held = self._current()
        if held is None or held.file != file:
            # check_same_thread off only for closing: each thread uses its own.
            held = _Held(
                sqlite3.connect(self.path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False), file
            )
            held.connection.execute("PRAGMA secure_delete = ON")
            held.connection.execute(f"PRAGMA synchronous = {self._kind.synchronous}")
            held.connection.execute("PRAGMA foreign_keys = ON")
            self._local.held = held
            with self._guard:
                self._held.add(held)
        return held

    def _let_go(self, held: _Held) -> None:
        """Undo what was not committed, and close the connection where it is not kept."""
        with suppress(sqlite3.ProgrammingError):  # closed in the middle of it, which undid it as well
            if held.connection.in_transaction:
                held.connection.execute("ROLLBACK")
        held.is_writing = False
        if not self._kind.keeps_open:
            held.connection.close()
            self._local.held = None

    def _file(self) -> tuple[int, int]:
        """What tells the file from any other. SQLite would make a new one, and a moved one can be written no more.

        Returns:
            Its device and inode.

        Raises:
            VerbatimError: It is gone, or cannot be reached.
        """
        try:
            status = self.path.stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._kind.gone(self.path) from error
        except OSError as error:
            raise self._kind.unwritable(self.path, str(error.strerror)) from error
        return status.st_dev, status.st_ino


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True
