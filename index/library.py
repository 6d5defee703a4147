"""The index of a folder of documents: opened, brought in step, searched."""

import hashlib
import shlex
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import filelock
import platformdirs

from index.errors import (
    BusyIndexError,
    DamagedIndexError,
    MismatchedIndexError,
    ParameterError,
    UnknownDocumentError,
    UnreadableFileError,
    UnsupportedFileError,
    VerbatimError,
)
from index.formats.content import Place
from index.formats.kinds import SUMMARY
from index.formats.text.markdown import with_headings
from index.ingest import loading
from index.ingest.chunking import Splitter, SplitterSettings
from index.ingest.scanning import check_folder, copy_into, is_in_step, scan
from index.ingest.sync import Entry, Progress, Round, SyncReport, SyncRun, in_rounds, may_be_retried
from index.ingest.watching import StoppedError, follow
from index.ingest.worker_pool import Limits, Workers
from index.maintenance.erasure import Upkeep
from index.maintenance.integrity import BEYOND_FILES, Diagnosis, Problem, count_rows, examine, mend_rows, reindex
from index.records import Document, DocumentRecord, FileRecord, Hit, PageBoxes, check_unicode
from index.retrieval import faiss_index
from index.retrieval.embedding import Embedder
from index.retrieval.faiss_index import VectorIndex
from index.retrieval.hybrid import Searcher
from index.storage import private_files, store
from index.storage.passages import PassageRow
from index.storage.schema import SCHEMA_VERSION
from index.storage.store import Store

_LOCK_FILE = "write.lock"
_MENDING_ROUNDS = 3
_PATIENCE_S = 5
"""Seconds that a new index waits for another process that is making the same."""

_REMEMBERED_QUESTIONS = 100
"""Questions whose passages are kept until the index changes: answering one looks for them more than once."""

_MANNERS_S = 2
"""Seconds that writing waits for another process: one that only erases what was deleted lets others in between."""


_Sought = tuple[str, int, tuple[str, ...] | None]
"""Question, how many at most, and the names of documents."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What was found in one state of an index."""

    state: tuple[object, ...]
    hits: dict[_Sought, tuple[Hit, ...]]


class Library:
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
        self.index_dir = default_index_dir(self.folder) if index_dir is None else index_dir.resolve()
        if self.index_dir.is_relative_to(self.folder):
            place = "the index's usual place" if index_dir is None else "index_dir"
            raise ParameterError(
                f"{place}={str(self.index_dir)!r} lies inside folder={str(self.folder)!r}, where it would be read as"
                " a document; set index_dir to a folder elsewhere"
            )
        self.embedder = embedder
        self._passwords = tuple(passwords)
        self._limits = limits
        self._thread_lock = threading.RLock()
        self._remembered = _Remembered((), {})
        self._file_lock = filelock.FileLock(self.index_dir / _LOCK_FILE, timeout=0, mode=0o600, thread_local=False)
        private_files.mend_file(self.index_dir / _LOCK_FILE)
        self._rebuild_command = f"verbatim index {shlex.quote(str(self.folder))} --rebuild"
        self.store = self._begin_anew() if rebuild else Store(self.index_dir, self._rebuild_command)
        if self._is_outdated():
            with self.writing(_PATIENCE_S):
                if self._is_outdated():  # another process may have seen to it between the look and the lock
                    self.store.clear({"certificate": self._certificate()})
        self._store_id = self.store.meta.store_id()
        self._vectors = VectorIndex(self.store)
        self._upkeep = Upkeep(self.store, self._vectors, self.writing)

    # What is made only when it is needed: listing documents loads no model.

    @cached_property
    def _splitter(self) -> Splitter:
        return Splitter(self.embedder.tokenizer)

    @cached_property
    def _searcher(self) -> Searcher:
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
                hits = self._search(question, top_k, within)
                self._remember((question, top_k, None if within is None else tuple(within)), hits)
        return hits

    def remembered(self, question: str, top_k: int, within: Sequence[str] | None = None) -> list[Hit] | None:
        """What `search` found not long ago, if the index has not changed since. Needs no model; for any thread.

        Args:
            question: The question.
            top_k: How many at most.
            within: Names of the documents that were searched; None is all of them.

        Returns:
            The passages; None where they have to be searched for.
        """
        remembered = self._remembered
        if isinstance(within, str) or remembered.state != self.state():
            return None
        hits = remembered.hits.get((question, top_k, None if within is None else tuple(within)))
        return None if hits is None else list(hits)

    def _remember(self, sought: "_Sought", hits: Sequence[Hit]) -> None:
        state = self.state()
        if state != self._remembered.state or len(self._remembered.hits) >= _REMEMBERED_QUESTIONS:
            self._remembered = _Remembered(state, {})
        self._remembered.hits[sought] = tuple(hits)

    def _search(self, question: str, top_k: int, within: Sequence[str] | None) -> list[Hit]:
        for name in self.store.documents.missing(within or ()):
            raise UnknownDocumentError(f"within names {name!r}, which is not in the index")
        return self._searcher.search(question, top_k, within)

    def documents(self) -> list[DocumentRecord]:
        """The documents in the index, in the order of their names."""
        return self.store.documents.records()

    # What `index.protocol.DocumentIndex` asks for besides

    def reading(self) -> AbstractContextManager[object]:
        """Read one consistent state of the index for a `with` block, whatever is written meanwhile."""
        return self.store.database.reading()

    def state(self) -> tuple[object, ...]:
        """Identity of the index and how often it was changed."""
        return self.store.meta.store_id(), self.store.meta.generation()

    def counts(self) -> dict[str, int]:
        """Number of "documents" and "passages"; deleted ones are not counted."""
        with self.store.database.reading():
            return {"documents": self.store.documents.count(), "passages": self.store.passages.count()}

    def words_held(self, words: Iterable[str], *, as_written: bool = False) -> set[str]:
        """Those of some lower-case words that stand in a document, in this form or in any."""
        return self.store.passages.words_held(words, as_written=as_written)

    def record(self, name: str) -> DocumentRecord:
        """Look up one document without its text; raises `UnknownDocumentError`."""
        return self.store.documents.record(name)

    def text(self, name: str) -> str:
        """Stored text of a document; raises `UnknownDocumentError`."""
        return self.store.documents.get(name).text

    def metadata(self, name: str) -> dict[str, str]:
        """What a document says of itself; raises `UnknownDocumentError`."""
        return self.store.documents.metadata(name)

    def places(self, name: str) -> tuple[Place, ...]:
        """Where stretches of a document's text stand in its file; raises `UnknownDocumentError`."""
        return self.store.documents.places(name)

    def place_at(self, name: str, offset: int) -> str:
        """Label of the place at an offset; raises `UnknownDocumentError`."""
        return self.store.documents.place_at(name, offset)

    def extent(self, name: str) -> tuple[int, int]:
        """Number of pages and of places of a document; raises `UnknownDocumentError`."""
        return self.store.documents.extent(name)

    def page_sizes(self, name: str) -> list[tuple[float, float]]:
        """Width and height of each page, in points; raises `UnknownDocumentError`."""
        return self.store.documents.page_sizes(name)

    def boxes(self, name: str, start: int, end: int) -> list[PageBoxes]:
        """Where a stretch of text is printed; raises `UnknownDocumentError`."""
        return self.store.documents.boxes(name, start, end)

    def left_out(self) -> dict[str, str]:
        """Files of the folder that are not in the index, or not as they are now: name to the reason."""
        return {record.name: record.reason for record in self.files() if not record.is_read}

    def files(self) -> list[FileRecord]:
        """The ledger: every file that was met, files within files included, and what became of it; by name."""
        return list(self.store.ledger.files().values())

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
        ledger = self.store.ledger.files()
        is_retried = retry_failed and may_be_retried(ledger.values())
        if not is_retried and is_in_step(files, ledger):
            if self.store.erasure.remains():  # of a process that was killed
                self._upkeep.begin()
            return SyncReport(unchanged=self.store.documents.count())
        with self._changing(), Workers(self._passwords, self._limits) as workers:
            if self.store.meta.generation() != generation:
                files = scan(self.folder)  # others wrote while it waited for the right to: what was seen is old
            return SyncRun(self.store, self.write_round, files, workers, on_progress, retry=is_retried).run()

    def write(self, documents: Iterable[Document], on_progress: Callable[[float], None] | None = None) -> None:
        """Index documents that come from no file.

        Args:
            documents: The documents, each in place of the one of its name.
            on_progress: Called with the share of the round that is embedded, 0 to 1.

        Raises:
            ParameterError: A text is no valid Unicode; nothing of its round was written.
            BusyIndexError: Another process is writing.
        """
        with self._changing():
            entries = (Entry(with_headings(_checked(document)), None) for document in documents)
            for round_ in in_rounds(entries):
                self.write_round(round_, on_progress)

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
        hashes = [_hash_of_addable(path) for path in paths]
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
            documents = {record.name for record in self.store.documents.records()}
            known = documents.union(record.name for record in self.files() if record.is_read)
            for name in names:
                if name not in known:
                    raise UnknownDocumentError(f"there is no document {name!r} in the index")
            above = tuple(f"{name}/" for name in names)
            self.store.keep_out(names, [name for name in documents if name.startswith(above) and name not in names])

    @contextmanager
    def watch(self, on_change: Callable[[SyncReport], None] | None = None) -> Iterator[None]:
        """Bring the index in step whenever the folder changes, in a thread, for a `with` block.

        Args:
            on_change: Called with what was done, each time that something was.

        Yields:
            Nothing.
        """
        stop = threading.Event()

        def end_if_stopped(_: Progress) -> None:
            if stop.is_set():
                raise StoppedError

        def bring_in_step() -> None:
            report = self.sync(end_if_stopped)
            if on_change is not None and report.has_changes:
                on_change(report)

        # A daemon: Ctrl-C may come between any two lines here, and must end the process all the same.
        thread = threading.Thread(target=follow, args=(self.folder, bring_in_step, stop), daemon=True)
        try:
            thread.start()
            yield
        finally:
            stop.set()
            if thread.is_alive():
                thread.join()

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
        found = left = examine(self.store, self._dimension)
        if mend and found:
            with self._changing():
                # Once SQLite's own file is mended, what is in it can be looked at: there may be more to mend.
                for _ in range(_MENDING_ROUNDS):
                    self._mend(left)
                    before, left = left, examine(self.store, self._dimension)
                    found += [problem for problem in left if problem not in found]
                    if not left or left == before:
                        break
        mended = tuple(problem for problem in found if problem not in left)
        return Diagnosis(count_rows(self.store), tuple(left), mended)

    def _mend(self, problems: list[Problem]) -> None:
        if any(problem.check in BEYOND_FILES for problem in problems):
            reindex(self.store)
            return
        of_files = self.store.ledger.files().keys()
        mend_rows(self.store, problems)
        names = {problem.document for problem in problems if problem.document is not None}
        for round_ in in_rounds(Entry(self.store.documents.get(name), None) for name in sorted(names - of_files)):
            self.write_round(round_)
        if names & of_files or any(problem.file for problem in problems):
            self.sync()
        self._vectors.discard()
        self._vectors.catch_up()
        self._vectors.save()

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

    @contextmanager
    def writing(self, timeout_s: float = _MANNERS_S) -> Iterator[None]:
        """Hold the right to write, among threads and processes.

        Args:
            timeout_s: How long to wait for another process that has it, in seconds.

        Yields:
            Nothing.

        Raises:
            BusyIndexError: Another process has it.
            VerbatimError: The index's folder cannot be written.
        """
        with self._thread_lock:
            try:
                private_files.make_folder(self.index_dir)
                self._file_lock.acquire(timeout=timeout_s)
            except filelock.Timeout as error:
                raise BusyIndexError(
                    f"the index of {str(self.folder)!r} is being written by another process; wait until it is done"
                ) from error
            except OSError as error:
                place = f"index_dir={str(self.index_dir)!r}"
                raise VerbatimError(f"{place} cannot be written: {error.strerror}; name a folder that can") from error
            try:
                yield
            finally:
                self._file_lock.release()

    def write_round(self, round_: Round, on_progress: Callable[[float], None] | None = None) -> None:
        """Split, embed and commit some documents: embedded together, committed one by one.

        Args:
            round_: Documents, each with its line of the ledger.
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

        vectors = iter(self.embedder.embed(texts, on_batch) if texts else ())
        for entry, passages, row in zip(round_, split, contexts, strict=True):
            if entry.document is not None:
                rows = [PassageRow(p, context, next(vectors)) for p, context in zip(passages, row, strict=True)]
                self.store.put(entry.document, rows, entry.file)
            elif entry.file is not None:
                self.store.ledger.write([entry.file])

    # The certificate

    def _certificate(self) -> dict[str, Any]:
        return {
            "version": our_version(),
            "folder": str(self.folder),
            "embedder": self.embedder.name,
            "embedder_sha256": self.embedder.fingerprint,
            "splitter": asdict(SplitterSettings()),
            "loaders": loading.LOADERS_VERSION,
            "schema": SCHEMA_VERSION,
        }

    def _is_outdated(self) -> bool:
        """Whether it is new or an older version of ours made it, so that it is begun anew without asking.

        Returns:
            Whether it is to be begun anew.

        Raises:
            MismatchedIndexError: It was made with something else that is not ours to throw away.
        """
        found = self.store.meta.get("certificate")
        if found is None:
            return True
        ours = self._certificate()
        command = f"rebuild it with: {self._rebuild_command}"
        if any(found.get(key, 0) > ours[key] for key in ("schema", "loaders")):
            raise MismatchedIndexError(f"the index in {self.index_dir} was made by a newer version; {command}")
        if found.get("folder") != ours["folder"]:
            raise MismatchedIndexError(
                f"index_dir={str(self.index_dir)!r} holds the index of {found.get('folder')!r}; choose another,"
                f" or {command}"
            )
        if found.get("embedder_sha256") != ours["embedder_sha256"]:
            raise MismatchedIndexError(
                f"the index in {self.index_dir} was made with embedder {found.get('embedder')!r}, not"
                f" {self.embedder.name!r}; {command}"
            )
        return any(found.get(key) != ours[key] for key in ("splitter", "loaders", "schema"))

    def _check_is_the_same(self) -> None:
        """Whether the index, where another process has begun it anew, is still one that this embedder can search.

        Raises:
            MismatchedIndexError: It was made with another embedder.
        """
        store_id = self.store.meta.store_id()
        if store_id != self._store_id:
            self._is_outdated()
            self._store_id = store_id

    def _begin_anew(self) -> Store:
        """The store with nothing in it but our certificate, whatever was there.

        Returns:
            The store.

        Raises:
            BusyIndexError: Another process is writing it.
        """
        with self.writing():
            try:
                opened = Store(self.index_dir, self._rebuild_command)
                opened.clear({"certificate": self._certificate()})
            except DamagedIndexError:
                # The database first: SQLite drops a log that it finds beside no database, never the reverse.
                for name in (
                    store.FILE_NAME,
                    f"{store.FILE_NAME}-wal",
                    f"{store.FILE_NAME}-shm",
                    faiss_index.FILE_NAME,
                ):
                    (self.index_dir / name).unlink(missing_ok=True)
                opened = Store(self.index_dir, self._rebuild_command)
                opened.clear({"certificate": self._certificate()})
        return opened


def our_version() -> str:
    """The version of Verbatim that is running; "unknown" from a checkout that is not installed."""
    try:
        return metadata.version("verbatim-qa")
    except metadata.PackageNotFoundError:
        return "unknown"


def _checked(document: Document) -> Document:
    check_unicode(f"the text of {document.name!r}", document.text)
    return document


def _hash_of_addable(path: Path) -> str:
    """Hash of a file's bytes.

    Args:
        path: A file that is to be added to a folder of documents.

    Returns:
        The hash, in hexadecimal.

    Raises:
        UnsupportedFileError: It is of a kind that cannot be read.
        UnreadableFileError: It would not be indexed for another reason: it is hidden, or not there.
    """
    if path.name.startswith("."):
        raise UnreadableFileError(f"{path.name}: hidden files are not indexed; give it a name without the leading dot")
    if not loading.is_supported(path):
        raise UnsupportedFileError(f"{path.name}: unsupported file type {path.suffix!r}; supported: {SUMMARY}")
    try:
        return hashlib.sha256(loading.read_bytes(path)).hexdigest()
    except UnreadableFileError as error:
        raise UnreadableFileError(f"{path.name}: {error}") from error


def default_index_dir(folder: Path) -> Path:
    """Where the index of a folder lies when no place is given: below the user's data folder."""
    key = hashlib.sha256(str(folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return platformdirs.user_data_path("verbatim-qa", appauthor=False) / "indexes" / key
