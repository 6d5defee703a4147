"""What an index says of itself: its certificate, its identity, and how often it was changed."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from index.storage.database import Database
from index.storage.schema import SCHEMA_VERSION

DELETIONS = "deletions"
"""How many documents were ever deleted."""
DELETIONS_ERASED = "deletions_erased"
"""How many of those deletions are gone from the files as well."""
_GENERATION = "generation"
_STORE_ID = "store_id"


class Meta:
    """Values of an index by key, each stored as JSON, and the counters among them."""

    def __init__(self, database: Database) -> None:
        """Make it over an index's database."""
        self._database = database

    def begin(self, values: Mapping[str, object]) -> None:
        """Fill the empty table of a new index.

        Args:
            values: What it says of itself besides its identity, which is drawn, and its counters, which begin at 0.
        """
        first = {"schema_version": SCHEMA_VERSION, _STORE_ID: uuid.uuid4().hex, _GENERATION: 0}
        first |= {DELETIONS: 0, DELETIONS_ERASED: 0}
        rows = [(key, json.dumps(value)) for key, value in {**first, **values}.items()]
        with self._database.writing() as connection:
            connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)

    def get(self, key: str) -> Any:  # noqa: ANN401 (whatever was stored as JSON)
        """A value stored under a key; None when there is none."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        with self._database.decoding():
            return None if row is None else json.loads(row[0])

    def set(self, key: str, value: object) -> None:
        """Store a JSON value under a key."""
        with self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))

    def number(self, key: str) -> int:
        """A counter; 0 where there is none of that key."""
        found = self.get(key)
        with self._database.decoding():
            return 0 if found is None else int(found)

    def add(self, key: str, n: int) -> None:
        """Add to a counter."""
        with self._database.writing() as connection:
            connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + ? WHERE key = ?", (n, key))

    def store_id(self) -> str:
        """Identity of the index: another one after it was begun anew."""
        return str(self.get(_STORE_ID))

    def generation(self) -> int:
        """How many times documents were written or deleted since the index was begun."""
        return self.number(_GENERATION)

    def next_generation(self) -> None:
        """Count that documents were written or deleted."""
        self.add(_GENERATION, 1)
