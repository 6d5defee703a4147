"""Metadata of an index: its certificate, its identity and its counters."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from index.storage.database import Database
from index.storage.schema import SCHEMA_VERSION

DELETIONS = "deletions"
"""Number of documents ever deleted."""
DELETIONS_ERASED = "deletions_erased"
"""Number of those deletions that are erased from the files."""
_GENERATION = "generation"
_STORE_ID = "store_id"


class Meta:
    """Values of an index by key, stored as JSON, with counters among them."""

    def __init__(self, database: Database) -> None:
        """Access the metadata of an index's database."""
        self._database = database

    def begin(self, values: Mapping[str, object]) -> None:
        """Fill the empty table of a new index.

        Args:
            values: Values besides the identity, which is random, and the counters, which start at 0.
        """
        first = {"schema_version": SCHEMA_VERSION, _STORE_ID: uuid.uuid4().hex, _GENERATION: 0}
        first |= {DELETIONS: 0, DELETIONS_ERASED: 0}
        rows = [(key, json.dumps(value)) for key, value in {**first, **values}.items()]
        with self._database.writing() as connection:
            connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)

    def get(self, key: str) -> Any:  # noqa: ANN401 (whatever was stored as JSON)
        """Return the value of a key; None if there is none."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        with self._database.decoding():
            return None if row is None else json.loads(row[0])

    def set(self, key: str, value: object) -> None:
        """Store a JSON value under a key."""
        with self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))

    def number(self, key: str) -> int:
        """Return a counter; 0 if there is none."""
        found = self.get(key)
        with self._database.decoding():
            return 0 if found is None else int(found)

    def add(self, key: str, n: int) -> None:
        """Add to a counter."""
        with self._database.writing() as connection:
            connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + ? WHERE key = ?", (n, key))

    def store_id(self) -> str:
        """Return the identity of the index; it changes when the index is rebuilt."""
        return str(self.get(_STORE_ID))

    def generation(self) -> int:
        """Return how many times documents were written or deleted since the index was created."""
        return self.number(_GENERATION)

    def next_generation(self) -> None:
        """Count one change of documents."""
        self.add(_GENERATION, 1)
