"""The passages of an index with their vectors and lexical rows: written together, found by id, name or words."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from index.errors import DamagedIndexError
from index.records import Document, Passage, Vectors
from index.storage.database import Database

MENDED_BY = "mend it with: verbatim doctor FOLDER --mend"
_IDS_PER_QUERY = 500
_LOOKED_AT = 20
"""Passages in which the form of a word is looked for."""
_DELETED = "SELECT id FROM passages WHERE document_id IN (SELECT id FROM documents WHERE name IS NULL)"


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A passage with what belongs to it in the store.

    Attributes:
        passage: The passage.
        context: Title and headings, embedded and searched in front of its text.
        vector: `(dimension,)` float32, unit length.
    """

    passage: Passage
    context: str
    vector: Vectors


class Passages:
    """The passages of an index. What is deleted and not yet erased is neither found nor counted."""

    def __init__(self, database: Database) -> None:
        """Make it over an index's database."""
        self._database = database

    def count(self) -> int:
        """Number of passages."""
        query = f"SELECT (SELECT count(*) FROM passages) - (SELECT count(*) FROM ({_DELETED}))"
        with self._database.reading() as connection:
            return int(connection.execute(query).fetchone()[0])

    def counts(self) -> dict[str, int]:
        """Number of "passages", "vectors" and "lexical" rows, which are equal in a sound index; reads all of them."""
        queries = {
            "passages": f"SELECT count(*) FROM passages WHERE id NOT IN ({_DELETED})",
            "vectors": f"SELECT count(*) FROM vectors WHERE passage_id NOT IN ({_DELETED})",
            "lexical": f"SELECT count(*) FROM lexical_docsize WHERE id NOT IN ({_DELETED})",
        }
        with self._database.reading() as connection:
            return {what: connection.execute(query).fetchone()[0] for what, query in queries.items()}

    def get(self, ids: Sequence[int]) -> dict[int, tuple[Passage, Document]]:
        """Passages by their ids, each with its document, whose text is left out; ids that are gone are missing."""
        found: dict[int, tuple[Passage, Document]] = {}
        with self._database.reading() as connection:
            for start in range(0, len(ids), _IDS_PER_QUERY):
                some = ids[start : start + _IDS_PER_QUERY]
                query = (
                    'SELECT p.id, d.name, p.start, p."end", p.text, p.heading, d.title, d.sha256'
                    " FROM passages p JOIN documents d ON d.id = p.document_id"
                    f" WHERE p.id IN ({_marks(some)}) AND d.name IS NOT NULL"
                )
                for id_, name, first, end, text, heading, title, sha256 in connection.execute(query, some):
                    found[id_] = (Passage(name, first, end, text, heading), Document(name, "", title, sha256))
        return found

    def ids(self, names: Sequence[str] | None = None) -> list[int]:
        """Ids of all passages, or of those of the documents named, in ascending order."""
        chosen = "name IS NOT NULL" if names is None else "name IN (SELECT value FROM json_each(?))"
        query = f"SELECT id FROM passages WHERE document_id IN (SELECT id FROM documents WHERE {chosen})"
        values = () if names is None else (json.dumps(list(names)),)
        with self._database.reading() as connection:
            # Sorted here: asked for in order, SQLite would read the texts, in place of the index by document.
            return sorted(row[0] for row in connection.execute(query, values))

    def vectors(self, ids: Sequence[int]) -> tuple[list[int], Vectors]:
        """Vectors of passages.

        Args:
            ids: Ids of passages.

        Returns:
            Those of the ids that are there, ascending, and their vectors, `(n, dimension)` float32.

        Raises:
            DamagedIndexError: They are of different lengths.
        """
        found: list[int] = []
        blobs: list[bytes] = []
        with self._database.reading() as connection:
            for start in range(0, len(ids), _IDS_PER_QUERY):
                some = ids[start : start + _IDS_PER_QUERY]
                query = f"SELECT passage_id, vector FROM vectors WHERE passage_id IN ({_marks(some)}) ORDER BY 1"
                for id_, blob in connection.execute(query, some):
                    found.append(id_)
                    blobs.append(blob)
        if len({len(blob) for blob in blobs}) > 1:
            raise DamagedIndexError(f"the index {self._database.path} holds vectors of different lengths; {MENDED_BY}")
        flat = np.frombuffer(b"".join(blobs), dtype=np.float32)
        return found, flat.reshape(len(found), -1) if found else flat.reshape(0, 0)

    def match(self, expression: str, limit: int, ids: Sequence[int] | None = None) -> list[tuple[int, float]]:
        """Passages that match a full-text expression, best first.

        Args:
            expression: In FTS5's syntax.
            limit: How many at most.
            ids: Passages to choose from; None is all of them.

        Returns:
            Id and BM25 score of each; higher is better, unlike FTS5's own sign.
        """
        query = "SELECT rowid, -bm25(lexical) AS score FROM lexical WHERE lexical MATCH ?"
        query += f" AND rowid NOT IN ({_DELETED})"
        values: list[object] = [expression]
        if ids is not None:
            # The sign keeps SQLite from matching anew for each passage to choose from: 1,000 take 0.9 ms, not 182.
            query += " AND +rowid IN (SELECT value FROM json_each(?))"
            values.append(json.dumps(list(ids)))
        query += " ORDER BY score DESC, rowid LIMIT ?"
        with self._database.reading() as connection:
            return connection.execute(query, [*values, limit]).fetchall()

    def words_held(self, words: Iterable[str], *, as_written: bool = False) -> set[str]:
        """Those of some words that a document holds.

        Args:
            words: Words of letters and digits, in lower case.
            as_written: In this form; else in any that the lexical search takes for the same.

        Returns:
            Those that are held; one of a document just deleted may yet be among them. A form that is rare beside others
            may be missed.
        """
        query = "SELECT p.text FROM lexical l JOIN passages p ON p.id = l.rowid WHERE lexical MATCH ? LIMIT ?"
        held = set()
        with self._database.reading() as connection:
            for word in words:
                rows = connection.execute(query, (f'"{word}"', _LOOKED_AT if as_written else 1))
                if any(not as_written or re.search(rf"\b{word}\b", text, re.IGNORECASE) for (text,) in rows):
                    held.add(word)
        return held

    def add(self, document_id: int, rows: Iterable[PassageRow]) -> None:
        """Write the passages of a document, each with its vector and its lexical row.

        Args:
            document_id: Id of the document.
            rows: The passages.
        """
        passage = 'INSERT INTO passages (document_id, start, "end", heading, context, text) VALUES (?, ?, ?, ?, ?, ?)'
        lexical = "INSERT INTO lexical (rowid, context, text) VALUES (?, ?, ?)"
        with self._database.writing() as connection:
            for row in rows:
                said = row.passage
                values = (document_id, said.start, said.end, said.heading, row.context, said.text)
                id_ = connection.execute(passage, values).lastrowid
                vector = np.ascontiguousarray(row.vector, dtype=np.float32).tobytes()
                connection.execute("INSERT INTO vectors VALUES (?, ?)", (id_, vector))
                connection.execute(lexical, (id_, row.context, said.text))

    def erase(self, document_id: int, limit: int) -> bool:
        """Erase some passages of a document with all that belongs to them.

        Args:
            document_id: Id of the document.
            limit: How many at most.

        Returns:
            Whether there were any.
        """
        query = "SELECT id, context, text FROM passages WHERE document_id = ? LIMIT ?"
        with self._database.writing() as connection:
            rows = connection.execute(query, (document_id, limit)).fetchall()
            ids = [(row[0],) for row in rows]
            delete = "INSERT INTO lexical (lexical, rowid, context, text) VALUES ('delete', ?, ?, ?)"
            connection.executemany(delete, rows)
            connection.executemany("DELETE FROM vectors WHERE passage_id = ?", ids)
            connection.executemany("DELETE FROM passages WHERE id = ?", ids)
        return bool(rows)


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
