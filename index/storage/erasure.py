"""Erasing what was deleted: out of the rows, out of the lexical index, and off the disk, a short step at a time."""

from index.storage.database import Database
from index.storage.meta import DELETIONS, DELETIONS_ERASED, Meta
from index.storage.passages import Passages
from index.storage.schema import OF_DOCUMENT

_FREED_PAGES_PER_STEP = 500
_CHECKPOINT_PATIENCE_MS = 500


class Erasure:
    """The steps that erase deleted documents from an index's files; run by `index.maintenance.background_erasure`."""

    def __init__(self, database: Database, meta: Meta, passages: Passages) -> None:
        """Make it over an index's database.

        Args:
            database: The database.
            meta: Where deletions are counted.
            passages: The passages, which are erased before their documents.
        """
        self._database = database
        self._meta = meta
        self._passages = passages

    def remains(self) -> int:
        """Number of the last deletion whose words and vectors may still stand in the files; 0 when none does."""
        with self._database.reading():
            deletion, erased = self._meta.number(DELETIONS), self._meta.number(DELETIONS_ERASED)
        return deletion if deletion > erased else 0

    def erase_some(self, limit: int = 100) -> bool:
        """Erase some of the rows of deleted documents, in one short transaction.

        Args:
            limit: How many passages at most, with their vectors and lexical rows.

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
        """Make the lexical index anew from the passages.

        It notes that a row is deleted by its words, and keeps the note; merging its segments, or optimizing it, drops
        them not always, and not before SQLite 3.42 could it do without.
        """
        with self._database.writing() as connection:
            connection.execute("INSERT INTO lexical (lexical) VALUES ('rebuild')")

    def shrink_some(self) -> bool:
        """Give pages that are no longer used back to the disk.

        Returns:
            Whether there are more.
        """
        with self._database.writing() as connection:
            connection.execute(f"PRAGMA incremental_vacuum({_FREED_PAGES_PER_STEP})").fetchall()
            is_able = connection.execute("PRAGMA auto_vacuum").fetchone()[0]  # not where an older version made the file
            return bool(is_able and connection.execute("PRAGMA freelist_count").fetchone()[0])

    def empty_log(self) -> bool:
        """Move what is in the write-ahead log to the database's file and cut the log to nothing.

        Returns:
            Whether it is empty: while another connection reads an older state, it cannot be.
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
        """Note that nothing is left in the files of what was deleted.

        Args:
            deletion: What `remains` gave before the work began: what was deleted meanwhile is not covered.
        """
        self._meta.set(DELETIONS_ERASED, deletion)
