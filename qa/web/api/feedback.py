"""Routes for feedback on answers."""

import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Cookie, Depends, Header, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from qa.answerer import QuestionAnswerer
from qa.feedback.export import Format, export
from qa.feedback.store import Feedback, FeedbackStore, Standing, Stretch, Verdict, hashes, standing, take
from qa.records.browser import hashed_id
from qa.web.api.errors import Problem

_BROWSER_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
_MOST_CHARS = 10_000
"""More than any usable name, question or selection; longer values are refused unread."""
_MOST_OFFSET = 2**53

_MEDIA_TYPES = {Format.SQUAD: "application/json", Format.JSONL: "application/x-ndjson"}
_FILES = {Format.SQUAD: "verbatim-feedback.json", Format.JSONL: "verbatim-feedback.jsonl"}

Name = Annotated[str, Field(max_length=_MOST_CHARS)]
Offset = Annotated[int, Field(ge=0, le=_MOST_OFFSET)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NearestIn(_Strict):
    """The nearest passage of a declined question.

    Attributes:
        document: Name of the document.
        sha256: SHA-256 of its file, as the page showed it.
        start: Offset of the passage's first character, in code points of the stored text.
        end: Offset after its last.
    """

    document: Name
    sha256: Name
    start: Offset
    end: Offset


class WordsIn(NearestIn):
    """A span of a document with its text.

    Attributes:
        text: The text as the page showed it; it must be at the offsets.
    """

    text: Name


class FeedbackIn(_Strict):
    """Feedback on an answer.

    Attributes:
        question: The question as searched and read.
        verdict: "right" or "wrong"; for a declined question, whether declining was.
        answer: The answer; null if the question was declined.
        correction: The right words, selected in a document; with "wrong" only.
        is_absent: The answer is not in the documents; with "wrong" only, and without a correction.
        nearest: For a declined question, the nearest passage, exported as its context.
        confidence: Confidence of the answer.
        reader: The reader that answered; null is the server's.
    """

    question: Name
    verdict: Verdict
    answer: WordsIn | None = None
    correction: WordsIn | None = None
    is_absent: bool = False
    nearest: NearestIn | None = None
    confidence: Annotated[float | None, Field(ge=0, le=1, allow_inf_nan=False)] = None
    reader: Literal["fast", "accurate", "cascade"] | None = None


class WordsOut(BaseModel):
    """A span of a document with its text.

    Attributes:
        document: Name of the document.
        sha256: SHA-256 of its file at the time of the feedback.
        start: Offset of the first character, in code points of the stored text.
        end: Offset after the last.
        text: The text, equal to `stored_text[start:end]`.
    """

    document: str
    sha256: str
    start: int
    end: int
    text: str


class FeedbackOut(BaseModel):
    """Stored feedback on an answer.

    Attributes:
        id: Its id, needed to withdraw it.
        time: Time of the feedback, ISO 8601.
        question: The question.
        verdict: "right" or "wrong".
        answer: The answer; null if the question was declined.
        correction: The right words, if given.
        is_absent: Whether the user says that the answer is not in the documents.
        confidence: Confidence of the answer.
        reader: The reader that answered.
        standing: Whether the documents are still the same: "unchanged", "changed" or "gone".
    """

    id: str
    time: str
    question: str
    verdict: Verdict
    answer: WordsOut | None
    correction: WordsOut | None
    is_absent: bool
    confidence: float | None
    reader: str
    standing: Standing


def _browser(
    cookie: Annotated[str | None, Cookie(alias="verbatim-browser")] = None,
    header: Annotated[str | None, Header(alias="Verbatim-Browser")] = None,
) -> str:
    """Return the hash of the browser's random id, which identifies whose feedback it is.

    Args:
        cookie: The id from the page's cookie.
        header: The id from a program without cookies.

    Returns:
        The hash; the id itself is not stored.

    Raises:
        HTTPException: The id is missing or malformed.
    """
    browser = cookie or header or ""
    if not _BROWSER_ID.fullmatch(browser):
        raise HTTPException(
            422, "Verbatim-Browser is missing or malformed; send a random id, 16 to 64 letters and digits"
        )
    return hashed_id(browser)


Browser = Annotated[str, Depends(_browser)]


def feedback_routes(answerer: QuestionAnswerer) -> APIRouter:
    """Create the routes below /api/feedback; feedback is stored beside the answerer's index."""
    store = FeedbackStore(answerer.index_dir)
    refused: dict[int | str, dict[str, Any]] = {code: {"model": Problem} for code in (404, 409)}
    routes = APIRouter(prefix="/api/feedback", tags=["feedback"], responses=refused)

    @routes.post("", summary="Judge an answer, and correct it", status_code=201)
    def give(said: Annotated[FeedbackIn, Body()], browser: Browser) -> FeedbackOut:
        nearest = None if said.nearest is None else Stretch(**said.nearest.model_dump(), text="")
        kept = store.put(take(answerer, _as_given(said, browser, answerer), nearest))
        return _out(kept, hashes(answerer, [kept]))

    @routes.get("", summary="Feedback of this browser")
    def own(browser: Browser) -> list[FeedbackOut]:
        given = store.all(browser)
        now = hashes(answerer, given)
        return [_out(said, now) for said in given]

    @routes.delete("", summary="Withdraw feedback", status_code=204)
    def withdraw(id_: Annotated[str, Query(alias="id", max_length=64)], browser: Browser) -> None:
        if not store.withdraw(browser, id_):
            raise HTTPException(404, f"id={id_!r} is not feedback of this browser; it may have been withdrawn already")

    @routes.get("/export", summary="Feedback of this browser, as data to measure and train with")
    def exported(browser: Browser, form: Annotated[Format, Query(alias="format")] = Format.SQUAD) -> Response:
        headers = {"Content-Disposition": f'attachment; filename="{_FILES[form]}"'}
        return Response(export(store.all(browser), form), media_type=_MEDIA_TYPES[form], headers=headers)

    return routes


def _as_given(said: FeedbackIn, browser: str, answerer: QuestionAnswerer) -> Feedback:
    asked = answerer if said.reader is None else answerer.adjusted(reader=said.reader)
    return Feedback(
        browser=browser,
        question=said.question,
        verdict=said.verdict,
        answer=None if said.answer is None else Stretch(**said.answer.model_dump()),
        correction=None if said.correction is None else Stretch(**said.correction.model_dump()),
        is_absent=said.is_absent,
        confidence=said.confidence,
        reader=asked.reader,
        reader_sha256=asked.reader_fingerprint,
    )


def _out(said: Feedback, now: dict[str, str]) -> FeedbackOut:
    return FeedbackOut(
        id=said.id,
        time=said.time,
        question=said.question,
        verdict=said.verdict,
        answer=_words(said.answer),
        correction=_words(said.correction),
        is_absent=said.is_absent,
        confidence=said.confidence,
        reader=said.reader,
        standing=standing(said, now),
    )


def _words(stretch: Stretch | None) -> WordsOut | None:
    if stretch is None:
        return None
    return WordsOut(**{name: getattr(stretch, name) for name in WordsOut.model_fields})
