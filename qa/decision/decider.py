"""Candidates of a question with their confidence, and the threshold below which none is given."""

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
