"""Reads an answer again, closely: its sentence, and the ones beside it, without the rest of the passage.

Some of a reader's trust in an answer comes from the passage around it. Where the question only looks as if the passage
answered it, it trusts less in the sentences alone.
"""

from collections.abc import Sequence
from dataclasses import replace

from qa.reading import Span, SpanReader

SENTENCES_BESIDE = (0, 1)
"""How many sentences on each side are shown, once each."""
NOT_THERE = -20.0
"""Log-odds of an answer that is not found again."""


def look_closer(
    reader: SpanReader, question: str, texts: Sequence[str], spans: Sequence[Sequence[Span]]
) -> list[list[Span]]:
    """Read the best span of each passage again in less and less of the passage.

    Args:
        reader: What read them.
        question: The question.
        texts: Texts of the passages.
        spans: What it found in each, best first.

    Returns:
        The same spans with their `close_score`: of the best one the mean of the scores that its words get in the
        sentences around it; of the others in its passage their score, changed by as much as the best one's was.
    """
    wanted = [
        (text, [_part(text, found[0], n) for n in SENTENCES_BESIDE] if found else [])
        for text, found in zip(texts, spans, strict=True)
    ]
    new = list(dict.fromkeys((text, part) for text, parts in wanted for part in parts if part != (0, len(text))))
    read = reader.read(question, [text[low:high] for text, (low, high) in new]) if new else []
    seen = {
        (text, part): [replace(span, start=span.start + part[0], end=span.end + part[0]) for span in found]
        for (text, part), found in zip(new, read, strict=True)
    }
    return [
        _with_close_scores(found, [_score_of(found[0], seen.get((text, part), found)) for part in parts])
        for (text, parts), found in zip(wanted, spans, strict=True)
    ]


def _part(text: str, span: Span, n_beside: int) -> tuple[int, int]:
    """Start and end of the sentences that hold a span, and of some beside them."""
    from nupunkt import sent_spans  # its model is read when it is first used

    sentences = sent_spans(text) or [(0, len(text))]
    first = max((i for i, (start, _) in enumerate(sentences) if start <= span.start), default=0)
    last = min((i for i, (_, end) in enumerate(sentences) if end >= span.end), default=len(sentences) - 1)
    low = sentences[max(0, first - n_beside)][0]
    high = sentences[min(len(sentences) - 1, last + n_beside)][1]
    is_all = not text[:low].strip() and not text[high:].strip()
    return (0, len(text)) if is_all else (low, high)


def _score_of(span: Span, found: Sequence[Span]) -> float:
    """Score of the best span that shares characters with one; `NOT_THERE` where there is none."""
    return max((s.score for s in found if s.start < span.end and s.end > span.start), default=NOT_THERE)


def _with_close_scores(found: Sequence[Span], scores: Sequence[float]) -> list[Span]:
    if not found:
        return []
    change = sum(scores) / len(scores) - found[0].score
    return [replace(span, close_score=span.score + change) for span in found]
