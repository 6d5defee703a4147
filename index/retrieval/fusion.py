"""Fusion of dense, lexical and proximity scores, with weights fitted for the embedder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from pydantic import BaseModel, FiniteFloat, ValidationError

from index.errors import ModelError, first_fault
from index.records import Proximity

FILE_NAME = "fusion.json"
"""Name of the file with an embedder's fusion weights, in the folder of its weights."""


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """Weights of the scores whose sum is a passage's retrieval score.

    Fitted by `qa/training/fit/fusion.py`: softmax over the candidates of each question, cross-entropy against the
    passage that holds its answer. The defaults were fitted for all-MiniLM-L6-v2.

    Attributes:
        cosine: Weight of the cosine of question and passage.
        lexical: Weight of the BM25 score divided by the question's best.
        window: Weight of the share of the question's terms that are close together.
        phrases: Weight of the share of the question's word pairs that are adjacent.
    """

    cosine: FiniteFloat = 8.2
    lexical: FiniteFloat = 2.9
    window: FiniteFloat = 3.2
    phrases: FiniteFloat = 5.5


def fuse(
    cosines: Mapping[int, float],
    bm25: Mapping[int, float],
    proximity: Mapping[int, Proximity],
    weights: FusionWeights,
) -> dict[int, float]:
    """Fuse four scores into one for each passage.

    Args:
        cosines: Cosine by passage id.
        bm25: BM25 score by passage id, above 0; missing for passages that share no word with the question.
        proximity: Proximity figures by passage id.
        weights: The weights.

    Returns:
        Score by passage id, for every id of `cosines`.
    """
    best = max(bm25.values(), default=1.0)
    return {
        id_: weights.cosine * cosine
        + weights.lexical * bm25.get(id_, 0.0) / best
        + weights.window * proximity[id_].window
        + weights.phrases * proximity[id_].phrases
        for id_, cosine in cosines.items()
    }


@runtime_checkable
class WithFusionWeights(Protocol):
    """An embedder with fusion weights of its own."""

    @property
    def fusion_weights(self) -> FusionWeights:
        """The weights fitted for it."""


class WeightsFile(BaseModel, frozen=True, strict=True, extra="forbid"):
    """Fusion weights as `verbatim train fusion` writes them.

    Attributes:
        embedder: Name of the embedder that they were fitted for.
        embedder_sha256: SHA-256 of its weights, in hexadecimal.
        weights: The weights.
    """

    embedder: str
    embedder_sha256: str
    weights: FusionWeights


def read_weights(folder: Path, embedder_sha256: str) -> FusionWeights | None:
    """Read the fusion weights in the folder of an embedder's weights.

    Args:
        folder: The embedder's folder.
        embedder_sha256: SHA-256 of the embedder's weights, in hexadecimal.

    Returns:
        The weights; None if the folder has no `fusion.json`.

    Raises:
        ModelError: The file is damaged, or was written for another embedder.
    """
    file = folder / FILE_NAME
    remedy = "write it again with: verbatim train fusion, or remove it"
    try:
        found = WeightsFile.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}; {remedy}") from error
    except ValidationError as error:
        raise ModelError(f"{file} is not a file of fusion weights: {first_fault(error)}; {remedy}") from error
    if found.embedder_sha256 != embedder_sha256:
        raise ModelError(f"{file} was written for other weights of {found.embedder!r}; {remedy}")
    return found.weights


def weights_of(embedder: object) -> FusionWeights:
    """Return the fusion weights of an embedder.

    Args:
        embedder: An embedder; one without a property `fusion_weights` has the defaults.

    Returns:
        The weights.

    Raises:
        ModelError: Its file of weights cannot be used.
    """
    return embedder.fusion_weights if isinstance(embedder, WithFusionWeights) else FusionWeights()
