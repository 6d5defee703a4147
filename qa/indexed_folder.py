"""The documents of one folder: their index kept in step, looked up, checked."""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from index.errors import ParameterError
from index.formats.content import Place
from index.ingest.sync import Progress, SyncReport
from index.library import Library
from index.maintenance.integrity import Diagnosis
from index.records import Document, DocumentRecord, FileRecord, PageBoxes
from qa.progress import IndexingProgress
from qa.records.answer import Quotation


class IndexedFolder:
    """A folder of documents and its index, to be closed at the end. Safe to use from many threads."""

    def __init__(self, library: Library) -> None:
        """Take an open index.

        Args:
            library: The index; it is closed with this.
        """
        self._library = library

    @property
    def folder(self) -> Path:
        """The folder of documents, links resolved."""
        return self._library.folder

    @property
    def index_dir(self) -> Path:
        """The folder that holds the index."""
        return self._library.index_dir

    def sync(self, on_progress: IndexingProgress | None = None, *, retry_failed: bool = False) -> SyncReport:
        """Bring the index in step with the folder; only what changed is read and embedded.

        Args:
            on_progress: Called as the work goes on.
            retry_failed: Read again what failed, was empty or was read only partly.

        Returns:
            What was added, changed, removed and left out.

        Raises:
            FolderError: The folder is gone or cannot be read; the index stays as it is.
            BusyIndexError: There is something to do, and another process is writing the index.
        """
        return self._library.sync(on_progress, retry_failed=retry_failed)

    def watch(
        self,
        on_change: Callable[[SyncReport], None] | None = None,
        on_progress: Callable[[Progress | None], None] | None = None,
    ) -> AbstractContextManager[None]:
        """Bring the index in step whenever the folder changes, in a thread, for a `with` block.

        What goes wrong meanwhile, a folder that is gone say, is logged and tried again.

        Args:
            on_change: Called with what was done, each time that something was.
            on_progress: Called as the work goes on, and with None whenever the index is in step.

        Returns:
            What to open with `with`.
        """
        return self._library.watch(on_change, on_progress)

    def add(self, files: Sequence[Path | str], on_progress: IndexingProgress | None = None) -> SyncReport:
        """Copy files into the folder and index them.

        Args:
            files: The files. One with the name of a file that is there and other content gets a number.
            on_progress: Called as the work goes on.

        Returns:
            What was done.

        Raises:
            UnreadableFileError: A file is missing or of a kind that cannot be read; nothing was copied.
            BusyIndexError: Another process is writing the index.
        """
        return self._library.add([Path(file) for file in files], on_progress)

    def remove(self, names: Sequence[str]) -> None:
        """Take documents out of the index and keep them out until they are added again. The files stay.

        Args:
            names: Names of documents.

        Raises:
            UnknownDocumentError: A name is not in the index; nothing was removed.
            BusyIndexError: Another process is writing the index.
        """
        self._library.remove(names)

    def write(self, documents: Iterable[Document]) -> None:
        """Index documents that come from no file; they stay until `sync`, which knows only files.

        Args:
            documents: The documents, each in place of the one of its name.

        Raises:
            ParameterError: A text is not valid Unicode; nothing of its round was written.
            BusyIndexError: Another process is writing the index.
        """
        self._library.write(documents)

    def documents(self) -> list[DocumentRecord]:
        """The documents in the index, in the order of their names."""
        return self._library.documents()

    def record(self, name: str) -> DocumentRecord:
        """Look up one document without its text; raises `UnknownDocumentError`."""
        return self._library.record(name)

    def records(self, names: Collection[str]) -> dict[str, DocumentRecord]:
        """Look up documents by name, without their texts; names that no document has are missing."""
        return self._library.records(names)

    def names_in(self, text: str) -> list[str]:
        """Names of documents that stand in a text, letter case aside; some beside them may not quite."""
        return self._library.names_in(text)

    def names_by_hash(self, hashes: Collection[str]) -> dict[str, list[str]]:
        """Names of the documents whose file has one of some hashes, in order, by hash."""
        return self._library.names_by_hash(hashes)

    def counts(self) -> dict[str, int]:
        """Number of "documents" and of "passages" in the index."""
        return self._library.counts()

    def state(self) -> tuple[object, ...]:
        """Identity of the index and how often it was changed: equal for equal contents, so it can key a cache."""
        return self._library.state()

    def left_out(self) -> dict[str, str]:
        """Files of the folder that are not in the index, or not as they are now: name to the reason."""
        return self._library.left_out()

    def files(self) -> list[FileRecord]:
        """The ledger: every file that was met, files within files included, and what became of it; by name."""
        return self._library.files()

    def file_records(self, names: Collection[str]) -> dict[str, FileRecord]:
        """Look up lines of the ledger by name; a document that comes from no file has none."""
        return self._library.file_records(names)

    def metadata(self, name: str) -> dict[str, str]:
        """What a document says of itself.

        Args:
            name: Its name.

        Returns:
            "author", "date" (ISO 8601), "language" (ISO 639-1), "subject" and the like; what it doesn't say is missing.

        Raises:
            UnknownDocumentError: It is not in the index.
        """
        return self._library.metadata(name)

    def places(self, name: str) -> tuple[Place, ...]:
        """Where stretches of a document's text stand in its file: "page 3", "slide 7", "Costs, row 12".

        Args:
            name: Its name.

        Returns:
            The places in order; each goes on to the beginning of the next.

        Raises:
            UnknownDocumentError: It is not in the index.
        """
        return self._library.places(name)

    def extent(self, name: str) -> tuple[int, int]:
        """How many pages a document is printed on, 0 for formats without pages, and how many places it has.

        Args:
            name: Its name.

        Returns:
            The two numbers.

        Raises:
            UnknownDocumentError: It is not in the index.
        """
        return self._library.extent(name)

    def page_sizes(self, name: str) -> list[tuple[float, float]]:
        """Width and height of each page of a document, in points (1/72 inch).

        Args:
            name: Its name.

        Returns:
            The sizes in the order of the pages; (0, 0) of one that cannot be shown, none for formats without pages.

        Raises:
            UnknownDocumentError: It is not in the index.
        """
        return self._library.page_sizes(name)

    def boxes(self, name: str, start: int, end: int) -> list[PageBoxes]:
        """Where a stretch of a PDF's text is printed.

        Args:
            name: The document's name.
            start: Offset of the stretch's first character in the document's text.
            end: Offset after its last character.

        Returns:
            The pages that it is on, each with its size and a rectangle for each line; none for formats without pages.

        Raises:
            UnknownDocumentError: It is not in the index.
        """
        return self._library.boxes(name, start, end)

    def text(self, name: str) -> str:
        """The stored text of a document, which offsets of answers refer to.

        Args:
            name: Its name.

        Returns:
            The text.

        Raises:
            UnknownDocumentError: It is not in the index.
        """
        return self._library.text(name)

    def quote(self, name: str, start: int, end: int) -> Quotation:
        """A stretch of a document, word by word.

        Args:
            name: The document's name.
            start: Offset of the first character in the document's text.
            end: Offset after the last.

        Returns:
            What stands there, and where that is.

        Raises:
            UnknownDocumentError: It is not in the index.
            ParameterError: There is no such stretch in it.
        """
        with self._library.reading():
            record, text = self._library.record(name), self._library.text(name)
            if not 0 <= start < end <= len(text):
                raise ParameterError(
                    f"start={start} and end={end} are no stretch of {name!r}; choose 0 <= start < end <= {len(text)}"
                )
            place = self._library.place_at(name, start) or None
            return Quotation(name, record.sha256, record.title, place, start, end, text[start:end])

    def doctor(self, *, mend: bool = False) -> Diagnosis:
        """Check every invariant of the index, and mend what can be mended.

        Args:
            mend: Rebuild what is derived, drop what belongs to nothing, read documents again that are wrong.

        Returns:
            What was wrong, and what still is.

        Raises:
            BusyIndexError: Something is to be mended, and another process is writing the index.
        """
        return self._library.doctor(mend=mend)

    def close(self) -> None:
        """Close the index. Nothing is lost by not calling it."""
        self._library.close()

    def __enter__(self) -> Self:
        """Itself, to be closed at the end of a `with` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()
