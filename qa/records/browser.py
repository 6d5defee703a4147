"""A browser's id as it is kept: its hash, from which nobody who reads the file can make the cookie."""

import hashlib
import sqlite3

_PREFIX = "sha256:"
"""No id of a browser holds a colon, so that one that an older version kept as it was is told apart."""


def hashed_id(browser: str) -> str:
    """Hash a browser's id, which is random and so long that it cannot be guessed from its hash.

    Args:
        browser: The id that the browser shows; "" of one that has none.

    Returns:
        The hash with its name before it; "" of "".
    """
    return f"{_PREFIX}{hashlib.sha256(browser.encode()).hexdigest()}" if browser else ""


def hash_stored_ids(connection: sqlite3.Connection, table: str) -> None:
    """Put hashes in place of the ids that an older version kept as they were; nothing where there are none.

    Args:
        connection: The database, in which deleted bytes are overwritten (`secure_delete`).
        table: A table with a column `browser`.
    """
    is_old = f"browser != '' AND browser NOT LIKE '{_PREFIX}%'"
    if connection.execute(f"SELECT 1 FROM {table} WHERE {is_old} LIMIT 1").fetchone():
        connection.create_function("hashed_id", 1, hashed_id, deterministic=True)
        connection.execute(f"UPDATE OR REPLACE {table} SET browser = hashed_id(browser) WHERE {is_old}")
