"""Tables of an index's database."""

import sqlite3

SCHEMA_VERSION = 5

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- The ledger: every file found in the folder, and its state.
CREATE TABLE files (
    name TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    detail TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    checked_ns INTEGER NOT NULL,
    parent TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX files_by_parent ON files (parent);

-- Files removed by the user, by name and by content: neither a new name nor a new file brings them back.
CREATE TABLE IF NOT EXISTS kept_out (
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (name, sha256)
) WITHOUT ROWID;

-- A document without a name is deleted: it is not found, and its rows are erased in the background.
-- The text comes last: columns after a long one are slow to read.
CREATE TABLE documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT UNIQUE,
    title TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    n_chars INTEGER NOT NULL,
    n_passages INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    text TEXT NOT NULL
);

-- Places of a document's text in its file; each extends to the start of the next.
CREATE TABLE places (
    document_id INTEGER NOT NULL REFERENCES documents (id),
    start INTEGER NOT NULL,
    label TEXT NOT NULL,
    PRIMARY KEY (document_id, start)
) WITHOUT ROWID;

-- Sizes of a document's pages, in points, and boxes of its characters on them, in the format of char_boxes.py.
CREATE TABLE pages (
    document_id INTEGER NOT NULL REFERENCES documents (id),
    number INTEGER NOT NULL,
    width REAL NOT NULL,
    height REAL NOT NULL,
    PRIMARY KEY (document_id, number)
) WITHOUT ROWID;
CREATE TABLE boxes (
    document_id INTEGER NOT NULL REFERENCES documents (id),
    first INTEGER NOT NULL,
    piece BLOB NOT NULL,
    PRIMARY KEY (document_id, first)
);

-- Tables of a document, and their rows in the format of tables.py, some hundred to a piece.
CREATE TABLE tables (
    document_id INTEGER NOT NULL REFERENCES documents (id),
    number INTEGER NOT NULL,
    about TEXT NOT NULL,
    headers TEXT NOT NULL,
    n_rows INTEGER NOT NULL,
    PRIMARY KEY (document_id, number)
) WITHOUT ROWID;
CREATE TABLE table_rows (
    document_id INTEGER NOT NULL REFERENCES documents (id),
    number INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    piece BLOB NOT NULL,
    PRIMARY KEY (document_id, start, "end", number)
);

-- AUTOINCREMENT: an id is never used again, so a derived index can tell which passages it lacks or has in excess.
CREATE TABLE passages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id INTEGER NOT NULL REFERENCES documents (id),
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    heading TEXT NOT NULL,
    context TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX passages_by_document ON passages (document_id);

CREATE TABLE vectors (passage_id INTEGER PRIMARY KEY REFERENCES passages (id), vector BLOB NOT NULL);

CREATE VIRTUAL TABLE lexical USING fts5 (
    context, text, content = 'passages', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2'
);
"""

OF_DOCUMENT = ("places", "pages", "boxes", "table_rows", "tables")
"""Tables of a document's data besides its passages."""
_TABLES = ("lexical", "vectors", "passages", *OF_DOCUMENT, "documents", "kept_out", "files", "meta")
"""All tables, each before those that it refers to."""


def has_tables(connection: sqlite3.Connection) -> bool:
    """Return whether the tables exist."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is not None


def make_tables(connection: sqlite3.Connection, *, but_kept_out: bool = False) -> None:
    """Create all tables, empty; existing ones are dropped.

    Args:
        connection: The connection, in a transaction.
        but_kept_out: Keep what says which files were taken out by the user.
    """
    for table in _TABLES:
        if not (but_kept_out and table == "kept_out"):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in SCHEMA.split(";\n"):
        connection.execute(statement)
