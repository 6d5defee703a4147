"""The ledger of an index: every file found in the folder with its state, and the files kept out."""

import json
from collections.abc import Iterable
from dataclasses import astuple

from index.records import FileRecord
from index.storage.database import Database


class Ledger:
    """An entry for each file by name, and the files kept out of the index by the user."""

    def __init__(self, database: Database) -> None:
        """Access the ledger of an index's database."""
        self._database = database

    def all(self) -> dict[str, FileRecord]:
        """Return all entries by name, sorted by name."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT * FROM files ORDER BY name").fetchall()
        return {row[0]: FileRecord(*row) for row in rows}

    def records(self, names: Iterable[str]) -> dict[str, FileRecord]:
        """Look up entries by name; unknown names are missing from the result."""
        query = "SELECT * FROM files WHERE name IN (SELECT value FROM json_each(?)) ORDER BY name"
        with self._database.reading() as connection:
            return {row[0]: FileRecord(*row) for row in connection.execute(query, (json.dumps(list(names)),))}

    def parts(self, name: str) -> list[str]:
        """Return the names of the files inside a file."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT name FROM files WHERE parent = ?", (name,))
            return [part for (part,) in rows]

    def write(self, files: Iterable[FileRecord]) -> None:
        """Write entries; each replaces one of the same name."""
        rows = [astuple(file) for file in files]
        with self._database.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def forget(self, names: Iterable[str]) -> None:
        """Delete entries; unknown names are ignored."""
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM files WHERE name = ?", [(name,) for name in names])

    def rename(self, old: str, file: FileRecord) -> None:
        """Rename a file and the files inside it; entries of their duplicates are updated.

        Args:
            old: The old name, whose entry is deleted.
            file: The entry for the new name.
        """
        parts = "SELECT name FROM files WHERE parent = ?"
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE files SET detail = ? || substr(detail, ?) WHERE status = 'duplicate'"
                f" AND (detail = ? OR detail IN ({parts}))",
                (file.name, len(old) + 1, old, old),
            )
            connection.execute(
                "UPDATE files SET parent = ?, name = ? || substr(name, ?) WHERE parent = ?",
                (file.name, file.name, len(old) + 1, old),
            )
            self.forget([old])
            self.write([file])

    def keep_out(self, names: Iterable[str]) -> None:
        """Keep the names and contents of files out of the index from now on, and mark their entries as removed."""
        with self._database.writing() as connection:
            for name in names:
                connection.execute(
                    "INSERT OR IGNORE INTO kept_out SELECT name, sha256 FROM files WHERE name = ?", (name,)
                )
                connection.execute("UPDATE files SET status = 'removed', detail = '' WHERE name = ?", (name,))

    def kept_out(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return the names, and the hashes of contents, that are kept out of the index."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT name, sha256 FROM kept_out").fetchall()
        return frozenset(name for name, _ in rows), frozenset(sha256 for _, sha256 in rows)

    def let_in(self, name: str, sha256: str) -> None:
        """Stop keeping out a name, all inside it, and a content; entries of these removed files are deleted."""
        theirs = "(name = ? OR sha256 = ? OR substr(name, 1, ?) = ?)"
        values = (name, sha256, len(name) + 1, f"{name}/")
        with self._database.writing() as connection:
            connection.execute(f"DELETE FROM kept_out WHERE {theirs}", values)
            of_parts = f"SELECT parent FROM files WHERE status = 'removed' AND {theirs} AND parent != ''"
            connection.execute(f"DELETE FROM files WHERE name IN ({of_parts})", values)
            connection.execute(f"DELETE FROM files WHERE status = 'removed' AND {theirs}", values)
