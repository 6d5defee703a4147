"""Grouping of spans that are the same answer, and their joint probability."""

import math
from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from index.records import Hit
from qa.records.calibration import Calibration
from qa.records.span import Span
from qa.text.normalization import normalize


@dataclass(frozen=True, slots=True)
class Found:
    """A span in its document.

    Attributes:
        hit: The passage that holds it.
        start: Offset in the document.
        end: Offset after it.
        score: The reader's log-odds against the null answer.
        fast_score: The log-odds by the cascade's fast reader.
        close_score: The log-odds in its sentence alone.
        words: The text, normalized for comparison with other spans.
    """

    hit: Hit
    start: int
    end: int
    score: float
    fast_score: float
    close_score: float
    words: str


@dataclass(frozen=True, slots=True)
class Group:
    """Spans that are one answer: with the same words, or overlapping.

    Attributes:
        best: The best span, which represents the group.
        spans: All of them, best first.
        share: Joint probability among all spans and the null answer, 0 to 1.
    """

    best: Found
    spans: tuple[Found, ...]
    share: float


def group(hits: Sequence[Hit], spans: Sequence[Sequence[Span]], calibration: Calibration) -> list[Group]:
    """Group spans by answer, with a softmax over all spans and the null answer, summed by group.

    Args:
        hits: The passages that were read.
        spans: The spans found in each passage.
        calibration: Weights of reading and retrieval.

    Returns:
        Groups, most probable first.
    """
    found = _place(hits, spans)
    if not found:
        return []
    best_retrieval = max(hit.score for hit in hits)
    read = np.array([f.score + calibration.fast * f.fast_score for f in found])
    logits = read / calibration.temperature
    logits += calibration.retrieval * np.array([f.hit.score - best_retrieval for f in found])
    shares = _softmax_with_null(logits, calibration.null)
    order = sorted(range(len(found)), key=lambda i: (-logits[i], found[i].hit.passage.document, found[i].start))
    members: list[list[int]] = []
    leaders = _Leaders()
    for i in order:
        same = leaders.same_answer(found[i])
        if same is None:
            leaders.add(found[i])
            members.append([i])
        else:
            members[same].append(i)
    groups = [Group(found[m[0]], tuple(found[i] for i in m), float(shares[m].sum())) for m in members]
    return sorted(groups, key=lambda g: -g.share)


def _place(hits: Sequence[Hit], spans: Sequence[Sequence[Span]]) -> list[Found]:
    """Return spans with document offsets; one found twice in overlapping passages is kept once, with its best score."""
    places: dict[tuple[str, int, int], Found] = {}
    for hit, found in zip(hits, spans, strict=True):
        passage = hit.passage
        for span in found:
            start, end = passage.start + span.start, passage.start + span.end
            words = normalize(passage.text[span.start : span.end])
            new = Found(hit, start, end, span.score, span.fast_score, span.close_score, words)
            old = places.setdefault((passage.document, start, end), new)
            if words and old.score < new.score:
                places[passage.document, start, end] = new
    return [f for f in places.values() if f.words]


class _Leaders:
    """The best span of each group so far, indexed by words and by place. No two of them overlap."""

    def __init__(self) -> None:
        self._by_words: dict[str, int] = {}
        self._by_place: dict[str, list[tuple[int, int, int]]] = {}  # by document: (end, start, number), sorted

    def add(self, found: Found) -> None:
        """Start a group with a span for which `same_answer` returned None."""
        number = len(self._by_words)
        self._by_words[found.words] = number
        insort(self._by_place.setdefault(found.hit.passage.document, []), (found.end, found.start, number))

    def same_answer(self, found: Found) -> int | None:
        """Return the number of the first group with the span's words or an overlapping span; None if there is none."""
        numbers = [number] if (number := self._by_words.get(found.words)) is not None else []
        places = self._by_place.get(found.hit.passage.document, [])
        for i in range(bisect_right(places, found.start, key=itemgetter(0)), len(places)):
            _, start, number = places[i]
            if start >= found.end:
                break
            numbers.append(number)
        return min(numbers, default=None)


def _softmax_with_null(logits: NDArray[np.float64], null: float) -> NDArray[np.float64]:
    top = max(float(logits.max()), null)
    weights = np.exp(logits - top)
    shares: NDArray[np.float64] = weights / (weights.sum() + math.exp(null - top))
    return shares
