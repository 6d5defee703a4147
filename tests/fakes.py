"""Neighbours of what is tested: an embedder and a reader without a model, the same on every machine."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers

from index.records import Vectors
from index.retrieval.embedding import unit_length
from index.settings import read_settings
from qa.answerer import QuestionAnswerer
from qa.engine import Engine
from qa.reader.cascade import SingleReader
from qa.reader.extractive import SpanReader
from qa.records.span import Span

DIMENSION = 64
_WORD = re.compile(r"\w+")


def word_tokenizer() -> Tokenizer:
    """A token a word or punctuation mark."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


class HashEmbedder:
    """Each word points in a direction given by its hash; a text in the sum of its words'."""

    def __init__(self, name: str = "hash") -> None:
        self.name = name
        self.fingerprint = hashlib.sha256(name.encode()).hexdigest()
        self.dimension = DIMENSION
        self.tokenizer = word_tokenizer()
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None) -> Vectors:
        self.embedded.extend(texts)
        rows = [
            sum((_direction(self.name, word) for word in _WORD.findall(text.lower())), np.zeros(DIMENSION))
            for text in texts
        ]
        if on_progress is not None:
            on_progress(len(texts))
        return unit_length(np.asarray(rows, dtype=np.float32).reshape(len(texts), DIMENSION))


@lru_cache(maxsize=10_000)
def _direction(name: str, word: str) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(f"{name} {word}".encode()).digest()[:8], "little")
    return np.random.default_rng(seed).standard_normal(DIMENSION)


class WordReader:
    """Finds every word in capitals; the more of the question's words stand in the passage, the surer."""

    def read(self, question: str, passages: Sequence[str]) -> list[list[Span]]:
        asked = set(_WORD.findall(question.lower()))
        return [
            [
                Span(m.start(), m.end(), 4.0 * len(asked & set(_WORD.findall(passage.lower()))))
                for m in re.finditer(r"\b[A-Z]{2,}\b", passage)
            ]
            for passage in passages
        ]


class SpansReader:
    """Gives the spans that a test made up, whatever is asked."""

    def __init__(self, spans: Callable[[str], list[Span]]) -> None:
        self._spans = spans

    def read(self, question: str, passages: Sequence[str]) -> list[list[Span]]:
        return [self._spans(passage) for passage in passages]


def fake_engine() -> Engine:
    """An engine on which whatever model is asked for is one of these."""
    return Engine(embedder=HashEmbedder(), reader=SingleReader(WordReader()))


@contextmanager
def fake_answerer(
    place: Path, documents: Mapping[str, str | bytes], threshold: float = 0.0, reader: SpanReader | None = None
) -> Iterator[QuestionAnswerer]:
    """Answers from documents, given by name, that it writes and indexes in a folder of their own below a place."""
    folder = place / "documents"
    for name, content in documents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    settings = read_settings(index_dir=place / "index", threshold=threshold)
    reader = WordReader() if reader is None else reader
    with QuestionAnswerer(folder, settings, embedder=HashEmbedder(), reader=reader) as answerer:
        answerer.sync()
        yield answerer


@contextmanager
def busy_inference(engine: Engine) -> Iterator[None]:
    """The inference thread has something else to do: what is asked meanwhile waits for the end of the block."""
    done = threading.Event()
    other = threading.Thread(target=engine.thread.run, args=(done.wait,))
    other.start()
    try:
        yield
    finally:
        done.set()
        other.join()
