"""Protocol of an index of documents, whatever stores it."""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from index.formats.content import Place
from index.records import DocumentRecord, FileRecord, Hit, PageBoxes, TableRecord, TableRow


class DocumentIndex(Protocol):
    """An index to search and to look up documents in. `index.library.Library` does so with SQLite and FAISS.

    All methods may be called from any thread. Methods that take one document's name raise `UnknownDocumentError` if
    there is no such document; with several names, unknown ones are missing from the result. Only `documents`,
    `files` and `tables_with` take time proportional to the number of documents; the others are look-ups.
    """

    def reading(self) -> AbstractContextManager[object]:
        """Read one consistent state of the index for a `with` block, even while it is written; may be nested."""

    def state(self) -> tuple[object, ...]:
        """Return the identity of the index and its number of changes; usable as a cache key for its contents."""

    def counts(self) -> dict[str, int]:
        """Return the number of "documents" and of "passages", without deleted ones."""

    def search(self, question: str, top_k: int, within: Sequence[str] | None = None) -> list[Hit]:
        """Search the passages for a question, best first.

        Args:
            question: The question.
            top_k: Maximum number of passages, 1 or more.
            within: Names of the documents to search; None is all of them.

        Returns:
            The passages; fewer than `top_k` if there are no more.

        Raises:
            ParameterError: `within` is a single string.
            UnknownDocumentError: `within` names a document that is not in the index.
        """

    def remembered(self, question: str, top_k: int, within: Sequence[str] | None = None) -> list[Hit] | None:
        """Return a recent result of `search` for the same arguments if the index has not changed since, else None."""

    def words_held(self, words: Collection[str], *, as_written: bool = False) -> set[str]:
        """Return those of some lower-case words that occur in a document: as written, or in any form of their stem."""

    def names_holding(self, words: Collection[str], strings: Collection[str] = ()) -> list[str]:
        """Return the names of the documents whose texts may hold all of some words and other strings, sorted.

        Args:
            words: Words of letters and digits; each stands for every form of its stem, with or without accents.
            strings: Other strings, and words of scripts without spaces; each stands for itself.

        Returns:
            Every document that holds all of them, and perhaps some that do not.
        """

    def documents(self) -> list[DocumentRecord]:
        """Return all documents, sorted by name."""

    def record(self, name: str) -> DocumentRecord:
        """Look up a document by name, without its text."""

    def records(self, names: Collection[str]) -> dict[str, DocumentRecord]:
        """Look up documents by name, without their texts."""

    def names_in(self, text: str) -> list[str]:
        """Return the names of documents that occur in a text, ignoring case, sorted; some may match only roughly."""

    def names_by_hash(self, hashes: Collection[str]) -> dict[str, list[str]]:
        """Look up the names of documents by the SHA-256 of their files; names are sorted."""

    def files(self) -> list[FileRecord]:
        """Return the ledger: all files found, those inside archives and mails included, with their state, by name."""

    def file_records(self, names: Collection[str]) -> dict[str, FileRecord]:
        """Look up files in the ledger by name; documents that do not come from files have no entry."""

    def text(self, name: str) -> str:
        """Return the stored text of a document, which all offsets refer to."""

    def metadata(self, name: str) -> dict[str, str]:
        """Return the metadata of a document: "author", "date", "language" and others."""

    def places(self, name: str) -> tuple[Place, ...]:
        """Return the places of a document ("page 3", "slide 7"), in order."""

    def place_at(self, name: str, offset: int) -> str:
        """Return the label of the place at an offset of a document's text; "" if there is none."""

    def extent(self, name: str) -> tuple[int, int]:
        """Return the number of pages (0 for formats without pages) and the number of places of a document."""

    def page_sizes(self, name: str) -> list[tuple[float, float]]:
        """Return width and height of each page of a document, in points; empty for formats without pages."""

    def table_rows(self, name: str, start: int, end: int) -> list[TableRow]:
        """Return the rows of tables that share characters with a span of a document's text, in the text's order."""

    def table(self, name: str, number: int) -> list[TableRow]:
        """Return all rows of a document's table, by its number, in the text's order; none if it has no such table."""

    def tables_with(self, headers: Sequence[str], most: int) -> list[TableRecord]:
        """Look up the tables of all documents that have exactly these headers, by document and number.

        Args:
            headers: Header of each column.
            most: Maximum number of tables, 1 or more.

        Returns:
            The tables, `most` at most.
        """

    def boxes(self, name: str, start: int, end: int) -> list[PageBoxes]:
        """Return the boxes of a span of a document's text on its pages; empty for formats without pages."""
