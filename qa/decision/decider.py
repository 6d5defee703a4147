"""From scored spans to answers: one distribution over all passages, evidence merged, confidence fitted, abstaining."""

import itertools
import math
import re
from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from index.errors import ParameterError
from index.records import Hit, Passage
from qa.records.calibration import Calibration
from qa.records.span import Span
from qa.text.normalization import normalize
from qa.text.shallow_parsing import numbers_in

_TINY = 1e-6
_YEAR = re.compile(r"(?<![\w.,])(?:1\d|20)\d\d(?![\w'\u2019]|[.,]\d)")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that may be given: one place and all evidence for the same words.

    Attributes:
        hit: The passage that it stands in.
        start: Offset in the document.
        end: Offset after it.
        evidence: Passages that hold it, best first.
        confidence: Probability, 0 to 1, that it is right.
        beats_null: Whether the reader prefers it to "not in here".
    """

    hit: Hit
    start: int
    end: int
    evidence: tuple[Passage, ...]
    confidence: float
    beats_null: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A span in its document.

    Attributes:
        hit: The passage that it was read in.
        start: Offset in the document.
        end: Offset after it.
        score: The reader's log-odds against the null answer.
        fast_score: Those of a cascade's fast reader.
        close_score: Those in its sentence alone.
        words: What is compared with other spans: the text, normalized.
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
    """Spans that are one answer: the same words, or words at the same place.

    Attributes:
        best: The span that stands for them.
        spans: All of them, best first.
        share: Their probability among all spans and the null answer, 0 to 1.
    """

    best: Found
    spans: tuple[Found, ...]
    share: float


class Decider:
    """Decides with one calibration."""

    def __init__(self, calibration: Calibration) -> None:
        """Make a decider.

        Args:
            calibration: What was fitted for the reader.
        """
        self._calibration = calibration

    @property
    def threshold(self) -> float:
        """Confidence below which a question is declined, 0 to 1."""
        return self._calibration.threshold

    def threshold_for(self, max_wrong: float) -> float:
        """The lowest threshold that kept wrong answers within a bound when the confidence was fitted.

        Args:
            max_wrong: Share of the answers given that may be wrong, 0 to 1.

        Returns:
            The threshold, 0 to 1.

        Raises:
            ParameterError: Not even the surest answers were wrong so seldom.
        """
        for threshold, wrong in self._calibration.risk:
            if wrong <= max_wrong:
                return threshold
        least = self._calibration.risk[-1][1]
        raise ParameterError(
            f"max_wrong={max_wrong} is less than this reader can keep: of its surest answers {least:.3f} were wrong;"
            " allow that many, or set threshold"
        )

    def decide(self, question: str, hits: Sequence[Hit], spans: Sequence[Sequence[Span]]) -> list[Candidate]:
        """Merge what was read into candidates.

        Args:
            question: The question.
            hits: The passages that were read.
            spans: What was found in each.

        Returns:
            Candidates, best first, confidence never rising, no two with the same words or overlapping;
            none when there is no span.
        """
        groups = group(hits, spans, self._calibration)
        # The order is the distribution's; the fit may think more of a lesser candidate than of the one before it.
        falling = itertools.accumulate((self._confidence(question, g) for g in groups), min)
        return [
            Candidate(
                hit=g.best.hit,
                start=g.best.start,
                end=g.best.end,
                evidence=_evidence(g),
                confidence=confidence,
                beats_null=g.best.score > 0,
            )
            for g, confidence in zip(groups, falling, strict=True)
        ]

    def _confidence(self, question: str, candidate: Group) -> float:
        weights = self._calibration.features
        values = features(question, candidate)
        odds = self._calibration.intercept + sum(weights[name] * values[name] for name in weights)
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


def _evidence(candidate: Group) -> tuple[Passage, ...]:
    """Passages of the group's spans that hold the answer whole: where passages overlap, one may cut it."""
    best = candidate.best
    passages = dict.fromkeys(
        found.hit.passage for found in candidate.spans if found.words == best.words or _holds(found.hit.passage, best)
    )
    return tuple(passages)


def _holds(passage: Passage, found: Found) -> bool:
    same_document = passage.document == found.hit.passage.document
    return same_document and passage.start <= found.start and found.end <= passage.end


def group(hits: Sequence[Hit], spans: Sequence[Sequence[Span]], calibration: Calibration) -> list[Group]:
    """One distribution over the spans of all passages and the null answer, summed up by answer.

    Args:
        hits: The passages that were read.
        spans: What was found in each.
        calibration: How reader and retrieval are weighed.

    Returns:
        Groups, the most probable first.
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
    """Spans in their documents; a place read twice, where passages overlap, counts once, at its best."""
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
    """The best span of each group so far, to be found by its words and by its place. No two of them overlap."""

    def __init__(self) -> None:
        self._by_words: dict[str, int] = {}
        self._by_place: dict[str, list[tuple[int, int, int]]] = {}  # by document: end, start, number, in order

    def add(self, found: Found) -> None:
        """Begin a group with a span that `same_answer` knows no group for."""
        number = len(self._by_words)
        self._by_words[found.words] = number
        insort(self._by_place.setdefault(found.hit.passage.document, []), (found.end, found.start, number))

    def same_answer(self, found: Found) -> int | None:
        """Number of the first group that a span belongs to: the same words, or words at the same place."""
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


def features(question: str, candidate: Group) -> dict[str, float]:
    """What tells a right answer from a wrong one.

    Args:
        question: The question.
        candidate: The answer.

    Returns:
        margin: the best span's log-odds against the null answer, in tens; close: the same, or those in its sentence
        alone where they are less, in tens; share: log-odds of the group's probability; cosine: of question and passage,
        -1 to 1; years: share of the years written in the question that neither the passage nor its titles state,
        0 to 1.
    """
    share = min(max(candidate.share, _TINY), 1 - _TINY)
    return {
        "margin": candidate.best.score / 10,
        "close": min(candidate.best.score, candidate.best.close_score) / 10,
        "share": math.log(share / (1 - share)),
        "cosine": candidate.best.hit.cosine,
        "years": _share_of_years_missing(question, candidate.best.hit),
    }


def _share_of_years_missing(question: str, hit: Hit) -> float:
    """Share of a question's years that a passage, its heading and its document's title do not state.

    Other numbers say less: "the 5th president" is the fifth one, and "World War 2" has an Arabic numeral nowhere else.
    """
    asked = [float(year) for year in _YEAR.findall(question)]
    if not asked:
        return 0.0
    stated = set(numbers_in(f"{hit.title} {hit.passage.heading} {hit.passage.text}"))
    return sum(number not in stated for number in asked) / len(asked)
