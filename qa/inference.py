"""The one thread that owns models and tokenizers.

Fast tokenizers fail across threads ("Already borrowed"), and torch would take more threads than there are cores.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class InferenceThread:
    """Runs what it is given, one call after the other, in the order of asking."""

    def __init__(self) -> None:
        """Make the thread; it starts with the first call."""
        self._local = threading.local()
        self._executor = ThreadPoolExecutor(1, "verbatim-inference", self._mark)

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
        return self._executor.submit(self._begin, time.monotonic(), partial(function, *args, **kwargs)).result()

    @property
    def waited_s(self) -> float:
        """On the thread: seconds that the call which runs had waited for those before it; elsewhere 0."""
        return getattr(self._local, "waited_s", 0.0)

    def _begin(self, submitted: float, call: Callable[[], T]) -> T:
        self._local.waited_s = time.monotonic() - submitted
        return call()

    def close(self) -> None:
        """Let the running call end and stop the thread; calls that wait are cancelled."""
        self._executor.shutdown(cancel_futures=True)


@cache
def inference_thread() -> InferenceThread:
    """The one of this process, which all answerers share as they share the processor; it ends with the process."""
    return InferenceThread()
