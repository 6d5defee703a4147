"""The tables of an index's database."""

import sqlite3

SCHEMA_VERSION = 4

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- The ledger: every file that was met in the folder, and what became of it.
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

-- What was taken out by hand, by name and by content: neither another name nor a new file brings it back.
CREATE TABLE kept_out (name TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (name, sha256)) WITHOUT ROWID;

-- A document without a name is deleted: nothing finds it, and its rows are erased in the background.
-- The text comes last: what stands behind a long one is slow to reach.
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

-- Where stretches of a document's text stand in its file; each goes on to the beginning of the next.
CREATE TABLE places (
    document_id INTEGER NOT NULL REFERENCES documents (id),
    start INTEGER NOT NULL,
    label TEXT NOT NULL,
    PRIMARY KEY (document_id, start)
) WITHOUT ROWID;

-- Sizes of a document's pages, in points, and where its characters are printed on them, as char_boxes.py has it.
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

-- AUTOINCREMENT: an id is never used again, so a derived index can tell what it lacks and what it has too much.
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

OF_DOCUMENT = ("places", "pages", "boxes")
"""Tables of what is known of a document besides its passages."""
_TABLES = ("lexical", "vectors", "passages", *OF_DOCUMENT, "documents", "kept_out", "files", "meta")
"""All tables, those that refer to others before those."""


def has_tables(connection: sqlite3.Connection) -> bool:
    """Whether the tables were made."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is not None


def make_tables(connection: sqlite3.Connection) -> None:
    """Make all tables, empty; those that are there are dropped."""
    for table in _TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in SCHEMA.split(";\n"):
        connection.execute(statement)
