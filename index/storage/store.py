"""One index on disk: its documents, its ledger, its passages, and what changes several of them in one transaction."""

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

FILE_NAME = "store.sqlite"


class Store:
    """One index on disk. Safe to use from many threads; one process at a time may write.

    What is kept is reached through its parts: `database` has the transactions, `meta` what the index says of itself,
    `documents`, `places`, `ledger` and `passages` (with vectors and lexical rows) the rest, `erasure` the steps that
    take what was deleted out of the file. What changes several of them at once is here, in one transaction each.
    """

    def __init__(self, folder: Path, rebuild_command: str = "verbatim index FOLDER --rebuild") -> None:
        """Open the store in a folder, making it when there is none.

        Args:
            folder: Where the store's file lies; made when missing.
            rebuild_command: What people are told to type when the store is damaged.

        Raises:
            DamagedIndexError: There is a file, and it is no store of ours or cannot be read.
            VerbatimError: The folder cannot be made or written.
        """
        try:
            private_files.make_folder(folder)
        except OSError as error:
            place = f"index_dir={str(folder)!r}"
            raise VerbatimError(f"{place} cannot be made: {error.strerror}; name a folder that can") from error
        self.database = Database(folder / FILE_NAME, _kind(rebuild_command))
        self.meta = Meta(self.database)
        self.documents = Documents(self.database, self.meta)
        self.places = Places(self.database, self.documents)
        self.ledger = Ledger(self.database)
        self.passages = Passages(self.database)
        self.erasure = Erasure(self.database, self.meta, self.passages)
        self.database.make()
        with self.database.connected() as connection:
            is_new = not schema.has_tables(connection)
        if is_new:
            with self.database.writing() as connection:
                if not schema.has_tables(connection):  # another process may have made it between the look and the lock
                    schema.make_tables(connection)
                    self.meta.begin({})

    def clear(self, meta: dict[str, object]) -> None:
        """Begin anew, in one transaction: whoever has the store open sees the old state or the new one.

        Args:
            meta: What the index is, by key.
        """
        with self.database.writing() as connection:
            n_deleted = connection.execute("SELECT count(*) FROM documents").fetchone()[0]
            schema.make_tables(connection)
            self.meta.begin({**meta, DELETIONS: n_deleted})

    def counts(self) -> dict[str, int]:
        """Number of "documents", "passages", "vectors" and "lexical" rows, each counted in its table."""
        with self.database.reading():
            return {"documents": self.documents.count(), **self.passages.counts()}

    def put(self, document: Document, rows: Sequence[PassageRow], file: FileRecord | None) -> None:
        """Write a document with all that belongs to it, in place of the one of that name if there is one.

        Args:
            document: The document.
            rows: Its passages.
            file: The ledger's line for it, None when it comes from no file.
        """
        with self.database.writing():
            self.documents.delete([document.name])
            id_ = self.documents.add(document, len(rows))
            self.places.add(id_, document)
            self.passages.add(id_, rows)
            if file is not None:
                self.ledger.write([file])
            self.meta.next_generation()

    def delete(self, names: Collection[str], files: Iterable[FileRecord] = ()) -> None:
        """Delete documents with all that belongs to them; names that are not there are passed over.

        Args:
            names: Names of the documents, whose ledger lines go with them.
            files: Ledger lines to write in the same transaction.
        """
        with self.database.writing():
            self.documents.delete(names)
            self.ledger.forget(names)
            self.ledger.write(files)
            self.meta.next_generation()

    def rename(self, old: str, file: FileRecord) -> None:
        """Give a file another name, and so its document and the files within it; passages and vectors stay.

        Args:
            old: The name so far, whose ledger line goes.
            file: The ledger's line for the new name.
        """
        with self.database.writing():
            names = [old, *self.ledger.parts(old)]
            self.documents.rename({name: file.name + name[len(old) :] for name in names})
            self.ledger.rename(old, file)
            self.meta.next_generation()

    def begin_file(self, name: str, parts: Iterable[FileRecord], keep: Iterable[str]) -> None:
        """Make ready for the documents of a file that has files within it, or had; its own line comes last, by `put`.

        Until then the ledger does not know the file: a run that is interrupted reads it again.

        Args:
            name: The file's name.
            parts: Ledger lines of the files within it that are no documents.
            keep: Names of its documents, which are about to be written; all others that it had go.
        """
        kept = frozenset(keep)
        with self.database.writing():
            had = self.ledger.parts(name)
            self.documents.delete({name, *had} - kept)
            self.ledger.forget({name, *(part for part in had if part not in kept)})
            self.ledger.write(parts)
            self.meta.next_generation()

    def keep_out(self, names: Collection[str], within: Collection[str] = ()) -> None:
        """Delete documents and keep their names and contents out; their files' ledger lines say so.

        Args:
            names: Names of documents, or of files that hold nothing but others.
            within: Documents within those, which go with them; of their contents nothing is said.
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
        if_unwritable="set index_dir to a folder that can",
        auto_vacuum="INCREMENTAL",
        synchronous="NORMAL",
        keeps_open=True,
    )
