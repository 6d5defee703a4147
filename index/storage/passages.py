"""The passages of an index with their vectors and lexical rows, to write together and find by id, name or words."""

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
"""Number of passages searched for a form of a word."""
_DELETED = "SELECT id FROM passages WHERE document_id IN (SELECT id FROM documents WHERE name IS NULL)"


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A passage with its stored data.

    Attributes:
        passage: The passage.
        context: Title and headings, embedded and searched in front of its text.
        vector: `(dimension,)` float32, unit length.
    """

    passage: Passage
    context: str
    vector: Vectors


class Passages:
    """The passages of an index. Deleted passages that are not erased yet are neither found nor counted."""

    def __init__(self, database: Database) -> None:
        """Access the passages of an index's database."""
        self._database = database

    def count(self) -> int:
        """Return the number of passages."""
        query = f"SELECT (SELECT count(*) FROM passages) - (SELECT count(*) FROM ({_DELETED}))"
        with self._database.reading() as connection:
            return int(connection.execute(query).fetchone()[0])

    def counts(self) -> dict[str, int]:
        """Return the number of "passages", "vectors" and "lexical" rows, equal in a sound index; reads all of them."""
        queries = {
            "passages": f"SELECT count(*) FROM passages WHERE id NOT IN ({_DELETED})",
            "vectors": f"SELECT count(*) FROM vectors WHERE passage_id NOT IN ({_DELETED})",
            "lexical": f"SELECT count(*) FROM lexical_docsize WHERE id NOT IN ({_DELETED})",
        }
        with self._database.reading() as connection:
            return {what: connection.execute(query).fetchone()[0] for what, query in queries.items()}

    def get(self, ids: Sequence[int]) -> dict[int, tuple[Passage, Document]]:
        """Look up passages by id, each with its document without text; unknown ids are missing from the result."""
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
        """Return the ids of all passages, or of those of named documents, in ascending order."""
        chosen = "name IS NOT NULL" if names is None else "name IN (SELECT value FROM json_each(?))"
        query = f"SELECT id FROM passages WHERE document_id IN (SELECT id FROM documents WHERE {chosen})"
        values = () if names is None else (json.dumps(list(names)),)
        with self._database.reading() as connection:
            # Sorted here: with ORDER BY, SQLite would read the texts instead of the index by document.
            return sorted(row[0] for row in connection.execute(query, values))

    def vectors(self, ids: Sequence[int]) -> tuple[list[int], Vectors]:
        """Look up vectors of passages.

        Args:
            ids: Ids of passages.

        Returns:
            The known ids, ascending, and their vectors, `(n, dimension)` float32.

        Raises:
            DamagedIndexError: The vectors differ in length.
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
        """Search the passages by a full-text expression, best first.

        Args:
            expression: Expression in FTS5's syntax.
            limit: Maximum number of passages.
            ids: Passages to search; None is all of them.

        Returns:
            Id and BM25 score of each passage; higher is better, unlike in FTS5.
        """
        query = "SELECT rowid, -bm25(lexical) AS score FROM lexical WHERE lexical MATCH ?"
        query += f" AND rowid NOT IN ({_DELETED})"
        values: list[object] = [expression]
        if ids is not None:
            # The + keeps SQLite from matching again for each id: 1,000 ids take 0.9 ms, not 182.
            query += " AND +rowid IN (SELECT value FROM json_each(?))"
            values.append(json.dumps(list(ids)))
        query += " ORDER BY score DESC, rowid LIMIT ?"
        with self._database.reading() as connection:
            return connection.execute(query, [*values, limit]).fetchall()

    def words_held(self, words: Iterable[str], *, as_written: bool = False) -> set[str]:
        """Return those of some words that occur in a document.

        Args:
            words: Words of letters and digits, in lower case.
            as_written: Match this form exactly; otherwise any word with the same stem.

        Returns:
            Those that occur. Words of a document just deleted may be included; a rare form of a frequent stem may be
            missed.
        """
        query = "SELECT p.text FROM lexical l JOIN passages p ON p.id = l.rowid WHERE lexical MATCH ? LIMIT ?"
        held = set()
        with self._database.reading() as connection:
            for word in words:
                rows = connection.execute(query, (f'"{word}"', _LOOKED_AT if as_written else 1))
                if any(not as_written or re.search(rf"\b{word}\b", text, re.IGNORECASE) for (text,) in rows):
                    held.add(word)
        return held

    def names_holding(self, words: Iterable[str], strings: Iterable[str] = ()) -> list[str]:
        """Return the names of the documents whose texts may hold all of some words and strings, sorted.

        Args:
            words: Words of letters and digits; each stands for every form of its stem.
            strings: Other strings; each stands for itself.

        Returns:
            Every document that holds all of them, and perhaps some that do not.
        """
        by_word = "SELECT document_id FROM passages WHERE id IN (SELECT rowid FROM lexical WHERE lexical MATCH ?)"
        looked_up = [(by_word, f'text : "{word}"') for word in words]
        looked_up += [("SELECT id FROM documents WHERE instr(text, ?)", string) for string in strings]
        named = (
            "SELECT name FROM documents WHERE id IN (SELECT value FROM json_each(?)) AND name IS NOT NULL ORDER BY 1"
        )
        with self._database.reading() as connection:
            held = [{row[0] for row in connection.execute(query, (value,))} for query, value in looked_up]
            ids = list(set.intersection(*held)) if held else []
            return sorted(row[0] for row in connection.execute(named, (json.dumps(ids),)))

    def add(self, document_id: int, rows: Iterable[PassageRow]) -> None:
        """Write the passages of a document, with their vectors and lexical rows."""
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
        """Erase some passages of a document, with their vectors and lexical rows.

        Args:
            document_id: Id of the document.
            limit: Maximum number of passages.

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
