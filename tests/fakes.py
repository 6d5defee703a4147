"""Neighbours of what is tested: an embedder and a reader without a model, an index in memory."""

import hashlib
import re
import threading
import time
import unicodedata
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import Stemmer
from tokenizers import Tokenizer, models, pre_tokenizers

from index.errors import ParameterError, UnknownDocumentError
from index.formats.content import Place
from index.protocol import DocumentIndex
from index.records import (
    Cell,
    Document,
    DocumentRecord,
    FileRecord,
    Hit,
    PageBoxes,
    Passage,
    TableRecord,
    TableRow,
    Vectors,
    label_at,
)
from index.retrieval.embedding import Embedder, unit_length
from index.settings import read_settings
from index.storage.highlights import lines_of
from qa.answerer import QuestionAnswerer
from qa.engine import Engine
from qa.reader.cascade import SingleReader
from qa.reader.extractive import SpanReader
from qa.records.span import Span

DIMENSION = 64
_WORD = re.compile(r"\w+")
_STEMMER = Stemmer.Stemmer("porter")


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
def busy_inference(engine: Engine) -> Iterator[Callable[[], None]]:
    """The inference thread has something else to do: what is asked meanwhile waits for the end of the block.

    Gives a function that returns once something waits.
    """

    def until_asked() -> None:
        deadline = time.monotonic() + 20
        while engine.thread._executor._work_queue.empty():
            assert time.monotonic() < deadline, "nothing was asked"
            time.sleep(0.01)

    done = threading.Event()
    other = threading.Thread(target=engine.thread.run, args=(done.wait,))
    other.start()
    try:
        yield until_asked
    finally:
        done.set()
        other.join()


def _stem(word: str) -> str:
    plain = "".join(char for char in unicodedata.normalize("NFD", word.lower()) if not unicodedata.combining(char))
    return _STEMMER.stemWord(plain)


@dataclass(frozen=True)
class _Contents:
    """What a fake index holds in one state."""

    changes: int = 0
    documents: Mapping[str, Document] = field(default_factory=dict)
    files: Mapping[str, FileRecord] = field(default_factory=dict)

    def passages(self, name: str) -> list[Passage]:
        """A document's paragraphs."""
        text = self.documents[name].text
        return [Passage(name, m.start(), m.end(), m.group()) for m in re.finditer(r"\S(?:.|\n(?!\s*\n))*", text)]


class FakeIndex(DocumentIndex):
    """An index in memory: paragraphs, searched by brute force, by cosine and by how many words they share."""

    def __init__(self, embedder: Embedder | None = None) -> None:
        self.embedder = HashEmbedder() if embedder is None else embedder
        self._id = uuid.uuid4().hex
        self._contents = _Contents()
        self._remembered: dict[object, list[Hit]] = {}
        self._local = threading.local()

    def write(self, documents: Iterable[Document], files: Iterable[FileRecord] = ()) -> None:
        """Put documents, and lines of the ledger, in place of those of the same names."""
        now = self._contents
        added = {document.name: document for document in documents}
        lines = {file.name: file for file in files}
        self._contents = _Contents(now.changes + 1, {**now.documents, **added}, {**now.files, **lines})

    def remove(self, names: Iterable[str]) -> None:
        """Take documents out."""
        now, gone = self._contents, set(names)
        left = {name: document for name, document in now.documents.items() if name not in gone}
        self._contents = _Contents(now.changes + 1, left, now.files)

    @property
    def _now(self) -> _Contents:
        return getattr(self._local, "pinned", None) or self._contents

    @contextmanager
    def reading(self) -> Iterator[None]:
        outer = getattr(self._local, "pinned", None)
        self._local.pinned = self._now
        try:
            yield
        finally:
            self._local.pinned = outer

    def state(self) -> tuple[object, ...]:
        return self._id, self._now.changes

    def counts(self) -> dict[str, int]:
        names = self._now.documents
        return {"documents": len(names), "passages": sum(len(self._now.passages(name)) for name in names)}

    def search(self, question: str, top_k: int, within: Sequence[str] | None = None) -> list[Hit]:
        if isinstance(within, str):
            raise ParameterError(f"within={within!r} is a single string; give a list of documents' names")
        with self.reading():
            for name in within or ():
                self._document(name, "within names {!r}, which is not in the index")
            names = self._now.documents if within is None else dict.fromkeys(within)
            passages = [passage for name in sorted(names) for passage in self._now.passages(name)]
            asked = set(_WORD.findall(question.lower()))
            vector, *vectors = self.embedder.embed([question, *(passage.text for passage in passages)])
            hits = []
            for passage, own in zip(passages, vectors, strict=True):
                record = self.record(passage.document)
                cosine, shared = float(vector @ own), float(len(asked & set(_WORD.findall(passage.text.lower()))))
                hits.append(Hit(passage, record.title, record.sha256, cosine + shared, cosine, shared))
            best = sorted(hits, key=lambda hit: -hit.score)[:top_k]
            self._remembered[self._sought(question, top_k, within)] = best
            return list(best)

    def remembered(self, question: str, top_k: int, within: Sequence[str] | None = None) -> list[Hit] | None:
        found = self._remembered.get(self._sought(question, top_k, within))
        return None if found is None else list(found)

    def _sought(self, question: str, top_k: int, within: Sequence[str] | None) -> object:
        return self.state(), question, top_k, None if within is None else tuple(within)

    def words_held(self, words: Sequence[str]) -> set[str]:
        texts = (document.text.lower() for document in self._now.documents.values())
        held = {_STEMMER.stemWord(word) for text in texts for word in _WORD.findall(text)}
        return {word for word in words if _STEMMER.stemWord(word) in held}

    def names_holding(self, words: Collection[str], strings: Collection[str] = ()) -> list[str]:
        if not words and not strings:
            return []
        found = []
        for name, document in sorted(self._now.documents.items()):
            stems = {_stem(word) for word in _WORD.findall(document.text)}
            has_words = all(_stem(word) in stems for word in words)
            if has_words and all(string in document.text for string in strings):
                found.append(name)
        return found

    def documents(self) -> list[DocumentRecord]:
        return [self.record(name) for name in sorted(self._now.documents)]

    def _document(self, name: str, message: str = "there is no document {!r} in the index") -> Document:
        if name not in self._now.documents:
            raise UnknownDocumentError(message.format(name))
        return self._now.documents[name]

    def record(self, name: str) -> DocumentRecord:
        found = self._document(name)
        return DocumentRecord(name, found.title, found.sha256, len(self._now.passages(name)), len(found.text))

    def records(self, names: Collection[str]) -> dict[str, DocumentRecord]:
        return {name: self.record(name) for name in names if name in self._now.documents}

    def names_in(self, text: str) -> list[str]:
        return [name for name in sorted(self._now.documents) if re.search(re.escape(name), text, re.IGNORECASE)]

    def names_by_hash(self, hashes: Collection[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for record in self.documents():
            if record.sha256 in hashes:
                found.setdefault(record.sha256, []).append(record.name)
        return found

    def files(self) -> list[FileRecord]:
        return [self._now.files[name] for name in sorted(self._now.files)]

    def file_records(self, names: Collection[str]) -> dict[str, FileRecord]:
        return {name: self._now.files[name] for name in names if name in self._now.files}

    def text(self, name: str) -> str:
        return self._document(name).text

    def metadata(self, name: str) -> dict[str, str]:
        return dict(self._document(name).metadata)

    def places(self, name: str) -> tuple[Place, ...]:
        return self._document(name).places

    def place_at(self, name: str, offset: int) -> str:
        return label_at(self.places(name), offset)

    def extent(self, name: str) -> tuple[int, int]:
        return len(self.page_sizes(name)), len(self.places(name))

    def page_sizes(self, name: str) -> list[tuple[float, float]]:
        boxes = self._document(name).boxes
        return [] if boxes is None else [(float(width), float(height)) for width, height in boxes.sizes]

    def table_rows(self, name: str, start: int, end: int) -> list[TableRow]:
        found = []
        for i, table in enumerate(self._document(name).tables):
            for position, (first, last, number) in enumerate(table.rows.tolist()):
                cells = [cell[1:] for cell in table.cells.tolist() if cell[0] == position]
                values = tuple(Cell(column, table.headers[column], a, b) for column, a, b in cells)
                found.append(TableRow(i, number, table.about, table.headers, first, last, values))
        return sorted((r for r in found if r.start < end and r.end > start), key=lambda r: (r.start, r.table))

    def table(self, name: str, number: int) -> list[TableRow]:
        return [row for row in self.table_rows(name, 0, len(self.text(name))) if row.table == number]

    def tables_with(self, headers: Sequence[str], most: int) -> list[TableRecord]:
        found = [
            TableRecord(name, number, table.about, table.headers, len(table.rows))
            for name in sorted(self._now.documents)
            for number, table in enumerate(self._now.documents[name].tables)
            if list(table.headers) == list(headers)
        ]
        return found[:most]

    def boxes(self, name: str, start: int, end: int) -> list[PageBoxes]:
        boxes = self._document(name).boxes
        if boxes is None:
            return []
        stretch = slice(start, end)
        printed = zip(boxes.pages[stretch].tolist(), boxes.rectangles[stretch].tolist(), strict=True)
        characters = [(page, tuple(rectangle)) for page, rectangle in printed if page >= 0]
        sizes = self.page_sizes(name)
        return [PageBoxes(page + 1, *sizes[page], tuple(lines)) for page, lines in lines_of(characters)]
