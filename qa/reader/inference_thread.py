"""The one thread that owns models and tokenizers.

Fast tokenizers fail across threads ("Already borrowed"), and torch would take more threads than there are cores.
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
    """Runs what it is given, one call after the other, in the order of asking.

    What models freed is given back to the system once a second: batches are of another size each time, and by itself
    glibc keeps the gaps between what still lives. Of 40 questions in a row that took 180 MB, and more with each.
    """

    def __init__(self, give_back: Callable[[], None] | None = None) -> None:
        """Make the thread; it starts with the first call.

        Args:
            give_back: Gives freed memory back to the system; None takes what this system has.
        """
        self._local = threading.local()
        self._executor = ThreadPoolExecutor(1, "verbatim-inference", self._mark)
        self._give_back = give_back_freed if give_back is None else give_back
        self._gave_back_at = time.monotonic()

    def _mark(self) -> None:
        self._local.is_worker = True

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function on the thread and wait for it; from the thread itself, call it at once.

        Args:
            function: What to call.
            *args: Its arguments.
            **kwargs: Its named arguments.

        Returns:
            What it returns; what it raises is raised here.
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
        """On the thread: seconds that the call which runs had waited for those before it; elsewhere 0."""
        return getattr(self._local, "waited_s", 0.0)

    def _begin(self, submitted: float, call: Callable[[], T]) -> T:
        self._local.waited_s = time.monotonic() - submitted
        return call()

    def _tidy(self) -> None:
        """Have memory given back where that is due, after the call and not before its result is handed over."""
        now = time.monotonic()
        if now - self._gave_back_at >= _GIVES_BACK_EVERY_S:
            self._gave_back_at = now
            with suppress(RuntimeError):  # closed meanwhile
                self._executor.submit(self._give_back)

    def close(self) -> None:
        """Let the running call end and stop the thread; calls that wait are cancelled."""
        self._executor.shutdown(cancel_futures=True)


def give_back_freed() -> None:
    """Give memory that was freed back to the system, where its C library is glibc: others do that, or cannot."""
    with suppress(AttributeError, OSError, TypeError):  # no such function; on Windows no such library
        ctypes.CDLL(None).malloc_trim(0)
