"""Calibration of a reader: the confidence of its answers, and risk and coverage by threshold."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError, with_config

from index.errors import ModelError, first_fault

FEATURES = ("margin", "close", "share", "cosine", "years")
"""Features that the confidence is computed from; `qa.decision.features.features` describes each."""

_REMEDY = "write it again with: verbatim train confidence"

_Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
_Risk = tuple[tuple[_Share, _Share], ...]


def _all_features(weights: dict[str, float]) -> dict[str, float]:
    if lacking := [name for name in FEATURES if name not in weights]:
        raise ValueError(f"{', '.join(lacking)} is missing")
    if unknown := [name for name in weights if name not in FEATURES]:
        raise ValueError(f"{', '.join(unknown)} is unknown")
    return weights


def _in_order(risk: _Risk) -> _Risk:
    if not all(a[0] < b[0] and a[1] >= b[1] for a, b in itertools.pairwise(risk)):
        raise ValueError("thresholds must rise, and shares must never rise")
    return risk


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration of one reader, fitted on questions about articles that it was not trained on.

    Attributes:
        fast: Weight of a span's log-odds by the cascade's fast reader, added to those by the accurate reader.
        temperature: Divisor of that sum, which is a span's log-odds against the null answer.
        retrieval: Weight of a passage's retrieval score minus the question's best one.
        null: Log-weight of the null answer.
        features: Weight of each feature in the log-odds that an answer is right.
        intercept: Added to those log-odds.
        threshold: Confidence below which a question is declined.
        risk: Pairs of a threshold, rising, and the share of wrong answers among those at or above it, 0 to 1,
            never rising.
        coverage: For the same thresholds, the shares answered, 0 to 1, of three kinds of questions: answerable,
            unanswerable but similar, and about other documents; () if not recorded.
    """

    fast: FiniteFloat
    temperature: Annotated[FiniteFloat, Field(gt=0)]
    retrieval: FiniteFloat
    null: FiniteFloat
    features: Annotated[dict[str, FiniteFloat], AfterValidator(_all_features)]
    intercept: FiniteFloat
    threshold: _Share
    risk: Annotated[_Risk, Field(min_length=1), AfterValidator(_in_order)]
    coverage: tuple[tuple[_Share, _Share, _Share, _Share], ...] = ()


_CALIBRATIONS = TypeAdapter(Calibration)


def read_calibration(path: Path) -> Calibration:
    """Read a calibration from its file.

    Args:
        path: The JSON file.

    Returns:
        The calibration.

    Raises:
        ModelError: The file cannot be read or is not a valid calibration.
    """
    try:
        calibration = _CALIBRATIONS.validate_json(path.read_bytes(), strict=True)
    except ValidationError as error:
        raise ModelError(f"{path} cannot be used: {first_fault(error)}; {_REMEDY}") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be used: {error}; {_REMEDY}") from error
    if calibration.coverage and [row[0] for row in calibration.coverage] != [row[0] for row in calibration.risk]:
        raise ModelError(f"{path} cannot be used: coverage must have the thresholds of risk; {_REMEDY}")
    return calibration
