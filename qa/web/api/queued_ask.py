"""One question of a program, on its way through the queue."""

import uuid
from collections.abc import Sequence

from qa.answerer import QuestionAnswerer
from qa.pipeline import OnStage, Stage
from qa.records.answer import Answer
from qa.web.observability.metrics import Measured
from qa.web.question_queue import QuestionQueue


async def ask_in_turn(
    queue: QuestionQueue,
    answerer: QuestionAnswerer,
    measured: Measured,
    question: str,
    *,
    within: Sequence[str] | None = None,
    max_wrong: float | None = None,
    reader: str | None = None,
    asker: str | None = None,
) -> Answer:
    """Answer a question, the others in front of it first.

    Args:
        queue: Where it waits.
        answerer: What answers it.
        measured: What measures it.
        question: The question, 1,000 characters at most.
        within: Names of the documents to ask; None is all of them.
        max_wrong: Share of the answers given that may be wrong, 0 to 1; None declines as the server does.
        reader: Another reader than the server's.
        asker: Who asks, for `QuestionQueue.stop`; None where nobody stops it.

    Returns:
        The answer.

    Raises:
        OverloadedError: Too many questions wait already.
        StoppedError: Nobody waits any more.
        VerbatimError: A parameter cannot be used, or the index or a model cannot; the message says what to do.
    """

    def work(on_stage: OnStage) -> Answer:
        def on_each(stage: Stage) -> None:
            on_stage(stage)
            measured.on_stage(stage)

        adjusted = answerer.adjusted(reader=reader, max_wrong=max_wrong, on_stage=on_each)
        return adjusted.ask(question, within=within)

    answer = await queue.answer(uuid.uuid4().hex if asker is None else asker, work)
    measured.came_out(answer)
    return answer
