"""What was fitted for a reader: how sure its answers are, and what declining costs."""

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from index.errors import ModelError

FEATURES = ("margin", "close", "share", "cosine", "years")
"""What the confidence of an answer is computed from; `qa.decision.decider.features` says what each one is."""

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


def read_calibration(path: Path) -> Calibration:
    """Read a calibration from its file.

    Args:
        path: The file.

    Returns:
        The calibration.

    Raises:
        ModelError: The file cannot be read, or holds something else.
    """
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
