"""What was fitted for a reader: how sure its answers are, and what declining costs."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError, with_config

from index.errors import ModelError, first_fault

FEATURES = ("margin", "close", "share", "cosine", "years")
"""What the confidence of an answer is computed from; `qa.decision.decider.features` says what each one is."""

_REMEDY = "write it anew with: verbatim train confidence"

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
        raise ValueError("its thresholds do not rise, or its shares do")
    return risk


@with_config(ConfigDict(extra="forbid"))
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
        path: The file.

    Returns:
        The calibration.

    Raises:
        ModelError: The file cannot be read, or holds something else.
    """
    try:
        calibration = _CALIBRATIONS.validate_json(path.read_bytes(), strict=True)
    except ValidationError as error:
        raise ModelError(f"{path} cannot be used: {first_fault(error)}; {_REMEDY}") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be used: {error}; {_REMEDY}") from error
    if calibration.coverage and [row[0] for row in calibration.coverage] != [row[0] for row in calibration.risk]:
        raise ModelError(f"{path} cannot be used: coverage has other thresholds than risk; {_REMEDY}")
    return calibration
