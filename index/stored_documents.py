"""Look-ups of documents by key, answered from the store."""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager

from index.formats.content import Place
from index.protocol import DocumentIndex
from index.records import DocumentRecord, FileRecord, PageBoxes, TableRecord, TableRow
from index.storage.store import Store


class StoredDocuments(DocumentIndex):
    """Look-ups in one store; searching is left to a subclass."""

    store: Store

    def reading(self) -> AbstractContextManager[object]:
        """Read one consistent state of the index for a `with` block, even while another process writes."""
        return self.store.database.reading()

    def state(self) -> tuple[object, ...]:
        """Return the identity of the index and its number of changes."""
        return self.store.meta.store_id(), self.store.meta.generation()

    def counts(self) -> dict[str, int]:
        """Return the number of documents and of passages, without deleted ones."""
        with self.store.database.reading():
            return {"documents": self.store.documents.count(), "passages": self.store.passages.count()}

    def words_held(self, words: Collection[str], *, as_written: bool = False) -> set[str]:
        """Return those of some lower-case words that occur in a document: as written, or in any form of their stem."""
        return self.store.passages.words_held(words, as_written=as_written)

    def names_holding(self, words: Collection[str], strings: Collection[str] = ()) -> list[str]:
        """Return the names of the documents whose texts may hold all of some words and other strings, sorted."""
        return self.store.passages.names_holding(words, strings)

    def documents(self) -> list[DocumentRecord]:
        """Return the documents in the index, sorted by name."""
        return self.store.documents.all()

    def record(self, name: str) -> DocumentRecord:
        """Look up a document without its text; raises `UnknownDocumentError`."""
        return self.store.documents.record(name)

    def records(self, names: Collection[str]) -> dict[str, DocumentRecord]:
        """Look up documents without their texts; unknown names are missing from the result."""
        return self.store.documents.records(names)

    def names_in(self, text: str) -> list[str]:
        """Return the names of documents that occur in a text, ignoring case."""
        return self.store.documents.names_in(text)

    def names_by_hash(self, hashes: Collection[str]) -> dict[str, list[str]]:
        """Look up the names of documents by the SHA-256 of their files."""
        return self.store.documents.names_by_hash(hashes)

    def files(self) -> list[FileRecord]:
        """Return the ledger: all files found, those inside archives and mails included, with their state, by name."""
        return list(self.store.ledger.all().values())

    def file_records(self, names: Collection[str]) -> dict[str, FileRecord]:
        """Look up files in the ledger; names without an entry are missing from the result."""
        return self.store.ledger.records(names)

    def text(self, name: str) -> str:
        """Return the stored text of a document; raises `UnknownDocumentError`."""
        return self.store.documents.get(name).text

    def metadata(self, name: str) -> dict[str, str]:
        """Return the metadata of a document; raises `UnknownDocumentError`."""
        return self.store.documents.metadata(name)

    def places(self, name: str) -> tuple[Place, ...]:
        """Return the places of a document; raises `UnknownDocumentError`."""
        return self.store.places.of(name)

    def place_at(self, name: str, offset: int) -> str:
        """Return the label of the place at an offset; raises `UnknownDocumentError`."""
        return self.store.places.at(name, offset)

    def extent(self, name: str) -> tuple[int, int]:
        """Return the number of pages and of places of a document; raises `UnknownDocumentError`."""
        return self.store.places.extent(name)

    def page_sizes(self, name: str) -> list[tuple[float, float]]:
        """Return width and height of each page, in points; raises `UnknownDocumentError`."""
        return self.store.places.page_sizes(name)

    def table_rows(self, name: str, start: int, end: int) -> list[TableRow]:
        """Return the rows of tables that share characters with a span of text; raises `UnknownDocumentError`."""
        return self.store.tables.rows(name, start, end)

    def table(self, name: str, number: int) -> list[TableRow]:
        """Return all rows of a document's table, in the text's order; raises `UnknownDocumentError`."""
        return self.store.tables.whole(name, number)

    def tables_with(self, headers: Sequence[str], most: int) -> list[TableRecord]:
        """Look up the tables of all documents that have exactly these headers, by document and number."""
        return self.store.tables.with_headers(headers, most)

    def boxes(self, name: str, start: int, end: int) -> list[PageBoxes]:
        """Return the boxes of a span of text on its pages; raises `UnknownDocumentError`."""
        return self.store.places.boxes(name, start, end)
