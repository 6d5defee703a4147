"""The index of a folder of documents: opened, brought in step, searched."""

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
    """The index of one folder. Any number of processes may read it; one at a time writes."""

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
        """Open the index of a folder, or begin one; `sync` fills it.

        Args:
            folder: The documents.
            embedder: What embeds passages and questions; loaded when it is first used.
            index_dir: Where the index lies; None is `default_index_dir(folder)`.
            rebuild: Throw away what is there and begin anew.
            passwords: Tried in turn on encrypted files; stored nowhere.
            limits: What reading a file may take; None takes the defaults.

        Raises:
            FolderError: The folder is missing, no folder, or cannot be read.
            ParameterError: `index_dir` lies inside the folder.
            MismatchedIndexError: The index was made with another embedder, for another folder,
                or by a newer version.
            DamagedIndexError: The index cannot be read.
            BusyIndexError: It has to be rebuilt, and another process is writing it.
        """
        self.folder = check_folder(folder)
        self.index_dir = _checked_index_dir(index_dir, self.folder)
        self.embedder = embedder
        self._new_workers = partial(Workers, tuple(passwords), limits)
        self._lock = WriteLock(self.index_dir, self.folder)
        self._certificate = Certificate(self.folder, self.index_dir, embedder)
        self.store = self._certificate.open_store(self.writing, rebuild=rebuild)
        self._store_id = self.store.meta.store_id()
        self._vectors = VectorIndex(self.store)
        self._upkeep = Upkeep(self.store, self._vectors, self.writing)
        self._writer = RoundWriter(self.store, embedder)
        self._remembered = SearchCache()

    @cached_property
    def _searcher(self) -> Searcher:  # made only when it is needed: listing documents loads no model
        return Searcher(self.store, self._vectors, self.embedder)

    def close(self) -> None:
        """Close the store, once what was deleted is gone from the files. Nothing is lost by not calling it."""
        try:
            self._upkeep.finish()
        finally:
            self.store.database.close()

    # Asking

    def search(self, question: str, top_k: int, within: Sequence[str] | None = None) -> list[Hit]:
        """The passages that fit a question, best first.

        Args:
            question: The question.
            top_k: How many at most, 1 or more.
            within: Names of the documents to search; None is all of them.

        Returns:
            The passages; fewer where there are fewer.

        Raises:
            ParameterError: `within` is a single string.
            UnknownDocumentError: `within` names a document that is not in the index.
            MismatchedIndexError: Another process has meanwhile rebuilt the index with another embedder.
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
        """What `search` found not long ago, if the index has not changed since. Needs no model; for any thread."""
        if isinstance(within, str):
            return None
        return self._remembered.get(self.state(), (question, top_k, None if within is None else tuple(within)))

    def _check_is_the_same(self) -> None:
        """Whether the index, where another process has begun it anew, is still one that this embedder can search.

        Raises:
            MismatchedIndexError: It was made with another embedder.
        """
        store_id = self.store.meta.store_id()
        if store_id != self._store_id:
            self._certificate.is_outdated(self.store)
            self._store_id = store_id

    def left_out(self) -> dict[str, str]:
        """Files of the folder that are not in the index, or not as they are now: name to the reason."""
        return {record.name: record.reason for record in self.files() if not record.is_read}

    # Writing

    def sync(self, on_progress: Callable[[Progress], None] | None = None, *, retry_failed: bool = False) -> SyncReport:
        """Bring the index in step with the folder; only what changed is read and embedded.

        Each document is committed by itself: a run that is interrupted goes on where it was.

        Args:
            on_progress: Called as the work goes on.
            retry_failed: Read again what failed, was empty or was read only partly.

        Returns:
            What was done.

        Raises:
            FolderError: The folder is gone or cannot be read; the index stays as it is.
            BusyIndexError: There is something to do, and another process is writing.
        """
        check_folder(self.folder)
        generation = self.store.meta.generation()
        files = scan(self.folder)
        ledger = self.store.ledger.all()
        is_retried = retry_failed and may_be_retried(ledger.values())
        if not is_retried and is_in_step(files, ledger):
            if self.store.erasure.remains():  # of a process that was killed
                self._upkeep.begin()
            return SyncReport(unchanged=self.counts()["documents"])
        with self._changing(), self._new_workers() as workers:
            if self.store.meta.generation() != generation:
                files = scan(self.folder)  # others wrote while it waited for the right to: what was seen is old
            return SyncRun(self.store, self._writer.write, files, workers, on_progress, retry=is_retried).run()

    def write(self, documents: Iterable[Document], on_progress: Callable[[float], None] | None = None) -> None:
        """Index documents that come from no file.

        Args:
            documents: The documents, each in place of the one of its name.
            on_progress: Called with the share of the round that is embedded, 0 to 1.

        Raises:
            ParameterError: A text is not valid Unicode; nothing of its round was written.
            BusyIndexError: Another process is writing.
        """
        with self._changing():
            entries = (Entry(with_headings(_checked(document)), None) for document in documents)
            for round_ in in_rounds(entries):
                self._writer.write(round_, on_progress)

    def add(self, paths: Sequence[Path], on_progress: Callable[[Progress], None] | None = None) -> SyncReport:
        """Copy files into the folder and index them.

        Args:
            paths: The files. One with the name of a file that is there and other content gets a number.
            on_progress: Called as the work goes on.

        Returns:
            What was done.

        Raises:
            UnreadableFileError: A file is missing, hidden, or of a kind that cannot be read; nothing was copied.
            FolderError: The folder cannot be written; what was copied before is indexed by the next `sync`.
            BusyIndexError: Another process is writing.
        """
        hashes = [hash_of_addable(path) for path in paths]
        with self._changing():
            for path, sha256 in zip(paths, hashes, strict=True):
                self.store.ledger.let_in(copy_into(path, self.folder), sha256)
            return self.sync(on_progress)

    def remove(self, names: Sequence[str]) -> None:
        """Take documents out of the index and keep them out until they are added again. The files stay.

        Args:
            names: Names of documents, or of files that hold nothing but others; what is within a file goes with it.

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
        """Bring the index in step whenever the folder changes, in a thread, for a `with` block.

        Args:
            on_change: Called with what was done, each time that something was.
            on_progress: Called as the work goes on, and with None whenever the index is in step.

        Returns:
            What to open with `with`.
        """
        return watching(self.folder, self.sync, on_change, on_progress)

    def doctor(self, *, mend: bool = False) -> Diagnosis:
        """Check every invariant of the index, and mend what can be mended.

        Args:
            mend: Rebuild what is derived, drop what belongs to nothing, and read documents again whose passages or
                vectors are wrong; one that comes from no file is made again of its stored text.

        Returns:
            What was wrong, and what still is.

        Raises:
            BusyIndexError: Something is to be mended, and another process is writing.
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
        """Hold the right to write; what that leaves to be done begins in the background.

        Yields:
            Nothing.
        """
        with self.writing():
            try:
                yield
            finally:
                self._upkeep.begin()

    def writing(self, *timeout_s: float) -> AbstractContextManager[None]:
        """Hold the right to write for a `with` block, as `WriteLock.held` does."""
        return self._lock.held(*timeout_s)


def _checked_index_dir(index_dir: Path | None, folder: Path) -> Path:
    """Where an index is to lie.

    Args:
        index_dir: Where it was told to; None is the usual place.
        folder: The documents.

    Returns:
        The place.

    Raises:
        ParameterError: It lies inside the folder.
    """
    place = default_index_dir(folder) if index_dir is None else index_dir.resolve()
    if place.is_relative_to(folder):
        what = "the index's usual place" if index_dir is None else "index_dir"
        raise ParameterError(
            f"{what}={str(place)!r} lies inside folder={str(folder)!r}, where it would be read as"
            " a document; set index_dir to a folder elsewhere"
        )
    return place


def _first_missing(names: Iterable[str], known: Container[str]) -> str | None:
    return next((name for name in names if name not in known), None)


def _checked(document: Document) -> Document:
    check_unicode(f"the text of {document.name!r}", document.text)
    return document


def default_index_dir(folder: Path) -> Path:
    """Where the index of a folder lies when no place is given: below the user's data folder."""
    key = hashlib.sha256(str(folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return platformdirs.user_data_path("verbatim-qa", appauthor=False) / "indexes" / key
