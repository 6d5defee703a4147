"""QuestionAnswerer: a folder of documents that answers questions."""

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
        """Open the index of a folder as it is; `sync` brings it in step. Models are loaded when first needed.

        Args:
            folder: The documents.
            settings: How to index and answer; None reads the environment.
            rebuild: Throw the index away and begin anew.
            embedder: Embeds passages and questions in place of the one that the settings name.
            reader: Reads passages in place of the one that the settings name.
            engine: What the models run on; None is the one that this process shares.

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
        """SHA-256 of the reader's weights, in hexadecimal; "" where it has none."""
        return self._pipeline.options.reader.fingerprint

    @property
    def calibration(self) -> Calibration:
        """What was fitted for the reader: how sure it is, and what declining costs."""
        return self._pipeline.options.reader.calibration

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
        return self._pipeline.ask(question, within, as_typed=as_typed)

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
        return [self._pipeline.ask(question, within) for question in checked]

    def conversation(self, within: Sequence[str] | None = None) -> "Conversation":
        """Begin a conversation, in which questions may follow from those before.

        Args:
            within: Names of the documents to ask; None is all of them.

        Returns:
            The conversation; it costs nothing to have many.

        Raises:
            UnknownDocumentError: `within` names a document that is not in the index.
        """
        from qa.dialogue.conversation import Conversation  # its rules take 0.1 s, which asking need not wait for

        for name in () if within is None else within:
            self._library.record(name)
        return Conversation(self, within)

    def read(self, question: str, text: str) -> Answer:
        """Answer a question from a text that is given and stored nowhere.

        Args:
            question: The question, 1,000 characters at most.
            text: The text, read as one passage.

        Returns:
            The answer; its offsets refer to the text, its document is "".

        Raises:
            QuestionError: The question is blank or too long.
            ParameterError: The text is not valid Unicode.
        """
        return self._pipeline.read(question, text)

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
        return self._pipeline.search(question, within)

    def as_meant(self, question: str) -> str:
        """A question as it is asked of the documents: without what it takes back, and without typing mistakes.

        Args:
            question: The question, as it was typed.

        Returns:
            The question as it is understood.
        """
        return self._pipeline.as_meant(question)

    def as_hit(self, question: str, text: str) -> Hit:
        """A text that is stored nowhere, as if it were all that had been retrieved for a question.

        Args:
            question: The question, 1,000 characters at most.
            text: The text.

        Returns:
            The text as one passage of a document without name.

        Raises:
            QuestionError: The question is blank or too long.
            ParameterError: The text is not valid Unicode.
        """
        return self._pipeline.as_hit(question, text)

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
        with self._library.reading():
            return verify(quote, self._library)


class _View(QuestionAnswerer):
    """The documents of an answerer, asked another way."""

    def __init__(self, library: Library, settings: Settings, pipeline: Pipeline) -> None:
        """Look at an open index.

        Args:
            library: The index; whoever opened it closes it.
            settings: How to answer.
            pipeline: The same, put together.
        """
        IndexedFolder.__init__(self, library)
        self.settings, self.engine, self._pipeline = settings, pipeline.engine, pipeline

    def close(self) -> None:
        """Do nothing: the index stays open for the answerer that this is a view of."""
