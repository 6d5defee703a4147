"""One run that brings an index in step with the files of its folder."""

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from index.errors import ChangingFileError, UnreadableFileError
from index.ingest import loading
from index.ingest.loading import EMPTY, FAILED, PARTLY_READ, UNSUPPORTED, LoadedFile, status_of
from index.ingest.scanning import FoundFile, is_below_closed, is_same
from index.ingest.worker_pool import Outcome, Task, Workers
from index.records import READ, Document, FileRecord
from index.storage.store import Store

_CHARS_PER_ROUND = 100_000
_DOCUMENTS_PER_ROUND = 128
_NEW, _DUPLICATE, _REMOVED = "new", "duplicate", "removed"
_RETRIED = (FAILED, EMPTY, PARTLY_READ)
"""What another attempt may mend: a program was installed, a password set, more memory found."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is committed together.

    Attributes:
        document: A document; None for a file that holds none of its own, only files within it.
        file: Its line of the ledger; None where it comes from no file.
    """

    document: Document | None
    file: FileRecord | None


Round = list[Entry]
"""Entries whose documents are embedded together."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run of indexing is.

    Attributes:
        files_done: Files that are in the index.
        files_total: Files that this run reads.
        fraction: Share of their bytes that is embedded, 0 to 1.
    """

    files_done: int
    files_total: int
    fraction: float


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a run of indexing did, by names of documents; the store's ledger says which files were left out and why.

    Attributes:
        added: Documents that are new.
        changed: Documents that were read again.
        removed: Documents whose files are gone or were emptied.
        renamed: Documents whose files have another name and the same content: old name to new name.
        unchanged: Number of documents left as they were.
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


def in_rounds(entries: Iterable[Entry]) -> Iterator[Round]:
    """Group documents so that short ones fill a batch together and long ones do not pile up."""
    round_: Round = []
    chars = 0
    for entry in entries:
        round_.append(entry)
        chars += 0 if entry.document is None else len(entry.document.text)
        if chars >= _CHARS_PER_ROUND or len(round_) >= _DOCUMENTS_PER_ROUND:
            yield round_
            round_, chars = [], 0
    if round_:
        yield round_


def may_be_retried(ledger: Iterable[FileRecord]) -> bool:
    """Whether the ledger has files that another attempt may read, or read more of."""
    return any(record.status in _RETRIED for record in ledger)


class SyncRun:
    """One run that brings an index in step with the files that were found."""

    def __init__(
        self,
        store: Store,
        write_round: Callable[[Round, Callable[[float], None]], None],
        files: dict[str, FoundFile],
        workers: Workers,
        on_progress: Callable[[Progress], None] | None,
        *,
        retry: bool = False,
    ) -> None:
        """Plan a run; the right to write must be held until it is done.

        Args:
            store: The index's store.
            write_round: Splits, embeds and commits some documents, telling the share that is done.
            files: The files that are in the folder, by name.
            workers: What reads files.
            on_progress: Called as the work goes on.
            retry: Whether to read again what could not be read, or not wholly.
        """
        self._store = store
        self._write_round = write_round
        self._files = files
        self._workers = workers
        self._on_progress = on_progress
        self._retry = retry
        lines = store.ledger.files()
        self._ledger = {name: record for name, record in lines.items() if not record.parent}
        self._parts = {name: record for name, record in lines.items() if record.parent}
        self._documents = {record.name: record.sha256 for record in store.documents.records()}
        self._names_out, self._contents_out = store.ledger.kept_out()
        self._originals: dict[str, str] = {}
        self._documents_of: defaultdict[str, list[str]] = defaultdict(list)
        self._parts_of: defaultdict[str, list[str]] = defaultdict(list)
        self._report = SyncReport()

    def run(self) -> SyncReport:
        """Read, embed, commit, rename and delete until index and files agree.

        Returns:
            What was done.
        """
        n_before = len(self._documents)
        records = {name: self._examine(name, file) for name, file in self._files.items()}
        self._retry_in_part(records)
        self._follow_renames(records)
        self._name_duplicates(records)
        gone, dropped = self._outdated(records)
        settled = {name: record for name, record in records.items() if record.status != _NEW}
        altered = [record for name, record in settled.items() if self._ledger.get(name) != record]
        if gone or dropped or altered:
            self._store.delete([*gone, *dropped], altered)
        self._report.removed.extend(name for name in gone if name in self._documents)
        lost = {*gone, *dropped}
        staying = {name: sha256 for name, sha256 in self._documents.items() if name not in lost}
        self._free_duplicates(records, staying)
        self._originals = self._claimed(records, staying)
        self._sort_by_owner()
        self._index([record for record in records.values() if record.status == _NEW])
        report = self._report
        touched = len(report.changed) + len(report.removed) + len(report.renamed)
        return replace(report, unchanged=n_before - touched - sum(name in self._documents for name in dropped))

    def _sort_by_owner(self) -> None:
        for name in self._documents:
            self._documents_of[self._owner(name)].append(name)
        for name, part in self._parts.items():
            self._parts_of[part.parent].append(name)

    # What became of the files

    def _owner(self, name: str) -> str:
        """The file of the folder that a document comes from."""
        return self._parts[name].parent if name in self._parts else name

    def _is_gone(self, name: str) -> bool:
        return name not in self._files and not is_below_closed(name, self._files)

    def _outdated(self, records: dict[str, FileRecord]) -> tuple[list[str], list[str]]:
        """Names, of documents or files within files, whose file is gone, and whose file has nothing to quote now."""
        gone: list[str] = []
        dropped: list[str] = []
        for name in sorted(self._ledger.keys() | self._parts.keys() | self._documents.keys()):
            owner = self._owner(name)
            record = records.get(owner)
            is_known = name in self._documents or name in self._parts
            if self._is_gone(owner):
                gone.append(name)
            elif record is not None and is_known and record.status in (_DUPLICATE, _REMOVED, UNSUPPORTED):
                dropped.append(name)
        return gone, dropped

    def _examine(self, name: str, file: FoundFile) -> FileRecord:
        """The ledger's line for a file as it is now; status "new" where it has to be read and embedded."""
        before = self._ledger.get(name)
        is_retried = self._retry and before is not None and before.status in _RETRIED
        if before is not None and is_same(file, before) and before.status != _DUPLICATE and not is_retried:
            return before
        record = FileRecord(name, _NEW, "", "", file.size_bytes, file.modified_ns, time.time_ns())
        if file.problem:
            return self._failed(record, file.problem)
        if not loading.is_supported(file.path):
            return replace(record, status=UNSUPPORTED)
        try:
            sha256 = hashlib.sha256(loading.read_bytes(file.path)).hexdigest()
        except UnreadableFileError as error:
            return self._failed(record, str(error))
        return self._compared(replace(record, sha256=sha256), None if is_retried else before)

    def _compared(self, record: FileRecord, before: FileRecord | None) -> FileRecord:
        """The ledger's line for a file whose content is known, where it may be the same as before."""
        if record.name in self._names_out or record.sha256 in self._contents_out:
            return replace(record, status=_REMOVED)
        if before is None or before.status not in (*READ, EMPTY, FAILED) or before.sha256 != record.sha256:
            return record
        if not before.is_read:
            return replace(record, status=before.status, detail=before.detail)
        is_there = self._documents.get(record.name, record.sha256) == record.sha256
        return replace(record, status=before.status, detail=before.detail) if is_there else record

    def _retry_in_part(self, records: dict[str, FileRecord]) -> None:
        """Read files again in which a file could not be read."""
        for part in self._parts.values() if self._retry else ():
            owner = records.get(part.parent)
            if owner is not None and owner.status in READ and part.status in _RETRIED:
                records[part.parent] = replace(owner, status=_NEW, detail="")

    def _failed(self, record: FileRecord, reason: str) -> FileRecord:
        owners = map(self._owner, self._documents)
        is_kept = any(name == record.name or is_below_closed(name, (record.name,)) for name in owners)
        kept = "; the text read before stays indexed" if is_kept else ""
        return replace(record, status=FAILED, detail=reason + kept)

    def _follow_renames(self, records: dict[str, FileRecord]) -> None:
        """Where a file is gone and a new one has its content, what is indexed of it takes the new name."""
        gone = {old.sha256: old for name, old in self._ledger.items() if old.is_read and self._is_gone(name)}
        taken = self._documents.keys() | {part.parent for part in self._parts.values()}
        for name, record in records.items():
            old = gone.get(record.sha256) if record.status == _NEW and name not in taken else None
            if old is not None and PurePath(old.name).suffix == PurePath(name).suffix:
                records[name] = replace(record, status=old.status, detail=old.detail)
                self._store.rename(old.name, records[name])
                self._rename(old.name, name)
                del gone[record.sha256]

    def _name_duplicates(self, records: dict[str, FileRecord]) -> None:
        """Of files with the same content one is indexed: the one that is already, else the first by name."""
        first = {
            self._documents[name]: name
            for name, part in self._parts.items()
            if name in self._documents and self._stays(part.parent, records)
        }
        for name, record in sorted(records.items(), key=lambda item: (item[1].status not in READ, item[0])):
            if record.status not in (*READ, _NEW):
                continue
            original = first.setdefault(record.sha256, name)
            if original != name:
                records[name] = replace(record, status=_DUPLICATE, detail=original)

    def _stays(self, owner: str, records: dict[str, FileRecord]) -> bool:
        """Whether what is indexed of a file stays as it is."""
        if owner not in records:
            return not self._is_gone(owner)
        return records[owner].status in (*READ, FAILED)

    def _rename(self, old: str, new: str) -> None:
        """Know a file, its document and the files within it by the new name."""
        del self._ledger[old]
        parts = [name for name, record in self._parts.items() if record.parent == old]
        for name in parts:
            moved = new + name[len(old) :]
            self._parts[moved] = replace(self._parts.pop(name), name=moved, parent=new)
        for name in (old, *parts):
            if name in self._documents:
                moved = new + name[len(old) :]
                self._documents[moved] = self._documents.pop(name)
                self._report.renamed[name] = moved
        for name, record in self._parts.items():
            if record.status == _DUPLICATE and record.detail in self._report.renamed:
                self._parts[name] = replace(record, detail=self._report.renamed[record.detail])

    def _free_duplicates(self, records: dict[str, FileRecord], staying: dict[str, str]) -> None:
        """Read files again in which there is a duplicate of what is no longer there: it takes its place."""
        for part in self._parts.values():
            owner = records.get(part.parent)
            is_left = owner is not None and owner.status in READ and part.status == _DUPLICATE
            if is_left and owner is not None and not self._stands(part, records, staying):
                records[part.parent] = replace(owner, status=_NEW, detail="")

    def _stands(self, part: FileRecord, records: dict[str, FileRecord], staying: dict[str, str]) -> bool:
        """Whether the document that a file within a file is a duplicate of stays as it is."""
        return staying.get(part.detail) == part.sha256 and self._stays(self._owner(part.detail), records)

    def _claimed(self, records: dict[str, FileRecord], staying: dict[str, str]) -> dict[str, str]:
        """Which document has a content, by its hash: those that stay, and files of the folder that will be read."""
        claimed = {record.sha256: name for name, record in records.items() if record.status == _NEW}
        claimed |= {sha256: name for name, sha256 in staying.items() if self._stays(self._owner(name), records)}
        return claimed

    # Reading and writing

    def _index(self, records: list[FileRecord]) -> None:
        """Read, embed and commit files, telling how far it is."""
        total_bytes = sum(record.size_bytes for record in records)
        done_bytes = done_files = 0
        for round_ in in_rounds(self._load(records)):
            files = [entry.file for entry in round_ if entry.file is not None and not entry.file.parent]
            round_bytes = sum(file.size_bytes for file in files)

            def on_share(
                share: float, before: int = done_bytes, size: int = round_bytes, done: int = done_files
            ) -> None:
                self._tell(done, len(records), before + share * size, total_bytes)

            self._write_round(round_, on_share)
            done_bytes, done_files = done_bytes + round_bytes, done_files + len(files)
            self._tell(done_files, len(records), done_bytes, total_bytes)

    def _load(self, records: list[FileRecord]) -> Iterator[Entry]:
        tasks = (Task(self._files[record.name].path, record.name) for record in records)
        outcomes = self._workers.load_all(tasks)
        for record, (_, outcome) in zip(records, outcomes, strict=True):
            yield from self._entries(record, outcome)

    def _entries(self, record: FileRecord, outcome: Outcome) -> Iterator[Entry]:
        """What is to be committed of a file: the files within it first, its own ledger line last."""
        if isinstance(outcome, UnreadableFileError):
            self._note_failure(record, outcome)
            return
        whole, *parts = outcome
        lines = [self._line_of_part(record, part) for part in parts]
        documents = [part.document for part, line in zip(parts, lines, strict=True) if line.status in READ]
        kept = [document.name for document in (whole.document, *documents) if document is not None]
        had = self._documents_of[record.name]
        if parts or self._parts_of[record.name] or whole.document is None:
            self._report.removed.extend(name for name in had if name not in kept)
            bare = [line for line, part in zip(lines, parts, strict=True) if _document_of(line, part) is None]
            self._store.begin_file(record.name, bare, kept)
        for line, part in zip(lines, parts, strict=True):
            if _document_of(line, part) is not None:
                self._report_written(line.name)
                yield Entry(part.document, line)
        if whole.document is not None:
            self._report_written(record.name)
        line = replace(record, status=whole.status, detail=whole.detail, sha256=whole.sha256)
        yield Entry(whole.document, line)

    def _line_of_part(self, owner: FileRecord, part: LoadedFile) -> FileRecord:
        """The ledger's line for a file within a file."""
        line = FileRecord(
            part.name, part.status, part.detail, part.sha256, part.size_bytes, owner.modified_ns, owner.checked_ns,
            owner.name,
        )  # fmt: skip
        if part.name in self._names_out or part.sha256 in self._contents_out:
            return replace(line, status=_REMOVED, detail="")
        if part.document is None:
            return line
        original = self._originals.setdefault(part.sha256, part.name)
        return line if original == part.name else replace(line, status=_DUPLICATE, detail=original)

    def _note_failure(self, record: FileRecord, error: UnreadableFileError) -> None:
        """Write down why a file could not be read; one that was emptied has nothing left to quote."""
        status = status_of(error)
        if status == FAILED:
            if isinstance(error, ChangingFileError):
                record = replace(record, sha256="")  # whatever it is in the end, it was not read
            self._store.ledger.write([self._failed(record, str(error))])
            return
        had, parts = self._documents_of[record.name], self._parts_of[record.name]
        detail = "" if status == UNSUPPORTED else str(error)
        self._store.delete([record.name, *had, *parts], [replace(record, status=status, detail=detail)])
        self._report.removed.extend(had)

    def _report_written(self, name: str) -> None:
        (self._report.changed if name in self._documents else self._report.added).append(name)

    def _tell(self, done: int, total: int, done_bytes: float, total_bytes: int) -> None:
        if self._on_progress is not None:
            self._on_progress(Progress(done, total, done_bytes / total_bytes if total_bytes else 1.0))


def _document_of(line: FileRecord, part: LoadedFile) -> Document | None:
    """The document that a file within a file is to be indexed as; None where it is not."""
    return part.document if line.status in READ else None
