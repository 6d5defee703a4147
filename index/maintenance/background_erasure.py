"""Background erasure: after writing, erases deleted data and saves the vectors."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from index.errors import BusyIndexError, VerbatimError
from index.retrieval.faiss_index import VectorIndex
from index.storage.store import Store

_RETRY_S = 1.0
_RETRIES_AT_THE_END = 5

_REST_FACTOR = 9
"""Compacting takes time proportional to the index, so the thread rests nine times as long afterwards."""

logger = logging.getLogger("verbatim")


class Upkeep:
    """Erases deleted data from the index's files, in steps short enough not to delay other work.

    Deleting only removes a document's name, so that it is not found. Here its rows are erased, overwritten with zeros
    by SQLite (`secure_delete`); the lexical index, which keeps deleted words, is rebuilt; unused pages are returned to
    the disk, the file of vectors is written again, and the write-ahead log is emptied. If the process is killed, the
    next one that writes continues the work.
    """

    def __init__(self, store: Store, vectors: VectorIndex, writing: Callable[[], AbstractContextManager[None]]) -> None:
        """Create it; nothing happens before `begin`.

        Args:
            store: Store of the index.
            vectors: The vector index, saved to its file.
            writing: Holds the write lock for a `with` block.
        """
        self._store = store
        self._vectors = vectors
        self._writing = writing
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_wanted = False
        self._rests_until = 0.0
        self._is_ending = threading.Event()
        self._is_abandoned = threading.Event()

    def begin(self) -> None:
        """Start the work in the background; if it is already running, it checks again for more at its end."""
        with self._guard:
            self._is_wanted = True
            if self._thread is None:
                # Not a daemon thread: the process waits for it at exit.
                self._thread = threading.Thread(target=self._run, name="verbatim-upkeep")
                self._thread.start()

    def finish(self) -> None:
        """Wait until all work is done. On an interrupt, stop after the current step; the next process continues."""
        thread = self._thread
        if thread is None:
            return
        self._is_ending.set()
        try:
            thread.join()
        except BaseException:
            self._is_abandoned.set()
            raise
        finally:
            self._is_ending.clear()

    def _run(self) -> None:
        while True:
            with self._guard:
                if not self._is_wanted or self._is_abandoned.is_set():
                    self._thread = None
                    return
                self._is_wanted = False
            try:
                self._work()
            except BusyIndexError as error:
                logger.debug("%s, and sees to the upkeep at its end", error)
            except (VerbatimError, OSError) as error:
                logger.warning("%s", error)

    def _work(self) -> None:
        retries = 0
        while (deletion := self._store.erasure.remains()) and not self._is_abandoned.is_set():
            self._repeat(self._store.erasure.erase_some)
            self._rest()
            if self._is_abandoned.is_set():
                return
            began = time.monotonic()
            if self._compact(deletion):
                now = time.monotonic()
                self._rests_until = now + _REST_FACTOR * (now - began)
            elif self._is_ending.wait(_RETRY_S):
                retries += 1
                if retries > _RETRIES_AT_THE_END:
                    break  # another connection reads an old state: the next process continues
        with self._writing():
            self._vectors.catch_up()
            self._vectors.save()

    def _rest(self) -> None:
        """Wait until the next compaction is due, or the process ends."""
        while time.monotonic() < self._rests_until and threading.main_thread().is_alive():
            if self._is_ending.wait(_RETRY_S):
                return

    def _compact(self, deletion: int) -> bool:
        """Remove erased data from the files, and return whether none is left.

        Args:
            deletion: Number of the last erased deletion.

        Returns:
            False if another connection reads an older state, which stays in the log until then.
        """
        with self._writing():
            self._store.erasure.rebuild_lexical()
        self._repeat(self._store.erasure.shrink_some)
        with self._writing():
            self._vectors.catch_up()
            self._vectors.save(erasing=True)
            is_empty = self._store.erasure.empty_log()
            if is_empty and not self._is_abandoned.is_set():
                self._store.erasure.note_erased(deletion)
        return is_empty

    def _repeat(self, step: Callable[[], bool]) -> None:
        """Repeat a step until nothing is left to do; others may write half of the time."""
        is_more = True
        while is_more and not self._is_abandoned.is_set():
            with self._writing():
                began = time.monotonic()
                is_more = step()
                took = time.monotonic() - began
            time.sleep(took)
