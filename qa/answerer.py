"""QuestionAnswerer: answers questions from a folder of documents."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import ParameterError
from index.library import Library
from index.records import Hit
from index.retrieval.embedding import Embedder
from index.settings import Settings, read_settings
from qa.citation_check import Verification, quote_of, verify
from qa.engine import Engine, default_engine
from qa.indexed_folder import IndexedFolder
from qa.pipeline import OnStage, Options, Pipeline, unseen
from qa.question.checks import check_question
from qa.reader.cascade import SingleReader
from qa.reader.extractive import CASCADE, SpanReader
from qa.records.answer import Answer
from qa.records.calibration import Calibration
from qa.records.worked_out import WorkedOut

if TYPE_CHECKING:
    from qa.dialogue.conversation import Conversation


class QuestionAnswerer(IndexedFolder):
    """Answers questions from the documents of one folder. Safe to ask from many threads."""

    def __init__(
        self,
        folder: Path | str,
        settings: Settings | None = None,
        *,
        rebuild: bool = False,
        embedder: Embedder | None = None,
        reader: SpanReader | None = None,
        engine: Engine | None = None,
    ) -> None:
        """Open the index of a folder as it is; `sync` updates it. Models are loaded on first use.

        Args:
            folder: The folder of documents.
            settings: How to index and answer; None reads the environment.
            rebuild: Delete the index and build it again.
            embedder: Replaces the embedder that the settings name.
            reader: Replaces the reader that the settings name.
            engine: Runs the models; None is the engine shared by this process.

        Raises:
            VerbatimError: The folder, the index or a model cannot be used; the message says what to do.
        """
        self.settings = read_settings() if settings is None else settings
        self.engine = default_engine() if engine is None else engine
        read_by = self.engine.reader(self.settings) if reader is None else SingleReader(reader)
        embeds = self.engine.embedder(self.settings) if embedder is None else embedder
        options = Options.of(read_by, self.settings, unseen)
        passwords = [password.get_secret_value() for password in self.settings.passwords]
        super().__init__(Library(folder, embeds, self.settings.index_dir, rebuild=rebuild, passwords=passwords))
        self._pipeline = Pipeline(self._library, embeds, self.engine, options)

    def adjusted(
        self, *, reader: str | None = None, max_wrong: float | None = None, on_stage: OnStage | None = None
    ) -> "QuestionAnswerer":
        """Return a view of this answerer with other options. Close the answerer, not the view.

        Args:
            reader: Name of a reader, as in `Settings`; it reads every question, however many wait. None keeps this one.
            max_wrong: Share of the given answers that may be wrong, 0 to 1. None keeps the threshold of this answerer,
                or takes the default of the reader if that changes.
            on_stage: Called on the inference thread at the start of each stage; an exception from it stops the work
                and is raised to the caller.

        Returns:
            The view.

        Raises:
            ParameterError: No threshold keeps `max_wrong`, or it is out of range.
            ModelError: The reader is not on this machine.
        """
        if max_wrong is not None and not 0 <= max_wrong <= 1:
            raise ParameterError(f"max_wrong={max_wrong} must be between 0 and 1")
        is_other_reader = reader is not None and reader != self.reader
        changes: dict[str, Any] = {} if reader is None else {"patience": None}
        if is_other_reader:
            changes |= {"reader": reader, "threshold": None, "max_wrong": None}
        if max_wrong is not None:
            changes |= {"threshold": None, "max_wrong": max_wrong}
        settings, usual = self.settings.model_copy(update=changes), self._pipeline.options
        read_by = self.engine.reader(settings) if is_other_reader else usual.reader
        options = Options.of(read_by, settings, usual.on_stage if on_stage is None else on_stage)
        return _View(self._library, settings, replace(self._pipeline, options=options))

    @property
    def threshold(self) -> float:
        """Confidence from 0 to 1 below which a question is declined."""
        return self._pipeline.options.threshold

    @property
    def reader(self) -> str:
        """Name of the reader, as in `Settings`."""
        return self.settings.reader or CASCADE

    @property
    def reader_fingerprint(self) -> str:
        """SHA-256 of the reader's weights, in hexadecimal; "" if it has none."""
        return self._pipeline.options.reader.fingerprint

    @property
    def calibration(self) -> Calibration:
        """Calibration of the reader: confidence of its answers, and risk and coverage by threshold."""
        return self._pipeline.options.reader.calibration

    def ask(self, question: str, *, within: Sequence[str] | None = None, as_typed: bool = False) -> Answer:
        """Answer a question by quoting the documents, or give the reason for declining.

        Args:
            question: The question, 1,000 characters at most.
            within: Names of the documents to ask; None is all of them.
            as_typed: Search and read the question exactly as typed; otherwise as corrected by `as_meant`.

        Returns:
            The answer.

        Raises:
            QuestionError: The question is blank or too long.
            UnknownDocumentError: `within` names a document that is not in the index.
        """
        return self._pipeline.ask(question, within, as_typed=as_typed)

    def ask_many(self, questions: Iterable[str], *, within: Sequence[str] | None = None) -> list[Answer]:
        """Answer several questions in order, each as `ask` does.

        Args:
            questions: The questions.
            within: Names of the documents to ask; None is all of them.

        Returns:
            The answers, in the same order.

        Raises:
            ParameterError: `questions` is a single string.
            QuestionError: A question is blank or too long; none was answered.
            UnknownDocumentError: `within` names a document that is not in the index.
        """
        if isinstance(questions, str):
            raise ParameterError(f"questions={questions!r} is a single string; give ask_many a list of questions")
        checked = [check_question(question) for question in questions]
        return [self._pipeline.ask(question, within) for question in checked]

    def conversation(self, within: Sequence[str] | None = None) -> "Conversation":
        """Start a conversation, in which questions may refer to earlier ones.

        Args:
            within: Names of the documents to ask; None is all of them.

        Returns:
            The conversation; creating one is cheap.

        Raises:
            UnknownDocumentError: `within` names a document that is not in the index.
        """
        from qa.dialogue.conversation import Conversation  # takes 0.1 s to import, which `ask` alone does not need

        for name in () if within is None else within:
            self._library.record(name)
        return Conversation(self, within)

    def read(self, question: str, text: str) -> Answer:
        """Answer a question from a text that is not in the index.

        Args:
            question: The question, 1,000 characters at most.
            text: The text, read as one passage.

        Returns:
            The answer; its offsets refer to `text`, and its document is "".

        Raises:
            QuestionError: The question is blank or too long.
            ParameterError: The text is not valid Unicode.
        """
        return self._pipeline.read(question, text)

    def work_out(self, question: str, *, within: Sequence[str] | None = None) -> WorkedOut | None:
        """Work out the count, sum or mean that a question asks of a table: no quotation, so that `ask` never does.

        Args:
            question: The question, 1,000 characters at most.
            within: Names of the documents to look in; None is all of them.

        Returns:
            What came out, with the rows it comes from; None if the question asks for nothing of the kind, or there is a
            doubt about the table, its columns or its cells.

        Raises:
            QuestionError: The question is blank or too long.
            UnknownDocumentError: `within` names a document that is not in the index.
        """
        return self._pipeline.work_out(question, within)

    def search(self, question: str, *, within: Sequence[str] | None = None) -> list[Hit]:
        """Return the passages that would be read for a question, best first.

        Args:
            question: The question, 1,000 characters at most.
            within: Names of the documents to search; None is all of them.

        Returns:
            The passages, `top_k` at most, with their scores.

        Raises:
            QuestionError: The question is blank or too long.
            UnknownDocumentError: `within` names a document that is not in the index.
        """
        return self._pipeline.search(question, within)

    def as_meant(self, question: str) -> str:
        """Return a question, as typed, with self-corrections ("no, I mean …") and typing mistakes resolved."""
        return self._pipeline.as_meant(question)

    def as_hit(self, question: str, text: str) -> Hit:
        """Return a text that is not in the index as if it were the only passage retrieved for a question.

        Args:
            question: The question, 1,000 characters at most.
            text: The text.

        Returns:
            The text as one passage of a document with the name "".

        Raises:
            QuestionError: The question is blank or too long.
            ParameterError: The text is not valid Unicode.
        """
        return self._pipeline.as_hit(question, text)

    def verify(self, answer: Answer | Mapping[str, object]) -> Verification:
        """Check an earlier answer against the documents as they are indexed now.

        Args:
            answer: The answer, or its JSON as printed by `verbatim ask --json`.

        Returns:
            Whether its words still stand in the documents, and where.

        Raises:
            ParameterError: It is not an answer, or it was declined and quotes nothing.
        """
        quote = quote_of(answer)
        with self._library.reading():
            return verify(quote, self._library)


class _View(QuestionAnswerer):
    """A view of an answerer with other options."""

    def __init__(self, library: Library, settings: Settings, pipeline: Pipeline) -> None:
        """Create a view of an open index.

        Args:
            library: The index; its owner closes it.
            settings: How to answer.
            pipeline: Answers according to these settings.
        """
        IndexedFolder.__init__(self, library)
        self.settings, self.engine, self._pipeline = settings, pipeline.engine, pipeline

    def close(self) -> None:
        """Do nothing: the index stays open for the answerer that owns it."""
