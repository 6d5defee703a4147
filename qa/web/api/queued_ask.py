"""Answering a program's question through the queue."""

import inspect
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields

from qa.answerer import QuestionAnswerer
from qa.pipeline import OnStage, Stage
from qa.records.answer import Answer
from qa.records.worked_out import WorkedOut
from qa.response.working_out import ask_or_work_out
from qa.web.observability.metrics import Measured
from qa.web.question_queue import QuestionQueue


@dataclass(frozen=True, slots=True)
class AnswerOut(Answer):
    """An answer, or what was worked out instead.

    Attributes:
        worked_out: For a count, a sum or a mean over the rows of a table: what was worked out. It is no quotation, and
            `answered` is false then. null otherwise.
    """

    worked_out: WorkedOut | None = None


_OWN = inspect.getdoc(AnswerOut) or ""
# Inherited fields are not documented again.
AnswerOut.__doc__ = f"{inspect.getdoc(Answer)}\n{_OWN.partition('Attributes:')[2].lstrip(chr(10))}"


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
) -> AnswerOut:
    """Answer a question when its turn comes.

    Args:
        queue: Queue of the questions.
        answerer: Answers the question.
        measured: Measures the question.
        question: The question, 1,000 characters at most.
        within: Names of the documents to ask; None is all of them.
        max_wrong: Share of the given answers that may be wrong, 0 to 1; None uses the server's threshold.
        reader: Name of a reader; None is the server's.
        asker: Identifies the question for `QuestionQueue.stop`; None if it is never stopped.

    Returns:
        The answer, or what was worked out instead.

    Raises:
        OverloadedError: Too many questions are waiting.
        StoppedError: The question was stopped.
        VerbatimError: A parameter, the index or a model cannot be used; the message says what to do.
    """

    def work(on_stage: OnStage) -> AnswerOut:
        def on_each(stage: Stage) -> None:
            on_stage(stage)
            measured.on_stage(stage)

        adjusted = answerer.adjusted(reader=reader, max_wrong=max_wrong, on_stage=on_each)
        answer, worked_out = ask_or_work_out(adjusted, question, within)
        own = {each.name: getattr(answer, each.name) for each in fields(answer)}
        return AnswerOut(**own, worked_out=worked_out)

    answer = await queue.answer(uuid.uuid4().hex if asker is None else asker, work)
    measured.came_out(answer)
    return answer
