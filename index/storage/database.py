"""One SQLite file, accessible to its owner only, read and written in transactions, with errors in one line."""

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
    """A thread's connection, closed when the thread ends or the database is closed.

    Attributes:
        connection: The connection.
        file: Device and inode of its file.
        in_use: Held by the thread while it works with the connection.
        is_writing: Whether it is in a write transaction.
    """

    connection: sqlite3.Connection
    file: tuple[int, int]
    in_use: threading.RLock = field(default_factory=threading.RLock)
    is_writing: bool = False

    def __del__(self) -> None:
        self.connection.close()


class Database:
    """An SQLite file. Safe to use from many threads and processes.

    Methods that read or write raise the errors of its kind, each with a one-line message.
    """

    def __init__(self, path: Path, kind: DatabaseKind) -> None:
        """Set the path; the file is neither opened nor created, but an existing one gets owner-only permissions.

        Args:
            path: Path of the file.
            kind: What it holds, and how it is used.
        """
        self.path = path
        self._kind = kind
        self._local = threading.local()
        self._held: weakref.WeakSet[_Held] = weakref.WeakSet()
        self._guard = threading.Lock()
        private_files.mend_file(path)

    def make(self) -> None:
        """Create the file if missing, accessible to its owner only; `make_tables` creates its tables.

        Raises:
            VerbatimError: It cannot be created or opened.
        """
        try:
            private_files.make_file(self.path)
        except OSError as error:
            if not _is_there(self.path):
                raise self._kind.unwritable(self.path, str(error.strerror)) from error
        with self.connected() as connection:
            connection.execute(f"PRAGMA auto_vacuum = {self._kind.auto_vacuum}")  # only affects new files
            connection.execute("PRAGMA journal_mode = WAL")

    def make_tables(self, schema: str, version: int) -> None:
        """Create the tables in a file without any, and refuse a file of a newer version.

        Args:
            schema: SQL statements, each ending in a semicolon at the end of a line.
            version: Version of the schema, 1 or more, stored in the file as `user_version`.
        """
        with self.writing() as connection:
            if self.version(version):
                return
            for statement in schema.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version}")

    def version(self, newest: int) -> int:
        """Return the version of the file's schema.

        Args:
            newest: The newest version that can be used.

        Returns:
            The version; 0 for a file without tables.

        Raises:
            VerbatimError: The file has a newer version.
        """
        with self.reading() as connection:
            found = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if found > newest:
            raise self._kind.newer(self.path)
        return found

    def exists(self) -> bool:
        """Return whether the file exists.

        Returns:
            Whether it exists.

        Raises:
            VerbatimError: Its folder does not exist either: it was moved or deleted.
        """
        if _is_there(self.path):
            return True
        if not _is_there(self.path.parent):
            raise self._kind.gone(self.path)
        return False

    @contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """Open this thread's connection outside a transaction; uncommitted changes are rolled back at the end.

        Yields:
            The connection.
        """
        with self._acquired() as held:
            yield held.connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a write transaction, committed as a whole or rolled back.

        Yields:
            The connection, inside the transaction; a nested call joins the outer transaction.
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
        """Open a read transaction: one consistent state of the database, even while it is written.

        Yields:
            The connection, inside a transaction; a nested call joins the outer transaction.
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
        """Turn errors in decoding stored values into the error of a damaged file.

        Yields:
            Nothing.
        """
        try:
            yield
        except (TypeError, ValueError) as error:
            raise self._kind.unreadable(self.path, in_brief(error)) from error

    def settle(self) -> None:
        """Write committed changes to disk, so that they survive a power failure."""
        with self.connected() as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Close the connections of all threads. Nothing is lost if this is not called.

        Waits for a connection that another thread is using: SQLite crashes if a connection is closed during a
        statement. One that stays in use is closed when its thread is done with it.
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
        """Lend this thread's connection, and translate its errors.

        Yields:
            The connection.

        Raises:
            IntegrityError: Unchanged: it is a bug, not a fault of the disk.
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
        except UnicodeDecodeError as error:  # from a column's name, for example; sqlite3 does not wrap it
            raise self._kind.unreadable(self.path, in_brief(error)) from error

    def _hold(self) -> _Held:
        """Return this thread's connection; open one if there is none, or the file was replaced."""
        file = self._file()
        held = self._current()
        if held is None or held.file != file:
            # check_same_thread is off for closing only: each thread uses its own connection.
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
        """Roll back what was not committed, and close the connection unless connections are kept."""
        with suppress(sqlite3.ProgrammingError):  # closed meanwhile, which also rolls back
            if held.connection.in_transaction:
                held.connection.execute("ROLLBACK")
        held.is_writing = False
        if not self._kind.keeps_open:
            held.connection.close()
            self._local.held = None

    def _file(self) -> tuple[int, int]:
        """Return device and inode of the file: SQLite would create a missing one, and cannot write a moved one.

        Returns:
            Device and inode.

        Raises:
            VerbatimError: It is missing or cannot be accessed.
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
