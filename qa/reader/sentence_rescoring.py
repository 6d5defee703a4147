"""Sentence rescoring: reads an answer again in its sentence alone, without the rest of the passage.

Part of a reader's score for an answer comes from the passage around it. If the passage only looks as if it answered
the question, the score in the sentence alone is lower.
"""

from collections.abc import Sequence
from dataclasses import replace

from index.records import Hit
from qa.reader.extractive import SpanReader
from qa.records.span import Span

NOT_THERE = -20.0
"""Log-odds of an answer that is not found again in its sentence."""


def look_closer(
    reader: SpanReader, question: str, hits: Sequence[Hit], spans: Sequence[Sequence[Span]]
) -> list[list[Span]]:
    """Read the best span of each passage again in its sentence.

    Args:
        reader: The reader that found the spans.
        question: The question.
        hits: The passages; a row of a table is not read again, since it has no sentences.
        spans: The spans found in each, best first.

    Returns:
        The same spans with `close_score`: for a passage's best span, the score of its words in their sentence; for
        its other spans, their score changed by the same amount.
    """
    texts = [hit.passage.text for hit in hits]
    closely = [[replace(span, close_score=span.score) for span in found] for found in spans]
    sentences = {i: _sentences_of(texts[i], found[0]) for i, found in enumerate(spans) if found and hits[i].row is None}
    shorter = {i: (low, high) for i, (low, high) in sentences.items() if (low, high) != (0, len(texts[i]))}
    again = reader.read(question, [texts[i][low:high] for i, (low, high) in shorter.items()]) if shorter else []
    for (i, (low, _)), found in zip(shorter.items(), again, strict=True):
        best = spans[i][0]
        change = _score_of(best.start - low, best.end - low, found) - best.score
        closely[i] = [replace(span, close_score=span.score + change) for span in spans[i]]
    return closely


def _sentences_of(text: str, span: Span) -> tuple[int, int]:
    """Return start and end of the sentences that hold a span, nearly always one; the whole text if it has no other."""
    from nupunkt import sent_spans  # loads its model on first use

    sentences = sent_spans(text) or [(0, len(text))]
    low = max((start for start, _ in sentences if start <= span.start), default=0)
    high = min((end for _, end in sentences if end >= span.end), default=len(text))
    is_all = not text[:low].strip() and not text[high:].strip()
    return (0, len(text)) if is_all else (low, high)


def _score_of(start: int, end: int, found: Sequence[Span]) -> float:
    """Return the score of the best span that overlaps a place; `NOT_THERE` if there is none."""
    return max((s.score for s in found if s.start < end and s.end > start), default=NOT_THERE)
