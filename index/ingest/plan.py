"""Plans the synchronization of an index with its folder from ledger and files alone, without doing any of it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath

from index.ingest.loading import EMPTY, FAILED, PARTLY_READ, UNSUPPORTED
from index.ingest.scanning import is_below_closed
from index.records import READ, FileRecord

NEW, DUPLICATE, REMOVED = "new", "duplicate", "removed"
"""Statuses not given by loading; "new" means yet to be read, and is never in the ledger."""

_RETRIED = (FAILED, EMPTY, PARTLY_READ)
"""Statuses that may change when read again: after a program is installed, a password set, or with more memory."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """The content of an index before a run.

    Attributes:
        ledger: File records by name, those of files within files included.
        documents: SHA-256 of each document's file, by document name.
        names_out: Names that are kept out of the index.
        contents_out: SHA-256 of contents that are kept out of the index.
    """

    ledger: Mapping[str, FileRecord]
    documents: Mapping[str, str]
    names_out: frozenset[str] = frozenset()
    contents_out: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave a file as it is in the ledger: nothing is written."""

    name: str


@dataclass(frozen=True, slots=True)
class Note:
    """Write a file's record; its documents, if any, stay as they are."""

    file: FileRecord


@dataclass(frozen=True, slots=True)
class Rename:
    """Rename a file with unchanged content: its documents and parts take the new name.

    Attributes:
        old: The old name.
        file: The file record with the new name.
        documents: Old and new name of each of its documents.
    """

    old: str
    file: FileRecord
    documents: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a document, or a file within a file.

    Attributes:
        name: Name of the document or file within a file.
        is_document: Whether it is a document.
        is_gone: Whether its file is gone; otherwise that is a duplicate, taken out, or unsupported.
    """

    name: str
    is_document: bool
    is_gone: bool


@dataclass(frozen=True, slots=True)
class Read:
    """Read and embed a file: new, changed or retried.

    Attributes:
        file: Its record; status and detail are set by reading.
        documents: Names of its documents in the index.
        parts: Names of the files within it in the ledger.
    """

    file: FileRecord
    documents: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


Action = Leave | Note | Rename | Delete | Read


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a run.

    Attributes:
        actions: Actions in order of execution: renames, then deletions and records, then files to read.
        originals: Name of the document with each content, by SHA-256: those that stay, and files that will be read.
    """

    actions: tuple[Action, ...]
    originals: Mapping[str, str]


def plan(indexed: Indexed, seen: Mapping[str, FileRecord], *, retry: bool = False) -> Plan:
    """Plan the synchronization of an index with the files in its folder. Reads and writes nothing.

    Args:
        indexed: Content of the index.
        seen: Files in the folder by name: the ledger's own record for a file that looks unchanged, else a record with
            status "new" and the hash of its content, "failed" with the reason, or "unsupported".
        retry: Whether to read failed and partly read files again.

    Returns:
        The plan.
    """
    return _Planner(indexed, seen, retry=retry).plan()


def may_be_retried(ledger: Iterable[FileRecord]) -> bool:
    """Return whether the ledger has files for which another attempt may succeed, or read more."""
    return any(record.status in _RETRIED for record in ledger)


def is_settled(record: FileRecord, *, retry: bool) -> bool:
    """Return whether an unchanged file need not be read; a duplicate may have lost its original."""
    return record.status != DUPLICATE and not (retry and record.status in _RETRIED)


def failed(record: FileRecord, reason: str, owners: Collection[str]) -> FileRecord:
    """Return the record of a file that cannot be read.

    Args:
        record: The file.
        reason: Why it cannot be read.
        owners: Names of the files of existing documents.

    Returns:
        The record; it says if documents of an earlier reading stay indexed.
    """
    is_kept = record.name in owners or (
        record.name.endswith("/") and any(is_below_closed(name, (record.name,)) for name in owners)
    )
    kept = "; the text read before stays indexed" if is_kept else ""
    return replace(record, status=FAILED, detail=reason + kept)


class _Planner:
    """Makes one plan, deciding on all files step by step."""

    def __init__(self, indexed: Indexed, seen: Mapping[str, FileRecord], *, retry: bool) -> None:
        self._indexed = indexed
        self._seen = seen
        self._retry = retry
        self._ledger = {name: record for name, record in indexed.ledger.items() if not record.parent}
        self._parts = {name: record for name, record in indexed.ledger.items() if record.parent}
        self._documents = dict(indexed.documents)
        self._records: dict[str, FileRecord] = {}
        self._renames: list[Rename] = []

    def plan(self) -> Plan:
        owners = set(map(self._owner, self._documents))
        self._records = {name: self._settled(record, owners) for name, record in self._seen.items()}
        self._retry_in_part()
        self._follow_renames()
        self._name_duplicates()
        lost = list(self._lost())
        self._free_duplicates({action.name for action in lost})
        noted = [self._noted(record) for record in self._records.values() if record.status != NEW]
        actions = (*self._renames, *lost, *noted, *self._doubted(), *self._read())
        return Plan(actions, self._originals({action.name for action in lost}))

    # What became of each file

    def _owner(self, name: str) -> str:
        """Return the file in the folder that a document comes from."""
        return self._parts[name].parent if name in self._parts else name

    def _parts_of(self) -> dict[str, list[str]]:
        """Return the files within each file."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for name, part in self._parts.items():
            found[part.parent].append(name)
        return dict(found)

    def _is_gone(self, name: str) -> bool:
        return name not in self._seen and not is_below_closed(name, self._seen)

    def _settled(self, record: FileRecord, owners: Collection[str]) -> FileRecord:
        """Return a file's new record; with status "new" if it must be read and embedded."""
        before = self._ledger.get(record.name)
        if record == before or record.status == UNSUPPORTED:
            return record
        if record.status == FAILED:
            return failed(record, record.detail, owners)
        if record.name in self._indexed.names_out or record.sha256 in self._indexed.contents_out:
            return replace(record, status=REMOVED)
        if before is None or (self._retry and before.status in _RETRIED):
            return record
        if before.status not in (*READ, EMPTY, FAILED) or before.sha256 != record.sha256:
            return record
        is_there = not before.is_read or self._documents.get(record.name, record.sha256) == record.sha256
        return replace(record, status=before.status, detail=before.detail) if is_there else record

    def _retry_in_part(self) -> None:
        """Read files again in which a file failed."""
        for part in self._parts.values() if self._retry else ():
            owner = self._records.get(part.parent)
            if owner is not None and owner.status in READ and part.status in _RETRIED:
                self._records[part.parent] = replace(owner, status=NEW, detail="")

    def _follow_renames(self) -> None:
        """Rename what is indexed of a missing file if a new file has the same content."""
        gone = {old.sha256: old for name, old in self._ledger.items() if old.is_read and self._is_gone(name)}
        parts_of = self._parts_of()
        taken = self._documents.keys() | parts_of.keys()
        for name, record in self._records.items():
            old = gone.get(record.sha256) if record.status == NEW and name not in taken else None
            if old is not None and PurePath(old.name).suffix == PurePath(name).suffix:
                file = replace(record, status=old.status, detail=old.detail)
                self._rename(old.name, file, parts_of.get(old.name, []))
                del gone[record.sha256]
        moved = dict(pair for rename in self._renames for pair in rename.documents)
        for name, part in self._parts.items():
            if part.status == DUPLICATE and part.detail in moved:
                self._parts[name] = replace(part, detail=moved[part.detail])

    def _rename(self, old: str, file: FileRecord, parts: Iterable[str]) -> None:
        """Rename a file, its documents and the files within it."""
        del self._ledger[old]
        self._records[file.name] = self._ledger[file.name] = file
        documents = []
        for name in (old, *parts):
            moved = file.name + name[len(old) :]
            if name in self._parts:
                self._parts[moved] = replace(self._parts.pop(name), name=moved, parent=file.name)
            if name in self._documents:
                self._documents[moved] = self._documents.pop(name)
                documents.append((name, moved))
        self._renames.append(Rename(old, file, tuple(documents)))

    def _name_duplicates(self) -> None:
        """Of files with the same content, index only one: the one already indexed, else the first by name."""
        first = {
            self._documents[name]: name
            for name, part in self._parts.items()
            if name in self._documents and self._stays(part.parent)
        }
        for name, record in sorted(self._records.items(), key=lambda item: (item[1].status not in READ, item[0])):
            if record.status not in (*READ, NEW):
                continue
            original = first.setdefault(record.sha256, name)
            if original != name:
                self._records[name] = replace(record, status=DUPLICATE, detail=original)

    def _stays(self, owner: str) -> bool:
        """Whether what is indexed of a file stays as it is."""
        if owner not in self._records:
            return not self._is_gone(owner)
        return self._records[owner].status in (*READ, FAILED)

    def _lost(self) -> Iterator[Delete]:
        """Yield documents, and files within files, whose file is gone or not indexed any more; sorted by name."""
        for name in sorted(self._ledger.keys() | self._parts.keys() | self._documents.keys()):
            owner = self._owner(name)
            record = self._records.get(owner)
            is_document = name in self._documents
            is_indexed = is_document or name in self._parts
            if self._is_gone(owner):
                yield Delete(name, is_document, is_gone=True)
            elif is_indexed and record is not None and record.status in (DUPLICATE, REMOVED, UNSUPPORTED):
                yield Delete(name, is_document, is_gone=False)

    def _free_duplicates(self, lost: Collection[str]) -> None:
        """Read files again that contain a duplicate of a lost document, to take its place."""
        for part in self._parts.values():
            owner = self._records.get(part.parent)
            if owner is None or owner.status not in READ or part.status != DUPLICATE:
                continue
            if not self._stands(part, lost):
                self._records[part.parent] = replace(owner, status=NEW, detail="")

    def _stands(self, part: FileRecord, lost: Collection[str]) -> bool:
        """Return whether the original of a duplicate within a file stays as it is."""
        is_same = self._documents.get(part.detail) == part.sha256 and part.detail not in lost
        return is_same and self._stays(self._owner(part.detail))

    # What is to be done

    def _noted(self, record: FileRecord) -> Leave | Note:
        return Leave(record.name) if self._ledger.get(record.name) == record else Note(record)

    def _doubted(self) -> Iterator[Note]:
        """Yield records that make a later run look again at unchanged files to be read, should this one be killed."""
        for name, record in self._records.items():
            before = self._ledger.get(name)
            if record.status != NEW or before is None:
                continue
            if (before.size_bytes, before.modified_ns) == (record.size_bytes, record.modified_ns):
                yield Note(replace(before, checked_ns=before.modified_ns))  # which `is_same` takes for changed

    def _read(self) -> Iterator[Read]:
        documents_of: defaultdict[str, list[str]] = defaultdict(list)
        for name in self._documents:
            documents_of[self._owner(name)].append(name)
        parts_of = self._parts_of()
        for name, record in self._records.items():
            if record.status == NEW:
                yield Read(record, tuple(documents_of[name]), tuple(parts_of.get(name, ())))

    def _originals(self, lost: Collection[str]) -> dict[str, str]:
        originals = {record.sha256: name for name, record in self._records.items() if record.status == NEW}
        staying = (name for name in self._documents if name not in lost)
        return originals | {self._documents[name]: name for name in staying if self._stays(self._owner(name))}
