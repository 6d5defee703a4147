"""Files are parsed in processes of their own: one that takes too long, too much memory, or dies stops nothing else.

A worker is a fresh Python that is told over its standard input what to read and answers over its standard output. It
is not one of multiprocessing's: those run the caller's script again, and copy what was imported, or even the threads.
"""

import contextlib
import json
import math
import os
import pickle
import signal
import subprocess
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, BinaryIO, Protocol

from index.errors import ChangingFileError, EmptyFileError, UnreadableFileError, UnsupportedFileError
from index.ingest.loading import LoadedFile, is_light, load

_GIB = 1024**3
_MAX_WORKERS = 4
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from index.ingest.worker_pool import main; main()"
_ALIVE = "alive"
_PATIENCE_S = 1
_GRACE_S = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker may take for a file.

    Attributes:
        seconds: Time without an answer; a file that is read by OCR has as much for each page.
        memory_bytes: Address space, where the system can bound it.
    """

    seconds: float = 120
    memory_bytes: int = 2 * _GIB


Kept = dict[type, Any]
"""What a worker has at hand from one work to the next, by its type: files that are open, say."""


class Work(Protocol):
    """What a worker does; it is pickled, and so is what comes of it."""

    def run(self, passwords: Sequence[str], on_page: Callable[[], None], kept: Kept) -> object:
        """Do it.

        Args:
            passwords: Tried in turn where something is encrypted.
            on_page: Called before each page that takes seconds.
            kept: What work before it left at hand, and what it leaves.

        Returns:
            What comes of it.

        Raises:
            UnreadableFileError: The file cannot be read.
        """


@dataclass(frozen=True, slots=True)
class Task:
    """A file to read.

    Attributes:
        path: The file.
        name: Name for its document.
    """

    path: Path
    name: str

    def run(self, passwords: Sequence[str], on_page: Callable[[], None], kept: Kept) -> list[LoadedFile]:  # noqa: ARG002
        """Read it.

        Args:
            passwords: Tried in turn where something is encrypted.
            on_page: Called before each page that is read by OCR.
            kept: Not used: each file is read once.

        Returns:
            The files that it turned out to be.

        Raises:
            UnreadableFileError: It cannot be read.
        """
        return load(self.path, self.name, passwords, on_page)


_KINDS_OF_ERROR = (EmptyFileError, UnsupportedFileError, ChangingFileError, UnreadableFileError)

Outcome = list[LoadedFile] | UnreadableFileError
"""The files that a file turned out to be, or why it could not be read."""


class Workers:
    """Works on files, several at a time; reads plain texts that are short in this process, which is faster."""

    def __init__(self, passwords: Sequence[str] = (), limits: Limits | None = None, count: int | None = None) -> None:
        """Nothing is started before it is needed.

        Args:
            passwords: Tried in turn where something is encrypted.
            limits: What a worker may take for a file; None takes the defaults.
            count: How many work at a time, 1 or more; None is as many as there are processors, 4 at most.
        """
        self._passwords = tuple(passwords)
        self._limits = Limits() if limits is None else limits
        self._count = min(_MAX_WORKERS, os.cpu_count() or 1) if count is None else count
        self._executor: ThreadPoolExecutor | None = None
        self._workers: list[_Worker] = []
        self._idle: SimpleQueue[_Worker] = SimpleQueue()

    def __enter__(self) -> "Workers":
        """Itself, to be closed at the end of a `with` block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop the workers, whatever they are at."""
        for worker in self._workers:
            worker.stop()
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    def load_all(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Read files.

        Args:
            tasks: The files.

        Yields:
            Each with its outcome, in their order. A few are read ahead.
        """
        waiting: deque[tuple[Task, Future[Outcome] | None]] = deque()
        ahead = 0
        for task in tasks:
            future = None if is_light(task.path) else self._submit(task)
            waiting.append((task, future))
            ahead += future is not None
            while waiting and (ahead > 2 * self._count or waiting[0][1] is None):
                first, pending = waiting.popleft()
                ahead -= pending is not None
                yield first, self._outcome(first, pending)
        for task, pending in waiting:
            yield task, self._outcome(task, pending)

    def do(self, work: Work) -> Any:  # noqa: ANN401 (whatever comes of that work)
        """Have something done in a worker, and wait for it.

        Args:
            work: What is to be done.

        Returns:
            What comes of it.

        Raises:
            UnreadableFileError: The file cannot be read, or the worker took too long or died of it.
        """
        outcome = self._submit(work).result()
        if isinstance(outcome, UnreadableFileError):
            raise outcome
        return outcome

    def _submit(self, work: Work) -> Future[Any]:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._count, thread_name_prefix="verbatim-reading")
            self._workers = [_Worker(self._limits, self._passwords) for _ in range(self._count)]
            for worker in self._workers:
                self._idle.put(worker)
        return self._executor.submit(self._do_in_worker, work)

    def _do_in_worker(self, work: Work) -> Any:  # noqa: ANN401
        worker = self._idle.get()
        try:
            return worker.do(work)
        finally:
            self._idle.put(worker)

    def _outcome(self, task: Task, pending: "Future[Outcome] | None") -> Outcome:
        if pending is not None:
            return pending.result()
        try:
            return load(task.path, task.name)
        except UnreadableFileError as error:
            return error


class _Worker:
    """A process that works on one file at a time; started when it is first needed, and again when it was stopped."""

    def __init__(self, limits: Limits, passwords: tuple[str, ...]) -> None:
        self._limits = limits
        self._passwords = passwords
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = threading.RLock()
        self._is_late = self._is_closed = False

    def do(self, work: Work) -> Any:  # noqa: ANN401
        """Have something done.

        Args:
            work: What is to be done.

        Returns:
            What comes of it, or an `UnreadableFileError`.
        """
        self._is_late = False
        try:
            process = self._running()
            with _Alarm(self._limits.seconds, self._give_up) as alarm:
                pickle.dump(work, _pipe(process.stdin))
                _pipe(process.stdin).flush()
                while (message := pickle.load(_pipe(process.stdout))) == _ALIVE:  # noqa: S301 (a process of ours)
                    alarm.set_again()
        except (OSError, EOFError, ValueError, pickle.UnpicklingError):  # ValueError: the alarm closed what was read
            return UnreadableFileError(self._why_it_died())
        outcome, goes_on = message
        if not goes_on:
            self._kill()
        return outcome

    def stop(self) -> None:
        """End the process, in the middle of a file if it must be; it is not started again."""
        self._is_closed = True
        self._kill()

    def _running(self) -> "subprocess.Popen[bytes]":
        with self._guard:
            if self._is_closed:
                raise EOFError
            if self._process is not None and self._process.poll() is not None:
                self._kill()  # the system may end one that has no work
            if self._process is None:
                path = json.dumps([os.path.abspath(place) for place in sys.path])  # noqa: PTH100 ("" is a place here)
                self._process = subprocess.Popen(  # noqa: S603 (ourselves)
                    [sys.executable, "-c", _START, path],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # it dies with all that it started, and Ctrl-C is left to us
                )
                pickle.dump((self._limits, self._passwords), _pipe(self._process.stdin))
            return self._process

    def _give_up(self) -> None:
        self._is_late = True
        self._kill()

    def _kill(self) -> int:
        """End the process and what it started.

        Returns:
            Its exit code; 0 where there is none.
        """
        with self._guard:
            process, self._process = self._process, None
        if process is None:
            return 0
        code = process.poll()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        ended = process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # what was not written yet has no reader
                _pipe(pipe).close()
        return ended if code is None else code

    def _why_it_died(self) -> str:
        process = self._process
        if process is not None and not self._is_late:
            with contextlib.suppress(subprocess.TimeoutExpired):  # its pipe may be closed before it has ended
                process.wait(_PATIENCE_S)
        code = self._kill()
        if self._is_late:
            return f"took longer than {self._limits.seconds:g} s"
        memory = _gib(self._limits.memory_bytes)
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            return f"its reader crashed ({name}): it is damaged, or needs more than {memory}"
        return f"its reader ended in the middle of it: it is damaged, or needs more than {memory}"


class _Alarm:
    """Calls a function after a time, unless it is set again or the block ends before."""

    def __init__(self, seconds: float, ring: Callable[[], None]) -> None:
        self._seconds = seconds
        self._ring = ring
        self._guard = threading.Lock()
        self._timer = self._new_timer()

    def __enter__(self) -> "_Alarm":
        return self

    def __exit__(self, *_: object) -> None:
        with self._guard:
            self._timer.cancel()

    def set_again(self) -> None:
        """Begin to count anew."""
        with self._guard:
            self._timer.cancel()
            self._timer = self._new_timer()

    def _new_timer(self) -> threading.Timer:
        timer = threading.Timer(self._seconds, lambda: self._ring_unless_cancelled(timer))
        timer.daemon = True
        timer.start()
        return timer

    def _ring_unless_cancelled(self, timer: threading.Timer) -> None:
        with self._guard:
            # A timer that goes off while it is being cancelled must not end what the process is at next.
            if not timer.finished.is_set():
                self._ring()


def _pipe(pipe: Any) -> Any:  # noqa: ANN401 (Popen's, which is None only where none was asked for)
    return pipe


def _gib(n_bytes: int) -> str:
    return f"{n_bytes / _GIB:.3g} GB of memory"


# In the worker


def main() -> None:
    """Do what is asked for, until nobody asks any more."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a parser prints is no answer
    warnings.simplefilter("ignore")
    tasks = sys.stdin.buffer
    limits, passwords = pickle.load(tasks)  # noqa: S301 (from the process that started this one)
    kept: Kept = {}
    _bound_memory(limits.memory_bytes)
    _send(answers, _ALIVE)  # to have been started takes none of the first file's time
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while True:
            work = pickle.load(tasks)  # noqa: S301
            answer = _answer(work, limits, passwords, kept, answers)
            _end_after(math.inf)
            _send(answers, answer)
            if not answer[1]:
                return


def _send(answers: BinaryIO, message: object) -> None:
    pickle.dump(message, answers, pickle.HIGHEST_PROTOCOL)
    answers.flush()


def _answer(
    work: Work, limits: Limits, passwords: tuple[str, ...], kept: Kept, answers: BinaryIO
) -> tuple[object, bool]:
    """What comes of some work, and whether this process is fit for more."""

    def on_page() -> None:
        _end_after(limits.seconds)
        _send(answers, _ALIVE)

    _end_after(limits.seconds)
    try:
        return work.run(passwords, on_page, kept), True
    except UnreadableFileError as error:
        # As one of the general kinds: a parser's own would have to be imported where it is received.
        kind = next(kind for kind in _KINDS_OF_ERROR if isinstance(error, kind))
        return kind(str(error)), True
    except MemoryError:
        return UnreadableFileError(f"needed more than {_gib(limits.memory_bytes)}"), False
    except Exception as error:  # noqa: BLE001 (whatever it is, it is this file's, and stops no other)
        return UnreadableFileError(f"damaged: {type(error).__name__} while it was read; restore the whole file"), True


def _end_after(seconds: float) -> None:
    """End this process some time after its time is over: whoever would have done so may have been killed."""
    if hasattr(signal, "alarm"):
        signal.alarm(0 if math.isinf(seconds) else int(seconds) + _GRACE_S)


def _bound_memory(n_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    with contextlib.suppress(ValueError, OSError):  # not to be bounded here
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        bound = n_bytes if most == resource.RLIM_INFINITY else min(n_bytes, most)
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
