"""Fusion of dense, lexical and proximity scores with weights that were fitted for the embedder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from pydantic import BaseModel, FiniteFloat, ValidationError

from index.errors import ModelError
from index.records import Proximity

FILE_NAME = "fusion.json"
"""Name of the file with an embedder's fusion weights, in the folder of its weights."""


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """Weights of the scores that are added up to a passage's retrieval score.

    Fitted by `qa/training/fit/fusion.py`: a softmax over the candidates of each question, cross-entropy
    against the passage that holds its answer. The defaults were fitted for all-MiniLM-L6-v2.

    Attributes:
        cosine: Of the cosine of question and passage.
        lexical: Of the BM25 score divided by the best one for this question.
        window: Of the question's terms that stand close together.
        phrases: Of the question's pairs of neighbouring words.
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
    """One score for each passage out of four.

    Args:
        cosines: Cosine by passage id.
        bm25: BM25 score by passage id, above 0; passages that are missing share no word with the question.
        proximity: How close together the question's words stand, by passage id.
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
    """An embedder that knows how its cosines are to be fused with the other scores."""

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
    """Read the fusion weights that lie beside an embedder's own weights.

    Args:
        folder: The embedder's folder.
        embedder_sha256: SHA-256 of the embedder's weights, in hexadecimal.

    Returns:
        The weights; None where the folder has no `fusion.json`.

    Raises:
        ModelError: The file is damaged, or was written for another embedder.
    """
    file = folder / FILE_NAME
    remedy = "write it anew with: verbatim train fusion, or remove it"
    try:
        found = WeightsFile.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}; {remedy}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise ModelError(f"{file} holds no fusion weights: {place}: {first['msg']}; {remedy}") from error
    if found.embedder_sha256 != embedder_sha256:
        raise ModelError(f"{file} was written for other weights of {found.embedder!r}; {remedy}")
    return found.weights


def weights_of(embedder: object) -> FusionWeights:
    """Return the fusion weights of an embedder.

    Args:
        embedder: An embedder; one without a property `fusion_weights` takes the defaults.

    Returns:
        The weights.

    Raises:
        ModelError: Its file of weights cannot be used.
    """
    return embedder.fusion_weights if isinstance(embedder, WithFusionWeights) else FusionWeights()
