"""Abstention: give the best candidate as the answer, or decline the question with a reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from index.records import Hit, Passage, TableRow
from qa.decision.decider import Candidate
from qa.records.answer import Answer, Reason
from qa.text.sentences import sentence_around

MAX_ALTERNATIVES = 4
MAX_NEAREST = 3


@dataclass(frozen=True, slots=True)
class Source:
    """Looks up what stands around a span.

    Attributes:
        text_of: Returns a document's text by its name.
        place_of: Returns the place at an offset of a document, for people; "" if it has none.
        rows_of: Returns the rows of tables that share characters with a span of a document.
    """

    text_of: Callable[[str], str]
    place_of: Callable[[str, int], str]
    rows_of: Callable[[str, int, int], Sequence[TableRow]]

    def sentence(self, document: str, start: int, end: int) -> tuple[int, int]:
        """Return start and end of the row of a table that holds a span, else of its sentence."""
        for row in self.rows_of(document, start, end):
            if row.start <= start and end <= row.end:
                return row.start, row.end
        return sentence_around(self.text_of(document), start, end)


def build_answer(
    question: str,
    candidates: Sequence[Candidate],
    hits: Sequence[Hit],
    threshold: float,
    source: Source,
) -> Answer:
    """Build the answer to a question, or decline it.

    Args:
        question: The question as asked.
        candidates: Candidates, best first.
        hits: Retrieved passages, best first.
        threshold: Confidence from 0 to 1 below which the question is declined.
        source: Looks up what stands around spans.

    Returns:
        The best candidate, with the next ones as alternatives; if declined, all of them are alternatives.
    """
    if not hits:
        return Answer(question, answered=False, reason=Reason.NOTHING_RETRIEVED)
    if not candidates:
        return Answer(question, answered=False, nearest=_nearest([], hits), reason=Reason.NO_SPAN_FOUND)
    answers = [_given(question, candidate, source) for candidate in candidates[: MAX_ALTERNATIVES + 1]]
    best = answers[0]
    if best.confidence >= threshold:
        return replace(best, alternatives=tuple(answers[1:]))
    return Answer(
        question,
        answered=False,
        confidence=best.confidence,
        alternatives=tuple(answers[:MAX_ALTERNATIVES]),
        nearest=_nearest(candidates, hits),
        reason=Reason.TOO_UNSURE if candidates[0].beats_null else Reason.NO_SPAN_FOUND,
    )


def _given(question: str, candidate: Candidate, source: Source) -> Answer:
    passage = candidate.hit.passage
    text = source.text_of(passage.document)
    first, last = source.sentence(passage.document, candidate.start, candidate.end)
    return Answer(
        question,
        answered=True,
        text=text[candidate.start : candidate.end],
        confidence=candidate.confidence,
        document=passage.document,
        document_sha256=candidate.hit.document_sha256,
        title=candidate.hit.title,
        place=source.place_of(passage.document, candidate.start) or None,
        start=candidate.start,
        end=candidate.end,
        sentence=text[first:last],
        sentence_start=first,
        passage=passage,
        evidence=candidate.evidence,
    )


def _nearest(candidates: Sequence[Candidate], hits: Sequence[Hit]) -> tuple[Passage, ...]:
    """Return the passages of the best rejected candidates, then those retrieved best."""
    passages = [candidate.hit.passage for candidate in candidates] + [hit.passage for hit in hits]
    return tuple(dict.fromkeys(passages))[:MAX_NEAREST]
