"""The pipeline: one question → retrieve → read → decide."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

from index.errors import ParameterError
from index.protocol import DocumentIndex
from index.records import Hit, Passage, TableRow, check_unicode
from index.retrieval.embedding import Embedder
from index.settings import Settings
from qa.decision.abstention import Source, build_answer
from qa.decision.decider import Candidate, Decider
from qa.engine import Engine
from qa.question.checks import check_question
from qa.question.numbered_clause import clauses_asked_for
from qa.question.self_repair import as_corrected
from qa.question.spelling import held_by
from qa.question.table_questions import table_question
from qa.reader.cascade import HitReader
from qa.reader.passage_selection import worth_reading
from qa.reader.row_selection import RowSelection
from qa.records.answer import Answer
from qa.records.worked_out import WorkedOut
from qa.response.working_out import QuotedCell, cell_asked_for, is_unsettled, worked_out


class Stage(StrEnum):
    """Stage of the work on a question."""

    SEARCHING = "searching"
    READING = "reading"
    DECIDING = "deciding"
    DONE = "done"


CELL_CONFIDENCE = 0.9
"""Confidence of a cell found by comparing a whole column, which no reader judged. It is set, not fitted."""

OnStage = Callable[[Stage], None]
"""Called on the inference thread at the start of each stage of a question."""


@dataclass(frozen=True, slots=True)
class Options:
    """How questions are retrieved, read and decided.

    Attributes:
        reader: Reads the passages.
        decider: Turns spans into candidates with confidence, by the reader's calibration.
        threshold: Confidence from 0 to 1 below which a question is declined.
        top_k: Passages retrieved for a question, 1 or more.
        on_stage: Called at each stage; an exception from it stops the work and is raised to the caller.
        patience: Seconds that a question may wait before it is read with `hurried`; None is no limit.
        hurried: Options for questions that waited longer than `patience`; None changes nothing.
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
        """Create the options from settings.

        Args:
            reader: Reads the passages. If it has a quick part, questions that wait too long are read by that alone,
                unless it cannot keep `max_wrong`: then they go on waiting.
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
    """Do nothing: the `on_stage` of callers that need no stages."""


def _threshold(settings: Settings, decider: Decider) -> float:
    """Return the confidence below which questions are declined.

    Args:
        settings: May set `threshold` or `max_wrong`.
        decider: Knows the default threshold, and the one for a `max_wrong`.

    Returns:
        The threshold, 0 to 1.

    Raises:
        ParameterError: Both `threshold` and `max_wrong` are set, or no threshold keeps `max_wrong`.
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
    """Answers questions one at a time, without state of its own. Safe to use from many threads.

    Attributes:
        index: The index to search.
        embedder: The embedder of its passages.
        engine: Runs the models.
        options: How questions are retrieved, read and decided.
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
            as_typed: Search and read the question exactly as typed; otherwise as corrected by `as_meant`.

        Returns:
            The answer.

        Raises:
            QuestionError: The question is blank or too long.
            UnknownDocumentError: `within` names a document that is not in the index.
        """
        return self.engine.thread.run(self._ask, check_question(question), within, as_typed)

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

    def work_out(self, question: str, within: Sequence[str] | None = None) -> WorkedOut | None:
        """Work out the count, sum or mean that a question asks of a table, where the words leave no doubt.

        Args:
            question: The question, 1,000 characters at most.
            within: Names of the documents to look in; None is all of them.

        Returns:
            What came out, which is no quotation; None if the question asks for nothing of the kind.

        Raises:
            QuestionError: The question is blank or too long.
            UnknownDocumentError: `within` names a document that is not in the index.
        """
        check_question(question)
        asked = table_question(as_corrected(question))
        if asked is None or asked.is_superlative:
            return None
        return self.engine.thread.run(self._work_out, question, within)

    def as_meant(self, question: str) -> str:
        """Return a question, as typed, with self-corrections ("no, I mean …") and typing mistakes resolved."""
        return self.engine.speller.respelled(as_corrected(question), self.index.words_held)

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
        return self.engine.thread.run(self._as_hit, check_question(question), check_unicode("text", text))

    # On the inference thread

    def _ask(self, question: str, within: Sequence[str] | None, as_typed: bool) -> Answer:
        self.options.on_stage(Stage.SEARCHING)
        # Search, texts and places come from one state of the index, even while another process writes it.
        with self.index.reading():
            asked = question if as_typed else self.as_meant(question)
            hits = self.index.search(asked, self.options.top_k, within)
            options = self._options_in_time()
            source = Source(cache(self.index.text), self.index.place_at, self.index.table_rows)
            found = cell_asked_for(asked, hits, self.index, within)
            answer = (
                _judged(question, asked, hits, options, source)
                if found is None
                else _quoted(question, asked, found, hits, options, source)
            )
        self.options.on_stage(Stage.DONE)
        return replace(answer, hurried=options is not self.options)

    def _work_out(self, question: str, within: Sequence[str] | None) -> WorkedOut | None:
        asked = self.as_meant(question)
        with self.index.reading():
            hits = self.index.remembered(asked, self.options.top_k, within)
            hits = self.index.search(asked, self.options.top_k, within) if hits is None else hits
            return worked_out(asked, hits, self.index, within)

    def _options_in_time(self) -> Options:
        """Return the usual options, or the hurried ones if the question has waited too long."""
        patience, hurried = self.options.patience, self.options.hurried
        if patience is None or hurried is None or self.engine.thread.waited_s <= patience:
            return self.options
        return hurried

    def _read(self, question: str, text: str) -> Answer:
        hits = [self._as_hit(question, text)] if text.strip() else []
        asked = self._meant_of(question, text) if hits else question
        return _judged(question, asked, hits, self.options, Source(lambda _: text, _nowhere, _no_rows))

    def _search(self, question: str, within: Sequence[str] | None) -> list[Hit]:
        with self.index.reading():
            return self.index.search(self.as_meant(question), self.options.top_k, within)

    def _as_hit(self, question: str, text: str) -> Hit:
        vectors = self.embedder.embed([self._meant_of(question, text), text])
        cosine = float(vectors[0] @ vectors[1])
        return Hit(Passage("", 0, len(text), text), "", hashlib.sha256(text.encode()).hexdigest(), 0.0, cosine, 0.0)

    def _meant_of(self, question: str, text: str) -> str:
        """Correct a question by the words of a text that is not in the index."""
        return self.engine.speller.respelled(as_corrected(question), held_by(text))


def _judged(question: str, asked: str, hits: Sequence[Hit], options: Options, source: Source) -> Answer:
    """Read the retrieved passages and decide the answer; `asked` is the question after correction."""
    candidates: list[Candidate] = []
    if clauses := clauses_asked_for(asked, hits):
        sure = 1 / len(clauses)  # each as likely as the others to be the one that is meant
        candidates = [Candidate(c.hit, c.start, c.end, (c.hit.passage,), sure, beats_null=True) for c in clauses]
    elif hits:
        selection = RowSelection(asked, hits, source.rows_of)
        likely = worth_reading(selection.hits)
        options.on_stage(Stage.READING)
        spans = selection.checked(likely, options.reader.read(asked, likely))
        options.on_stage(Stage.DECIDING)
        candidates = [
            candidate
            for candidate in options.decider.decide(asked, likely, spans)
            if not _is_any_row(asked, candidate, source)
        ]
    answer = build_answer(question, candidates, hits, options.threshold, source)
    return answer if asked == question else replace(answer, understood=asked)


def _quoted(
    question: str, asked: str, found: QuotedCell, hits: Sequence[Hit], options: Options, source: Source
) -> Answer:
    """Quote the cell that a whole table answers with; `asked` is the question after correction."""
    cell, row = found.cell, found.hit.passage
    candidate = Candidate(found.hit, cell.start, cell.end, (row,), CELL_CONFIDENCE, beats_null=True)
    answer = build_answer(question, [candidate], hits, options.threshold, source)
    return answer if asked == question else replace(answer, understood=asked)


def _is_any_row(asked: str, candidate: Candidate, source: Source) -> bool:
    """Return whether a candidate stands in a row of a table, and the question asks for the most, or a sum, of many."""
    document = candidate.hit.passage.document
    return is_unsettled(
        asked, lambda: source.rows_of(document, candidate.start, candidate.end), lambda: source.text_of(document)
    )


def _nowhere(document: str, offset: int) -> str:  # noqa: ARG001 (a PlaceOf)
    """Return "": a text that is not in the index has no places."""
    return ""


def _no_rows(document: str, start: int, end: int) -> Sequence[TableRow]:  # noqa: ARG001 (a RowsOf)
    """Return nothing: a text that is not in the index has no tables."""
    return ()
