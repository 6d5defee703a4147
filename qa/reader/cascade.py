"""Readers of what was retrieved: one alone, or two in a row: the accurate one reads what the fast one picks."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from index.pretrained import hash_weights
from index.records import Hit
from index.settings import Settings
from qa.decision.decider import Calibration, load_calibration
from qa.reader.extractive import ACCURATE, ACCURATE_READER, CASCADE, FAST, FAST_READER, Reader, Span, SpanReader
from qa.reader.sentence_rescoring import look_closer

CASCADE_CALIBRATION_FILE = "cascade.json"

MOST_READ_AGAIN = 3
ENOUGH = 0.8
"""Share of the fast reader's distribution over passages that need be read again."""
MOST_LOOKED_AT = 3
"""Passages of a single reader in which the best answer is looked at closely: only those may lead."""


class HitReader(Protocol):
    """What answering needs: a reader that knows how well each passage was retrieved, and what was fitted for it."""

    @property
    def calibration(self) -> Calibration:
        """How its spans are weighed, and how sure they make an answer."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its weights, in hexadecimal; "" where it has none."""

    @property
    def quick(self) -> "HitReader | None":
        """The part of it that reads in a fraction of the time, for when many wait; None where there is none."""

    def read(self, question: str, hits: Sequence[Hit]) -> list[list[Span]]:
        """Read what was retrieved for a question.

        Args:
            question: The question.
            hits: The passages, best first.

        Returns:
            For each passage its spans, best first; none for one without words.
        """


class SingleReader:
    """One reader, which reads every passage, and what is best in it closely."""

    quick = None

    def __init__(self, reader: SpanReader, calibration: Calibration | None = None) -> None:
        """Read with a reader.

        Args:
            reader: The reader.
            calibration: What was fitted for it; None takes what lies in its folder, else that of the fast one.
        """
        self._reader = reader
        self._calibration = calibration

    @cached_property
    def calibration(self) -> Calibration:
        """As `HitReader` says."""
        if self._calibration is not None:
            return self._calibration
        return load_calibration(self._reader.folder if isinstance(self._reader, Reader) else None)

    @property
    def fingerprint(self) -> str:
        """As `HitReader` says."""
        return _fingerprint(self._reader)

    def read(self, question: str, hits: Sequence[Hit]) -> list[list[Span]]:
        """As `HitReader` says."""
        texts = [hit.passage.text for hit in hits]
        spans = self._reader.read(question, texts)
        best = sorted((i for i, found in enumerate(spans) if found), key=lambda i: -spans[i][0].score)[:MOST_LOOKED_AT]
        closely = look_closer(self._reader, question, [texts[i] for i in best], [spans[i] for i in best])
        looked_at = dict(zip(best, closely, strict=True))
        return [looked_at.get(i, [replace(s, close_score=s.score) for s in found]) for i, found in enumerate(spans)]


class Cascade:
    """A fast reader reads every passage, an accurate one those few that may hold the answer, and it closely."""

    def __init__(self, fast: SpanReader, accurate: SpanReader, picking: Calibration, calibration: Calibration) -> None:
        """Put two readers in a row.

        Args:
            fast: Reads every passage.
            accurate: Reads the best few of them.
            picking: What was fitted for the fast one: how it picks them.
            calibration: What was fitted for both together.
        """
        self._fast, self._accurate = fast, accurate
        self._picking = picking
        self.calibration = calibration
        self.quick = SingleReader(fast, picking)

    @property
    def fingerprint(self) -> str:
        """As `HitReader` says: of both hashes in a row."""
        return _of_both(_fingerprint(self._fast), _fingerprint(self._accurate))

    def read(self, question: str, hits: Sequence[Hit]) -> list[list[Span]]:
        """As `HitReader` says. Spans of passages that only the fast one read are brought to the scale of the other.

        They count as evidence and as other answers, and do not lead: of what the accurate reader read, the best span
        scores at least as high.
        """
        first = self._fast.read(question, [hit.passage.text for hit in hits])
        picked = pick(hits, first, self._picking)
        texts = [hits[i].passage.text for i in picked]
        second = look_closer(self._accurate, question, texts, self._accurate.read(question, texts))
        spans = {i: _both(again, first[i]) for i, again in zip(picked, second, strict=True)}
        leading = max((s.score for again in second for s in again), default=0.0)
        shift = leading - max((first[i][0].score for i in picked), default=0.0)
        return [spans[i] if i in spans else _shifted(first[i], shift, leading) for i in range(len(hits))]


def _fingerprint(reader: SpanReader) -> str:
    return reader.fingerprint if isinstance(reader, Reader) else ""


def _of_both(fast: str, accurate: str) -> str:
    return hashlib.sha256((fast + accurate).encode()).hexdigest()


def pick(hits: Sequence[Hit], spans: Sequence[Sequence[Span]], calibration: Calibration) -> list[int]:
    """The passages that most likely hold the answer: as many as it takes for a share of 0.8, 3 at most.

    Args:
        hits: What was retrieved.
        spans: What a reader found in each, best first.
        calibration: What was fitted for that reader.

    Returns:
        Their positions, the likeliest first.
    """
    readable = [i for i, found in enumerate(spans) if found]
    if not readable:
        return []
    scores = np.array([spans[i][0].score / calibration.temperature for i in readable])
    scores += calibration.retrieval * np.array([hits[i].score for i in readable])
    shares: NDArray[np.float64] = np.exp(scores - scores.max())
    shares /= shares.sum()
    order = np.argsort(-shares, kind="stable")
    before = np.cumsum(shares[order]) - shares[order]
    return [readable[i] for i in order[before < ENOUGH][:MOST_READ_AGAIN]]


def _both(again: Sequence[Span], first: Sequence[Span]) -> list[Span]:
    """The second reader's spans with the first one's scores: the lowest that it gave where it has none of the same."""
    scores = {(s.start, s.end): s.score for s in first}
    lowest = min(scores.values(), default=0.0)
    return [replace(s, fast_score=scores.get((s.start, s.end), lowest)) for s in again]


def _shifted(first: Sequence[Span], shift: float, leading: float) -> list[Span]:
    scores = [min(s.score + shift, leading) for s in first]
    return [Span(s.start, s.end, score, s.score, score) for s, score in zip(first, scores, strict=True)]


def open_reader(settings: Settings) -> HitReader:
    """The reader that settings name; its weights are loaded when it first reads.

    Args:
        settings: Which reader, the cascade if none, on which device, in which precision.

    Returns:
        The reader.

    Raises:
        ModelError: It is not on this machine, or its calibration cannot be used.
    """
    if settings.reader not in {None, CASCADE}:
        return SingleReader(Reader(settings))
    fast, accurate = (Reader(settings.model_copy(update={"reader": name})) for name in (FAST, ACCURATE))
    return Cascade(fast, accurate, packaged_calibration(FAST), packaged_calibration(CASCADE))


def packaged_calibration(reader: str) -> Calibration:
    """What was fitted for a packaged reader; no weights are loaded.

    Args:
        reader: "fast", "accurate" or "cascade".

    Returns:
        The calibration.

    Raises:
        ModelError: It cannot be used.
    """
    if reader == CASCADE:
        return load_calibration(ACCURATE_READER, CASCADE_CALIBRATION_FILE)
    return load_calibration({FAST: FAST_READER, ACCURATE: ACCURATE_READER}[reader])


def packaged_fingerprint(reader: str) -> str:
    """Hash the weights of a packaged reader; none are loaded.

    Args:
        reader: "fast", "accurate" or "cascade".

    Returns:
        The fingerprint that the reader has once it is open.

    Raises:
        ModelError: The weights cannot be read.
    """
    if reader == CASCADE:
        return _of_both(packaged_fingerprint(FAST), packaged_fingerprint(ACCURATE))
    return hash_weights({FAST: FAST_READER, ACCURATE: ACCURATE_READER}[reader])
