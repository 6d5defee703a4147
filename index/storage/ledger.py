"""The ledger of an index: every file that was met in the folder, what became of it, and what is kept out."""

import json
from collections.abc import Iterable
from dataclasses import astuple

from index.records import FileRecord
from index.storage.database import Database


class Ledger:
    """A line for each file, by its name, and what was taken out by hand."""

    def __init__(self, database: Database) -> None:
        """Make it over an index's database."""
        self._database = database

    def all(self) -> dict[str, FileRecord]:
        """All lines by name, in the order of the names."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT * FROM files ORDER BY name").fetchall()
        return {row[0]: FileRecord(*row) for row in rows}

    def records(self, names: Iterable[str]) -> dict[str, FileRecord]:
        """Look up lines by name; names without one are missing."""
        query = "SELECT * FROM files WHERE name IN (SELECT value FROM json_each(?)) ORDER BY name"
        with self._database.reading() as connection:
            return {row[0]: FileRecord(*row) for row in connection.execute(query, (json.dumps(list(names)),))}

    def parts(self, name: str) -> list[str]:
        """Names of the files within a file."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT name FROM files WHERE parent = ?", (name,))
            return [part for (part,) in rows]

    def write(self, files: Iterable[FileRecord]) -> None:
        """Write lines, each in place of the one of its name."""
        rows = [astuple(file) for file in files]
        with self._database.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def forget(self, names: Iterable[str]) -> None:
        """Drop lines; names that are not there are passed over."""
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM files WHERE name = ?", [(name,) for name in names])

    def rename(self, old: str, file: FileRecord) -> None:
        """Give a file another name, and so the files within it; duplicates of theirs say the new names.

        Args:
            old: The name so far, whose line goes.
            file: The line for the new name.
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
        """Keep the names and contents of files out from now on; their lines say so."""
        with self._database.writing() as connection:
            for name in names:
                connection.execute(
                    "INSERT OR IGNORE INTO kept_out SELECT name, sha256 FROM files WHERE name = ?", (name,)
                )
                connection.execute("UPDATE files SET status = 'removed', detail = '' WHERE name = ?", (name,))

    def kept_out(self) -> tuple[frozenset[str], frozenset[str]]:
        """Names, and hashes of contents, that stay out of the index."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT name, sha256 FROM kept_out").fetchall()
        return frozenset(name for name, _ in rows), frozenset(sha256 for _, sha256 in rows)

    def let_in(self, name: str, sha256: str) -> None:
        """Keep a name, all that is within it, and a content out no longer; the lines of the files that were go."""
        theirs = "(name = ? OR sha256 = ? OR substr(name, 1, ?) = ?)"
        values = (name, sha256, len(name) + 1, f"{name}/")
        with self._database.writing() as connection:
            connection.execute(f"DELETE FROM kept_out WHERE {theirs}", values)
            of_parts = f"SELECT parent FROM files WHERE status = 'removed' AND {theirs} AND parent != ''"
            connection.execute(f"DELETE FROM files WHERE name IN ({of_parts})", values)
            connection.execute(f"DELETE FROM files WHERE status = 'removed' AND {theirs}", values)
