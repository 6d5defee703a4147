"""Watches a folder and updates the index after every change."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from index.errors import VerbatimError
from index.ingest.sync import Progress, SyncReport

_QUIET_MS = 200
"""Milliseconds without changes before an update: files are written in several steps."""

_LONGEST_MS = 2_000
"""Milliseconds after which the index is updated even if changes continue."""

_TICK_MS = 1_000
_LOOK_AGAIN_S = 30.0
"""Seconds between checks without a reported change: not every file system reports changes."""

_RETRY_S = 2.0

logger = logging.getLogger("verbatim")


class StoppedError(Exception):
    """Raised by an update that is interrupted because watching was stopped."""


@contextmanager
def watching(
    folder: Path,
    sync: Callable[[Callable[[Progress], None]], SyncReport],
    on_change: Callable[[SyncReport], None] | None = None,
    on_progress: Callable[[Progress | None], None] | None = None,
) -> Iterator[None]:
    """Synchronize an index with its folder after every change, in a thread, during a `with` block.

    Args:
        folder: The folder.
        sync: Synchronizes the index; calls its argument to report progress.
        on_change: Called with the report of each synchronization that changed something.
        on_progress: Called as the work goes on, and with None whenever the index is in step.

    Yields:
        Nothing.
    """
    stop = threading.Event()

    def tell(progress: Progress | None) -> None:
        if progress is not None and stop.is_set():
            raise StoppedError
        if on_progress is not None:
            on_progress(progress)

    def bring_in_step() -> None:
        report = sync(tell)
        tell(None)
        if on_change is not None and report.has_changes:
            on_change(report)

    # A daemon, so that Ctrl-C ends the process even if it arrives between two lines here.
    thread = threading.Thread(target=follow, args=(folder, bring_in_step, stop), daemon=True)
    try:
        thread.start()
        yield
    finally:
        stop.set()
        if thread.is_alive():
            thread.join()


def follow(folder: Path, bring_in_step: Callable[[], object], stop: threading.Event) -> None:
    """Synchronize an index with its folder now and after every change, until stopped.

    Errors are logged and the update is retried: a folder may come back, or another process release the index.

    Args:
        folder: The folder.
        bring_in_step: Synchronizes the index; raises `StoppedError` if interrupted.
        stop: Set to stop watching.
    """
    said = ""

    def work() -> None:
        nonlocal said
        bring_in_step()
        said = ""

    while not stop.is_set():
        try:
            _work_on_changes(folder, work, stop)
        except StoppedError:
            return
        except (VerbatimError, OSError) as error:
            if str(error) != said:
                said = str(error)
                logger.warning("%s; trying again", said)
        except Exception as error:
            if repr(error) != said:
                said = repr(error)
                logger.exception("an unexpected error while watching the folder; trying again")
        stop.wait(_RETRY_S)


def _work_on_changes(folder: Path, work: Callable[[], None], stop: threading.Event) -> None:
    """Update now and after every change, until an error or the stop event."""
    import watchfiles  # imports asyncio, which a single question doesn't need

    work()
    looked_at = -_LOOK_AGAIN_S
    # Changes are reported from before the first tick on, so the update at that tick misses none.
    for changes in watchfiles.watch(
        folder,
        watch_filter=lambda _, path: not _is_hidden(Path(path), folder),
        debounce=_LONGEST_MS,
        step=_QUIET_MS,
        stop_event=stop,
        rust_timeout=_TICK_MS,
        yield_on_timeout=True,
        raise_interrupt=False,
    ):
        if changes or time.monotonic() - looked_at >= _LOOK_AGAIN_S:
            work()
            looked_at = time.monotonic()


def _is_hidden(path: Path, folder: Path) -> bool:
    """Return whether a file is ignored: its name, or that of a folder above it, begins with a dot."""
    return path.is_relative_to(folder) and any(part.startswith(".") for part in path.relative_to(folder).parts)
