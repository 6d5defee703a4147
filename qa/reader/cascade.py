"""Readers of retrieved passages: a single one, or a cascade in which an accurate reader reads what a fast one picks."""

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
from qa.reader.calibrations import load_calibration, packaged_calibration
from qa.reader.extractive import ACCURATE, ACCURATE_READER, CASCADE, FAST, FAST_READER, Reader, SpanReader
from qa.reader.sentence_rescoring import look_closer
from qa.records.calibration import Calibration
from qa.records.span import Span

MOST_READ_AGAIN = 3
ENOUGH = 0.8
"""Share of the fast reader's probability over passages that is read again."""
MOST_LOOKED_AT = 3
"""Passages in which a single reader's best answer is rescored in its sentence: only those can rank first."""


class HitReader(Protocol):
    """Reads retrieved passages, and has a calibration."""

    @property
    def calibration(self) -> Calibration:
        """Calibration for its spans."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its weights, in hexadecimal; "" if it has none."""

    @property
    def quick(self) -> "HitReader | None":
        """A faster reader that is part of this one, for when many questions wait; None if there is none."""

    def read(self, question: str, hits: Sequence[Hit]) -> list[list[Span]]:
        """Read the passages retrieved for a question.

        Args:
            question: The question.
            hits: The passages, best first.

        Returns:
            The spans of each passage, best first; none for a passage without words.
        """


class SingleReader:
    """One reader, which reads every passage and then the best answers in their sentences alone."""

    quick = None

    def __init__(self, reader: SpanReader, calibration: Calibration | None = None) -> None:
        """Create from a reader.

        Args:
            reader: The reader.
            calibration: Its calibration; None loads it from the reader's folder, or takes the fast reader's.
        """
        self._reader = reader
        self._calibration = calibration

    @cached_property
    def calibration(self) -> Calibration:
        """Calibration for its spans."""
        if self._calibration is not None:
            return self._calibration
        return load_calibration(self._reader.folder if isinstance(self._reader, Reader) else None)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its weights, in hexadecimal; "" if it has none."""
        return _fingerprint(self._reader)

    def read(self, question: str, hits: Sequence[Hit]) -> list[list[Span]]:
        """Read the passages retrieved for a question; as `HitReader.read`."""
        spans = read_hits(self._reader, question, hits)
        best = sorted((i for i, found in enumerate(spans) if found), key=lambda i: -spans[i][0].score)[:MOST_LOOKED_AT]
        closely = look_closer(self._reader, question, [hits[i] for i in best], [spans[i] for i in best])
        looked_at = dict(zip(best, closely, strict=True))
        return [looked_at.get(i, [replace(s, close_score=s.score) for s in found]) for i, found in enumerate(spans)]


class Cascade:
    """A cascade: a fast reader reads all passages, an accurate one the few that are likely to hold the answer."""

    def __init__(self, fast: SpanReader, accurate: SpanReader, picking: Calibration, calibration: Calibration) -> None:
        """Create a cascade.

        Args:
            fast: Reads all passages.
            accurate: Reads the best few of them.
            picking: Calibration of the fast reader, by which the passages are picked.
            calibration: Calibration of the cascade.
        """
        self._fast, self._accurate = fast, accurate
        self._picking = picking
        self.calibration = calibration
        self.quick = SingleReader(fast, picking)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of both hashes joined, in hexadecimal."""
        return _of_both(_fingerprint(self._fast), _fingerprint(self._accurate))

    def read(self, question: str, hits: Sequence[Hit]) -> list[list[Span]]:
        """Read the passages retrieved for a question; as `HitReader.read`.

        The scores of passages that only the fast reader read are shifted to the accurate reader's scale and capped at
        its best score: those spans count as evidence and as alternatives, but do not rank first.
        """
        first = read_hits(self._fast, question, hits)
        picked = pick(hits, first, self._picking)
        best = [hits[i] for i in picked]
        second = look_closer(self._accurate, question, best, read_hits(self._accurate, question, best))
        spans = {i: _both(again, first[i]) for i, again in zip(picked, second, strict=True)}
        leading = max((s.score for again in second for s in again), default=0.0)
        shift = leading - max((first[i][0].score for i in picked), default=0.0)
        return [spans[i] if i in spans else _shifted(first[i], shift, leading) for i in range(len(hits))]


def read_hits(reader: SpanReader, question: str, hits: Sequence[Hit]) -> list[list[Span]]:
    """Read passages; a row of a table with what it is about in front.

    Args:
        reader: The reader.
        question: The question.
        hits: The passages.

    Returns:
        The spans of each passage, best first; none in what stands in front.
    """
    leads = [f"{hit.passage.heading}. " if hit.row is not None and hit.passage.heading else "" for hit in hits]
    texts = [lead + hit.passage.text for lead, hit in zip(leads, hits, strict=True)]
    return [
        [replace(s, start=s.start - len(lead), end=s.end - len(lead)) for s in found if s.start >= len(lead)]
        for lead, found in zip(leads, reader.read(question, texts), strict=True)
    ]


def _fingerprint(reader: SpanReader) -> str:
    return reader.fingerprint if isinstance(reader, Reader) else ""


def _of_both(fast: str, accurate: str) -> str:
    return hashlib.sha256((fast + accurate).encode()).hexdigest()


def pick(hits: Sequence[Hit], spans: Sequence[Sequence[Span]], calibration: Calibration) -> list[int]:
    """Pick the passages that most likely hold the answer: the fewest with a joint probability of 0.8, at most 3.

    Args:
        hits: The retrieved passages.
        spans: The spans that a reader found in each, best first.
        calibration: Calibration of that reader.

    Returns:
        Positions of the passages, likeliest first.
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
    """Add the first reader's scores to the second reader's spans; its lowest score where it did not find the span."""
    scores = {(s.start, s.end): s.score for s in first}
    lowest = min(scores.values(), default=0.0)
    return [replace(s, fast_score=scores.get((s.start, s.end), lowest)) for s in again]


def _shifted(first: Sequence[Span], shift: float, leading: float) -> list[Span]:
    scores = [min(s.score + shift, leading) for s in first]
    return [Span(s.start, s.end, score, s.score, score) for s, score in zip(first, scores, strict=True)]


def open_reader(settings: Settings) -> HitReader:
    """Return the reader that settings name; its weights are loaded when it first reads.

    Args:
        settings: Reader (None is the cascade), device and precision.

    Returns:
        The reader.

    Raises:
        ModelError: The reader is not on this machine, or its calibration cannot be used.
    """
    if settings.reader not in {None, CASCADE}:
        return SingleReader(Reader(settings))
    fast, accurate = (Reader(settings.model_copy(update={"reader": name})) for name in (FAST, ACCURATE))
    return Cascade(fast, accurate, packaged_calibration(FAST), packaged_calibration(CASCADE))


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
