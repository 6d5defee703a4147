"""What was asked, kept: an SQLite file beside the index, the conversations of each browser apart."""

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
"""That a browser keeps; the ones longest untouched go."""
MAX_TURNS = 500
"""That a conversation keeps; the oldest go."""
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

-- AUTOINCREMENT: a key is never used again, so that no page takes a new turn for one that it has shown.
-- `words` is what is searched, case-folded.
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
    """There is no such conversation, or none that this browser may change."""


_KIND = DatabaseKind(
    name="the history",
    error=HistoryError,
    damaged=HistoryError,
    busy=HistoryError,
    if_damaged=f"move it away, or {_WITHOUT}",
    if_unwritable=_WITHOUT,
    auto_vacuum="FULL",  # pages go back to the disk at each commit: nothing stays of what is deleted
)


@dataclass(frozen=True, slots=True)
class Said:
    """A turn, with what its places refer to.

    Attributes:
        turn: What was said.
        records: The documents that it mentions, as they were then.
    """

    turn: Turn
    records: tuple[DocumentRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptTurn:
    """A turn as it was kept.

    Attributes:
        key: Its number, which grows with time.
        asked: When it was kept, in seconds since 1970.
        said: What was said; None where another version kept it in a form that this one does not read.
    """

    key: int
    asked: float
    said: Said | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation without its turns.

    Attributes:
        id: Its unguessable name.
        browser: Whose it is: the hash of a browser's id, as `hashed_id` gives it.
        title: Its first question, or what it was renamed to.
        created: When it began, in seconds since 1970.
        updated: When it was last gone on with.
        n_turns: How many turns it has.
    """

    id: str
    browser: str = field(repr=False)
    title: str
    created: float
    updated: float
    n_turns: int


_said = TypeAdapter(Said)


def said_of(turn: Turn, records: Mapping[str, DocumentRecord]) -> Said:
    """A turn with the documents that it mentions.

    Args:
        turn: The turn.
        records: The documents that it mentions, by name, as they were when it was said; others are left out.

    Returns:
        The two, to be kept.
    """
    return Said(turn, tuple(records[name] for name in sorted(mentioned_in(turn) & records.keys())))


class History:
    """The conversations of all browsers. Safe to use from many threads and processes.

    Each call has a connection of its own, a fraction of a millisecond's work, and is one transaction: what a call has
    returned from outlives the process. Closing the last connection empties the write-ahead log, and SQLite writes zeros
    over what is deleted: nothing stays of it in the file.
    """

    def __init__(self, folder: Path) -> None:
        """Open the history in a folder, making it when there is none.

        Args:
            folder: Where its file lies, which is there.

        Raises:
            HistoryError: There is one that cannot be read, or the folder cannot be written.
        """
        self._database = Database(folder / FILE_NAME, _KIND)
        self._database.make()
        self._database.make_tables(_SCHEMA, _SCHEMA_VERSION)
        with self._database.connected() as connection:
            hash_stored_ids(connection, "conversations")  # older versions kept them as they were

    def add(
        self, conversation: str, browser: str, said: Said, *, in_place_of: Collection[int] = ()
    ) -> tuple[str, KeptTurn]:
        """Add a turn to a conversation.

        Another browser's conversation is copied and the copy gone on with; where there is none, one begins.

        Args:
            conversation: Id of the conversation; "" begins one.
            browser: Whose turn it is.
            said: The turn.
            in_place_of: Keys of turns that it takes the place of, and which are erased.

        Returns:
            Id of the conversation that it was added to, and the turn as it was kept.

        Raises:
            HistoryError: It could not be written; everything is as it was.
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
        """A browser's conversations, the one gone on with last first.

        Args:
            browser: Whose.
            search: Words that the title, a question or what the chat said holds, in capitals or not; "" finds all.
            limit: How many at most.

        Returns:
            The conversations.

        Raises:
            HistoryError: They could not be read.
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
        """A conversation, whoever's: who knows its id may read it.

        Args:
            id_: Its id.

        Returns:
            The conversation.

        Raises:
            UnknownConversationError: There is none.
            HistoryError: It could not be read.
        """
        with self._database.reading() as connection:
            row = connection.execute(f"{_CONVERSATIONS} WHERE c.id = ?", (id_,)).fetchone()
        if row is None:
            raise UnknownConversationError(_unknown(id_))
        return Conversation(*row)

    def turns(self, conversation: str) -> list[KeptTurn]:
        """The turns of a conversation in their order; none where there is no such conversation.

        Args:
            conversation: Its id.

        Returns:
            The turns.

        Raises:
            HistoryError: They could not be read.
        """
        query = "SELECT key, asked, said FROM turns WHERE conversation = ? ORDER BY key"
        with self._database.reading() as connection:
            rows = connection.execute(query, (conversation,)).fetchall()
        return [KeptTurn(key, asked, _read(key, said)) for key, asked, said in rows]

    def rename(self, id_: str, browser: str, title: str) -> None:
        """Give a conversation another title.

        Args:
            id_: Its id.
            browser: Whose it is.
            title: The title.

        Raises:
            UnknownConversationError: There is none of that browser.
            HistoryError: It could not be written.
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
            browser: Whose it is.

        Raises:
            UnknownConversationError: There is none of that browser.
            HistoryError: It could not be written.
        """
        with self._database.writing() as connection:
            done = connection.execute("DELETE FROM conversations WHERE id = ? AND browser = ?", (id_, browser))
            if not done.rowcount:
                raise UnknownConversationError(_unknown(id_))

    def delete_all(self, browser: str) -> int:
        """Erase all conversations of a browser.

        Args:
            browser: Whose.

        Returns:
            How many there were.

        Raises:
            HistoryError: They could not be erased.
        """
        with self._database.writing() as connection:
            return connection.execute("DELETE FROM conversations WHERE browser = ?", (browser,)).rowcount


_CONVERSATIONS = (
    "SELECT id, browser, title, created, updated, (SELECT count(*) FROM turns WHERE conversation = c.id)"
    " FROM conversations c"
)


def _unknown(id_: str) -> str:
    return f"conversation={id_[:40]!r} is not there, or not yours to change; reload the page"


def _as_title(text: str) -> str:
    """The text in one line, shortened."""
    line = " ".join(text.split())
    return line if len(line) <= _TITLE_CHARS else line[: _TITLE_CHARS - 1].rstrip() + "…"


def _read(key: int, said: str) -> Said | None:
    try:
        return _said.validate_json(said)
    except ValidationError as error:
        logger.warning("turn %d of the history was kept by another version: %s", key, error.errors()[0]["msg"])
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
    """The keys in a copy of turns whose keys in the original are given."""
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
