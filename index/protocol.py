"""What asking needs of an index of documents, whatever keeps it."""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from index.formats.content import Place
from index.records import DocumentRecord, FileRecord, Hit, PageBoxes


class DocumentIndex(Protocol):
    """An index that can be asked. `index.library.Library` is the one over SQLite and FAISS.

    All methods may be called from any thread. Methods that take one document's name raise `UnknownDocumentError` where
    no document has it; of several names, those that nothing has are missing from what is returned. Only `documents` and
    `files` cost as much as there are documents; all else is looked up.
    """

    def reading(self) -> AbstractContextManager[object]:
        """Read one consistent state of the index for a `with` block, whatever is written meanwhile; may be nested."""

    def state(self) -> tuple[object, ...]:
        """Identity of the index and how often it was changed: equal for equal contents, so it can key a cache."""

    def counts(self) -> dict[str, int]:
        """Return the number of "documents" and of "passages"; deleted ones are not counted."""

    def search(self, question: str, top_k: int, within: Sequence[str] | None = None) -> list[Hit]:
        """Retrieve the passages that fit a question, best first.

        Args:
            question: The question.
            top_k: How many at most, 1 or more.
            within: Names of the documents to search; None searches all.

        Returns:
            The passages; fewer where there are fewer.

        Raises:
            ParameterError: `within` is a single string.
            UnknownDocumentError: `within` names a document that is not in the index.
        """

    def remembered(self, question: str, top_k: int, within: Sequence[str] | None = None) -> list[Hit] | None:
        """Return what `search` found recently for the same arguments if the index has not changed since, else None."""

    def words_held(self, words: Collection[str], *, as_written: bool = False) -> set[str]:
        """Return those of some lower-case words that stand in a document: as written, or in any form of the stem."""

    def documents(self) -> list[DocumentRecord]:
        """List all documents in the order of their names."""

    def record(self, name: str) -> DocumentRecord:
        """Look up one document without its text."""

    def records(self, names: Collection[str]) -> dict[str, DocumentRecord]:
        """Look up documents by name, without their texts."""

    def names_in(self, text: str) -> list[str]:
        """Return the names of documents that stand in a text, letter case aside, in order; some beside them may not."""

    def names_by_hash(self, hashes: Collection[str]) -> dict[str, list[str]]:
        """Return the names of the documents whose file has a hash, in order, by hash."""

    def files(self) -> list[FileRecord]:
        """List the ledger by name: every file met in the folder, files within files included, and what became of it."""

    def file_records(self, names: Collection[str]) -> dict[str, FileRecord]:
        """Look up lines of the ledger by name; a document that comes from no file has none."""

    def text(self, name: str) -> str:
        """Return the stored text of a document, which all offsets refer to."""

    def metadata(self, name: str) -> dict[str, str]:
        """Return what a document says of itself: "author", "date", "language" and the like."""

    def places(self, name: str) -> tuple[Place, ...]:
        """Return where stretches of a document's text stand in its file, in order."""

    def place_at(self, name: str, offset: int) -> str:
        """Return the label of the place at an offset of a document's text; "" where there is none."""

    def extent(self, name: str) -> tuple[int, int]:
        """Return the number of pages (0 for formats without pages) and the number of places of a document."""

    def page_sizes(self, name: str) -> list[tuple[float, float]]:
        """Return width and height of each page of a document, in points; empty for formats without pages."""

    def boxes(self, name: str, start: int, end: int) -> list[PageBoxes]:
        """Return where a stretch of a document's text is printed; empty for formats without pages."""
