"""Questions of the page and of programs on their way to an answer, and stopped where nobody waits for them."""

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
"""The last of more would wait for most of a minute. They wait for the one inference thread anyway; let in together,
each is told how many are before it."""
MAX_OF_ONE = 20
"""Questions of one person that may wait, so that the others have room."""
_LIFE_SIGN_S = 1.0
"""Seconds after which a question that waits is heard of again: then it shows whether its page is still there."""

T = TypeVar("T")
Work = Callable[[OnStage], T]
"""Answers a question; it is given what to call at each stage, on a thread of its own."""


class OverloadedError(VerbatimError):
    """More questions wait already than can be answered soon."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a question is.

    Attributes:
        ahead: How many questions are before it; 0 once its own turn has come.
        stage: What is being done; None before anything is.
        is_further: Whether it has been asked once already, and more is being looked for: other items of a list, say.
    """

    ahead: int
    stage: Stage | None
    is_further: bool


class _Run:
    """One question on its way."""

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
        """Called on the inference thread.

        Args:
            stage: The stage that it has come to.

        Raises:
            StoppedError: Nobody waits for it any more.
        """
        if self._stopped.is_set():
            raise StoppedError
        self.is_further = self.is_further or (stage is Stage.SEARCHING and self.stage is not None)
        self.stage = stage
        self.wake()

    def on_end(self, ended: asyncio.Future[T]) -> None:
        """Called in the event loop when the work is done."""
        if not ended.cancelled():
            ended.exception()  # seen; where the question was stopped, nobody else looks at it
        self.changed.set()

    def stop(self) -> None:
        self._stopped.set()
        self.wake()

    def wake(self) -> None:
        with suppress(RuntimeError):  # the server has stopped, and its loop with it
            self._loop.call_soon_threadsafe(self.changed.set)

    async def change(self) -> None:
        """Wait until something changes, a second at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.changed.wait(), _LIFE_SIGN_S)

    def result(self, done: asyncio.Future[T]) -> T:
        """What the work returned.

        Args:
            done: The work, which is done unless it was stopped.

        Returns:
            Its result; what it raised is raised here.

        Raises:
            StoppedError: It was stopped.
        """
        if self.is_stopped:
            raise StoppedError
        return done.result()


class QuestionQueue:
    """The questions that are being answered, in the order in which they came. Used from one event loop."""

    def __init__(self) -> None:
        """Make it; nobody waits in it."""
        self._runs: list[_Run] = []
        self._threads = ThreadPoolExecutor(MAX_QUESTIONS, "verbatim-asking")

    def stop(self, asker: str) -> None:
        """Stop what somebody has asked.

        Args:
            asker: Who: a page's session, or the id of a program's request.
        """
        for run in self._runs:
            if run.asker == asker:
                run.stop()

    async def answer(self, asker: str, work: Work[T]) -> T:
        """Do the work of a question on a thread of its own; stopped or cancelled, the work ends at its next stage.

        Args:
            asker: Who asks, for `stop`.
            work: The work.

        Returns:
            What it returned; what it raises is raised here.

        Raises:
            OverloadedError: Too many questions wait already.
            StoppedError: It was stopped.
        """
        with self._begun(asker, work) as (run, done):
            while not done.done() and not run.is_stopped:
                run.changed.clear()
                await run.change()
            return run.result(done)

    async def steps(self, asker: str, work: Work[T], person: str | None = None) -> AsyncGenerator[Progress | T, None]:
        """The same, told step by step; left early, the work ends at its next stage.

        Args:
            asker: Who asks, for `stop`.
            work: The work.
            person: Whose share of the queue it takes; None is the asker's own.

        Yields:
            How far it is, whenever that changes and once a second, and at last what the work returned.

        Raises:
            OverloadedError: Too many questions wait already.
            StoppedError: It was stopped.
        """
        with self._begun(asker, work, person) as (run, done):
            while not done.done() and not run.is_stopped:
                run.changed.clear()
                yield Progress(self._ahead(run), run.stage, run.is_further)
                await run.change()
            yield run.result(done)

    @contextmanager
    def _begun(self, asker: str, work: Work[T], person: str | None = None) -> Iterator[tuple[_Run, asyncio.Future[T]]]:
        """A question is in the queue for a `with` block.

        Args:
            asker: Who asks.
            work: Its work, which is begun.
            person: Whose share of the queue it takes; None is the asker's own.

        Yields:
            The question, and its work.

        Raises:
            OverloadedError: Too many questions wait already.
        """
        if len(self._runs) >= MAX_QUESTIONS:
            raise OverloadedError(f"{len(self._runs)} questions wait already; ask again in a while")
        run = _Run(asker, asker if person is None else person)
        n_own = sum(other.person == run.person for other in self._runs)
        if n_own >= MAX_OF_ONE:
            raise OverloadedError(f"{n_own} questions of yours wait already; ask again when they are answered")
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
