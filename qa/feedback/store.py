"""Store of users' feedback on answers: right or wrong, and corrections. An SQLite file beside the index."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from index.errors import ChangingFileError, ParameterError, UnknownDocumentError, VerbatimError
from index.records import check_unicode
from index.storage.database import Database
from index.storage.database_kind import DatabaseKind
from qa.answerer import QuestionAnswerer
from qa.question.checks import check_question
from qa.records.browser import hash_stored_ids
from qa.text.sentences import paragraph_around

FILE_NAME = "feedback.sqlite"
SCHEMA_VERSION = 1
MAX_WORDS_CHARS = 2_000

_SCHEMA = """
-- A row for each answer that a browser judged. For a declined question the answer is '' at 0 to 0 of no document.
CREATE TABLE feedback (
    id TEXT PRIMARY KEY,
    time TEXT NOT NULL,
    browser TEXT NOT NULL,
    question TEXT NOT NULL,
    verdict TEXT NOT NULL,
    document TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    text TEXT NOT NULL,
    right_document TEXT,
    right_sha256 TEXT,
    right_start INTEGER,
    right_end INTEGER,
    right_text TEXT,
    is_absent INTEGER NOT NULL,
    context_document TEXT,
    context_sha256 TEXT,
    context_start INTEGER,
    context_end INTEGER,
    context TEXT,
    confidence REAL,
    reader TEXT NOT NULL,
    reader_sha256 TEXT NOT NULL,
    UNIQUE (browser, question, document, sha256, start, "end")
) WITHOUT ROWID;
"""


class FeedbackError(VerbatimError):
    """The file of feedback cannot be used."""


_KIND = DatabaseKind(
    name="the feedback",
    error=FeedbackError,
    damaged=FeedbackError,
    busy=FeedbackError,
    if_damaged="move the file away, and a new one is created",
    if_unwritable="check the permissions of its folder",
)


class Verdict(StrEnum):
    """Judgement of an answer, or of declining."""

    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A span of a document with its text.

    Attributes:
        document: Name of the document.
        sha256: SHA-256 of its file, in hexadecimal.
        start: Offset of the first character in the stored text, in code points.
        end: Offset after the last.
        text: The text.
    """

    document: str
    sha256: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """A user's judgement of an answer.

    Attributes:
        browser: Hash of the browser's random id, as `hashed_id` returns it.
        question: The question as searched and read.
        verdict: Whether the answer was right, or declining was.
        answer: The answer; None if the question was declined.
        correction: The right words; None if none were given.
        is_absent: Whether the user says that the answer is not in the documents.
        context: The paragraph of the correction or the answer, or for a question without answer the nearest passage;
            None if there is none.
        confidence: Confidence of the answer, 0 to 1; None if unknown.
        reader: Name of the reader that answered.
        reader_sha256: SHA-256 of its weights.
        id: Its id.
        time: Time of the judgement, ISO 8601.
    """

    browser: str
    question: str
    verdict: Verdict
    answer: Stretch | None = None
    correction: Stretch | None = None
    is_absent: bool = False
    context: Stretch | None = None
    confidence: float | None = None
    reader: str = ""
    reader_sha256: str = ""
    id: str = ""
    time: str = ""

    @property
    def right_words(self) -> Stretch | None:
        """The right answer, if it is known: the correction, or an answer judged right; else None."""
        return self.correction or (self.answer if self.verdict is Verdict.RIGHT else None)

    @property
    def has_no_answer(self) -> bool:
        """Whether the user says that the documents hold no answer."""
        return self.is_absent or (self.answer is None and self.verdict is Verdict.RIGHT)


class FeedbackStore:
    """The feedback on answers from one folder of documents. Safe to use from many threads and processes."""

    def __init__(self, folder: Path) -> None:
        """Use the feedback file in an index's folder; it is created on the first `put`."""
        self._database = Database(folder / FILE_NAME, _KIND)
        self._has_hashes = False

    def put(self, feedback: Feedback) -> Feedback:
        """Store feedback; it replaces earlier feedback of the same browser on the same answer.

        Args:
            feedback: The feedback; its id and time are set here.

        Returns:
            The feedback as stored.

        Raises:
            FeedbackError: The file cannot be read or written.
        """
        kept = replace(feedback, id=uuid.uuid4().hex, time=datetime.now(UTC).isoformat(timespec="microseconds"))
        row = _row(kept)
        if not self._is_begun():
            self._database.make()
            self._database.make_tables(_SCHEMA, SCHEMA_VERSION)
        with self._database.writing() as connection:
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT OR REPLACE INTO feedback VALUES ({marks})", row)
        return kept

    def withdraw(self, browser: str, id_: str) -> bool:
        """Delete feedback of a browser.

        Args:
            browser: Hash of the browser's id.
            id_: The feedback's id.

        Returns:
            Whether there was such feedback.

        Raises:
            FeedbackError: The file cannot be read or written.
        """
        if not self._is_begun():
            return False
        with self._database.writing() as connection:
            gone = connection.execute("DELETE FROM feedback WHERE id = ? AND browser = ?", (id_, browser))
            return gone.rowcount > 0

    def all(self, browser: str | None = None) -> list[Feedback]:
        """Return feedback, earliest first.

        Args:
            browser: Return only feedback of this browser; None is all.

        Returns:
            The feedback.

        Raises:
            FeedbackError: The file cannot be read.
        """
        if not self._is_begun():
            return []
        with self._database.reading() as connection:
            query = f"SELECT {_COLUMNS} FROM feedback WHERE ? IS NULL OR browser = ? ORDER BY time, id"
            rows = connection.execute(query, (browser, browser)).fetchall()
        with self._database.decoding():
            return [_feedback(row) for row in rows]

    def _is_begun(self) -> bool:
        """Return whether the file exists; unhashed browser ids of older versions are hashed."""
        if not self._database.exists() or not self._database.version(SCHEMA_VERSION):
            return False
        if not self._has_hashes:
            with self._database.connected() as connection:
                hash_stored_ids(connection, "feedback")
            self._has_hashes = True
        return True


_PLAIN = (
    *("id", "time", "browser", "question", "verdict"),
    *("is_absent", "confidence", "reader", "reader_sha256"),
)
"""Columns with fields of `Feedback`."""
_STRETCHES = {
    "answer": ("document", "sha256", "start", "[end]", "text"),
    "correction": tuple(f"right_{each}" for each in ("document", "sha256", "start", "end", "text")),
    "context": ("context_document", "context_sha256", "context_start", "context_end", "context"),
}
"""Columns with spans, in the order of the fields of `Stretch`."""
_FIELDS = tuple(each.name for each in fields(Stretch))
_COLUMNS = ", ".join((*_PLAIN, *(column for columns in _STRETCHES.values() for column in columns)))
_NOWHERE = Stretch("", "", 0, 0, "")


def _row(said: Feedback) -> tuple[Any, ...]:
    def of(stretch: Stretch | None) -> tuple[Any, ...]:
        if stretch is None:
            return (None,) * 5
        return (stretch.document, stretch.sha256, stretch.start, stretch.end, stretch.text)

    return (
        *(said.id, said.time, said.browser, said.question, said.verdict.value),
        *of(said.answer or _NOWHERE),
        *of(said.correction),
        said.is_absent,
        *of(said.context),
        *(said.confidence, said.reader, said.reader_sha256),
    )


_VALID = TypeAdapter(Feedback)


def _feedback(row: Sequence[Any]) -> Feedback:
    """Convert a row to a record with type checks: a damaged file may hold anything.

    Args:
        row: Values of `_COLUMNS`.

    Returns:
        The record.

    Raises:
        ValueError: A value is invalid.
    """
    values = iter(row)
    plain = {name: next(values) for name in _PLAIN}
    stretches = {name: dict(zip(_FIELDS, islice(values, len(_FIELDS)), strict=True)) for name in _STRETCHES}
    words = {name: stretch if stretch["document"] else None for name, stretch in stretches.items()}
    try:
        return _VALID.validate_python({**plain, **words})
    except ValidationError as error:
        wrong = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, wrong['loc']))} is {wrong['input']!r}") from error


# Checking new feedback


def take(answerer: QuestionAnswerer, said: Feedback, nearest: Stretch | None = None) -> Feedback:
    """Check feedback against the documents, and complete it from them.

    Args:
        answerer: Answers from the documents.
        said: The feedback; its context and the text of its spans are filled in.
        nearest: For a declined question, the nearest passage; its text is filled in.

    Returns:
        The feedback, ready to be stored.

    Raises:
        ParameterError: Its fields contradict each other, or words are not at their offsets.
        QuestionError: The question is blank or too long.
        UnknownDocumentError: A document is not in the index.
        ChangingFileError: A document has changed since its words were shown.
    """
    check_question(said.question)
    _check_sense(said)
    text_of = cache(answerer.text)  # so that each document is read in one state

    def as_stored(what: str, stretch: Stretch) -> Stretch:
        return _as_stored(what, stretch, text_of(check_unicode(f"{what}.document", stretch.document)), answerer)

    answer = None if said.answer is None else _checked("answer", said.answer, as_stored)
    correction = None if said.correction is None else _checked("correction", said.correction, as_stored)
    around = correction or answer or (None if nearest is None else as_stored("nearest", nearest))
    context = None if around is None else _context(around, text_of(around.document))
    return replace(said, answer=answer, correction=correction, context=context)


def _check_sense(said: Feedback) -> None:
    """Check that the fields of feedback do not contradict each other.

    Args:
        said: The feedback.

    Raises:
        ParameterError: They do.
    """
    corrects = said.correction is not None or said.is_absent
    if said.verdict is Verdict.RIGHT and corrects:
        raise ParameterError("verdict='right' cannot have a correction; leave out one of them")
    if said.correction is not None and said.is_absent:
        raise ParameterError("correction and is_absent cannot be combined; leave out one of them")
    if said.answer is None and said.is_absent:
        raise ParameterError("is_absent is what declining says already; give verdict='right' instead")


def _checked(what: str, stretch: Stretch, as_stored: Callable[[str, Stretch], Stretch]) -> Stretch:
    """Check the text of a span against its document.

    Args:
        what: Name of the span in messages.
        stretch: The span, with the text as the page showed it.
        as_stored: Returns the span with the document's text.

    Returns:
        The span with the document's text.

    Raises:
        ParameterError: The text is not at its offsets, is empty or too long.
    """
    check_unicode(f"{what}.text", stretch.text)
    if not stretch.text.strip():
        raise ParameterError(f"{what}.text={stretch.text[:20]!r} has no words; select some")
    if len(stretch.text) > MAX_WORDS_CHARS:
        raise ParameterError(
            f"{what}.text has {len(stretch.text):,} characters, at most {MAX_WORDS_CHARS:,}; select fewer words"
        )
    stored = as_stored(what, stretch)
    # A page cannot show the null character, and shows its picture instead.
    if stored.text.replace("\0", "␀") != stretch.text.replace("\0", "␀"):
        raise ParameterError(
            f"{what}.text={stretch.text[:40]!r} is not at {stretch.start} to {stretch.end} of"
            f" {stretch.document!r}; select it again"
        )
    return stored


def _as_stored(what: str, stretch: Stretch, text: str, answerer: QuestionAnswerer) -> Stretch:
    """Return a span with the document's text at its offsets.

    Args:
        what: Name of the span in messages.
        stretch: The span.
        text: The document's text.
        answerer: Answers from the documents.

    Returns:
        The span with its text.

    Raises:
        ParameterError: The offsets are not within the text.
        UnknownDocumentError: The document is not in the index.
        ChangingFileError: It has changed since its words were shown.
    """
    # Looked up after the text was read: in the other order, a change in between could go unnoticed.
    record = answerer.records([stretch.document]).get(stretch.document)
    if record is None:
        raise UnknownDocumentError(f"there is no document {stretch.document!r} in the index")
    if record.sha256 != stretch.sha256:
        raise ChangingFileError(f"{stretch.document!r} has changed since it was shown; open it again, or ask again")
    if not 0 <= stretch.start < stretch.end <= len(text):
        raise ParameterError(
            f"{what}.start={stretch.start}, {what}.end={stretch.end} are not a span of {stretch.document!r}, which has"
            f" {len(text):,} characters; select it again"
        )
    return replace(stretch, text=text[stretch.start : stretch.end])


def _context(around: Stretch, text: str) -> Stretch:
    """Return the paragraph around a span."""
    start, end = paragraph_around(text, around.start, around.end)
    return replace(around, start=start, end=end, text=text[start:end])


# Changes of the documents since


def hashes(answerer: QuestionAnswerer, given: Iterable[Feedback]) -> dict[str, str]:
    """Return the SHA-256 of the files of the documents that feedback is about, by name, without missing ones."""
    names = {stretch.document for said in given for stretch in _about(said)}
    return {name: record.sha256 for name, record in answerer.records(names).items()}


def _about(said: Feedback) -> list[Stretch]:
    return [stretch for stretch in (said.answer, said.correction, said.context) if stretch is not None]


class Standing(StrEnum):
    """State of the documents that feedback is about."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    GONE = "gone"


def standing(said: Feedback, now: Mapping[str, str]) -> Standing:
    """Return whether the documents that feedback is about are unchanged.

    Args:
        said: The feedback.
        now: SHA-256 of each document's file, by name, from `hashes`.

    Returns:
        The state of the documents.
    """
    about = _about(said)
    if any(stretch.document not in now for stretch in about):
        return Standing.GONE
    is_same = all(now[stretch.document] == stretch.sha256 for stretch in about)
    return Standing.UNCHANGED if is_same else Standing.CHANGED
