"""A folder of documents with its index: updating, look-ups and checks."""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from index.errors import ParameterError
from index.finding import find
from index.formats.content import Place
from index.ingest.sync import Progress, SyncReport
from index.library import Library
from index.maintenance.integrity import Diagnosis
from index.records import Concordance, Document, DocumentRecord, FileRecord, PageBoxes, TableRow
from qa.progress import IndexingProgress
from qa.records.answer import Quotation


class IndexedFolder:
    """A folder of documents and its index; close it after use. Safe to use from many threads."""

    def __init__(self, library: Library) -> None:
        """Take over an open index, which `close` closes."""
        self._library = library

    @property
    def folder(self) -> Path:
        """The folder of documents, symbolic links resolved."""
        return self._library.folder

    @property
    def index_dir(self) -> Path:
        """The folder that holds the index."""
        return self._library.index_dir

    def sync(self, on_progress: IndexingProgress | None = None, *, retry_failed: bool = False) -> SyncReport:
        """Update the index to match the folder; only changes are read and embedded.

        Args:
            on_progress: Called with the progress of the work.
            retry_failed: Read files again that failed, were empty or were read only in part.

        Returns:
            What was added, changed, removed and left out.

        Raises:
            FolderError: The folder is missing or cannot be read; the index is unchanged.
            BusyIndexError: The index needs changes while another process is writing it.
        """
        return self._library.sync(on_progress, retry_failed=retry_failed)

    def watch(
        self,
        on_change: Callable[[SyncReport], None] | None = None,
        on_progress: Callable[[Progress | None], None] | None = None,
    ) -> AbstractContextManager[None]:
        """Update the index in a background thread whenever the folder changes, for a `with` block.

        Errors, such as a missing folder, are logged, and the update is tried again.

        Args:
            on_change: Called with the report of each update that changed something.
            on_progress: Called with the progress of the work, and with None when the index is up to date.

        Returns:
            A context manager; the folder is watched inside its `with` block.
        """
        return self._library.watch(on_change, on_progress)

    def add(self, files: Sequence[Path | str], on_progress: IndexingProgress | None = None) -> SyncReport:
        """Copy files into the folder and index them.

        Args:
            files: The files. A file whose name is taken by another content gets a number added to its name.
            on_progress: Called with the progress of the work.

        Returns:
            What was added, changed and left out.

        Raises:
            UnreadableFileError: A file is missing or has an unsupported format; nothing was copied.
            BusyIndexError: Another process is writing the index.
        """
        return self._library.add([Path(file) for file in files], on_progress)

    def remove(self, names: Sequence[str]) -> None:
        """Remove documents from the index until they are added again; their files stay in the folder.

        Args:
            names: Names of documents.

        Raises:
            UnknownDocumentError: A name is not in the index; nothing was removed.
            BusyIndexError: Another process is writing the index.
        """
        self._library.remove(names)

    def write(self, documents: Iterable[Document]) -> None:
        """Index documents that do not come from files; the next `sync` removes them.

        Args:
            documents: The documents; each replaces an indexed one of the same name.

        Raises:
            ParameterError: A text is not valid Unicode; nothing of its batch was written.
            BusyIndexError: Another process is writing the index.
        """
        self._library.write(documents)

    def documents(self) -> list[DocumentRecord]:
        """Return the documents in the index, sorted by name."""
        return self._library.documents()

    def record(self, name: str) -> DocumentRecord:
        """Look up a document by name, without its text; raises `UnknownDocumentError`."""
        return self._library.record(name)

    def records(self, names: Collection[str]) -> dict[str, DocumentRecord]:
        """Look up documents by name, without their texts; unknown names are missing from the result."""
        return self._library.records(names)

    def names_in(self, text: str) -> list[str]:
        """Return the names of documents that occur in a text, ignoring case; some may match only roughly."""
        return self._library.names_in(text)

    def names_by_hash(self, hashes: Collection[str]) -> dict[str, list[str]]:
        """Look up the names of documents by the SHA-256 of their files; names are sorted."""
        return self._library.names_by_hash(hashes)

    def counts(self) -> dict[str, int]:
        """Return the number of "documents" and of "passages" in the index."""
        return self._library.counts()

    def state(self) -> tuple[object, ...]:
        """Return the identity of the index and its number of changes; usable as a cache key for its contents."""
        return self._library.state()

    def left_out(self) -> dict[str, str]:
        """Return files that are not in the index, or not in their current version: name to reason."""
        return self._library.left_out()

    def files(self) -> list[FileRecord]:
        """Return the ledger: all files found, those inside archives and mails included, with their state, by name."""
        return self._library.files()

    def file_records(self, names: Collection[str]) -> dict[str, FileRecord]:
        """Look up files in the ledger by name; documents that do not come from files have no entry."""
        return self._library.file_records(names)

    def metadata(self, name: str) -> dict[str, str]:
        """Return the metadata of a document.

        Args:
            name: The document's name.

        Returns:
            "author", "date" (ISO 8601), "language" (ISO 639-1), "subject" and others; missing where not stated.

        Raises:
            UnknownDocumentError: The document is not in the index.
        """
        return self._library.metadata(name)

    def places(self, name: str) -> tuple[Place, ...]:
        """Return the places of a document: "page 3", "slide 7", "Costs, row 12".

        Args:
            name: The document's name.

        Returns:
            The places in order; each extends to the start of the next.

        Raises:
            UnknownDocumentError: The document is not in the index.
        """
        return self._library.places(name)

    def extent(self, name: str) -> tuple[int, int]:
        """Return a document's numbers of pages (0 for formats without) and places; raises `UnknownDocumentError`."""
        return self._library.extent(name)

    def page_sizes(self, name: str) -> list[tuple[float, float]]:
        """Return width and height of each page of a document, in points (1/72 inch).

        Args:
            name: The document's name.

        Returns:
            The sizes in page order; (0, 0) for a page that cannot be shown. Empty for formats without pages.

        Raises:
            UnknownDocumentError: The document is not in the index.
        """
        return self._library.page_sizes(name)

    def table_rows(self, name: str, start: int, end: int) -> list[TableRow]:
        """Return the rows of tables that share characters with a span of a document's text.

        Args:
            name: The document's name.
            start: Offset of the span's first character in the document's text.
            end: Offset after its last character.

        Returns:
            The rows in the order of the text, with the offsets of their values.

        Raises:
            UnknownDocumentError: The document is not in the index.
        """
        return self._library.table_rows(name, start, end)

    def boxes(self, name: str, start: int, end: int) -> list[PageBoxes]:
        """Return where a span of a PDF's text is on its pages.

        Args:
            name: The document's name.
            start: Offset of the span's first character in the document's text.
            end: Offset after its last character.

        Returns:
            The pages that show the span, each with its size and one rectangle per line. Empty for formats without
            pages.

        Raises:
            UnknownDocumentError: The document is not in the index.
        """
        return self._library.boxes(name, start, end)

    def text(self, name: str) -> str:
        """Return the stored text of a document, which offsets refer to; raises `UnknownDocumentError`."""
        return self._library.text(name)

    def quote(self, name: str, start: int, end: int) -> Quotation:
        """Quote a span of a document's stored text.

        Args:
            name: The document's name.
            start: Offset of the first character in the document's text.
            end: Offset after the last.

        Returns:
            The characters of the span, with their place.

        Raises:
            UnknownDocumentError: The document is not in the index.
            ParameterError: The span is empty or not within the text.
        """
        with self._library.reading():
            record, text = self._library.record(name), self._library.text(name)
            if not 0 <= start < end <= len(text):
                raise ParameterError(
                    f"start={start} and end={end} are not a span of {name!r}; choose 0 <= start < end <= {len(text)}"
                )
            place = self._library.place_at(name, start) or None
            return Quotation(name, record.sha256, record.title, place, start, end, text[start:end])

    def find(
        self,
        words: str,
        *,
        within: Sequence[str] | None = None,
        any_form: bool = False,
        offset: int = 0,
        limit: int = 20,
        places: int = 20,
        start: int = 0,
    ) -> Concordance:
        """Find every place where words stand, document by document; case and accents are ignored.

        Args:
            words: Words, and phrases in quotation marks. Several are all to stand within 300 characters of one
                another; in a document that holds them all, but never so close, each is a place of its own.
            within: Names of the documents to look in; None is all of them.
            any_form: Whether a word may stand in any form of its stem: "signed" for "sign".
            offset: Number of found documents to skip.
            limit: Most documents to return, 1 to 500.
            places: Most places to return of each, 1 to 1,000.
            start: Offset in a document's text before which places are skipped.

        Returns:
            The documents by name, each with its places, and the numbers of all.

        Raises:
            ParameterError: There is nothing to look for, or a number is out of range.
            UnknownDocumentError: `within` names a document that is not in the index.
        """
        return find(
            self._library,
            words,
            within,
            any_form=any_form,
            offset=offset,
            limit=limit,
            places=places,
            start=start,
        )

    def doctor(self, *, mend: bool = False) -> Diagnosis:
        """Check every invariant of the index, and repair what can be repaired.

        Args:
            mend: Rebuild derived data, delete orphaned rows and read damaged documents again.

        Returns:
            What was wrong, and what is still wrong after the repair.

        Raises:
            BusyIndexError: A repair is needed while another process is writing the index.
        """
        return self._library.doctor(mend=mend)

    def close(self) -> None:
        """Close the index. Nothing is lost if this is not called."""
        self._library.close()

    def __enter__(self) -> Self:
        """Return this folder; it is closed at the end of the `with` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the index."""
        self.close()
