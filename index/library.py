"""Library: the index of a folder of documents, to open, update and search."""

import hashlib
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property, partial
from pathlib import Path

import platformdirs

from index.birth_certificate import Certificate
from index.errors import ParameterError, UnknownDocumentError
from index.ingest.adding import copy_into, hash_of_addable
from index.ingest.loading import with_headings
from index.ingest.plan import may_be_retried
from index.ingest.rounds import Entry, RoundWriter, in_rounds
from index.ingest.scanning import check_folder, is_in_step, scan
from index.ingest.sync import Progress, SyncReport, SyncRun
from index.ingest.watching import watching
from index.ingest.worker_pool import Limits, Workers
from index.maintenance.background_erasure import Upkeep
from index.maintenance.integrity import Diagnosis, count_rows, examine
from index.maintenance.repair import Repair
from index.records import Document, Hit, check_unicode
from index.retrieval.embedding import Embedder
from index.retrieval.faiss_index import VectorIndex
from index.retrieval.hybrid import Searcher
from index.retrieval.search_cache import SearchCache
from index.storage.write_lock import WriteLock
from index.stored_documents import StoredDocuments


class Library(StoredDocuments):
    """The index of one folder. Any number of processes may read it; one at a time may write."""

    def __init__(
        self,
        folder: Path | str,
        embedder: Embedder,
        index_dir: Path | None = None,
        *,
        rebuild: bool = False,
        passwords: Sequence[str] = (),
        limits: Limits | None = None,
    ) -> None:
        """Open the index of a folder, or create an empty one; `sync` fills it.

        Args:
            folder: The folder of documents.
            embedder: Embeds passages and questions; loaded on first use.
            index_dir: Folder of the index; None is `default_index_dir(folder)`.
            rebuild: Delete the index and build it again.
            passwords: Tried in turn on encrypted files; never stored.
            limits: Limits on reading a file; None is the defaults.

        Raises:
            FolderError: The folder is missing, not a folder, or cannot be read.
            ParameterError: `index_dir` is inside the folder.
            MismatchedIndexError: The index was made with another embedder, for another folder,
                or by a newer version.
            DamagedIndexError: The index cannot be read.
            BusyIndexError: The index must be rebuilt while another process is writing it.
        """
        self.folder = check_folder(folder)
        self.index_dir = _checked_index_dir(index_dir, self.folder)
        self.embedder = embedder
        self._new_workers = partial(Workers, tuple(passwords), limits)
        self.writing = WriteLock(self.index_dir, self.folder).held
        self._certificate = Certificate(self.folder, self.index_dir, embedder)
        self.store = self._certificate.open_store(self.writing, rebuild=rebuild)
        self._store_id = self.store.meta.store_id()
        self._vectors = VectorIndex(self.store)
        self._upkeep = Upkeep(self.store, self._vectors, self.writing)
        self._writer = RoundWriter(self.store, embedder)
        self._remembered = SearchCache()

    @cached_property
    def _searcher(self) -> Searcher:  # created on first use: listing documents loads no model
        return Searcher(self.store, self._vectors, self.embedder)

    def close(self) -> None:
        """Close the index once deleted data is erased from its files. Nothing is lost if this is not called."""
        try:
            self._upkeep.finish()
        finally:
            self.store.database.close()

    # Search

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
            MismatchedIndexError: Another process has rebuilt the index with another embedder.
        """
        self._check_is_the_same()
        if isinstance(within, str):
            raise ParameterError(f"within={within!r} is a single string; give a list of documents' names")
        with self.store.database.reading():
            hits = self.remembered(question, top_k, within)
            if hits is None:
                missing = _first_missing(within or (), self.records(within or ()))
                if missing is not None:
                    raise UnknownDocumentError(f"within names {missing!r}, which is not in the index")
                hits = self._searcher.search(question, top_k, within)
                self._remembered.put(self.state(), (question, top_k, None if within is None else tuple(within)), hits)
        return hits

    def remembered(self, question: str, top_k: int, within: Sequence[str] | None = None) -> list[Hit] | None:
        """Return a recent result of `search` if the index has not changed since, else None. Needs no model."""
        if isinstance(within, str):
            return None
        return self._remembered.get(self.state(), (question, top_k, None if within is None else tuple(within)))

    def _check_is_the_same(self) -> None:
        """Check that the index, if another process has rebuilt it, still has the embedder of this library.

        Raises:
            MismatchedIndexError: It was rebuilt with another embedder.
        """
        store_id = self.store.meta.store_id()
        if store_id != self._store_id:
            self._certificate.is_outdated(self.store)
            self._store_id = store_id

    def left_out(self) -> dict[str, str]:
        """Return files that are not in the index, or not in their current version: name to reason."""
        return {record.name: record.reason for record in self.files() if not record.is_read}

    # Writing

    def sync(self, on_progress: Callable[[Progress], None] | None = None, *, retry_failed: bool = False) -> SyncReport:
        """Update the index to match the folder; only changes are read and embedded.

        Each document is committed separately: an interrupted run is continued by the next one.

        Args:
            on_progress: Called with the progress of the work.
            retry_failed: Read files again that failed, were empty or were read only in part.

        Returns:
            What was added, changed, removed and renamed.

        Raises:
            FolderError: The folder is missing or cannot be read; the index is unchanged.
            BusyIndexError: The index needs changes while another process is writing it.
        """
        check_folder(self.folder)
        generation = self.store.meta.generation()
        files = scan(self.folder)
        ledger = self.store.ledger.all()
        is_retried = retry_failed and may_be_retried(ledger.values())
        if not is_retried and is_in_step(files, ledger):
            if self.store.erasure.remains():  # left by a process that was killed
                self._upkeep.begin()
            return SyncReport(unchanged=self.counts()["documents"])
        with self._changing(), self._new_workers() as workers:
            if self.store.meta.generation() != generation:
                files = scan(self.folder)  # again: the ledger may have changed while waiting for the lock
            return SyncRun(self.store, self._writer.write, files, workers, on_progress, retry=is_retried).run()

    def write(self, documents: Iterable[Document], on_progress: Callable[[float], None] | None = None) -> None:
        """Index documents that do not come from files.

        Args:
            documents: The documents; each replaces an indexed one of the same name.
            on_progress: Called with the share of the batch that is embedded, 0 to 1.

        Raises:
            ParameterError: A text is not valid Unicode; nothing of its batch was written.
            BusyIndexError: Another process is writing.
        """
        with self._changing():
            entries = (Entry(with_headings(_checked(document)), None) for document in documents)
            for round_ in in_rounds(entries):
                self._writer.write(round_, on_progress)

    def add(self, paths: Sequence[Path], on_progress: Callable[[Progress], None] | None = None) -> SyncReport:
        """Copy files into the folder and index them.

        Args:
            paths: The files. A file whose name is taken by another content gets a number added to its name.
            on_progress: Called with the progress of the work.

        Returns:
            What was added, changed and left out.

        Raises:
            UnreadableFileError: A file is missing, hidden or of an unsupported format; nothing was copied.
            FolderError: The folder cannot be written; files copied before are indexed by the next `sync`.
            BusyIndexError: Another process is writing.
        """
        hashes = [hash_of_addable(path) for path in paths]
        with self._changing():
            for path, sha256 in zip(paths, hashes, strict=True):
                self.store.ledger.let_in(copy_into(path, self.folder), sha256)
            return self.sync(on_progress)

    def remove(self, names: Sequence[str]) -> None:
        """Remove documents from the index until they are added again; their files stay in the folder.

        Args:
            names: Names of documents or of containers, such as archives; files inside are removed with them.

        Raises:
            ParameterError: `names` is a single string.
            UnknownDocumentError: A name is not in the index; nothing was removed.
            BusyIndexError: Another process is writing.
        """
        if isinstance(names, str):
            raise ParameterError(f"names={names!r} is a single string; give a list of documents' names")
        with self._changing():
            read = {name for name, record in self.file_records(names).items() if record.is_read}
            missing = _first_missing(names, self.records(names).keys() | read)
            if missing is not None:
                raise UnknownDocumentError(f"there is no document {missing!r} in the index")
            below = {part for name in names for part in self.store.documents.names_below(name)}
            self.store.keep_out(names, below.difference(names))

    def watch(
        self,
        on_change: Callable[[SyncReport], None] | None = None,
        on_progress: Callable[[Progress | None], None] | None = None,
    ) -> AbstractContextManager[None]:
        """Update the index in a background thread whenever the folder changes, for a `with` block.

        Args:
            on_change: Called with the report of each update that changed something.
            on_progress: Called with the progress of the work, and with None when the index is up to date.

        Returns:
            A context manager; the folder is watched inside its `with` block.
        """
        return watching(self.folder, self.sync, on_change, on_progress)

    def doctor(self, *, mend: bool = False) -> Diagnosis:
        """Check every invariant of the index, and repair what can be repaired.

        Args:
            mend: Rebuild derived data, delete orphaned rows, and read documents again whose passages or vectors are
                wrong; a document that does not come from a file is indexed again from its stored text.

        Returns:
            What was wrong, and what is still wrong after the repair.

        Raises:
            BusyIndexError: A repair is needed while another process is writing.
        """
        found = examine(self.store, self._dimension)
        if not (mend and found):
            return Diagnosis(count_rows(self.store), tuple(found))
        with self._changing():
            return Repair(self.store, self._vectors, self._dimension, self._writer.write, self.sync).run(found)

    def _dimension(self) -> int:
        return self.embedder.dimension

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the write lock; work that the change leaves to do starts in the background afterwards.

        Yields:
            Nothing.
        """
        with self.writing():
            try:
                yield
            finally:
                self._upkeep.begin()


def _checked_index_dir(index_dir: Path | None, folder: Path) -> Path:
    """Return the folder of an index, checked.

    Args:
        index_dir: The requested folder; None is the default.
        folder: The folder of documents.

    Returns:
        The index's folder.

    Raises:
        ParameterError: It is inside the folder of documents.
    """
    place = default_index_dir(folder) if index_dir is None else index_dir.resolve()
    if place.is_relative_to(folder):
        what = "the default index_dir" if index_dir is None else "index_dir"
        raise ParameterError(
            f"{what}={str(place)!r} is inside folder={str(folder)!r}, where its files would be read as"
            " documents; set index_dir to a folder elsewhere"
        )
    return place


def _first_missing(names: Iterable[str], known: Container[str]) -> str | None:
    return next((name for name in names if name not in known), None)


def _checked(document: Document) -> Document:
    check_unicode(f"the text of {document.name!r}", document.text)
    return document


def default_index_dir(folder: Path) -> Path:
    """Return the default folder for a folder's index: in the user's data folder."""
    key = hashlib.sha256(str(folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return platformdirs.user_data_path("verbatim-qa", appauthor=False) / "indexes" / key
