"""The pipeline: one question → retrieve → read → decide."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

from index.errors import ParameterError
from index.protocol import DocumentIndex
from index.records import Hit, Passage, check_unicode
from index.retrieval.embedding import Embedder
from index.settings import Settings
from qa.decision.abstention import PlaceOf, TextOf, build_answer
from qa.decision.decider import Candidate, Decider
from qa.engine import Engine
from qa.question.checks import check_question
from qa.question.self_repair import as_corrected
from qa.question.spelling import held_by
from qa.reader.cascade import HitReader
from qa.reader.passage_selection import worth_reading
from qa.records.answer import Answer


class Stage(StrEnum):
    """What is being done about a question."""

    SEARCHING = "searching"
    READING = "reading"
    DECIDING = "deciding"
    DONE = "done"


OnStage = Callable[[Stage], None]
"""Called on the inference thread whenever work on a question comes to a stage."""


@dataclass(frozen=True, slots=True)
class Options:
    """How questions are retrieved for, read and decided.

    Attributes:
        reader: What reads.
        decider: What was fitted for it.
        threshold: Confidence from 0 to 1 below which a question is declined.
        top_k: Passages retrieved for a question, 1 or more.
        on_stage: Called at each stage; what it raises ends the work, and reaches who asked.
        patience: Seconds that a question may have waited to be read so; None for however long.
        hurried: How one that waited longer is read; None the same.
    """

    reader: HitReader
    decider: Decider
    threshold: float
    top_k: int
    on_stage: OnStage
    patience: float | None = None
    hurried: "Options | None" = None

    @classmethod
    def of(cls, reader: HitReader, settings: Settings, on_stage: OnStage) -> "Options":
        """Take the options from settings.

        Args:
            reader: What reads. Where it has a quick part, questions that wait too long are read by that alone, unless
                it cannot keep `max_wrong`: then people wait.
            settings: When to decline, how many passages to retrieve, and how long questions may wait.
            on_stage: Called at each stage.

        Returns:
            The options.

        Raises:
            ParameterError: `threshold` and `max_wrong` are both set, or no threshold keeps `max_wrong`.
        """
        decider = Decider(reader.calibration)
        options = cls(reader, decider, _threshold(settings, decider), settings.top_k, on_stage, settings.patience)
        if settings.patience is None or reader.quick is None:
            return options
        try:
            return replace(options, hurried=cls.of(reader.quick, settings, on_stage))
        except ParameterError:
            return options


def unseen(stage: Stage) -> None:
    """Do nothing at a stage: nobody looks on."""


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
class Pipeline:
    """Answers one question at a time, and keeps nothing of it. Safe to use from many threads.

    Attributes:
        index: What is asked.
        embedder: What embedded its passages.
        engine: What the models run on.
        options: How questions are read and decided.
    """

    index: DocumentIndex
    embedder: Embedder
    engine: Engine
    options: Options

    def ask(self, question: str, within: Sequence[str] | None = None, *, as_typed: bool = False) -> Answer:
        """Answer a question from the index.

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
        return self.engine.thread.run(self._ask, check_question(question), within, as_typed)

    def read(self, question: str, text: str) -> Answer:
        """Answer a question from a text that is stored nowhere.

        Args:
            question: The question, 1,000 characters at most.
            text: The text, read as one passage.

        Returns:
            The answer; its offsets refer to the text, its document is "".

        Raises:
            QuestionError: The question is blank or too long.
            ParameterError: The text is no valid Unicode.
        """
        return self.engine.thread.run(self._read, check_question(question), check_unicode("text", text))

    def search(self, question: str, within: Sequence[str] | None = None) -> list[Hit]:
        """Retrieve the passages for a question.

        Args:
            question: The question, 1,000 characters at most.
            within: Names of the documents to search; None is all of them.

        Returns:
            The passages, best first, `top_k` at most.

        Raises:
            QuestionError: The question is blank or too long.
            UnknownDocumentError: `within` names a document that is not in the index.
        """
        check_question(question)
        with self.index.reading():
            remembered = self.index.remembered(self.as_meant(question), self.options.top_k, within)
        return self.engine.thread.run(self._search, question, within) if remembered is None else remembered

    def as_meant(self, question: str) -> str:
        """Understand a question: without what it takes back, and without typing mistakes.

        Args:
            question: The question, as it was typed.

        Returns:
            The question as it is asked of the documents.
        """
        return self.engine.speller.respelled(as_corrected(question), self.index.words_held)

    def as_hit(self, question: str, text: str) -> Hit:
        """Take a text that is stored nowhere for all that was retrieved for a question.

        Args:
            question: The question, 1,000 characters at most.
            text: The text.

        Returns:
            The text as one passage of a document without name.

        Raises:
            QuestionError: The question is blank or too long.
            ParameterError: The text is no valid Unicode.
        """
        return self.engine.thread.run(self._as_hit, check_question(question), check_unicode("text", text))

    # On the inference thread

    def _ask(self, question: str, within: Sequence[str] | None, as_typed: bool) -> Answer:
        self.options.on_stage(Stage.SEARCHING)
        # One state of the index from the search to the last word that is quoted, whoever writes it meanwhile.
        with self.index.reading():
            asked = question if as_typed else self.as_meant(question)
            hits = self.index.search(asked, self.options.top_k, within)
            options = self._options_in_time()
            answer = _judged(question, asked, hits, options, cache(self.index.text), self.index.place_at)
        self.options.on_stage(Stage.DONE)
        return replace(answer, hurried=options is not self.options)

    def _options_in_time(self) -> Options:
        """The usual options; the hurried ones for a question that has waited too long."""
        patience, hurried = self.options.patience, self.options.hurried
        if patience is None or hurried is None or self.engine.thread.waited_s <= patience:
            return self.options
        return hurried

    def _read(self, question: str, text: str) -> Answer:
        hits = [self._as_hit(question, text)] if text.strip() else []
        asked = self._meant_of(question, text) if hits else question
        return _judged(question, asked, hits, self.options, lambda _: text, _nowhere)

    def _search(self, question: str, within: Sequence[str] | None) -> list[Hit]:
        with self.index.reading():
            return self.index.search(self.as_meant(question), self.options.top_k, within)

    def _as_hit(self, question: str, text: str) -> Hit:
        vectors = self.embedder.embed([self._meant_of(question, text), text])
        cosine = float(vectors[0] @ vectors[1])
        return Hit(Passage("", 0, len(text), text), "", hashlib.sha256(text.encode()).hexdigest(), 0.0, cosine, 0.0)

    def _meant_of(self, question: str, text: str) -> str:
        """A question as it is asked of a text that is stored nowhere."""
        return self.engine.speller.respelled(as_corrected(question), held_by(text))


def _judged(
    question: str, asked: str, hits: Sequence[Hit], options: Options, text_of: TextOf, place_of: PlaceOf
) -> Answer:
    """The answer to a question from what was retrieved for it, as it was understood."""
    candidates: list[Candidate] = []
    likely = worth_reading(hits)
    if likely:
        options.on_stage(Stage.READING)
        spans = options.reader.read(asked, likely)
        options.on_stage(Stage.DECIDING)
        candidates = options.decider.decide(asked, likely, spans)
    answer = build_answer(question, candidates, hits, options.threshold, text_of, place_of)
    return answer if asked == question else replace(answer, understood=asked)


def _nowhere(document: str, offset: int) -> str:  # noqa: ARG001 (a PlaceOf)
    """The place in a text that is stored nowhere."""
    return ""
