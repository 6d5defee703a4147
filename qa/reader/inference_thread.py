"""The single thread that runs models and tokenizers.

Fast tokenizers fail when shared by threads ("Already borrowed"), and torch would start more threads than there are
cores.
"""

import ctypes
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


_GIVES_BACK_EVERY_S = 1.0


class InferenceThread:
    """Runs calls one after another, in the order of submission.

    Memory that models freed is returned to the system once a second: batches differ in size, and glibc by itself keeps
    the gaps between live blocks. Without this, 40 questions in a row took 180 MB more, and the growth went on.
    """

    def __init__(self, give_back: Callable[[], None] | None = None) -> None:
        """Create the thread; it starts with the first call.

        Args:
            give_back: Returns freed memory to the system; None is `give_back_freed`.
        """
        self._local = threading.local()
        self._executor = ThreadPoolExecutor(1, "verbatim-inference", self._mark)
        self._give_back = give_back_freed if give_back is None else give_back
        self._gave_back_at = time.monotonic()

    def _mark(self) -> None:
        self._local.is_worker = True

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function on the thread and wait for its result; if already on the thread, call it directly.

        Args:
            function: The function.
            *args: Its arguments.
            **kwargs: Its keyword arguments.

        Returns:
            Its result; its exceptions are raised here.
        """
        if getattr(self._local, "is_worker", False):
            return function(*args, **kwargs)
        call = partial(function, *args, **kwargs)
        try:
            return self._executor.submit(self._begin, time.monotonic(), call).result()
        finally:
            self._tidy()

    @property
    def waited_s(self) -> float:
        """Seconds that the running call waited for earlier ones; 0 on other threads."""
        return getattr(self._local, "waited_s", 0.0)

    def _begin(self, submitted: float, call: Callable[[], T]) -> T:
        self._local.waited_s = time.monotonic() - submitted
        return call()

    def _tidy(self) -> None:
        """Return freed memory when that is due, as a call of its own, so that no result waits for it."""
        now = time.monotonic()
        if now - self._gave_back_at >= _GIVES_BACK_EVERY_S:
            self._gave_back_at = now
            with suppress(RuntimeError):  # closed meanwhile
                self._executor.submit(self._give_back)

    def close(self) -> None:
        """Finish the running call, cancel the waiting ones and stop the thread."""
        self._executor.shutdown(cancel_futures=True)


def give_back_freed() -> None:
    """Return freed memory to the system, if its C library is glibc; others do so by themselves or cannot."""
    with suppress(AttributeError, OSError, TypeError):  # no such function; on Windows no such library
        ctypes.CDLL(None).malloc_trim(0)
