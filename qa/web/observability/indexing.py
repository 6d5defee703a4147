"""Progress of a server's indexing, for the page, `/health`, the log and the terminal."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from index.ingest.sync import Progress
from qa.answerer import QuestionAnswerer
from qa.progress import IndexingProgress, show_progress

_LOGGED_EVERY_S = 30.0

logger = logging.getLogger("verbatim")


class Indexing:
    """Progress of indexing while questions are answered from what is committed already."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Create without progress.

        Args:
            clock: Monotonic clock, in seconds.
        """
        self.progress: Progress | None = None
        self.has_been_in_step = threading.Event()
        self._clock = clock
        self._logged_s = float("-inf")
        self._bar = ExitStack()
        self._draw: IndexingProgress | None = None

    @contextmanager
    def following(self, answerer: QuestionAnswerer) -> Iterator[None]:
        """Update an index now and whenever its folder changes, in the background of a `with` block.

        Args:
            answerer: Answers from the index.

        Yields:
            Nothing.
        """
        self.progress = Progress(0, 0, 0.0)  # until the folder was looked at, nobody knows that the index is up to date
        with self._bar, answerer.watch(on_progress=self.note):
            yield

    def note(self, progress: Progress | None) -> None:
        """Record the progress, None when the index is up to date; called on the indexing thread."""
        before, self.progress = self.progress, progress
        if progress is None:
            self.has_been_in_step.set()
            if before is not None:
                logger.info("the index is in step with its folder")
            self._bar.close()
            self._draw, self._logged_s = None, float("-inf")
            return
        if self._draw is None:
            self._draw = self._bar.enter_context(show_progress())
        self._draw(progress)
        if self._clock() - self._logged_s >= _LOGGED_EVERY_S:
            self._logged_s = self._clock()
            logger.info("indexing: %d of %d files", progress.files_done, progress.files_total)
