"""One run that brings an index in step with the files of its folder."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from index import loading
from index.documents import Document
from index.errors import EmptyFileError, UnreadableFileError
from index.scanning import FoundFile, is_below_closed, is_same
from index.store import FileRecord, Store

Round = list[tuple[Document, FileRecord | None]]
"""Documents that are embedded together, each with its line of the ledger if it comes from a file."""

_CHARS_PER_ROUND = 100_000
_DOCUMENTS_PER_ROUND = 128


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


def in_rounds(documents: Iterable[tuple[Document, FileRecord | None]]) -> Iterator[Round]:
    """Group documents so that short ones fill a batch together and long ones do not pile up."""
    round_: Round = []
    chars = 0
    for document, file in documents:
        round_.append((document, file))
        chars += len(document.text)
        if chars >= _CHARS_PER_ROUND or len(round_) >= _DOCUMENTS_PER_ROUND:
            yield round_
            round_, chars = [], 0
    if round_:
        yield round_


class SyncRun:
    """One run that brings an index in step with the files that were found."""

    def __init__(
        self,
        store: Store,
        write_round: Callable[[Round, Callable[[float], None]], None],
        files: dict[str, FoundFile],
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        """Plan a run; the right to write must be held until it is done.

        Args:
            store: The index's store.
            write_round: Splits, embeds and commits some documents, telling the share that is done.
            files: The files that are in the folder, by name.
            on_progress: Called as the work goes on.
        """
        self._store = store
        self._write_round = write_round
        self._files = files
        self._on_progress = on_progress
        self._ledger = store.files()
        self._documents = {record.name: record.sha256 for record in store.documents()}
        self._names_out, self._contents_out = store.kept_out()
        self._report = SyncReport()

    def run(self) -> SyncReport:
        """Read, embed, commit, rename and delete until index and files agree.

        Returns:
            What was done.
        """
        records = {name: self._examine(name, file) for name, file in self._files.items()}
        self._name_duplicates(records)
        self._follow_renames(records)
        gone = sorted(name for name in self._ledger.keys() | self._documents.keys() if self._is_gone(name))
        self._report.removed.extend(name for name in gone if name in self._documents)
        settled = {name: record for name, record in records.items() if record.status != "new"}
        dropped = [n for n, r in settled.items() if n in self._documents and r.status in ("duplicate", "removed")]
        altered = [record for name, record in settled.items() if self._ledger.get(name) != record]
        if gone or dropped or altered:
            self._store.delete([*gone, *dropped], altered)
        self._index([record for record in records.values() if record.status == "new"])
        counts = Counter(record.status for record in settled.values())
        return replace(self._report, unchanged=counts["indexed"] - len(self._report.renamed))

    def _is_gone(self, name: str) -> bool:
        return name not in self._files and not is_below_closed(name, self._files)

    def _examine(self, name: str, file: FoundFile) -> FileRecord:
        """The ledger's line for a file as it is now; status "new" where it has to be read and embedded."""
        before = self._ledger.get(name)
        if before is not None and is_same(file, before) and before.status != "duplicate":
            return before
        record = FileRecord(name, "new", "", "", file.size_bytes, file.modified_ns, time.time_ns())
        if file.problem:
            return self._failed(record, file.problem)
        if not loading.is_supported(file.path):
            return replace(record, status="unsupported")
        try:
            sha256 = hashlib.sha256(loading.read_bytes(file.path)).hexdigest()
        except UnreadableFileError as error:
            return self._failed(record, str(error))
        record = replace(record, sha256=sha256)
        if name in self._names_out or sha256 in self._contents_out:
            return replace(record, status="removed")
        return replace(record, status="indexed") if self._documents.get(name) == sha256 else record

    def _failed(self, record: FileRecord, reason: str) -> FileRecord:
        is_kept = any(name == record.name or is_below_closed(name, (record.name,)) for name in self._documents)
        kept = "; the text read before stays indexed" if is_kept else ""
        return replace(record, status="failed", detail=reason + kept)

    def _name_duplicates(self, records: dict[str, FileRecord]) -> None:
        """Of files with the same content one is indexed: the one that is already, else the first by name."""
        first: dict[str, str] = {}
        for name, record in sorted(records.items(), key=lambda item: (item[1].status != "indexed", item[0])):
            if record.status not in ("indexed", "new"):
                continue
            original = first.setdefault(record.sha256, name)
            if original != name:
                records[name] = replace(record, status="duplicate", detail=original)

    def _follow_renames(self, records: dict[str, FileRecord]) -> None:
        """Where a document's file is gone and a new one has its content, the document takes the new name."""
        gone = {sha256: name for name, sha256 in self._documents.items() if self._is_gone(name)}
        for name, record in records.items():
            is_new = record.status == "new" and name not in self._documents
            old = gone.get(record.sha256) if is_new else None
            if old is not None and PurePath(old).suffix == PurePath(name).suffix:
                records[name] = replace(record, status="indexed")
                self._store.rename(old, records[name])
                self._report.renamed[old] = name
                del self._documents[old], gone[record.sha256]
                self._ledger.pop(old, None)

    def _index(self, records: list[FileRecord]) -> None:
        """Read, embed and commit files, telling how far it is."""
        total_bytes = sum(record.size_bytes for record in records)
        done_bytes = done_files = 0
        for round_ in in_rounds(self._load(records)):
            round_bytes = sum(file.size_bytes for _, file in round_ if file is not None)

            def on_share(
                share: float, before: int = done_bytes, size: int = round_bytes, done: int = done_files
            ) -> None:
                self._tell(done, len(records), before + share * size, total_bytes)

            self._write_round(round_, on_share)
            done_bytes, done_files = done_bytes + round_bytes, done_files + len(round_)
            self._tell(done_files, len(records), done_bytes, total_bytes)

    def _load(self, records: list[FileRecord]) -> Iterator[tuple[Document, FileRecord]]:
        for record in records:
            try:
                document = loading.load(self._files[record.name].path, record.name)
            except EmptyFileError as error:
                self._store.delete([record.name], [replace(record, status="failed", detail=str(error))])
                if record.name in self._documents:
                    self._report.removed.append(record.name)
                continue
            except UnreadableFileError as error:
                self._store.write_files([self._failed(record, str(error))])
                continue
            known = record.name in self._documents
            (self._report.changed if known else self._report.added).append(record.name)
            yield document, replace(record, status="indexed", sha256=document.sha256)

    def _tell(self, done: int, total: int, done_bytes: float, total_bytes: int) -> None:
        if self._on_progress is not None:
            self._on_progress(Progress(done, total, done_bytes / total_bytes if total_bytes else 1.0))
