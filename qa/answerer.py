"""QuestionAnswerer: retrieve → read → decide."""

import copy
import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import BusyIndexError, ParameterError, QuestionError
from index.formats.content import Place
from index.ingest.scanning import check_folder
from index.ingest.sync import SyncReport
from index.library import Library
from index.maintenance.integrity import Diagnosis
from index.records import Document, DocumentRecord, FileRecord, Hit, PageBoxes, Passage, check_unicode
from index.retrieval.embedding import Embedder, SentenceTransformerEmbedder
from index.settings import Settings, read_settings
from qa.citation_check import Verification, quote_of, verify
from qa.decision.decider import Calibration, Candidate, Decider
from qa.progress import IndexingProgress, show_progress
from qa.question.self_repair import as_corrected
from qa.question.spelling import held_by, respelled
from qa.reader.cascade import HitReader, SingleReader, open_reader
from qa.reader.extractive import CASCADE, SpanReader
from qa.reader.inference_thread import inference_thread
from qa.records.answer import Answer, Quotation, Reason
from qa.text.sentences import sentence_around

if TYPE_CHECKING:
    from qa.dialogue.conversation import Conversation

MAX_QUESTION_CHARS = 1000
MAX_ALTERNATIVES = 4
MAX_NEAREST = 3
REACH = 2.5
"""How far a passage's score may lie below that of the best one for it to be read. Of 450 questions over SQuAD's
paragraphs 4.8 passages were read by it instead of 10, and every answer was as right as before."""
_FEWEST_READ = 2

TextOf = Callable[[str], str]
"""A document's text by its name."""
PlaceOf = Callable[[str, int], str]
"""What people call the place at an offset of a document; "" where it has none."""

logger = logging.getLogger("verbatim")


class Stage(StrEnum):
    """What is being done about a question."""

    SEARCHING = "searching"
    READING = "reading"
    DECIDING = "deciding"
    DONE = "done"


class QuestionAnswerer:
    """Answers questions from the documents of one folder. Safe to ask from many threads."""

    def __init__(
        self,
        folder: Path | str,
        settings: Settings | None = None,
        *,
        rebuild: bool = False,
        embedder: Embedder | None = None,
        reader: SpanReader | None = None,
    ) -> None:
        """Open the index of a folder as it is; `sync` brings it in step. Models are loaded when first needed.

        Args:
            folder: The documents.
            settings: How to index and answer; None reads the environment.
            rebuild: Throw the index away and begin anew.
            embedder: Embeds passages and questions in place of the one that the settings name.
            reader: Reads passages in place of the one that the settings name.

        Raises:
            VerbatimError: The folder, the index or a model cannot be used; the message says what to do.
        """
        self.settings = read_settings() if settings is None else settings
        self._thread = inference_thread()
        models = _models(_of_models(self.settings))
        self._index = Library(
            folder,
            models.embedder if embedder is None else embedder,
            self.settings.index_dir,
            rebuild=rebuild,
            passwords=[password.get_secret_value() for password in self.settings.passwords],
        )
        self._way = _Way.of(models.reader if reader is None else SingleReader(reader), self.settings)
        self._on_stage: Callable[[Stage], None] = _unseen

    def adjusted(
        self,
        *,
        reader: str | None = None,
        max_wrong: float | None = None,
        on_stage: Callable[[Stage], None] | None = None,
    ) -> "QuestionAnswerer":
        """The same documents, asked another way: a view of this answerer, which stays the one to close.

        Args:
            reader: A reader, as in `Settings`, which then reads however many wait; None keeps this one.
            max_wrong: Share of the answers given that may be wrong, 0 to 1; None declines as this one does, where the
                reader is the same, and where the other reader does by itself, where it is not.
            on_stage: Called on the inference thread whenever work on a question comes to a stage; what it raises
                ends that work, and reaches who asked.

        Returns:
            What answers that way.

        Raises:
            ParameterError: No threshold keeps `max_wrong`, or it is out of range.
            ModelError: The reader is not on this machine.
        """
        if max_wrong is not None and not 0 <= max_wrong <= 1:
            raise ParameterError(f"max_wrong={max_wrong} is no share; choose one from 0 to 1")
        is_other_reader = reader is not None and reader != self.reader
        settings, on_stage = self.settings, self._on_stage if on_stage is None else on_stage
        if reader is not None:
            settings = settings.model_copy(update={"patience": None})
        if is_other_reader:
            settings = settings.model_copy(update={"reader": reader, "threshold": None, "max_wrong": None})
        if max_wrong is not None:
            settings = settings.model_copy(update={"threshold": None, "max_wrong": max_wrong})
        read_by = _models(_of_models(settings)).reader if is_other_reader else self._way.reader
        way = self._way if settings is self.settings else _Way.of(read_by, settings)
        other = copy.copy(self)
        vars(other).update(settings=settings, _way=way, _on_stage=on_stage)
        return other

    @property
    def folder(self) -> Path:
        """The folder of documents, links resolved."""
        return self._index.folder

    @property
    def index_dir(self) -> Path:
        """The folder that holds the index."""
        return self._index.index_dir

    @property
    def threshold(self) -> float:
        """Confidence from 0 to 1 below which a question is declined."""
        return self._way.threshold

    @property
    def reader(self) -> str:
        """Name of the reader, as in `Settings`."""
        return self.settings.reader or CASCADE

    @property
    def reader_fingerprint(self) -> str:
        """SHA-256 of the reader's weights, in hexadecimal; "" where it has none."""
        return self._way.reader.fingerprint

    @property
    def calibration(self) -> Calibration:
        """What was fitted for the reader: how sure it is, and what declining costs."""
        return self._way.reader.calibration

    def ask(self, question: str, *, within: Sequence[str] | None = None, as_typed: bool = False) -> Answer:
        """Answer a question in the documents' own words, or say why not.

        Args:
            question: The question, 1,000 characters at most.
            within: Names of the documents to ask; None is all of them.
            as_typed: Ask it letter by letter; else as `as_meant` understands it.

        Returns:
            The answer.

        Raises:
            QuestionError: The question is blank or too long.
            UnknownDocumentError: `within` names a document that is not in the index.
        """
        return self._thread.run(self._ask, check_question(question), within, as_typed)

    def ask_many(self, questions: Iterable[str], *, within: Sequence[str] | None = None) -> list[Answer]:
        """Answer questions, in their order; each as `ask` would.

        Args:
            questions: The questions.
            within: Names of the documents to ask; None is all of them.

        Returns:
            Their answers.

        Raises:
            ParameterError: `questions` is a single string.
            QuestionError: A question is blank or too long; none was asked.
            UnknownDocumentError: `within` names a document that is not in the index.
        """
        if isinstance(questions, str):
            raise ParameterError(f"questions={questions!r} is one question; ask_many takes a list of them")
        checked = [check_question(question) for question in questions]
        return [self._thread.run(self._ask, question, within) for question in checked]

    def conversation(self, within: Sequence[str] | None = None) -> "Conversation":
        """Begin a conversation, in which questions may follow from those before.

        Args:
            within: Names of the documents to ask; None is all of them.

        Returns:
            The conversation; it costs nothing to have many.

        Raises:
            UnknownDocumentError: `within` names a document that is not in the index.
        """
        from qa.dialogue.conversation import Conversation  # which asks, and so imports, this module

        for name in () if within is None else within:
            self.text(name)
        return Conversation(self, within)

    def sync(self, on_progress: IndexingProgress | None = None, *, retry_failed: bool = False) -> SyncReport:
        """Bring the index in step with the folder; only what changed is read and embedded.

        Args:
            on_progress: Called as the work goes on.
            retry_failed: Read again what failed, was empty or was read only partly.

        Returns:
            What was added, changed, removed and left out.

        Raises:
            FolderError: The folder is gone or cannot be read; the index stays as it is.
            BusyIndexError: There is something to do, and another process is writing the index.
        """
        return self._index.sync(on_progress, retry_failed=retry_failed)

    def watch(self, on_change: Callable[[SyncReport], None] | None = None) -> AbstractContextManager[None]:
        """Bring the index in step whenever the folder changes, in a thread, for a `with` block.

        What goes wrong meanwhile, a folder that is gone say, is logged and tried again.

        Args:
            on_change: Called with what was done, each time that something was.

        Returns:
            What to open with `with`.
        """
        return self._index.watch(on_change)

    def add(self, files: Sequence[Path | str], on_progress: IndexingProgress | None = None) -> SyncReport:
        """Copy files into the folder and index them.

        Args:
            files: The files. One with the name of a file that is there and other content gets a number.
            on_progress: Called as the work goes on.

        Returns:
            What was done.

        Raises:
            UnreadableFileError: A file is missing or of a kind that cannot be read; nothing was copied.
            BusyIndexError: Another process is writing the index.
        """
        return self._index.add([Path(file) for file in files], on_progress)

    def remove(self, names: Sequence[str]) -> None:
        """Take documents out of the index and keep them out until they are added again. The files stay.

        Args:
            names: Names of documents.

        Raises:
            UnknownDocumentError: A name is not in the index; nothing was removed.
            BusyIndexError: Another process is writing the index.
        """
        self._index.remove(names)

    def read(self, question: str, text: str) -> Answer:
        """Answer a question from a text that is given and stored nowhere.

        Args:
            question: The question, 1,000 characters at most.
            text: The text, read as one passage.

        Returns:
            The answer; its offsets refer to the text, its document is "".

        Raises:
            QuestionError: The question is blank or too long.
            ParameterError: The text is no valid Unicode.
        """
        return self._thread.run(self._read, check_question(question), check_unicode("text", text))

    def search(self, question: str, *, within: Sequence[str] | None = None) -> list[Hit]:
        """The passages that would be read for a question, best first.

        Args:
            question: The question, 1,000 characters at most.
            within: Names of the documents to search; None is all of them.

        Returns:
            The passages, `top_k` at most, with their scores.

        Raises:
            QuestionError: The question is blank or too long.
            UnknownDocumentError: `within` names a document that is not in the index.
        """
        check_question(question)
        with self._index.reading():
            remembered = self._index.remembered(self.as_meant(question), self.settings.top_k, within)
        return self._thread.run(self._search, question, within) if remembered is None else remembered

    def as_meant(self, question: str) -> str:
        """A question as it is asked of the documents: without what it takes back, and without typing mistakes.

        Args:
            question: The question, as it was typed.

        Returns:
            The question as it is understood.
        """
        return respelled(as_corrected(question), self._index.words_held)

    def as_hit(self, question: str, text: str) -> Hit:
        """A text that is stored nowhere, as if it were all that had been retrieved for a question.

        Args:
            question: The question, 1,000 characters at most.
            text: The text.

        Returns:
            The text as one passage of a document without name.

        Raises:
            QuestionError: The question is blank or too long.
            ParameterError: The text is no valid Unicode.
        """
        return self._thread.run(self._as_hit, check_question(question), check_unicode("text", text))

    def write(self, documents: Iterable[Document]) -> None:
        """Index documents that come from no file; they stay until `sync`, which knows only files.

        Args:
            documents: The documents, each in place of the one of its name.

        Raises:
            ParameterError: A text is no valid Unicode; nothing of its round was written.
            BusyIndexError: Another process is writing the index.
        """
        self._index.write(documents)

    def documents(self) -> list[DocumentRecord]:
        """The documents in the index, in the order of their names."""
        return self._index.documents()

    def left_out(self) -> dict[str, str]:
        """Files of the folder that are not in the index, or not as they are now: name to the reason."""
        return self._index.left_out()

    def files(self) -> list[FileRecord]:
        """The ledger: every file that was met, files within files included, and what became of it; by name."""
        return self._index.files()

    def metadata(self, name: str) -> dict[str, str]:
        """What a document says of itself.

        Args:
            name: Its name.

        Returns:
            "author", "date" (ISO 8601), "language" (ISO 639-1), "subject" and the like; what it doesn't say is missing.

        Raises:
            UnknownDocumentError: It is not in the index.
        """
        return self._index.metadata(name)

    def places(self, name: str) -> tuple[Place, ...]:
        """Where stretches of a document's text stand in its file: "page 3", "slide 7", "Costs, row 12".

        Args:
            name: Its name.

        Returns:
            The places in order; each goes on to the beginning of the next.

        Raises:
            UnknownDocumentError: It is not in the index.
        """
        return self._index.places(name)

    def extent(self, name: str) -> tuple[int, int]:
        """How many pages a document is printed on, 0 for formats without pages, and how many places it has.

        Args:
            name: Its name.

        Returns:
            The two numbers.

        Raises:
            UnknownDocumentError: It is not in the index.
        """
        return self._index.extent(name)

    def page_sizes(self, name: str) -> list[tuple[float, float]]:
        """Width and height of each page of a document, in points (1/72 inch).

        Args:
            name: Its name.

        Returns:
            The sizes in the order of the pages; (0, 0) of one that cannot be shown, none for formats without pages.

        Raises:
            UnknownDocumentError: It is not in the index.
        """
        return self._index.page_sizes(name)

    def boxes(self, name: str, start: int, end: int) -> list[PageBoxes]:
        """Where a stretch of a PDF's text is printed.

        Args:
            name: The document's name.
            start: Offset of the stretch's first character in the document's text.
            end: Offset after its last character.

        Returns:
            The pages that it is on, each with its size and a rectangle for each line; none for formats without pages.

        Raises:
            UnknownDocumentError: It is not in the index.
        """
        return self._index.boxes(name, start, end)

    def text(self, name: str) -> str:
        """The stored text of a document, which offsets of answers refer to.

        Args:
            name: Its name.

        Returns:
            The text.

        Raises:
            UnknownDocumentError: It is not in the index.
        """
        return self._index.text(name)

    def quote(self, name: str, start: int, end: int) -> Quotation:
        """A stretch of a document, word by word.

        Args:
            name: The document's name.
            start: Offset of the first character in the document's text.
            end: Offset after the last.

        Returns:
            What stands there, and where that is.

        Raises:
            UnknownDocumentError: It is not in the index.
            ParameterError: There is no such stretch in it.
        """
        with self._index.reading():
            text, record = self._index.text(name), self._index.record(name)
            n_chars = len(text)
            if not 0 <= start < end <= n_chars:
                raise ParameterError(
                    f"start={start} and end={end} are no stretch of {name!r}; choose 0 <= start < end <= {n_chars}"
                )
            place = self._index.place_at(name, start) or None
            return Quotation(name, record.sha256, record.title, place, start, end, text[start:end])

    def verify(self, answer: Answer | Mapping[str, object]) -> Verification:
        """Check an answer that was given once against the documents as they are indexed now.

        Args:
            answer: The answer, or the same as `verbatim ask --json` printed it.

        Returns:
            What became of its words, and where they stand.

        Raises:
            ParameterError: It is no answer, or was declined and so quotes nothing.
        """
        quote = quote_of(answer)
        with self._index.reading():
            return verify(quote, self.documents(), self.text)

    def doctor(self, *, mend: bool = False) -> Diagnosis:
        """Check every invariant of the index, and mend what can be mended.

        Args:
            mend: Rebuild what is derived, drop what belongs to nothing, read documents again that are wrong.

        Returns:
            What was wrong, and what still is.

        Raises:
            BusyIndexError: Something is to be mended, and another process is writing the index.
        """
        return self._index.doctor(mend=mend)

    def close(self) -> None:
        """Close the index. Nothing is lost by not calling it."""
        self._index.close()

    def __enter__(self) -> "QuestionAnswerer":
        """The answerer itself, to be closed at the end of a `with` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    # On the inference thread

    def _ask(self, question: str, within: Sequence[str] | None, as_typed: bool = False) -> Answer:
        # One state of the index from the search to the last word that is quoted, whoever writes it meanwhile.
        self._on_stage(Stage.SEARCHING)
        with self._index.reading():
            asked = question if as_typed else self.as_meant(question)
            hits = self._index.search(asked, self.settings.top_k, within)
            way = self._way_in_time()
            answer = self._judge(question, asked, hits, cache(self.text), self._index.place_at, way)
        self._on_stage(Stage.DONE)
        return replace(_told(answer, asked), hurried=way is not self._way)

    def _way_in_time(self) -> "_Way":
        """The usual way; where a question has waited too long already, that of the quick reader, if it may be taken.

        It may not where it cannot keep `max_wrong`: then people wait.
        """
        patience, quick = self.settings.patience, self._way.reader.quick
        if patience is None or quick is None or self._thread.waited_s <= patience:
            return self._way
        try:
            return _Way.of(quick, self.settings)
        except ParameterError:
            return self._way

    def _read(self, question: str, text: str) -> Answer:
        if not text.strip():
            return self._judge(question, question, [], self.text, _nowhere, self._way)
        asked = _meant_of(question, text)
        hits = [self._as_hit(question, text)]
        return _told(self._judge(question, asked, hits, lambda _: text, _nowhere, self._way), asked)

    def _as_hit(self, question: str, text: str) -> Hit:
        vectors = self._index.embedder.embed([_meant_of(question, text), text])
        cosine = float(vectors[0] @ vectors[1])
        return Hit(Passage("", 0, len(text), text), "", hashlib.sha256(text.encode()).hexdigest(), 0.0, cosine, 0.0)

    def _search(self, question: str, within: Sequence[str] | None) -> list[Hit]:
        with self._index.reading():
            return self._index.search(self.as_meant(question), self.settings.top_k, within)

    def _judge(
        self, question: str, asked: str, hits: Sequence[Hit], text_of: TextOf, place_of: PlaceOf, way: "_Way"
    ) -> Answer:
        if not hits:
            return Answer(question, answered=False, reason=Reason.NOTHING_RETRIEVED)
        self._on_stage(Stage.READING)
        likely = worth_reading(hits)
        spans = way.reader.read(asked, likely)
        self._on_stage(Stage.DECIDING)
        candidates = way.decider.decide(asked, likely, spans)
        if not candidates:
            return Answer(question, answered=False, nearest=_nearest([], hits), reason=Reason.NO_SPAN_FOUND)
        answers = [_answer(question, candidate, text_of, place_of) for candidate in candidates[: MAX_ALTERNATIVES + 1]]
        best = answers[0]
        if best.confidence >= way.threshold:
            return replace(best, alternatives=tuple(answers[1:]))
        return Answer(
            question,
            answered=False,
            confidence=best.confidence,
            alternatives=tuple(answers[:MAX_ALTERNATIVES]),
            nearest=_nearest(candidates, hits),
            reason=Reason.TOO_UNSURE if candidates[0].beats_null else Reason.NO_SPAN_FOUND,
        )


def worth_reading(hits: Sequence[Hit]) -> list[Hit]:
    """Those of the passages that may yet hold the answer, by how much less well than the best one they fit.

    Args:
        hits: What was retrieved, best first.

    Returns:
        The first two, and the others within `REACH` of the first.
    """
    return [hit for rank, hit in enumerate(hits) if rank < _FEWEST_READ or hits[0].score - hit.score <= REACH]


def _told(answer: Answer, asked: str) -> Answer:
    """An answer that tells how its question was asked, where that is not as it was typed."""
    return answer if asked == answer.question else replace(answer, understood=asked)


def _meant_of(question: str, text: str) -> str:
    """A question as it is asked of a text that is stored nowhere."""
    return respelled(as_corrected(question), held_by(text))


def _unseen(stage: Stage) -> None:
    """Where nobody looks on."""


def _of_models(settings: Settings) -> Settings:
    """What of the settings decides which models are loaded."""
    update = {"index_dir": None, "top_k": 1, "threshold": None, "max_wrong": None, "patience": None, "passwords": ()}
    return settings.model_copy(update=update)


def _nowhere(document: str, offset: int) -> str:  # noqa: ARG001 (a PlaceOf)
    """The place in a text that is stored nowhere."""
    return ""


def _threshold(settings: Settings, decider: Decider) -> float:
    """Confidence below which questions are declined.

    Args:
        settings: What was asked for.
        decider: What was fitted.

    Returns:
        The threshold, 0 to 1.

    Raises:
        ParameterError: Two settings that exclude one another were given, or one that cannot be kept.
    """
    if settings.threshold is not None and settings.max_wrong is not None:
        raise ParameterError(
            f"threshold={settings.threshold} and max_wrong={settings.max_wrong} both say when to decline; set one"
        )
    if settings.max_wrong is not None:
        return decider.threshold_for(settings.max_wrong)
    return decider.threshold if settings.threshold is None else settings.threshold


@dataclass(frozen=True, slots=True)
class _Way:
    """How questions are read and decided.

    Attributes:
        reader: What reads.
        decider: What was fitted for it.
        threshold: Confidence from 0 to 1 below which a question is declined.
    """

    reader: HitReader
    decider: Decider
    threshold: float

    @classmethod
    def of(cls, reader: HitReader, settings: Settings) -> "_Way":
        """That of a reader, declining as settings say; raises `ParameterError` where it cannot."""
        decider = Decider(reader.calibration)
        return cls(reader, decider, _threshold(settings, decider))


def _answer(question: str, candidate: Candidate, text_of: TextOf, place_of: PlaceOf) -> Answer:
    passage = candidate.hit.passage
    text = text_of(passage.document)
    first, last = sentence_around(text, candidate.start, candidate.end)
    return Answer(
        question,
        answered=True,
        text=text[candidate.start : candidate.end],
        confidence=candidate.confidence,
        document=passage.document,
        document_sha256=candidate.hit.document_sha256,
        title=candidate.hit.title,
        place=place_of(passage.document, candidate.start) or None,
        start=candidate.start,
        end=candidate.end,
        sentence=text[first:last],
        sentence_start=first,
        passage=passage,
        evidence=candidate.evidence,
    )


def _nearest(candidates: Sequence[Candidate], hits: Sequence[Hit]) -> tuple[Passage, ...]:
    """Passages that came closest: of the best rejected candidates first, then as retrieved."""
    passages = [candidate.hit.passage for candidate in candidates] + [hit.passage for hit in hits]
    return tuple(dict.fromkeys(passages))[:MAX_NEAREST]


def check_question(question: str) -> str:
    """A question that can be asked.

    Args:
        question: The question.

    Returns:
        The same.

    Raises:
        QuestionError: It is no string, blank, longer than 1,000 characters, or no valid Unicode.
    """
    if not isinstance(question, str):
        raise QuestionError(f"question={question!r} is no text; ask with a string")
    if not any(char.isalnum() for char in question):
        raise QuestionError(f"question={question[:20]!r} holds no words; type a question")
    if len(question) > MAX_QUESTION_CHARS:
        raise QuestionError(
            f"the question has {len(question):,} characters, at most {MAX_QUESTION_CHARS:,}; ask a shorter one"
        )
    try:
        return check_unicode("question", question)
    except ParameterError as error:
        raise QuestionError(str(error)) from error


def default_folder() -> Path:
    """The documents answered from when none are named: `seeds`, in the wheel or in the checkout."""
    packaged = Path(__file__).parent / "seeds"
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / "seeds"


def load(
    folder: Path | str | None = None,
    *,
    rebuild: bool = False,
    on_progress: IndexingProgress | None = None,
    **settings: Any,  # noqa: ANN401 (validated by Settings, field by field)
) -> QuestionAnswerer:
    """Open, build, or bring in step the index of a folder.

    While another process is writing the index, the documents that it has committed are opened.

    Args:
        folder: The documents; None is the packaged seeds.
        rebuild: Throw the index away and begin anew.
        on_progress: Called as the work goes on; None draws a progress bar where stderr is a terminal.
        **settings: Fields of `Settings`.

    Returns:
        What answers questions from them.

    Raises:
        VerbatimError: A setting, the folder, the index or a model cannot be used; the message says what to do.
    """
    answerer = QuestionAnswerer(
        default_folder() if folder is None else folder, read_settings(**settings), rebuild=rebuild
    )
    try:
        _bring_in_step(answerer, on_progress)
    except BaseException:
        answerer.close()
        raise
    return answerer


def _bring_in_step(answerer: QuestionAnswerer, on_progress: IndexingProgress | None) -> None:
    try:
        if on_progress is not None:
            answerer.sync(on_progress)
        else:
            with show_progress() as shown:
                answerer.sync(shown)
    except BusyIndexError as error:
        if not answerer.documents():
            raise
        logger.warning("%s; answering from what is indexed so far", error)


_opened_guard = threading.Lock()


def ask(question: str, *, folder: Path | str | None = None, **settings: Any) -> Answer:  # noqa: ANN401
    """Answer a question from a folder in one call; models and index stay open for the next one.

    Args:
        question: The question, 1,000 characters at most.
        folder: The documents; None is the packaged seeds. What changed in it since the last call is indexed.
        **settings: Fields of `Settings`.

    Returns:
        The answer.

    Raises:
        QuestionError: The question is blank or too long.
        VerbatimError: A setting, the folder, the index or a model cannot be used; the message says what to do.
    """
    check_question(question)
    place = check_folder(default_folder() if folder is None else folder)
    with _opened_guard:
        answerer = _opened(place, read_settings(**settings))
    _bring_in_step(answerer, None)
    return answerer.ask(question)


@lru_cache(maxsize=8)
def _opened(folder: Path, settings: Settings) -> QuestionAnswerer:
    return QuestionAnswerer(folder, settings)


@dataclass(frozen=True, slots=True)
class _Models:
    embedder: Embedder
    reader: HitReader


@lru_cache(maxsize=4)
def _models(settings: Settings) -> _Models:
    """Models are shared by the answerers of all folders: they are the most of what is in memory."""
    return _Models(SentenceTransformerEmbedder(settings, inference_thread().run), open_reader(settings))
