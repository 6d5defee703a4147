"""Parses files in worker processes: a file that takes too long, too much memory, or crashes stops nothing else.

A worker is a new Python process that reads tasks from its standard input and writes results to its standard output. It
does not use multiprocessing, which would run the caller's script again, or fork its imports and even its threads.
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
import weakref
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
_PATIENCE_S = 5
_GRACE_S = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on reading one file.

    Attributes:
        seconds: Time without a response; each page read by OCR has as much.
        memory_bytes: Address space, where the system can limit it.
    """

    seconds: float = 120
    memory_bytes: int = 2 * _GIB


Kept = dict[type, Any]
"""What a worker keeps from one job to the next, by type: open files, for instance."""


class Work(Protocol):
    """A job for a worker; it and its result are pickled."""

    def run(self, passwords: Sequence[str], on_page: Callable[[], None], kept: Kept) -> object:
        """Do the job.

        Args:
            passwords: Tried in turn on encrypted files.
            on_page: Called before each page that takes seconds.
            kept: What earlier jobs of the same worker left for later ones.

        Returns:
            The result.

        Raises:
            UnreadableFileError: The file cannot be read.
        """


@dataclass(frozen=True, slots=True)
class Task:
    """A file to read.

    Attributes:
        path: The file.
        name: Name of its document.
    """

    path: Path
    name: str

    def run(self, passwords: Sequence[str], on_page: Callable[[], None], kept: Kept) -> list[LoadedFile]:  # noqa: ARG002
        """Load the file.

        Args:
            passwords: Tried in turn on encrypted files.
            on_page: Called before each page that is read by OCR.
            kept: Not used: each file is loaded once.

        Returns:
            The file and the files within it.

        Raises:
            UnreadableFileError: It cannot be read.
        """
        return load(self.path, self.name, passwords, on_page)


_KINDS_OF_ERROR = (EmptyFileError, UnsupportedFileError, ChangingFileError, UnreadableFileError)

Outcome = list[LoadedFile] | UnreadableFileError
"""The loaded file and the files within it, or why it could not be read."""


class Workers:
    """A pool of workers that load files; short plain texts are loaded in this process, which is faster."""

    def __init__(self, passwords: Sequence[str] = (), limits: Limits | None = None, count: int | None = None) -> None:
        """Create a pool; workers are started when needed.

        Args:
            passwords: Tried in turn on encrypted files.
            limits: Limits on reading one file; None is the defaults.
            count: Number of workers, at least 1; None is the number of processors, at most 4.
        """
        self._passwords = tuple(passwords)
        self._limits = Limits() if limits is None else limits
        self._count = min(_MAX_WORKERS, os.cpu_count() or 1) if count is None else count
        self._executor: ThreadPoolExecutor | None = None
        self._workers: list[_Worker] = []
        self._idle: SimpleQueue[_Worker] = SimpleQueue()

    def __enter__(self) -> "Workers":
        """Return the pool itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop the workers, whatever they are doing."""
        self.stop()

    def stop(self) -> None:
        """Stop the workers, whatever they are doing; for good."""
        for worker in self._workers:
            worker.stop()
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    def load_all(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Load files.

        Args:
            tasks: The files.

        Yields:
            Each task with its outcome, in order. A few files are read ahead.
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
        """Do a job in a worker, and wait for it.

        Args:
            work: The job.

        Returns:
            Its result.

        Raises:
            UnreadableFileError: The file cannot be read, or the worker took too long or died.
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
    """A process that does one job at a time; started when needed, and restarted after it was stopped."""

    def __init__(self, limits: Limits, passwords: tuple[str, ...]) -> None:
        self._limits = limits
        self._passwords = passwords
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = threading.RLock()
        self._is_late = self._is_closed = False

    def do(self, work: Work) -> Any:  # noqa: ANN401
        """Do a job in the process, and wait for it.

        Args:
            work: The job.

        Returns:
            Its result, or an `UnreadableFileError`.
        """
        self._is_late = False
        try:
            process = self._running()
            with _Alarm(self._limits.seconds, self._give_up) as alarm:
                pickle.dump(work, _pipe(process.stdin))
                _pipe(process.stdin).flush()
                while (message := pickle.load(_pipe(process.stdout))) == _ALIVE:  # noqa: S301 (a process of ours)
                    alarm.set_again()
        except (OSError, EOFError, ValueError, pickle.UnpicklingError):  # ValueError: the alarm closed the pipe
            return UnreadableFileError(self._why_it_died())
        outcome, goes_on = message
        if not goes_on:
            self._kill()
        return outcome

    def stop(self) -> None:
        """End the process, even in the middle of a job, and don't start it again."""
        self._is_closed = True
        self._kill()

    def _running(self) -> "subprocess.Popen[bytes]":
        with self._guard:
            if self._is_closed:
                raise EOFError
            if self._process is not None and self._process.poll() is not None:
                self._kill()  # the system may have ended an idle process
            if self._process is None:
                path = json.dumps([os.path.abspath(place) for place in sys.path])  # noqa: PTH100 ("" is a place here)
                process = subprocess.Popen(  # noqa: S603 (ourselves)
                    [sys.executable, "-c", _START, path],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # killed together with its children, and not reached by Ctrl-C
                )
                self._hold(process)
                pickle.dump((self._limits, self._passwords), _pipe(process.stdin))
                return process
            return self._process

    def _hold(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        # For a pool that is dropped without being stopped: `__del__` might come after Popen's own.
        self._end_when_dropped = weakref.finalize(self, _end, process)

    def _let_go(self) -> "subprocess.Popen[bytes] | None":
        with self._guard:
            process, self._process = self._process, None
            if process is not None:
                self._end_when_dropped.detach()
            return process

    def _give_up(self) -> None:
        self._is_late = True
        self._kill()

    def _kill(self) -> int:
        """Kill the process and its children.

        Returns:
            The exit code that it had by itself; 0 if it was still running, or there is no process.
        """
        process = self._let_go()
        return 0 if process is None else _end(process)

    def _why_it_died(self) -> str:
        process = self._process
        if process is not None and not self._is_late:
            with contextlib.suppress(subprocess.TimeoutExpired):  # its pipe may close before it ends
                process.wait(_PATIENCE_S)
        code = self._kill()
        if self._is_late:
            return f"took longer than {self._limits.seconds:g} s"
        memory = _gib(self._limits.memory_bytes)
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            return f"its parser crashed ({name}): the file is damaged, or needs more than {memory}"
        return f"its parser stopped in the middle: the file is damaged, or needs more than {memory}"


class _Alarm:
    """Calls a function after a time, unless it is reset or cancelled before."""

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
        """Restart the countdown."""
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
            # A timer that fires while being cancelled must not kill the process during its next job.
            if not timer.finished.is_set():
                self._ring()


def _end(process: "subprocess.Popen[bytes]") -> int:
    """Kill a process and its children; return the exit code that it had by itself, or 0."""
    code = process.poll()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):  # unwritten data has no reader any more
            _pipe(pipe).close()
    return 0 if code is None else code


def _pipe(pipe: Any) -> Any:  # noqa: ANN401 (Popen's, which is None only where none was asked for)
    return pipe


def _gib(n_bytes: int) -> str:
    return f"{n_bytes / _GIB:.3g} GB of memory"


# In the worker process


def main() -> None:
    """Do jobs until the standard input is closed."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # output of parsers must not mix with results
    warnings.simplefilter("ignore")
    tasks = sys.stdin.buffer
    limits, passwords = pickle.load(tasks)  # noqa: S301 (from the process that started this one)
    kept: Kept = {}
    _bound_memory(limits.memory_bytes)
    _send(answers, _ALIVE)  # so that starting does not count towards the first file's time
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
    """Do a job; return its result, and whether the process can take more."""

    def on_page() -> None:
        _end_after(limits.seconds)
        _send(answers, _ALIVE)

    _end_after(limits.seconds)
    try:
        return work.run(passwords, on_page, kept), True
    except UnreadableFileError as error:
        # As a general class of error: a parser's own class would have to be imported by the receiver.
        kind = next(kind for kind in _KINDS_OF_ERROR if isinstance(error, kind))
        return kind(str(error)), True
    except MemoryError:
        return UnreadableFileError(f"needed more than {_gib(limits.memory_bytes)}"), False
    except Exception as error:  # noqa: BLE001 (any error concerns only this file)
        return UnreadableFileError(f"damaged: {type(error).__name__} while reading it; restore the whole file"), True


def _end_after(seconds: float) -> None:
    """Let this process end itself a while after its time is up, in case the parent was killed."""
    if hasattr(signal, "alarm"):
        signal.alarm(0 if math.isinf(seconds) else int(seconds) + _GRACE_S)


def _bound_memory(n_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    with contextlib.suppress(ValueError, OSError):  # memory cannot be limited here
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        bound = n_bytes if most == resource.RLIM_INFINITY else min(n_bytes, most)
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
