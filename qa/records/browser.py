"""Hashing of browser ids before storage, so that a stolen file does not reveal the cookies."""

import hashlib
import sqlite3

_PREFIX = "sha256:"
"""Marks hashed ids: ids themselves never contain a colon, so ids stored unhashed by older versions are recognized."""


def hashed_id(browser: str) -> str:
    """Hash a browser's id; the id is random and too long to guess from its hash.

    Args:
        browser: The id from the browser's cookie; "" for none.

    Returns:
        The hash with a prefix; "" for "".
    """
    return f"{_PREFIX}{hashlib.sha256(browser.encode()).hexdigest()}" if browser else ""


def hash_stored_ids(connection: sqlite3.Connection, table: str) -> None:
    """Hash the ids in a table that an older version stored unhashed.

    Args:
        connection: The database, with `secure_delete` on, so that the old ids are overwritten.
        table: Name of a table with a column `browser`.
    """
    is_old = f"browser != '' AND browser NOT LIKE '{_PREFIX}%'"
    if connection.execute(f"SELECT 1 FROM {table} WHERE {is_old} LIMIT 1").fetchone():
        connection.create_function("hashed_id", 1, hashed_id, deterministic=True)
        connection.execute(f"UPDATE OR REPLACE {table} SET browser = hashed_id(browser) WHERE {is_old}")
