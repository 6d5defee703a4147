"""What is done in the background after writing: what was deleted is erased, and the vectors are saved."""

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
"""Compacting takes as long as the index is large, whatever was deleted: nine tenths of the time it rests."""

logger = logging.getLogger("verbatim")


class Upkeep:
    """Takes what was deleted out of the index's files, in steps short enough not to be in anybody's way.

    Deleting only takes a document's name away, so that nothing finds it. Its rows are then erased here, SQLite writing
    zeros over them (`secure_delete`); the lexical index, which keeps deleted words, is made anew; unused pages go back
    to the disk, the file of vectors is written anew, and the write-ahead log is emptied. Killed, the next process that
    writes goes on with it.
    """

    def __init__(self, store: Store, vectors: VectorIndex, writing: Callable[[], AbstractContextManager[None]]) -> None:
        """Make it; nothing happens before `begin`.

        Args:
            store: The index's store.
            vectors: What is saved beside it.
            writing: Holds the right to write for a `with` block.
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
        """See in the background to what is to be done; while that goes on, it is looked at again at its end."""
        with self._guard:
            self._is_wanted = True
            if self._thread is None:
                # No daemon: a process that ends waits for it.
                self._thread = threading.Thread(target=self._run, name="verbatim-upkeep")
                self._thread.start()

    def finish(self) -> None:
        """Wait until all is done; interrupted, it ends after the current step, and the next process goes on."""
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
                    break  # somebody reads an old state, and would be waited for in vain: the next process goes on
        with self._writing():
            self._vectors.catch_up()
            self._vectors.save()

    def _rest(self) -> None:
        """Wait until it is time to compact again, or until the process ends."""
        while time.monotonic() < self._rests_until and threading.main_thread().is_alive():
            if self._is_ending.wait(_RETRY_S):
                return

    def _compact(self, deletion: int) -> bool:
        """Take what is erased out of the files; whether nothing is left.

        Args:
            deletion: The last one that is erased.

        Returns:
            False where another connection reads an older state, which stands in the log until it is done.
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
        """Do a step over and over until there is nothing more to do; others may write for half of the time."""
        is_more = True
        while is_more and not self._is_abandoned.is_set():
            with self._writing():
                began = time.monotonic()
                is_more = step()
                took = time.monotonic() - began
            time.sleep(took)
