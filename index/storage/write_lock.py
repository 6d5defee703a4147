"""The write lock of an index, held by one thread of one process at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from index.errors import BusyIndexError, VerbatimError
from index.storage import private_files
from index.storage.database_kind import gone

_LOCK_FILE = "write.lock"

_MANNERS_S = 2
"""Seconds to wait for another process: one that only erases deleted data releases the lock between steps."""


class WriteLock:
    """The write lock of one index. A thread that holds it may take it again."""

    def __init__(self, index_dir: Path, folder: Path) -> None:
        """Create the lock; nobody holds it yet.

        Args:
            index_dir: Folder of the index; created if missing.
            folder: The folder of documents, named in messages.

        Raises:
            VerbatimError: The index's folder cannot be created.
        """
        try:
            private_files.make_folder(index_dir)
        except OSError as error:
            place = f"index_dir={str(index_dir)!r}"
            raise VerbatimError(f"{place} cannot be created: {error.strerror}; choose another folder") from error
        self._index_dir = index_dir
        self._folder = folder
        self._thread_lock = threading.RLock()
        self._file_lock = filelock.FileLock(index_dir / _LOCK_FILE, timeout=0, mode=0o600, thread_local=False)
        private_files.mend_file(index_dir / _LOCK_FILE)

    @contextmanager
    def held(self, timeout_s: float = _MANNERS_S) -> Iterator[None]:
        """Hold the lock, among threads and processes.

        Args:
            timeout_s: Seconds to wait for another process that holds it.

        Yields:
            Nothing.

        Raises:
            BusyIndexError: Another process holds it.
            VerbatimError: The index's folder is missing or cannot be written.
        """
        with self._thread_lock:
            if not self._index_dir.is_dir():  # taking the lock would create a new folder in place of the moved one
                raise VerbatimError(gone("the index", self._index_dir))
            try:
                self._file_lock.acquire(timeout=timeout_s)
            except filelock.Timeout as error:
                raise BusyIndexError(
                    f"the index of {str(self._folder)!r} is being written by another process; wait until it is done"
                ) from error
            except OSError as error:
                place = f"index_dir={str(self._index_dir)!r}"
                raise VerbatimError(f"{place} cannot be written: {error.strerror}; choose another folder") from error
            try:
                yield
            finally:
                self._file_lock.release()
