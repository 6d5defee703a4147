"""Questions of the page on their way to an answer: told how far they are, and stopped where nobody waits for them."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from index.errors import ParameterError
from qa.pipeline import Stage
from qa.web.observability.metrics import StoppedError

QUESTIONS_AT_A_TIME = 100
"""They wait for the one inference thread anyway; let in together, each is told how many are before it."""
_LIFE_SIGN_S = 1.0
"""Seconds after which a question that waits is heard of again: then it shows whether its page is still there."""

T = TypeVar("T")
OnStage = Callable[[Stage], None]


class Options(BaseModel, frozen=True):
    """How questions are asked, as chosen in a browser.

    Attributes:
        within: Names of the documents to ask; None is all of them.
        max_wrong: Share of the answers given that may be wrong; None is as the server was started.
        reader: Which of the packaged readers reads; None is as the server was started. No other can be named: a page
            must not have the server load what it likes.
    """

    within: tuple[str, ...] | None = None
    max_wrong: float | None = Field(default=None, ge=0, le=1)
    reader: Literal["fast", "accurate", "cascade"] | None = None


class Asked(BaseModel, frozen=True):
    """A question as the page sends it.

    Attributes:
        question: The question, as it was typed.
        understood: How it is meant, where it was understood wrongly; None leaves that to the chat.
        conversation: Id of the conversation that it goes on with; "" begins one.
        in_place_of: Keys of the turns on the page that it takes the place of.
        is_patient: Whether it is read as it is at leisure, however many wait.
        options: How it is asked.
    """

    question: str
    understood: str | None = None
    conversation: str = ""
    in_place_of: tuple[str, ...] = ()
    is_patient: bool = False
    options: Options = Options()


def read_asked(sent: object) -> Asked:
    """A question that a page sent.

    Args:
        sent: What it sent.

    Returns:
        The question.

    Raises:
        ParameterError: It has a value that cannot be used.
    """
    try:
        return Asked.model_validate(sent)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"] if part != "options")
        said = f"{first['msg'][0].lower()}{first['msg'][1:]}"
        raise ParameterError(f"{name}={str(first['input'])[:40]!r}: {said}; choose another in the settings") from error


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

    def __init__(self, page: str) -> None:
        self.page = page
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


class Line:
    """The questions that are being answered, in the order in which they came. Used from one event loop."""

    def __init__(self) -> None:
        """Make it; nobody waits in it."""
        self._runs: list[_Run] = []
        self._threads = ThreadPoolExecutor(QUESTIONS_AT_A_TIME, "verbatim-asking")

    def stop(self, page: str) -> None:
        """Stop what a page has asked.

        Args:
            page: The page's session.
        """
        for run in self._runs:
            if run.page == page:
                run.stop()

    async def run(self, page: str, work: Callable[[OnStage], T]) -> AsyncGenerator[Progress | T, None]:
        """Do the work of a question on a thread of its own; left early, the work ends at its next stage.

        Args:
            page: Session of the page that asks.
            work: The work, given what to call at each stage.

        Yields:
            How far it is, whenever that changes and once a second, and at last what the work returned.

        Raises:
            StoppedError: It was stopped.
        """
        run = _Run(page)
        self._runs.append(run)
        done = asyncio.get_running_loop().run_in_executor(self._threads, work, run.on_stage)
        done.add_done_callback(run.on_end)
        try:
            while not done.done() and not run.is_stopped:
                run.changed.clear()
                yield Progress(self._ahead(run), run.stage, run.is_further)
                with suppress(TimeoutError):
                    await asyncio.wait_for(run.changed.wait(), _LIFE_SIGN_S)
            if run.is_stopped:
                raise StoppedError
            yield done.result()
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


def those_left(within: Sequence[str] | None, names: Sequence[str]) -> tuple[tuple[str, ...] | None, list[str]]:
    """Which of the documents chosen are there.

    Args:
        within: Names of the documents chosen; None is all of them.
        names: Names of the documents that there are.

    Returns:
        Those that are there, None for all, and those that are not.

    Raises:
        ParameterError: None of them is there.
    """
    if within is None:
        return None, []
    present = set(names)
    left = tuple(dict.fromkeys(name for name in within if name in present))
    if not left:
        raise ParameterError("none of the documents chosen to be asked is there any more; choose others, or all")
    return left, [name for name in within if name not in present]
