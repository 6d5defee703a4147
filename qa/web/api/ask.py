"""Routes for asking questions, and for the server's health and metrics."""

import asyncio
import inspect
import re
import uuid
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from index.birth_certificate import our_version
from index.errors import VerbatimError
from index.records import Passage
from qa.answerer import QuestionAnswerer
from qa.question.checks import MAX_QUESTION_CHARS
from qa.records.answer import Reason
from qa.web.api.errors import Problem, documented, one_line
from qa.web.api.queued_ask import AnswerOut, ask_in_turn
from qa.web.observability.indexing import Indexing
from qa.web.observability.metrics import Door, Metrics, StoppedError
from qa.web.question_queue import QuestionQueue

_NOBODY_WAITS = 499
"""Status that nginx logs if the client has closed the connection; nobody receives it."""
_LOOKS_EVERY_S = 0.2
"""Seconds between checks whether the client is still connected."""
_REQUEST_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)


class Question(BaseModel):
    """A question, and how to answer it."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"question": "When was the contract signed?"},
                {
                    "question": "Who signed the contract?",
                    "within": ["2026/minutes.pdf"],
                    "max_wrong": 0.2,
                    "reader": "accurate",
                },
            ]
        },
    )

    # Lengths and ranges are documented here, but checked by the answerer, whose messages name the remedy.
    question: Annotated[
        str,
        Field(
            description="The question; it must contain a letter or a digit.",
            json_schema_extra={"minLength": 1, "maxLength": MAX_QUESTION_CHARS},
        ),
    ]
    within: Annotated[list[str] | None, Field(description="Names of the documents to ask; null asks all of them.")] = (
        None
    )
    max_wrong: Annotated[
        float | None,
        Field(
            description="Share of the given answers that may be wrong, 0 to 1, as measured at calibration; questions "
            "are declined accordingly. null uses the server's threshold.",
            json_schema_extra={"minimum": 0, "maximum": 1},
        ),
    ] = None
    reader: Annotated[
        Literal["fast", "accurate", "cascade"] | None,
        Field(description="Reader of the passages; null is the server's."),
    ] = None


@dataclass(frozen=True, slots=True)
class VersionedAnswer(AnswerOut):
    """An answer, and the version that gave it.

    Attributes:
        version: The version of Verbatim that answered.
    """

    version: str = ""


# Inherited fields are not documented again.
VersionedAnswer.__doc__ = f"{inspect.getdoc(AnswerOut)}\n    version: The version of Verbatim that answered."


class IndexingFiles(BaseModel):
    """Progress of indexing."""

    files_done: Annotated[int, Field(description="Files that are indexed already.")]
    files_total: Annotated[int, Field(description="Files to be indexed; 0 until the folder was looked through.")]
    fraction: Annotated[float, Field(ge=0, le=1, description="Share of their bytes that is indexed.")]


class Health(BaseModel):
    """State of a healthy server: the index can be read."""

    status: Annotated[Literal["ok"], Field(description='Always "ok"; otherwise the status code is 503.')]
    version: Annotated[str, Field(description="The version of Verbatim that is running.")]
    documents: Annotated[int, Field(description="Documents in the index.")]
    passages: Annotated[int, Field(description="Passages in the index.")]
    indexing: Annotated[
        IndexingFiles | None,
        Field(description="Progress of indexing; null when the index is up to date."),
    ] = None


class Unhealthy(Problem):
    """State of a server whose index cannot be read."""

    status: Literal["failed"]
    version: Annotated[str, Field(description="The version of Verbatim that is running.")]


_PASSAGE = Passage(
    "2026/minutes.pdf",
    4210,
    4322,
    "Harlow Bridge was discussed again. The contract was signed by Ann Lee on 4 May 2026, as the minutes of June say.",
)
_ANSWERED = VersionedAnswer(
    question="When was the contract signed?",
    answered=True,
    text="4 May 2026",
    confidence=0.87,
    document="2026/minutes.pdf",
    document_sha256="a238a8369186f691622460a925980b5bbb3d5a691b39d7e18290bb53cdebeb0d",
    title="Minutes of the works committee",
    place="page 3",
    start=4283,
    end=4293,
    sentence="The contract was signed by Ann Lee on 4 May 2026, as the minutes of June say.",
    sentence_start=4245,
    passage=_PASSAGE,
    evidence=(_PASSAGE,),
    version=our_version(),
)
_DECLINED = VersionedAnswer(
    question="Who built Harlow Bridge?",
    answered=False,
    confidence=0.08,
    nearest=(_PASSAGE,),
    reason=Reason.NO_SPAN_FOUND,
    version=our_version(),
)
EXAMPLES = {"ask": {"answered": asdict(_ANSWERED), "declined": asdict(_DECLINED)}}
"""Examples of responses, by operation id."""
RECORDS = ("Answer", "Passage", "VersionedAnswer", "WorkedOut")
"""Schemas whose fields are all always present."""


def routes(answerer: QuestionAnswerer, queue: QuestionQueue, metrics: Metrics, indexing: Indexing) -> APIRouter:
    """Create the routes for asking questions, health and metrics.

    Args:
        answerer: Answers the questions.
        queue: Queue of the questions.
        metrics: Measures the questions.
        indexing: Progress of indexing.

    Returns:
        The routes.
    """
    router = APIRouter()
    _add_asking(router, answerer, queue, metrics)
    _add_running(router, answerer, metrics, indexing)
    return router


def _add_asking(router: APIRouter, answerer: QuestionAnswerer, queue: QuestionQueue, metrics: Metrics) -> None:
    responses: dict[int | str, dict[str, Any]] = {
        400: documented("The body cannot be parsed."),
        404: documented("`within` names a document that is not in the index."),
        503: documented("Too many questions are waiting, or the index or a model cannot be used."),
    }

    @router.post(
        "/api/ask",
        operation_id="ask",
        tags=["asking"],
        summary="Answer a question by quoting the documents, or give the reason for declining",
        response_model=VersionedAnswer,
        responses=responses,
    )
    async def ask(
        question: Question,
        request: Request,
        x_request_id: Annotated[
            str, Header(description="Id of the question in the server's log; without it, one is generated.")
        ] = "",
    ) -> Response:
        request_id = x_request_id if _REQUEST_ID.fullmatch(x_request_id) else uuid.uuid4().hex
        asker = uuid.uuid4().hex
        leaving = asyncio.create_task(_stop_when_gone(request, queue, asker))
        try:
            with metrics.question(Door.API, question.question, request_id) as asked:
                answer = await ask_in_turn(
                    queue,
                    answerer,
                    asked,
                    question.question,
                    within=question.within,
                    max_wrong=question.max_wrong,
                    reader=question.reader,
                    asker=asker,
                )
        except StoppedError:
            return Response(status_code=_NOBODY_WAITS)
        finally:
            leaving.cancel()
        return JSONResponse({**asdict(answer), "version": our_version()}, headers={"X-Request-ID": request_id})


async def _stop_when_gone(request: Request, queue: QuestionQueue, asker: str) -> None:
    while not await request.is_disconnected():
        await asyncio.sleep(_LOOKS_EVERY_S)
    queue.stop(asker)


def _add_running(router: APIRouter, answerer: QuestionAnswerer, metrics: Metrics, indexing: Indexing) -> None:
    @router.head("/health", include_in_schema=False)  # for monitors; the server omits the body
    @router.get(
        "/health",
        operation_id="health",
        tags=["running"],
        summary="Whether the index can be read",
        response_model=Health,
        responses={503: documented("The index cannot be read.", Unhealthy)},
    )
    def health() -> Response:
        try:
            counts = answerer.counts()
        except VerbatimError as error:
            return JSONResponse({"status": "failed", "version": our_version(), "detail": one_line(str(error))}, 503)
        progress = indexing.progress
        found = Health(
            status="ok",
            version=our_version(),
            **counts,
            indexing=None if progress is None else IndexingFiles(**asdict(progress)),
        )
        return JSONResponse(found.model_dump())

    @router.get(
        "/metrics",
        operation_id="metrics",
        tags=["running"],
        summary="Metrics in Prometheus format",
        response_class=Response,
        responses={
            200: {
                "description": "In the text format of Prometheus, or of OpenMetrics if accepted.",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            }
        },
    )
    def page_of_metrics(accept: Annotated[str, Header(include_in_schema=False)] = "") -> Response:
        text, media_type = metrics.page(accept)
        return Response(text, media_type=media_type)
