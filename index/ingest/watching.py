"""Follow a folder: what changes in it is in the index soon after."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from index.errors import VerbatimError

_QUIET_MS = 200
"""Milliseconds without a change after which what changed is looked at: a file is written in more than one go."""

_LONGEST_MS = 2_000
"""Milliseconds after which it is looked at even if changes go on."""

_TICK_MS = 1_000
_LOOK_AGAIN_S = 30.0
"""Seconds after which the folder is looked at although nothing was reported: not every file system reports."""

_RETRY_S = 2.0

logger = logging.getLogger("verbatim")


class StoppedError(Exception):
    """Raised out of the work by whoever does it when it is to stop."""


def follow(folder: Path, bring_in_step: Callable[[], object], stop: threading.Event) -> None:
    """Bring an index in step with its folder now and after every change, until it is told to stop.

    What goes wrong is logged, and tried again: a folder may come back, and another process be done writing.

    Args:
        folder: The folder.
        bring_in_step: Does it; raises `StoppedError` where it is stopped in the middle.
        stop: Set by whoever wants it to stop.
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
                logger.warning("%s; it is tried again", said)
        except Exception as error:
            if repr(error) != said:
                said = repr(error)
                logger.exception("the folder is followed on, in spite of an error")
        stop.wait(_RETRY_S)


def _work_on_changes(folder: Path, work: Callable[[], None], stop: threading.Event) -> None:
    """Work now and after every change until something goes wrong, or until it is to stop."""
    import watchfiles  # and asyncio, which who asks one question need not wait for

    work()
    looked_at = -_LOOK_AGAIN_S
    # The first tick comes when the system reports already, so that no change is between what is seen and what is told.
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
    """Whether a file is none of the documents: it, or a folder that it is in, has a name with a leading dot."""
    return path.is_relative_to(folder) and any(part.startswith(".") for part in path.relative_to(folder).parts)
