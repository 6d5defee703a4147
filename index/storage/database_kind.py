"""Kinds of databases: how each is used, and SQLite's errors in plain words."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from index.errors import VerbatimError

_MOST_CHARS = 100
_DAMAGE = (
    "malformed",
    "not a database",
    "unsupported file format",
    "no such table",
    "no such column",
    "could not decode",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseKind:
    """How a database is used, and the messages for its errors.

    Attributes:
        name: Name in messages: "the index".
        error: Raised if it cannot be used.
        damaged: Raised if it cannot be read.
        busy: Raised if another process keeps it locked.
        if_damaged: What to do if it cannot be read.
        if_unwritable: What to do if it cannot be written.
        auto_vacuum: When unused pages are returned to the disk: "FULL" at each commit, "INCREMENTAL" on demand, "NONE"
            never.
        synchronous: "FULL": commits survive a power failure. "NORMAL": only after a checkpoint.
        keeps_open: Whether each thread keeps its connection. Otherwise it is closed after each use, and closing the
            last one empties the write-ahead log.
    """

    name: str
    error: type[VerbatimError]
    damaged: type[VerbatimError]
    busy: type[VerbatimError]
    if_damaged: str
    if_unwritable: str
    auto_vacuum: str = "NONE"
    synchronous: str = "FULL"
    keeps_open: bool = False

    def explain(self, path: Path, error: sqlite3.Error) -> VerbatimError:
        """Return the error to raise for an error of SQLite."""
        problem, what = in_brief(error), f"{self.name} {path}"
        said = problem.lower()
        if any(words in said for words in _DAMAGE):
            return self.unreadable(path, problem)
        if "locked" in said:
            return self.busy(f"{what} is being written by another process; try again later")
        if "full" in said:
            return self.error(f"the disk of {path} is full; free some space and run it again, nothing is lost")
        if "closed" in said:
            return self.error(f"{what} was closed; open it again")
        if "readonly" in said or "unable to open" in said:
            return self.unwritable(path, problem)
        return self.error(f"{what} cannot be used: {problem}; check the disk that it is on")

    def unreadable(self, path: Path, problem: str) -> VerbatimError:
        """Return the error for stored data that cannot be read."""
        return self.damaged(f"{self.name} {path} cannot be read ({problem}); {self.if_damaged}")

    def unwritable(self, path: Path, problem: str) -> VerbatimError:
        """Return the error for a file that cannot be created or written."""
        return self.error(f"{path} cannot be written ({problem}); {self.if_unwritable}")

    def newer(self, path: Path) -> VerbatimError:
        """Return the error for a file that a newer version made."""
        return self.error(f"{self.name} {path} was made by a newer version; update Verbatim, or {self.if_damaged}")

    def gone(self, path: Path) -> VerbatimError:
        """Return the error for a file that is missing."""
        return self.error(gone(self.name, path))


def gone(name: str, path: Path) -> str:
    """Return the message for a file or folder that is missing."""
    return f"{name} {path} is gone: it was moved or deleted; put it back, or start Verbatim again to begin a new one"


def in_brief(error: Exception) -> str:
    """Return the start of an error's message, on one line: SQLite quotes a whole table's SQL, pydantic the value."""
    line = " ".join(str(error).split())
    return line if len(line) <= _MOST_CHARS else f"{line[:_MOST_CHARS]}…"
