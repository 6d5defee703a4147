"""Splits, embeds and commits documents in rounds, so that short ones share a batch."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from index.ingest.chunking import Splitter
from index.records import Document, FileRecord
from index.retrieval.embedding import Embedder
from index.storage.passages import PassageRow
from index.storage.store import Store

_CHARS_PER_ROUND = 100_000
_DOCUMENTS_PER_ROUND = 128


@dataclass(frozen=True, slots=True)
class Entry:
    """A document and its file record, committed together.

    Attributes:
        document: A document; None for a file that only has files within it.
        file: Its file record; None if it comes from no file.
    """

    document: Document | None
    file: FileRecord | None


Round = list[Entry]
"""Entries whose documents are embedded together."""

WriteRound = Callable[[Round, Callable[[float], None] | None], None]
"""Writes a round, and reports the share of it that is embedded, 0 to 1."""


def in_rounds(entries: Iterable[Entry]) -> Iterator[Round]:
    """Group documents so that short ones share a batch and long ones don't pile up."""
    round_: Round = []
    chars = 0
    for entry in entries:
        round_.append(entry)
        chars += 0 if entry.document is None else len(entry.document.text)
        if chars >= _CHARS_PER_ROUND or len(round_) >= _DOCUMENTS_PER_ROUND:
            yield round_
            round_, chars = [], 0
    if round_:
        yield round_


class RoundWriter:
    """Splits, embeds and commits documents to one store."""

    def __init__(self, store: Store, embedder: Embedder) -> None:
        """Create a writer; the embedder is loaded on first use.

        Args:
            store: Store of the documents.
            embedder: Embedder of their passages.
        """
        self._store = store
        self._embedder = embedder

    @cached_property
    def _splitter(self) -> Splitter:
        return Splitter(self._embedder.tokenizer)

    def write(self, round_: Round, on_progress: Callable[[float], None] | None = None) -> None:
        """Write documents, embedded together and committed one by one. The caller must hold the store's write lock.

        Args:
            round_: Documents with their file records.
            on_progress: Called with the share of the round that is embedded, 0 to 1.
        """
        documents = [entry.document for entry in round_]
        split = [[] if document is None else self._splitter.split(document) for document in documents]
        contexts = [
            [] if document is None else [self._splitter.context(document, p) for p in passages]
            for document, passages in zip(documents, split, strict=True)
        ]
        texts = [
            f"{context}\n{passage.text}" if context else passage.text
            for passages, row in zip(split, contexts, strict=True)
            for passage, context in zip(passages, row, strict=True)
        ]
        done = 0

        def on_batch(count: int) -> None:
            nonlocal done
            done += count
            if on_progress is not None:
                on_progress(done / len(texts))

        vectors = iter(self._embedder.embed(texts, on_batch) if texts else ())
        for entry, passages, row in zip(round_, split, contexts, strict=True):
            if entry.document is not None:
                rows = [PassageRow(p, context, next(vectors)) for p, context in zip(passages, row, strict=True)]
                self._store.put(entry.document, rows, entry.file)
            elif entry.file is not None:
                self._store.ledger.write([entry.file])
