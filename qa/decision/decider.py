"""Candidates of a question with their confidence, and the threshold for answering."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from index.errors import ParameterError
from index.records import Hit, Passage
from qa.decision.features import features
from qa.decision.grouping import Found, Group, group
from qa.records.calibration import Calibration
from qa.records.span import Span


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible answer: one span, with the passages that support it.

    Attributes:
        hit: The passage that holds the span.
        start: Offset in the document.
        end: Offset after it.
        evidence: Passages that hold the same answer, best first.
        confidence: Probability, 0 to 1, that the answer is right.
        beats_null: Whether the reader prefers it to "no answer here".
    """

    hit: Hit
    start: int
    end: int
    evidence: tuple[Passage, ...]
    confidence: float
    beats_null: bool


class Decider:
    """Turns spans into candidates with confidence, by one calibration."""

    def __init__(self, calibration: Calibration) -> None:
        """Create a decider for the reader of a calibration."""
        self._calibration = calibration

    @property
    def threshold(self) -> float:
        """Confidence below which a question is declined, 0 to 1."""
        return self._calibration.threshold

    def threshold_for(self, max_wrong: float) -> float:
        """Return the lowest threshold that kept the share of wrong answers within a limit on the calibration questions.

        Args:
            max_wrong: Share of the given answers that may be wrong, 0 to 1.

        Returns:
            The threshold, 0 to 1.

        Raises:
            ParameterError: No threshold kept the limit.
        """
        for threshold, wrong in self._calibration.risk:
            if wrong <= max_wrong:
                return threshold
        least = self._calibration.risk[-1][1]
        raise ParameterError(
            f"max_wrong={max_wrong} cannot be kept by this reader: {least:.3f} of its most confident answers were"
            " wrong; allow at least that many, or set threshold"
        )

    def decide(self, question: str, hits: Sequence[Hit], spans: Sequence[Sequence[Span]]) -> list[Candidate]:
        """Merge spans into candidates.

        Args:
            question: The question.
            hits: The passages that were read, best first.
            spans: The spans found in each passage.

        Returns:
            Candidates, best first, confidence never rising, no two with the same words or overlapping;
            empty if there are no spans.
        """
        groups = group(hits, spans, self._calibration)
        # Groups are ordered by probability; the fitted confidence may order them otherwise, so it is capped.
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
    """Return the passages that hold the whole answer; where passages overlap, one may cut it off."""
    best = candidate.best
    passages = dict.fromkeys(
        found.hit.passage for found in candidate.spans if found.words == best.words or _holds(found.hit.passage, best)
    )
    return tuple(passages)


def _holds(passage: Passage, found: Found) -> bool:
    same_document = passage.document == found.hit.passage.document
    return same_document and passage.start <= found.start and found.end <= passage.end
