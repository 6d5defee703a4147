"""Reads an answer again, closely: in its sentence alone, without the rest of the passage.

Some of a reader's trust in an answer comes from the passage around it. Where the question only looks as if the passage
answered it, it trusts less in the sentence alone.
"""

from collections.abc import Sequence
from dataclasses import replace

from qa.reader.extractive import SpanReader
from qa.records.span import Span

NOT_THERE = -20.0
"""Log-odds of an answer that is not found again."""


def look_closer(
    reader: SpanReader, question: str, texts: Sequence[str], spans: Sequence[Sequence[Span]]
) -> list[list[Span]]:
    """Read the best span of each passage again in its sentence.

    Args:
        reader: What read them.
        question: The question.
        texts: Texts of the passages.
        spans: What it found in each, best first.

    Returns:
        The same spans with their `close_score`: of the best one the score that its words get in their sentence; of
        the others in its passage their score, changed by as much as the best one's was.
    """
    closely = [[replace(span, close_score=span.score) for span in found] for found in spans]
    sentences = {i: _sentences_of(texts[i], found[0]) for i, found in enumerate(spans) if found}
    shorter = {i: (low, high) for i, (low, high) in sentences.items() if (low, high) != (0, len(texts[i]))}
    again = reader.read(question, [texts[i][low:high] for i, (low, high) in shorter.items()]) if shorter else []
    for (i, (low, _)), found in zip(shorter.items(), again, strict=True):
        best = spans[i][0]
        change = _score_of(best.start - low, best.end - low, found) - best.score
        closely[i] = [replace(span, close_score=span.score + change) for span in spans[i]]
    return closely


def _sentences_of(text: str, span: Span) -> tuple[int, int]:
    """Start and end of the sentences that hold a span: nearly always one; of the whole text where it has no other."""
    from nupunkt import sent_spans  # its model is read when it is first used

    sentences = sent_spans(text) or [(0, len(text))]
    low = max((start for start, _ in sentences if start <= span.start), default=0)
    high = min((end for _, end in sentences if end >= span.end), default=len(text))
    is_all = not text[:low].strip() and not text[high:].strip()
    return (0, len(text)) if is_all else (low, high)


def _score_of(start: int, end: int, found: Sequence[Span]) -> float:
    """Score of the best span that shares characters with a place; `NOT_THERE` where there is none."""
    return max((s.score for s in found if s.start < end and s.end > start), default=NOT_THERE)
