"""Sync run: carries out what `plan` decides to bring an index up to date with its folder."""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from index.errors import ChangingFileError, UnreadableFileError
from index.ingest import loading
from index.ingest.loading import FAILED, UNSUPPORTED, LoadedFile, status_of
from index.ingest.plan import (
    DUPLICATE,
    NEW,
    REMOVED,
    Delete,
    Indexed,
    Note,
    Plan,
    Read,
    Rename,
    failed,
    is_settled,
    plan,
)
from index.ingest.rounds import Entry, WriteRound, in_rounds
from index.ingest.scanning import FoundFile, is_same
from index.ingest.worker_pool import Outcome, Task, Workers
from index.records import READ, Document, FileRecord
from index.storage.store import Store


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of indexing.

    Attributes:
        files_done: Number of files that are in the index.
        files_total: Number of files that this run reads.
        fraction: Share of their bytes that is embedded, 0 to 1.
    """

    files_done: int
    files_total: int
    fraction: float


@dataclass(frozen=True, slots=True)
class SyncReport:
    """Result of a sync run, by names of documents; files left out, and why, are in the store's ledger.

    Attributes:
        added: New documents.
        changed: Documents that were read again.
        removed: Documents whose files are missing or empty now.
        renamed: Documents whose files have a new name and the same content: old name to new name.
        unchanged: Number of other documents.
    """

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    unchanged: int = 0

    @property
    def has_changes(self) -> bool:
        """Whether documents were added, changed, removed or renamed."""
        return bool(self.added or self.changed or self.removed or self.renamed)


class SyncRun:
    """One run that updates an index to match the files found in its folder."""

    def __init__(
        self,
        store: Store,
        write_round: WriteRound,
        files: dict[str, FoundFile],
        workers: Workers,
        on_progress: Callable[[Progress], None] | None,
        *,
        retry: bool = False,
    ) -> None:
        """Create a run; the write lock must be held until it is done.

        Args:
            store: Store of the index.
            write_round: Splits, embeds and commits a batch of documents, and reports its progress.
            files: The files in the folder, by name.
            workers: Worker processes that read files.
            on_progress: Called with the progress of the work.
            retry: Whether to read files again that failed or were read only in part.
        """
        self._store = store
        self._write_round = write_round
        self._files = files
        self._workers = workers
        self._on_progress = on_progress
        self._retry = retry
        self._indexed = _indexed(store)
        self._originals: dict[str, str] = {}
        self._report = SyncReport()

    def run(self) -> SyncReport:
        """Rename, delete, read, embed and commit until the index matches the files.

        Returns:
            What was added, changed, removed and renamed.
        """
        seen = {name: self._look(name, file) for name, file in self._files.items()}
        decided = plan(self._indexed, seen, retry=self._retry)
        self._originals = dict(decided.originals)
        self._rename(decided)
        n_dropped = self._delete(decided)
        self._index([action for action in decided.actions if isinstance(action, Read)])
        report = self._report
        touched = len(report.changed) + len(report.removed) + len(report.renamed) + n_dropped
        return replace(report, unchanged=len(self._indexed.documents) - touched)

    def _look(self, name: str, file: FoundFile) -> FileRecord:
        """Return a file's current ledger entry for `plan`; the file is hashed only if its size or times changed."""
        before = self._indexed.ledger.get(name)
        if before is not None and not before.parent and is_settled(before, retry=self._retry) and is_same(file, before):
            return before
        record = FileRecord(name, NEW, "", "", file.size_bytes, file.modified_ns, time.time_ns())
        if file.problem:
            return replace(record, status=file.status, detail=file.problem)
        if not loading.is_supported(file.path):
            return replace(record, status=UNSUPPORTED)
        try:
            return replace(record, sha256=hashlib.sha256(loading.read_bytes(file.path)).hexdigest())
        except UnreadableFileError as error:
            return replace(record, status=FAILED, detail=str(error))

    # Changes without reading

    def _rename(self, decided: Plan) -> None:
        for action in decided.actions:
            if isinstance(action, Rename):
                self._store.rename(action.old, action.file)
                self._report.renamed.update(action.documents)

    def _delete(self, decided: Plan) -> int:
        """Delete documents and write ledger entries in one transaction; return how many documents were deleted."""
        lost = [action for action in decided.actions if isinstance(action, Delete)]
        noted = [action.file for action in decided.actions if isinstance(action, Note)]
        if lost or noted:
            self._store.delete([action.name for action in lost], noted)
        documents = [action for action in lost if action.is_document]
        self._report.removed.extend(action.name for action in documents if action.is_gone)
        return sum(not action.is_gone for action in documents)

    # Reading and writing

    def _index(self, reads: list[Read]) -> None:
        """Read, embed and commit files, and report the progress."""
        total_bytes = sum(read.file.size_bytes for read in reads)
        done_bytes = done_files = 0
        for round_ in in_rounds(self._load(reads)):
            files = [entry.file for entry in round_ if entry.file is not None and not entry.file.parent]
            round_bytes = sum(file.size_bytes for file in files)

            def on_share(
                share: float, before: int = done_bytes, size: int = round_bytes, done: int = done_files
            ) -> None:
                self._tell(done, len(reads), before + share * size, total_bytes)

            self._write_round(round_, on_share)
            done_bytes, done_files = done_bytes + round_bytes, done_files + len(files)
            self._tell(done_files, len(reads), done_bytes, total_bytes)

    def _load(self, reads: list[Read]) -> Iterator[Entry]:
        tasks = (Task(self._files[read.file.name].path, read.file.name) for read in reads)
        outcomes = self._workers.load_all(tasks)
        for read, (_, outcome) in zip(reads, outcomes, strict=True):
            yield from self._entries(read, outcome)

    def _entries(self, read: Read, outcome: Outcome) -> Iterator[Entry]:
        """Return what is committed for a file: the files inside it first, its own ledger entry last."""
        if isinstance(outcome, UnreadableFileError):
            self._note_failure(read, outcome)
            return
        whole, *parts = outcome
        lines = [self._line_of_part(read.file, part) for part in parts]
        documents = [part.document for part, line in zip(parts, lines, strict=True) if line.status in READ]
        kept = [document.name for document in (whole.document, *documents) if document is not None]
        if parts or read.parts or whole.document is None:
            self._report.removed.extend(name for name in read.documents if name not in kept)
            bare = [line for line, part in zip(lines, parts, strict=True) if _document_of(line, part) is None]
            self._store.begin_file(read.file.name, bare, kept)
        for line, part in zip(lines, parts, strict=True):
            if _document_of(line, part) is not None:
                self._report_written(line.name, read)
                yield Entry(part.document, line)
        if whole.document is not None:
            self._report_written(read.file.name, read)
        line = replace(read.file, status=whole.status, detail=whole.detail, sha256=whole.sha256)
        yield Entry(whole.document, line)

    def _line_of_part(self, owner: FileRecord, part: LoadedFile) -> FileRecord:
        """Return the ledger entry of a file inside a file."""
        line = FileRecord(
            part.name, part.status, part.detail, part.sha256, part.size_bytes, owner.modified_ns, owner.checked_ns,
            owner.name,
        )  # fmt: skip
        if part.name in self._indexed.names_out or part.sha256 in self._indexed.contents_out:
            return replace(line, status=REMOVED, detail="")
        if part.document is None:
            return line
        original = self._originals.setdefault(part.sha256, part.name)
        return line if original == part.name else replace(line, status=DUPLICATE, detail=original)

    def _note_failure(self, read: Read, error: UnreadableFileError) -> None:
        """Record why a file could not be read; the document of an emptied file is deleted."""
        record, status = read.file, status_of(error)
        if status == FAILED:
            if isinstance(error, ChangingFileError):
                record = replace(record, sha256="")  # it was not read, whatever it contains
            owners = (record.name,) if read.documents else ()
            self._store.ledger.write([failed(record, str(error), owners)])
            return
        detail = "" if status == UNSUPPORTED else str(error)
        gone = [record.name, *read.documents, *read.parts]
        self._store.delete(gone, [replace(record, status=status, detail=detail)])
        self._report.removed.extend(read.documents)

    def _report_written(self, name: str, read: Read) -> None:
        (self._report.changed if name in read.documents else self._report.added).append(name)

    def _tell(self, done: int, total: int, done_bytes: float, total_bytes: int) -> None:
        if self._on_progress is not None:
            self._on_progress(Progress(done, total, done_bytes / total_bytes if total_bytes else 1.0))


def _indexed(store: Store) -> Indexed:
    """Return the contents of an index for `plan`."""
    return Indexed(
        store.ledger.all(), {record.name: record.sha256 for record in store.documents.all()}, *store.ledger.kept_out()
    )


def _document_of(line: FileRecord, part: LoadedFile) -> Document | None:
    """Return the document of a file inside a file; None if it is not indexed."""
    return part.document if line.status in READ else None
