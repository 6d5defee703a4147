"""What is asked of the documents of an index by key, answered by its store."""

from collections.abc import Collection
from contextlib import AbstractContextManager

from index.formats.content import Place
from index.protocol import DocumentIndex
from index.records import DocumentRecord, FileRecord, PageBoxes
from index.storage.store import Store


class StoredDocuments(DocumentIndex):
    """The documents of one store; how they are searched is a subclass's matter."""

    store: Store

    def reading(self) -> AbstractContextManager[object]:
        """Read one consistent state of the index for a `with` block, whatever is written meanwhile."""
        return self.store.database.reading()

    def state(self) -> tuple[object, ...]:
        """Identity of the index and how often it was changed."""
        return self.store.meta.store_id(), self.store.meta.generation()

    def counts(self) -> dict[str, int]:
        """Number of documents and of passages; deleted ones are not counted."""
        with self.store.database.reading():
            return {"documents": self.store.documents.count(), "passages": self.store.passages.count()}

    def words_held(self, words: Collection[str], *, as_written: bool = False) -> set[str]:
        """Those of some lower-case words that stand in a document: as written, or in any form of the stem."""
        return self.store.passages.words_held(words, as_written=as_written)

    def documents(self) -> list[DocumentRecord]:
        """The documents in the index, in the order of their names."""
        return self.store.documents.all()

    def record(self, name: str) -> DocumentRecord:
        """Look up one document without its text; raises `UnknownDocumentError`."""
        return self.store.documents.record(name)

    def records(self, names: Collection[str]) -> dict[str, DocumentRecord]:
        """Look up documents without their texts; names that no document has are missing."""
        return self.store.documents.records(names)

    def names_in(self, text: str) -> list[str]:
        """Names of documents that stand in a text, letter case aside."""
        return self.store.documents.names_in(text)

    def names_by_hash(self, hashes: Collection[str]) -> dict[str, list[str]]:
        """Names of the documents whose file has one of some hashes, by hash."""
        return self.store.documents.names_by_hash(hashes)

    def files(self) -> list[FileRecord]:
        """The ledger: every file that was met, files within files included, and what became of it; by name."""
        return list(self.store.ledger.all().values())

    def file_records(self, names: Collection[str]) -> dict[str, FileRecord]:
        """Look up lines of the ledger; names without one are missing."""
        return self.store.ledger.records(names)

    def text(self, name: str) -> str:
        """Stored text of a document; raises `UnknownDocumentError`."""
        return self.store.documents.get(name).text

    def metadata(self, name: str) -> dict[str, str]:
        """What a document says of itself; raises `UnknownDocumentError`."""
        return self.store.documents.metadata(name)

    def places(self, name: str) -> tuple[Place, ...]:
        """Where stretches of a document's text stand in its file; raises `UnknownDocumentError`."""
        return self.store.places.of(name)

    def place_at(self, name: str, offset: int) -> str:
        """Label of the place at an offset; raises `UnknownDocumentError`."""
        return self.store.places.at(name, offset)

    def extent(self, name: str) -> tuple[int, int]:
        """Number of pages and of places of a document; raises `UnknownDocumentError`."""
        return self.store.places.extent(name)

    def page_sizes(self, name: str) -> list[tuple[float, float]]:
        """Width and height of each page, in points; raises `UnknownDocumentError`."""
        return self.store.places.page_sizes(name)

    def boxes(self, name: str, start: int, end: int) -> list[PageBoxes]:
        """Where a stretch of text is printed; raises `UnknownDocumentError`."""
        return self.store.places.boxes(name, start, end)
