"""Queue of the questions of page and programs; a question that nobody waits for any more is stopped."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from index.errors import VerbatimError
from qa.pipeline import OnStage, Stage
from qa.web.observability.metrics import StoppedError

MAX_QUESTIONS = 100
"""Limit of waiting questions: the last one waits for most of a minute. All wait for the one inference thread anyway,
and each is told how many are before it."""
MAX_OF_ONE = 20
"""Limit of waiting questions per person, so that others are served too."""
_LIFE_SIGN_S = 1.0
"""Seconds between reports on a waiting question, which reveal whether its page is still there."""

T = TypeVar("T")
Work = Callable[[OnStage], T]
"""Answers a question, on a thread of its own; takes the function to call at each stage."""


class OverloadedError(VerbatimError):
    """Too many questions are waiting."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a question.

    Attributes:
        ahead: Number of questions before it; 0 when it is its turn.
        stage: Current stage; None before the first.
        is_further: Whether a first answer is there, and more is searched for, such as other items of a list.
    """

    ahead: int
    stage: Stage | None
    is_further: bool


class _Run:
    """A question in the queue."""

    def __init__(self, asker: str, person: str) -> None:
        self.asker, self.person = asker, person
        self.stage: Stage | None = None
        self.is_further = False
        self.changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._stopped = threading.Event()

    @property
    def is_stopped(self) -> bool:
        return self._stopped.is_set()

    def on_stage(self, stage: Stage) -> None:
        """Record a stage; called on the inference thread.

        Args:
            stage: The stage that begins.

        Raises:
            StoppedError: The question was stopped.
        """
        if self._stopped.is_set():
            raise StoppedError
        self.is_further = self.is_further or (stage is Stage.SEARCHING and self.stage is not None)
        self.stage = stage
        self.wake()

    def on_end(self, ended: asyncio.Future[T]) -> None:
        """Handle the end of the work; called in the event loop."""
        if not ended.cancelled():
            ended.exception()  # marks it as retrieved: nobody else does for a stopped question
        self.changed.set()

    def stop(self) -> None:
        self._stopped.set()
        self.wake()

    def wake(self) -> None:
        with suppress(RuntimeError):  # the event loop is closed
            self._loop.call_soon_threadsafe(self.changed.set)

    async def change(self) -> None:
        """Wait for a change, one second at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.changed.wait(), _LIFE_SIGN_S)

    def result(self, done: asyncio.Future[T]) -> T:
        """Return the result of the work.

        Args:
            done: The work; it is done unless it was stopped.

        Returns:
            Its result; its exceptions are raised here.

        Raises:
            StoppedError: The question was stopped.
        """
        if self.is_stopped:
            raise StoppedError
        return done.result()


class QuestionQueue:
    """The questions being answered, in order of arrival. Used from one event loop."""

    def __init__(self) -> None:
        """Create an empty queue."""
        self._runs: list[_Run] = []
        self._threads = ThreadPoolExecutor(MAX_QUESTIONS, "verbatim-asking")

    def stop(self, asker: str) -> None:
        """Stop the questions of an asker.

        Args:
            asker: A page's session, or the id of a program's request.
        """
        for run in self._runs:
            if run.asker == asker:
                run.stop()

    async def answer(self, asker: str, work: Work[T]) -> T:
        """Answer a question on a thread of its own; if stopped or cancelled, the work ends at its next stage.

        Args:
            asker: Identifies the question for `stop`.
            work: The work.

        Returns:
            The result of the work; its exceptions are raised here.

        Raises:
            OverloadedError: Too many questions are waiting.
            StoppedError: The question was stopped.
        """
        with self._begun(asker, work) as (run, done):
            while not done.done() and not run.is_stopped:
                run.changed.clear()
                await run.change()
            return run.result(done)

    async def steps(self, asker: str, work: Work[T], person: str | None = None) -> AsyncGenerator[Progress | T, None]:
        """Answer a question as `answer` does, with progress; if closed early, the work ends at its next stage.

        Args:
            asker: Identifies the question for `stop`.
            work: The work.
            person: Whose share of the queue it takes; None is the asker's.

        Yields:
            The progress, on each change and once a second, and last the result of the work.

        Raises:
            OverloadedError: Too many questions are waiting.
            StoppedError: The question was stopped.
        """
        with self._begun(asker, work, person) as (run, done):
            while not done.done() and not run.is_stopped:
                run.changed.clear()
                yield Progress(self._ahead(run), run.stage, run.is_further)
                await run.change()
            yield run.result(done)

    @contextmanager
    def _begun(self, asker: str, work: Work[T], person: str | None = None) -> Iterator[tuple[_Run, asyncio.Future[T]]]:
        """Put a question into the queue for a `with` block, and start its work.

        Args:
            asker: Identifies the question for `stop`.
            work: The work.
            person: Whose share of the queue it takes; None is the asker's.

        Yields:
            The question, and its work.

        Raises:
            OverloadedError: Too many questions are waiting.
        """
        if len(self._runs) >= MAX_QUESTIONS:
            raise OverloadedError(f"{len(self._runs)} questions are waiting already; ask again later")
        run = _Run(asker, asker if person is None else person)
        n_own = sum(other.person == run.person for other in self._runs)
        if n_own >= MAX_OF_ONE:
            raise OverloadedError(f"{n_own} of your questions are waiting already; ask again when they are answered")
        self._runs.append(run)
        done = asyncio.get_running_loop().run_in_executor(self._threads, work, run.on_stage)
        done.add_done_callback(run.on_end)
        try:
            yield run, done
        finally:
            run.stop()
            done.cancel()
            self._leave(run)

    def _ahead(self, run: _Run) -> int:
        return 0 if run.stage is not None else self._runs.index(run)

    def _leave(self, run: _Run) -> None:
        self._runs.remove(run)
        for other in self._runs:
            other.changed.set()
