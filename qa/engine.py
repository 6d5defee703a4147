"""The engine: the models, and the one thread that runs them. It is all that answerers share."""

import threading
from collections.abc import Collection
from functools import cache, lru_cache

from index.retrieval.embedding import Embedder, SentenceTransformerEmbedder
from index.settings import Settings
from qa.question.spelling import Speller
from qa.reader.cascade import HitReader, open_reader
from qa.reader.inference_thread import InferenceThread

_MOST_MODELS = 4
"""Embedders, and readers, that are kept at a time: they are the most of what is in memory."""


class Engine:
    """Opens each model once, and runs all of them on one thread. Safe to use from many threads."""

    def __init__(self, *, embedder: Embedder | None = None, reader: HitReader | None = None) -> None:
        """Load nothing: weights are read when something is first embedded or read.

        Args:
            embedder: Stands in for whatever embedder settings name.
            reader: Stands in for whatever reader settings name.
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
        """The embedder that settings name.

        Args:
            settings: Which model, the packaged one if none, on which device, in which precision.

        Returns:
            The embedder; the same one for the same model, device and precision.

        Raises:
            ModelError: It is not on this machine.
        """
        if self._embedder is not None:
            return self._embedder
        with self._guard:
            return self._open_embedder(_only(settings, ("embedder", "device", "precision")))

    def reader(self, settings: Settings) -> HitReader:
        """The reader that settings name.

        Args:
            settings: Which model, the cascade if none, on which device, in which precision.

        Returns:
            The reader; the same one for the same model, device and precision.

        Raises:
            ModelError: It is not on this machine, or its calibration cannot be used.
        """
        if self._reader is not None:
            return self._reader
        with self._guard:
            return self._open_reader(_only(settings, ("reader", "device", "precision")))

    def close(self) -> None:
        """Let the running call end and stop the thread; calls that wait are cancelled."""
        self.thread.close()


def _only(settings: Settings, names: Collection[str]) -> Settings:
    """Settings of which all but some are as they are by default: equal where those are."""
    fields = Settings.model_fields.items()
    return settings.model_copy(update={name: field.default for name, field in fields if name not in names})


@cache
def default_engine() -> Engine:
    """The engine of this process, for those who bring none of their own; it ends with the process."""
    return Engine()
