"""The engine: loads the models and runs them on one thread, for all answerers of a process."""

import threading
from collections.abc import Collection
from functools import cache, lru_cache

from index.retrieval.embedding import Embedder, SentenceTransformerEmbedder
from index.settings import Settings
from qa.question.spelling import Speller
from qa.reader.cascade import HitReader, open_reader
from qa.reader.inference_thread import InferenceThread

_MOST_MODELS = 4
"""Embedders, and as many readers, kept in memory at a time: models take most of the memory."""


class Engine:
    """Loads each model once and runs all of them on one thread. Safe to use from many threads."""

    def __init__(self, *, embedder: Embedder | None = None, reader: HitReader | None = None) -> None:
        """Create an engine. Weights are loaded on the first embedding or reading.

        Args:
            embedder: Replaces any embedder that settings name.
            reader: Replaces any reader that settings name.
        """
        self.thread = InferenceThread()
        self.speller = Speller()
        self._embedder, self._reader = embedder, reader
        self._open_embedder = lru_cache(_MOST_MODELS)(
            lambda settings: SentenceTransformerEmbedder(settings, self.thread.run)
        )
        self._open_reader = lru_cache(_MOST_MODELS)(open_reader)
        self._guard = threading.Lock()

    def embedder(self, settings: Settings) -> Embedder:
        """Return the embedder that settings name.

        Args:
            settings: Model (None is the packaged one), device and precision.

        Returns:
            The embedder; the same object for the same model, device and precision.

        Raises:
            ModelError: The model is not on this machine.
        """
        if self._embedder is not None:
            return self._embedder
        with self._guard:
            return self._open_embedder(_only(settings, ("embedder", "device", "precision")))

    def reader(self, settings: Settings) -> HitReader:
        """Return the reader that settings name.

        Args:
            settings: Model (None is the cascade), device and precision.

        Returns:
            The reader; the same object for the same model, device and precision.

        Raises:
            ModelError: The model is not on this machine, or its calibration cannot be used.
        """
        if self._reader is not None:
            return self._reader
        with self._guard:
            return self._open_reader(_only(settings, ("reader", "device", "precision")))

    def close(self) -> None:
        """Finish the running call, cancel the waiting ones and stop the thread."""
        self.thread.close()


def _only(settings: Settings, names: Collection[str]) -> Settings:
    """Return settings with all but the named fields reset to defaults, as a cache key."""
    fields = Settings.model_fields.items()
    return settings.model_copy(update={name: field.default for name, field in fields if name not in names})


@cache
def default_engine() -> Engine:
    """Return the engine shared by this process; it lives as long as the process."""
    return Engine()
