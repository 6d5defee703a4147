"""From scored spans to answers: one distribution over all passages, evidence merged, confidence fitted, abstaining."""

import itertools
import json
import math
import re
from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelError, ParameterError
from index.records import Hit, Passage
from qa.reader.extractive import FAST_READER, Span
from qa.text.normalization import normalize
from qa.text.shallow_parsing import numbers_in

CALIBRATION_FILE = "calibration.json"
FEATURES = ("margin", "close", "share", "cosine", "years")
"""What `features` tells of an answer."""

_TINY = 1e-6
_YEAR = re.compile(r"(?<![\w.,])(?:1\d|20)\d\d(?![\w'\u2019]|[.,]\d)")
_PAIR = 2
_COVERAGE = ("threshold", "answered", "traps", "strangers")


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was fitted for one reader, on questions about articles that it never trained on.

    Attributes:
        fast: Weight of a span's log-odds by the fast reader of a cascade, added to those by the accurate one.
        temperature: What the sum, a span's log-odds against the null answer, is divided by.
        retrieval: Weight of a passage's retrieval score, less the best one of the question.
        null: Log-weight of the null answer.
        features: Weight of each of the `features` in the log-odds that an answer is right.
        intercept: Added to them.
        threshold: Confidence below which a question is declined.
        risk: Thresholds, rising, each with the share of wrong answers among those that it let through, 0 to 1,
            never rising.
        coverage: For the same thresholds the share that was answered, 0 to 1, of three kinds of questions: those with
            an answer, those that look so, and those about other documents; () where it was not kept.
    """

    fast: float
    temperature: float
    retrieval: float
    null: float
    features: dict[str, float]
    intercept: float
    threshold: float
    risk: tuple[tuple[float, float], ...]
    coverage: tuple[tuple[float, float, float, float], ...] = ()


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


def load_calibration(reader: Path | str | None, name: str = CALIBRATION_FILE) -> Calibration:
    """The calibration that lies beside a reader's weights, else that of the fast reader.

    Args:
        reader: The reader's folder; None is the fast reader's.
        name: Name of the file.

    Returns:
        The calibration.

    Raises:
        ModelError: The file is there and cannot be used.
    """
    own = None if reader is None else Path(reader) / name
    path = own if own is not None and own.is_file() else FAST_READER / CALIBRATION_FILE
    try:
        return _calibration(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, OverflowError, RecursionError) as error:
        raise ModelError(f"{path} cannot be used: {error}; write it anew with: verbatim train confidence") from error


def _calibration(values: object) -> Calibration:
    """The calibration that JSON holds.

    Args:
        values: The JSON.

    Returns:
        The calibration.

    Raises:
        ValueError: A name is missing, unknown, or has a value that it cannot have.
    """
    names = [field.name for field in fields(Calibration)]
    numbers = dict(_named(values, names, "it", optional=("coverage",)))
    weights = _numbers(_named(numbers.pop("features"), FEATURES, "features"), "features.")
    risk = _risk(numbers.pop("risk"))
    coverage = _coverage(numbers.pop("coverage", []), risk)
    calibration = Calibration(**_numbers(numbers), features=weights, risk=risk, coverage=coverage)
    if calibration.temperature <= 0:
        raise ValueError(f"temperature={calibration.temperature} is not above 0")
    if not 0 <= calibration.threshold <= 1:
        raise ValueError(f"threshold={calibration.threshold} is not from 0 to 1")
    return calibration


def _risk(rows: object) -> tuple[tuple[float, float], ...]:
    """Thresholds with shares of wrong answers.

    Args:
        rows: The JSON.

    Returns:
        The pairs.

    Raises:
        ValueError: They are no pairs of numbers from 0 to 1, or in another order.
    """
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) and len(row) == _PAIR for row in rows):
        raise ValueError("risk is no list of pairs")
    numbers = [_numbers({"threshold": threshold, "wrong": wrong}, "risk.") for threshold, wrong in rows]
    pairs = tuple((row["threshold"], row["wrong"]) for row in numbers)
    in_range = all(0 <= value <= 1 for pair in pairs for value in pair)
    in_order = all(a[0] < b[0] and a[1] >= b[1] for a, b in itertools.pairwise(pairs))
    if not (in_range and in_order):
        raise ValueError("risk is no list of rising thresholds with shares that do not rise, all from 0 to 1")
    return pairs


def _coverage(rows: object, risk: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float, float, float], ...]:
    """Shares of questions answered, by threshold.

    Args:
        rows: The JSON.
        risk: What was measured for the thresholds.

    Returns:
        The rows; () where there are none.

    Raises:
        ValueError: They are no rows of four numbers from 0 to 1, or their thresholds are not those of `risk`.
    """
    if rows in ([], ()):
        return ()
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == len(_COVERAGE) for row in rows):
        raise ValueError("coverage is no list of rows of threshold, answered, traps and strangers")
    numbers = [_numbers(dict(zip(_COVERAGE, row, strict=True)), "coverage.") for row in rows]
    found = tuple((row["threshold"], row["answered"], row["traps"], row["strangers"]) for row in numbers)
    if [row[0] for row in found] != [threshold for threshold, _ in risk]:
        raise ValueError("coverage has other thresholds than risk")
    if not all(0 <= value <= 1 for row in found for value in row):
        raise ValueError("coverage holds a number that is not from 0 to 1")
    return found


def _named(values: object, names: Sequence[str], what: str, optional: Sequence[str] = ()) -> dict[str, object]:
    if not isinstance(values, dict):
        raise ValueError(f"{what} is no JSON object")  # noqa: TRY004 (a mistake in a file)
    if missing := [name for name in names if name not in values and name not in optional]:
        raise ValueError(f"{what} lacks {', '.join(missing)}")
    if unknown := [name for name in values if name not in names]:
        raise ValueError(f"{what} holds {', '.join(unknown)}, of which nothing is known")
    return values


def _numbers(values: dict[str, object], prefix: str = "") -> dict[str, float]:
    numbers = {}
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{prefix}{name}={value!r} is no number")
        numbers[name] = float(value)
    return numbers
