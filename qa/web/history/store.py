"""Store of conversations: an SQLite file beside the index, separated by browser."""

import logging
import secrets
import sqlite3
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from index.errors import VerbatimError
from index.records import DocumentRecord
from index.storage.database import Database
from index.storage.database_kind import DatabaseKind
from qa.records.browser import hash_stored_ids
from qa.records.turn import Turn, mentioned_in

FILE_NAME = "history.sqlite"
MAX_CONVERSATIONS = 1_000
"""Limit per browser; those not continued for longest are deleted."""
MAX_TURNS = 500
"""Limit per conversation; the oldest are deleted."""
_SCHEMA_VERSION = 1
_TITLE_CHARS = 120
_WITHOUT = "serve without one: verbatim serve --no-history"

_SCHEMA = """
CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    browser TEXT NOT NULL,
    title TEXT NOT NULL,
    created REAL NOT NULL,
    updated REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX conversations_by_browser ON conversations (browser, updated);

-- AUTOINCREMENT: a key is never used again, so that no page takes a new turn for an old one.
-- `words` is the text for searching, case-folded.
CREATE TABLE turns (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    asked REAL NOT NULL,
    words TEXT NOT NULL,
    said TEXT NOT NULL
);
CREATE INDEX turns_by_conversation ON turns (conversation);
"""

logger = logging.getLogger("verbatim")


class HistoryError(VerbatimError):
    """The history cannot be read or written."""


class UnknownConversationError(VerbatimError):
    """There is no such conversation, or this browser may not change it."""


_KIND = DatabaseKind(
    name="the history",
    error=HistoryError,
    damaged=HistoryError,
    busy=HistoryError,
    if_damaged=f"move it away, or {_WITHOUT}",
    if_unwritable=_WITHOUT,
    auto_vacuum="FULL",  # pages are returned to the disk at each commit, so that no deleted data remains
)


@dataclass(frozen=True, slots=True)
class Said:
    """A turn with the documents that it mentions.

    Attributes:
        turn: The turn.
        records: The documents that it mentions, as they were at the time.
    """

    turn: Turn
    records: tuple[DocumentRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptTurn:
    """A stored turn.

    Attributes:
        key: Its key, which grows with time.
        asked: When it was stored, in seconds since 1970.
        said: The turn; None if another version stored it in a form that this one cannot read.
    """

    key: int
    asked: float
    said: Said | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation without its turns.

    Attributes:
        id: Its id, not guessable.
        browser: Its owner: the hash of a browser's id, as `hashed_id` returns it.
        title: Its first question, or the title that the user gave it.
        created: When it started, in seconds since 1970.
        updated: When it was last continued, in seconds since 1970.
        n_turns: Number of its turns.
    """

    id: str
    browser: str = field(repr=False)
    title: str
    created: float
    updated: float
    n_turns: int


_said = TypeAdapter(Said)


def said_of(turn: Turn, records: Mapping[str, DocumentRecord]) -> Said:
    """Combine a turn with the documents that it mentions.

    Args:
        turn: The turn.
        records: Documents by name, as they were at the time; those that the turn does not mention are left out.

    Returns:
        The turn, ready to be stored.
    """
    return Said(turn, tuple(records[name] for name in sorted(mentioned_in(turn) & records.keys())))


class History:
    """The conversations of all browsers. Safe to use from many threads and processes.

    Each call opens its own connection, which takes a fraction of a millisecond, and is one transaction: what it wrote
    survives the process. Closing the last connection empties the write-ahead log, and SQLite overwrites deleted data
    with zeros, so that none remains in the file.
    """

    def __init__(self, folder: Path) -> None:
        """Open the history in a folder, creating it if missing.

        Args:
            folder: The folder; it must exist.

        Raises:
            HistoryError: It cannot be read, or the folder cannot be written.
        """
        self._database = Database(folder / FILE_NAME, _KIND)
        self._database.make()
        self._database.make_tables(_SCHEMA, _SCHEMA_VERSION)
        with self._database.connected() as connection:
            hash_stored_ids(connection, "conversations")  # older versions stored them unhashed

    def add(
        self, conversation: str, browser: str, said: Said, *, in_place_of: Collection[int] = ()
    ) -> tuple[str, KeptTurn]:
        """Add a turn to a conversation.

        Another browser's conversation is copied, and the copy continued; if there is none, one is started.

        Args:
            conversation: Id of the conversation; "" starts one.
            browser: Hash of the browser's id.
            said: The turn.
            in_place_of: Keys of turns that it replaces, which are erased.

        Returns:
            Id of the conversation that it was added to, and the stored turn.

        Raises:
            HistoryError: It cannot be written; nothing is changed.
        """
        now = time.time()
        with self._database.writing() as connection:
            found = connection.execute("SELECT browser FROM conversations WHERE id = ?", (conversation,)).fetchone()
            own = conversation if found == (browser,) else self._begin(connection, browser, said.turn.asked, now)
            if found is not None and own != conversation:
                _copy_turns(connection, conversation, own)
                in_place_of = _copied(connection, conversation, own, in_place_of)
            _erase_turns(connection, own, in_place_of)
            key = _insert(connection, own, now, said)
            connection.execute("UPDATE conversations SET updated = ? WHERE id = ?", (now, own))
            _keep_within_bounds(connection, browser, own)
        return own, KeptTurn(key, now, said)

    def _begin(self, connection: sqlite3.Connection, browser: str, title: str, now: float) -> str:
        id_ = secrets.token_urlsafe(16)
        values = (id_, browser, _as_title(title), now, now)
        connection.execute("INSERT INTO conversations VALUES (?, ?, ?, ?, ?)", values)
        return id_

    def conversations(self, browser: str, search: str = "", limit: int = MAX_CONVERSATIONS) -> list[Conversation]:
        """Return a browser's conversations, the last continued first.

        Args:
            browser: Hash of the browser's id.
            search: Text that the title, a question or a reply contains, ignoring case; "" finds all.
            limit: Maximum number of conversations.

        Returns:
            The conversations.

        Raises:
            HistoryError: They cannot be read.
        """
        wanted = search.strip().casefold()
        in_turns = "EXISTS (SELECT 1 FROM turns WHERE conversation = c.id AND instr(words, ?))"
        found = f"(? = '' OR holds(c.title, ?) OR {in_turns})"
        query = f"{_CONVERSATIONS} WHERE c.browser = ? AND {found} ORDER BY updated DESC, id LIMIT ?"
        with self._database.reading() as connection:
            connection.create_function("holds", 2, lambda title, words: words in title.casefold(), deterministic=True)
            rows = connection.execute(query, (browser, wanted, wanted, wanted, limit)).fetchall()
        return [Conversation(*row) for row in rows]

    def conversation(self, id_: str) -> Conversation:
        """Return a conversation of any browser: whoever knows its id may read it.

        Args:
            id_: Its id.

        Returns:
            The conversation.

        Raises:
            UnknownConversationError: There is no such conversation.
            HistoryError: It cannot be read.
        """
        with self._database.reading() as connection:
            row = connection.execute(f"{_CONVERSATIONS} WHERE c.id = ?", (id_,)).fetchone()
        if row is None:
            raise UnknownConversationError(_unknown(id_))
        return Conversation(*row)

    def turns(self, conversation: str) -> list[KeptTurn]:
        """Return the turns of a conversation in order; empty if there is no such conversation.

        Args:
            conversation: Its id.

        Returns:
            The turns.

        Raises:
            HistoryError: They cannot be read.
        """
        query = "SELECT key, asked, said FROM turns WHERE conversation = ? ORDER BY key"
        with self._database.reading() as connection:
            rows = connection.execute(query, (conversation,)).fetchall()
        return [KeptTurn(key, asked, _read(key, said)) for key, asked, said in rows]

    def rename(self, id_: str, browser: str, title: str) -> None:
        """Rename a conversation.

        Args:
            id_: Its id.
            browser: Hash of its browser's id.
            title: The new title.

        Raises:
            UnknownConversationError: The browser has no such conversation.
            HistoryError: It cannot be written.
        """
        with self._database.writing() as connection:
            values = (_as_title(title), id_, browser)
            done = connection.execute("UPDATE conversations SET title = ? WHERE id = ? AND browser = ?", values)
            if not done.rowcount:
                raise UnknownConversationError(_unknown(id_))

    def delete(self, id_: str, browser: str) -> None:
        """Erase a conversation.

        Args:
            id_: Its id.
            browser: Hash of its browser's id.

        Raises:
            UnknownConversationError: The browser has no such conversation.
            HistoryError: It cannot be written.
        """
        with self._database.writing() as connection:
            done = connection.execute("DELETE FROM conversations WHERE id = ? AND browser = ?", (id_, browser))
            if not done.rowcount:
                raise UnknownConversationError(_unknown(id_))

    def delete_all(self, browser: str) -> int:
        """Erase all conversations of a browser.

        Args:
            browser: Hash of the browser's id.

        Returns:
            Their number.

        Raises:
            HistoryError: They cannot be erased.
        """
        with self._database.writing() as connection:
            return connection.execute("DELETE FROM conversations WHERE browser = ?", (browser,)).rowcount


_CONVERSATIONS = (
    "SELECT id, browser, title, created, updated, (SELECT count(*) FROM turns WHERE conversation = c.id)"
    " FROM conversations c"
)


def _unknown(id_: str) -> str:
    return f"conversation={id_[:40]!r} does not exist, or is not yours to change; reload the page"


def _as_title(text: str) -> str:
    """Put a text on one line, and shorten it."""
    line = " ".join(text.split())
    return line if len(line) <= _TITLE_CHARS else line[: _TITLE_CHARS - 1].rstrip() + "…"


def _read(key: int, said: str) -> Said | None:
    try:
        return _said.validate_json(said)
    except ValidationError as error:
        logger.warning("turn %d of the history was stored by another version: %s", key, error.errors()[0]["msg"])
        return None


def _insert(connection: sqlite3.Connection, conversation: str, now: float, said: Said) -> int:
    words = f"{said.turn.asked}\n{said.turn.text}".casefold()
    values = (conversation, now, words, _said.dump_json(said).decode())
    query = "INSERT INTO turns (conversation, asked, words, said) VALUES (?, ?, ?, ?) RETURNING key"
    return int(connection.execute(query, values).fetchone()[0])


def _copy_turns(connection: sqlite3.Connection, source: str, target: str) -> None:
    connection.execute(
        "INSERT INTO turns (conversation, asked, words, said)"
        " SELECT ?, asked, words, said FROM turns WHERE conversation = ? ORDER BY key",
        (target, source),
    )
    connection.execute(
        "UPDATE conversations SET title = (SELECT title FROM conversations WHERE id = ?) WHERE id = ?",
        (source, target),
    )


def _copied(connection: sqlite3.Connection, source: str, target: str, keys: Iterable[int]) -> list[int]:
    """Return the keys that turns of the original have in the copy."""
    query = "SELECT key FROM turns WHERE conversation = ? ORDER BY key"
    originals, copies = ([key for (key,) in connection.execute(query, (id_,))] for id_ in (source, target))
    copy_of = dict(zip(originals, copies, strict=True))
    return [copy_of[key] for key in keys if key in copy_of]


def _erase_turns(connection: sqlite3.Connection, conversation: str, keys: Iterable[int]) -> None:
    query = "DELETE FROM turns WHERE conversation = ? AND key = ?"
    connection.executemany(query, [(conversation, key) for key in keys])


def _keep_within_bounds(connection: sqlite3.Connection, browser: str, conversation: str) -> None:
    connection.execute(
        "DELETE FROM conversations WHERE browser = ? AND id NOT IN"
        " (SELECT id FROM conversations WHERE browser = ? ORDER BY updated DESC LIMIT ?)",
        (browser, browser, MAX_CONVERSATIONS),
    )
    connection.execute(
        "DELETE FROM turns WHERE conversation = ? AND key NOT IN"
        " (SELECT key FROM turns WHERE conversation = ? ORDER BY key DESC LIMIT ?)",
        (conversation, conversation, MAX_TURNS),
    )
