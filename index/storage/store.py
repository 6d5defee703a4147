"""Store: one index on disk, with the changes that affect several of its parts in one transaction."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from index.errors import BusyIndexError, DamagedIndexError, VerbatimError
from index.records import Document, FileRecord
from index.storage import private_files, schema
from index.storage.database import Database
from index.storage.database_kind import DatabaseKind
from index.storage.documents import Documents
from index.storage.erasure import Erasure
from index.storage.ledger import Ledger
from index.storage.meta import DELETIONS, Meta
from index.storage.passages import PassageRow, Passages
from index.storage.places import Places
from index.storage.tables import Tables

FILE_NAME = "store.sqlite"


class Store:
    """One index on disk. Safe to use from many threads; one process at a time may write.

    Its parts: `database` for transactions, `meta` for certificate and counters, `documents`, `places`, `tables`,
    `ledger` and `passages` (with vectors and lexical rows), and `erasure` for removing deleted data from the file.
    Changes of several parts are methods of the store, each in one transaction.
    """

    def __init__(self, folder: Path, rebuild_command: str = "verbatim index FOLDER --rebuild") -> None:
        """Open the store in a folder, creating it if missing.

        Args:
            folder: Folder of the store's file; created if missing.
            rebuild_command: Command that error messages suggest for a damaged store.

        Raises:
            DamagedIndexError: The file is not a store or cannot be read.
            VerbatimError: The folder cannot be created or written.
        """
        try:
            private_files.make_folder(folder)
        except OSError as error:
            place = f"index_dir={str(folder)!r}"
            raise VerbatimError(f"{place} cannot be created: {error.strerror}; choose another folder") from error
        self.database = Database(folder / FILE_NAME, _kind(rebuild_command))
        self.meta = Meta(self.database)
        self.documents = Documents(self.database, self.meta)
        self.places = Places(self.database, self.documents)
        self.tables = Tables(self.database, self.documents)
        self.ledger = Ledger(self.database)
        self.passages = Passages(self.database)
        self.erasure = Erasure(self.database, self.meta, self.passages)
        self.database.make()
        with self.database.connected() as connection:
            is_new = not schema.has_tables(connection)
        if is_new:
            with self.database.writing() as connection:
                if not schema.has_tables(connection):  # checked again: another process may have created them meanwhile
                    schema.make_tables(connection)
                    self.meta.begin({})

    def clear(self, meta: dict[str, object], *, but_kept_out: bool = False) -> None:
        """Empty the store in one transaction, so that other processes see either the old state or the new one.

        Args:
            meta: Values for the new metadata, by key.
            but_kept_out: Go on to keep files out that the user took out.
        """
        with self.database.writing() as connection:
            n_deleted = connection.execute("SELECT count(*) FROM documents").fetchone()[0]
            schema.make_tables(connection, but_kept_out=but_kept_out)
            self.meta.begin({**meta, DELETIONS: n_deleted})

    def counts(self) -> dict[str, int]:
        """Return the number of "documents", "passages", "vectors" and "lexical" rows, counted in their tables."""
        with self.database.reading():
            return {"documents": self.documents.count(), **self.passages.counts()}

    def put(self, document: Document, rows: Sequence[PassageRow], file: FileRecord | None) -> None:
        """Write a document with its passages; it replaces one of the same name.

        Args:
            document: The document.
            rows: Its passages.
            file: Its entry in the ledger; None if it does not come from a file.
        """
        with self.database.writing():
            self.documents.delete([document.name])
            id_ = self.documents.add(document, len(rows))
            self.places.add(id_, document)
            self.tables.add(id_, document)
            self.passages.add(id_, rows)
            if file is not None:
                self.ledger.write([file])
            self.meta.next_generation()

    def delete(self, names: Collection[str], files: Iterable[FileRecord] = ()) -> None:
        """Delete documents with all their data; unknown names are ignored.

        Args:
            names: Names of the documents; their ledger entries are deleted too.
            files: Ledger entries to write in the same transaction.
        """
        with self.database.writing():
            self.documents.delete(names)
            self.ledger.forget(names)
            self.ledger.write(files)
            self.meta.next_generation()

    def rename(self, old: str, file: FileRecord) -> None:
        """Rename a file, its document and the files inside it; passages and vectors are unchanged.

        Args:
            old: The old name, whose ledger entry is deleted.
            file: The ledger entry for the new name.
        """
        with self.database.writing():
            names = [old, *self.ledger.parts(old)]
            self.documents.rename({name: file.name + name[len(old) :] for name in names})
            self.ledger.rename(old, file)
            self.meta.next_generation()

    def begin_file(self, name: str, parts: Iterable[FileRecord], keep: Iterable[str]) -> None:
        """Prepare for the documents of a file that contains files, or did; its own entry is written last, by `put`.

        Until then the ledger does not have the file, so that it is read again after an interruption.

        Args:
            name: Name of the file.
            parts: Ledger entries of the files inside it that are not documents.
            keep: Names of its documents that will be written; its other documents are deleted.
        """
        kept = frozenset(keep)
        with self.database.writing():
            had = self.ledger.parts(name)
            self.documents.delete({name, *had} - kept)
            self.ledger.forget({name, *(part for part in had if part not in kept)})
            self.ledger.write(parts)
            self.meta.next_generation()

    def keep_out(self, names: Collection[str], within: Collection[str] = ()) -> None:
        """Delete documents, and keep their names and contents out; their ledger entries are marked as removed.

        Args:
            names: Names of documents, or of containers such as archives.
            within: Documents inside those, deleted with them; their contents are not kept out.
        """
        with self.database.writing():
            self.ledger.keep_out(names)
            self.ledger.forget(within)
            self.documents.delete([*names, *within])
            self.meta.next_generation()


def _kind(rebuild_command: str) -> DatabaseKind:
    return DatabaseKind(
        name="the index",
        error=VerbatimError,
        damaged=DamagedIndexError,
        busy=BusyIndexError,
        if_damaged=f"rebuild it with: {rebuild_command}",
        if_unwritable="set index_dir to a folder that can be written",
        auto_vacuum="INCREMENTAL",
        synchronous="NORMAL",
        keeps_open=True,
    )
