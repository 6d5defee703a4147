"""Questions of programs: asked in threads of their own, bounded in number, and ended when nobody waits any more."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import ParamSpec, TypeVar

import anyio
from anyio import to_thread

from qa.answerer import QuestionAnswerer
from qa.pipeline import Stage
from qa.records.answer import Answer
from qa.web.api.errors import OverloadedError
from qa.web.observability.metrics import Measured, StoppedError

P = ParamSpec("P")
T = TypeVar("T")

_AT_A_TIME = 20
"""All wait for the one inference thread anyway; the rest of the server's threads stay free for what takes no time."""
_MAX_QUESTIONS = 100
"""The last of more would wait for most of a minute."""


class Asker:
    """Asks for all programs of an application. For use in its event loop."""

    def __init__(self, answerer: QuestionAnswerer) -> None:
        """Make it ready.

        Args:
            answerer: What answers the questions.
        """
        self._answerer = answerer
        self._limiter = anyio.CapacityLimiter(_AT_A_TIME)
        self._n_asked = 0

    async def ask(
        self,
        asked: Measured,
        question: str,
        *,
        within: Sequence[str] | None = None,
        max_wrong: float | None = None,
        reader: str | None = None,
        gone: threading.Event | None = None,
    ) -> Answer:
        """Answer a question, the others in front of it first.

        Args:
            asked: What measures it.
            question: The question, 1,000 characters at most.
            within: Names of the documents to ask; None is all of them.
            max_wrong: Share of the answers given that may be wrong, 0 to 1; None declines as the server does.
            reader: Another reader than the server's.
            gone: Set when nobody waits for the answer any more, which ends the work at its next stage.

        Returns:
            The answer.

        Raises:
            OverloadedError: Too many questions wait already.
            StoppedError: Nobody waits any more.
            VerbatimError: A parameter cannot be used, or the index or a model cannot; the message says what to do.
        """
        gone = threading.Event() if gone is None else gone
        try:
            answer = await self.run(self._ask, asked, question, within, max_wrong, reader, gone)
        finally:
            gone.set()  # cancelled, it leaves a thread behind, which then ends by itself
        asked.came_out(answer)
        return answer

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do what needs the inference thread, in a thread of its own, what came before first.

        Args:
            work: What to call.
            *args: Its arguments.
            **kwargs: Its named arguments.

        Returns:
            What it returns; what it raises is raised here.

        Raises:
            OverloadedError: Too much waits already.
        """
        if self._n_asked >= _MAX_QUESTIONS:
            raise OverloadedError(f"{self._n_asked} questions wait already; ask again in a while")
        self._n_asked += 1
        try:
            return await to_thread.run_sync(
                partial(work, *args, **kwargs), abandon_on_cancel=True, limiter=self._limiter
            )
        finally:
            self._n_asked -= 1

    def _ask(
        self,
        asked: Measured,
        question: str,
        within: Sequence[str] | None,
        max_wrong: float | None,
        reader: str | None,
        gone: threading.Event,
    ) -> Answer:
        def on_stage(stage: Stage) -> None:
            if gone.is_set():
                raise StoppedError
            asked.on_stage(stage)

        adjusted = self._answerer.adjusted(reader=reader, max_wrong=max_wrong, on_stage=on_stage)
        return adjusted.ask(question, within=within)
