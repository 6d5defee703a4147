"""Erasure of deleted documents from the rows, the lexical index and the disk, in short steps."""

from index.storage.database import Database
from index.storage.meta import DELETIONS, DELETIONS_ERASED, Meta
from index.storage.passages import Passages
from index.storage.schema import OF_DOCUMENT

_FREED_PAGES_PER_STEP = 500
_CHECKPOINT_PATIENCE_MS = 500


class Erasure:
    """Steps that erase deleted documents from an index's files; `index.maintenance.background_erasure` runs them."""

    def __init__(self, database: Database, meta: Meta, passages: Passages) -> None:
        """Access an index's database.

        Args:
            database: The database.
            meta: Counts deletions.
            passages: The passages, which are erased before their documents.
        """
        self._database = database
        self._meta = meta
        self._passages = passages

    def remains(self) -> int:
        """Return the number of the last deletion whose data may still be in the files; 0 if everything is erased."""
        with self._database.reading():
            deletion, erased = self._meta.number(DELETIONS), self._meta.number(DELETIONS_ERASED)
        return deletion if deletion > erased else 0

    def erase_some(self, limit: int = 100) -> bool:
        """Erase some rows of deleted documents in one short transaction.

        Args:
            limit: Maximum number of passages, erased with their vectors and lexical rows.

        Returns:
            Whether there was something to erase.
        """
        with self._database.writing() as connection:
            row = connection.execute("SELECT id FROM documents WHERE name IS NULL LIMIT 1").fetchone()
            if row is not None and not self._passages.erase(row[0], limit):
                for table in OF_DOCUMENT:
                    connection.execute(f"DELETE FROM {table} WHERE document_id = ?", row)
                connection.execute("DELETE FROM documents WHERE id = ?", row)
        return row is not None

    def rebuild_lexical(self) -> None:
        """Rebuild the lexical index from the passages.

        FTS5 records a deleted row by its words and keeps the record: merging segments or optimizing does not always
        drop it, and SQLite before 3.42 has no option against it.
        """
        with self._database.writing() as connection:
            connection.execute("INSERT INTO lexical (lexical) VALUES ('rebuild')")

    def shrink_some(self) -> bool:
        """Return unused pages to the disk.

        Returns:
            Whether there are more.
        """
        with self._database.writing() as connection:
            connection.execute(f"PRAGMA incremental_vacuum({_FREED_PAGES_PER_STEP})").fetchall()
            is_able = connection.execute("PRAGMA auto_vacuum").fetchone()[0]  # off in files of older versions
            return bool(is_able and connection.execute("PRAGMA freelist_count").fetchone()[0])

    def empty_log(self) -> bool:
        """Move the write-ahead log into the database's file and truncate it.

        Returns:
            Whether it is empty now: it cannot be emptied while another connection reads an older state.
        """
        with self._database.connected() as connection:
            patience_ms = connection.execute("PRAGMA busy_timeout").fetchone()[0]
            connection.execute(f"PRAGMA busy_timeout = {_CHECKPOINT_PATIENCE_MS}")
            try:
                is_busy = bool(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
            finally:
                connection.execute(f"PRAGMA busy_timeout = {patience_ms}")
        return not is_busy

    def note_erased(self, deletion: int) -> None:
        """Record that everything deleted so far is erased from the files.

        Args:
            deletion: The value of `remains` before the erasure began; later deletions are not covered.
        """
        self._meta.set(DELETIONS_ERASED, deletion)
