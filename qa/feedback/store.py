"""What people say of answers: right, wrong, and which words are right. Kept beside the index, in a file of its own."""

import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from index.errors import ChangingFileError, ParameterError, UnknownDocumentError, VerbatimError
from index.records import check_unicode
from index.storage import private_files
from qa.answerer import QuestionAnswerer
from qa.question.checks import check_question
from qa.text.sentences import paragraph_around

FILE_NAME = "feedback.sqlite"
SCHEMA_VERSION = 1
MAX_WORDS_CHARS = 2_000
_BUSY_TIMEOUT_S = 10

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
        browser: Random id of the browser that it came from.
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
        self.path = folder / FILE_NAME
        private_files.mend_file(self.path)
        self._one_at_a_time = threading.Lock()

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
        with self._writing() as connection:
            _make_table(connection)
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT OR REPLACE INTO feedback VALUES ({marks})", row)
        return kept

    def withdraw(self, browser: str, id_: str) -> bool:
        """Delete something that a browser said.

        Args:
            browser: The browser's id.
            id_: The feedback's id.

        Returns:
            Whether there was such a thing.

        Raises:
            FeedbackError: The file cannot be read or written.
        """
        if not self.path.exists():
            return False
        with self._writing() as connection:
            _make_table(connection)
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
        if not self.path.exists():
            return []
        with self._connected() as connection:
            if not _version(connection):
                return []
            query = "SELECT * FROM feedback WHERE ? IS NULL OR browser = ? ORDER BY time, id"
            return [_feedback(row) for row in connection.execute(query, (browser, browser))]

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own: feedback is rare, and then nothing holds the file open in between.

        Yields:
            The connection.

        Raises:
            FeedbackError: The file is none of ours, damaged, or cannot be reached.
        """
        with suppress(OSError):  # SQLite says what is wrong
            private_files.make_file(self.path)
        try:
            opened = sqlite3.connect(self.path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
            with self._one_at_a_time, closing(opened) as connection:
                connection.row_factory = sqlite3.Row
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA secure_delete = ON")
                if _version(connection) > SCHEMA_VERSION:
                    raise FeedbackError(f"{self.path} was written by a newer version; update Verbatim")
                yield connection
        except sqlite3.Error as error:
            raise FeedbackError(
                f"feedback cannot be kept in {self.path}: {error}; check the disk and the file"
            ) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: what is not committed at the end is undone when the connection closes."""
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _make_table(connection: sqlite3.Connection) -> None:
    if not _version(connection):
        connection.execute(_SCHEMA)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


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


def _feedback(row: sqlite3.Row) -> Feedback:
    def stretch(document: str, sha256: str, start: str, end: str, text: str) -> Stretch | None:
        return Stretch(row[document], row[sha256], row[start], row[end], row[text]) if row[document] else None

    return Feedback(
        browser=row["browser"],
        question=row["question"],
        verdict=Verdict(row["verdict"]),
        answer=stretch("document", "sha256", "start", "end", "text"),
        correction=stretch("right_document", "right_sha256", "right_start", "right_end", "right_text"),
        is_absent=bool(row["is_absent"]),
        context=stretch("context_document", "context_sha256", "context_start", "context_end", "context"),
        confidence=row["confidence"],
        reader=row["reader"],
        reader_sha256=row["reader_sha256"],
        id=row["id"],
        time=row["time"],
    )


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
            f"{what}.start={stretch.start}, {what}.end={stretch.end} are no stretch of {stretch.document!r}, which has"
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
