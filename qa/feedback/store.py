"""What people say of answers: right, wrong, and which words are right. Kept beside the index, in a file of its own."""

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
-- A row for each answer that a browser judged. Of a declined question the answer is '' at 0 to 0 of no document.
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
    if_damaged="move the file away, and feedback begins anew",
    if_unwritable="check who may write its folder",
)


class Verdict(StrEnum):
    """What is said of an answer, or of a question's having been declined."""

    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Words of a document.

    Attributes:
        document: Name of the document.
        sha256: Hash of its file, in hexadecimal.
        start: Offset of the first character in the stored text, in code points.
        end: Offset after the last.
        text: The words.
    """

    document: str
    sha256: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """What someone said of an answer.

    Attributes:
        browser: Hash of the random id of the browser that it came from, as `hashed_id` gives it.
        question: The question, as it was asked of the documents.
        verdict: Whether the answer was right, or declining was.
        answer: The answer; None where the question was declined.
        correction: The right words; None where none were given.
        is_absent: Whether it was said that the answer is not in the documents.
        context: The paragraph that correction or answer stand in; of a question without an answer, the one that came
            closest. None where there is none.
        confidence: How sure the answer was, 0 to 1; None where that is not known.
        reader: Name of the reader that answered.
        reader_sha256: Hash of its weights.
        id: Its id.
        time: When it was said, ISO 8601.
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
        """The words that answer the question, as far as this tells: the correction, or an answer that is right."""
        return self.correction or (self.answer if self.verdict is Verdict.RIGHT else None)

    @property
    def has_no_answer(self) -> bool:
        """Whether it says that the documents hold no answer."""
        return self.is_absent or (self.answer is None and self.verdict is Verdict.RIGHT)


class FeedbackStore:
    """The feedback on the answers from one folder of documents. Any number of threads and processes may use it."""

    def __init__(self, folder: Path) -> None:
        """Use the feedback that lies beside an index; the file is made when something is first put into it.

        Args:
            folder: The index's folder.
        """
        self._database = Database(folder / FILE_NAME, _KIND)
        self._has_hashes = False

    def put(self, feedback: Feedback) -> Feedback:
        """Keep what was said, in place of what the same browser said before of the same answer.

        Args:
            feedback: What was said; id and time are given to it here.

        Returns:
            What is kept.

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
        """Delete something that a browser said.

        Args:
            browser: Hash of the browser's id.
            id_: The feedback's id.

        Returns:
            Whether there was such a thing.

        Raises:
            FeedbackError: The file cannot be read or written.
        """
        if not self._is_begun():
            return False
        with self._database.writing() as connection:
            gone = connection.execute("DELETE FROM feedback WHERE id = ? AND browser = ?", (id_, browser))
            return gone.rowcount > 0

    def all(self, browser: str | None = None) -> list[Feedback]:
        """What was said, the earliest first.

        Args:
            browser: Only what this browser said; None is everything.

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
        """Whether there is anything to look at; ids of browsers, which older versions kept as they were, are hashed."""
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
"""Columns that are fields of `Feedback` as they are."""
_STRETCHES = {
    "answer": ("document", "sha256", "start", "[end]", "text"),
    "correction": tuple(f"right_{each}" for each in ("document", "sha256", "start", "end", "text")),
    "context": ("context_document", "context_sha256", "context_start", "context_end", "context"),
}
"""Columns that are words of a document, in the order of the fields of `Stretch`."""
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
    """A row as a record, whose types are checked: a row of a damaged file may hold anything.

    Args:
        row: Values of `_COLUMNS`.

    Returns:
        The record.

    Raises:
        ValueError: A value is none that was ever written.
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


# Taking it


def take(answerer: QuestionAnswerer, said: Feedback, nearest: Stretch | None = None) -> Feedback:
    """Check what was said against the documents, and add what the documents have to add.

    Args:
        answerer: What answered.
        said: What was said; its context, and its words as the documents have them, are filled in here.
        nearest: Of a declined question, the passage that came closest; its words are filled in.

    Returns:
        What can be kept.

    Raises:
        ParameterError: It contradicts itself, or words do not stand where it says.
        QuestionError: The question is blank or too long.
        UnknownDocumentError: A document is not in the index.
        ChangingFileError: A document is not what it was when its words were shown.
    """
    check_question(said.question)
    _check_sense(said)
    text_of = cache(answerer.text)  # one state of each document, whatever is written meanwhile

    def as_stored(what: str, stretch: Stretch) -> Stretch:
        return _as_stored(what, stretch, text_of(check_unicode(f"{what}.document", stretch.document)), answerer)

    answer = None if said.answer is None else _checked("answer", said.answer, as_stored)
    correction = None if said.correction is None else _checked("correction", said.correction, as_stored)
    around = correction or answer or (None if nearest is None else as_stored("nearest", nearest))
    context = None if around is None else _context(around, text_of(around.document))
    return replace(said, answer=answer, correction=correction, context=context)


def _check_sense(said: Feedback) -> None:
    """Refuse what contradicts itself.

    Args:
        said: What was said.

    Raises:
        ParameterError: It does.
    """
    corrects = said.correction is not None or said.is_absent
    if said.verdict is Verdict.RIGHT and corrects:
        raise ParameterError("verdict='right' comes with a correction; leave out one of them")
    if said.correction is not None and said.is_absent:
        raise ParameterError("correction and is_absent exclude one another; leave out one of them")
    if said.answer is None and said.is_absent:
        raise ParameterError("is_absent says what declining said; give verdict='right' in its place")


def _checked(what: str, stretch: Stretch, as_stored: Callable[[str, Stretch], Stretch]) -> Stretch:
    """Words of a document, in the document's own characters.

    Args:
        what: What to call them in a message.
        stretch: The words, as a page showed them.
        as_stored: Gives the stretch with the words that the document has there.

    Returns:
        The words.

    Raises:
        ParameterError: They do not stand there, are none, or too many.
    """
    check_unicode(f"{what}.text", stretch.text)
    if not stretch.text.strip():
        raise ParameterError(f"{what}.text={stretch.text[:20]!r} holds no words; select some")
    if len(stretch.text) > MAX_WORDS_CHARS:
        raise ParameterError(
            f"{what}.text has {len(stretch.text):,} characters, at most {MAX_WORDS_CHARS:,}; select fewer words"
        )
    stored = as_stored(what, stretch)
    # A page cannot show the null character, and shows a picture of it in its place.
    if stored.text.replace("\0", "␀") != stretch.text.replace("\0", "␀"):
        raise ParameterError(
            f"{what}.text={stretch.text[:40]!r} does not stand at {stretch.start} to {stretch.end} of"
            f" {stretch.document!r}; select it again"
        )
    return stored


def _as_stored(what: str, stretch: Stretch, text: str, answerer: QuestionAnswerer) -> Stretch:
    """A stretch with the words that a document's text has there.

    Args:
        what: What to call the stretch in a message.
        stretch: The stretch.
        text: The document's text.
        answerer: What has the documents.

    Returns:
        The stretch.

    Raises:
        ParameterError: The offsets are none of the text's.
        UnknownDocumentError: The document is not in the index any more.
        ChangingFileError: It is not what it was when its words were shown.
    """
    # Looked up after the text was read: were it before, a change between the two could go unseen.
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
    """The paragraph around some words."""
    start, end = paragraph_around(text, around.start, around.end)
    return replace(around, start=start, end=end, text=text[start:end])


# What became of it


def hashes(answerer: QuestionAnswerer, given: Iterable[Feedback]) -> dict[str, str]:
    """Hash of the file of each document that feedback is about, by document name; of those that are there."""
    names = {stretch.document for said in given for stretch in _about(said)}
    return {name: record.sha256 for name, record in answerer.records(names).items()}


def _about(said: Feedback) -> list[Stretch]:
    return [stretch for stretch in (said.answer, said.correction, said.context) if stretch is not None]


class Standing(StrEnum):
    """What became of the documents that feedback is about."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    GONE = "gone"


def standing(said: Feedback, now: Mapping[str, str]) -> Standing:
    """Whether the documents that feedback is about are still what they were.

    Args:
        said: The feedback.
        now: Hash of each document's file, by name, as `hashes` gives them.

    Returns:
        Whether they are.
    """
    about = _about(said)
    if any(stretch.document not in now for stretch in about):
        return Standing.GONE
    is_same = all(now[stretch.document] == stretch.sha256 for stretch in about)
    return Standing.UNCHANGED if is_same else Standing.CHANGED
