"""Integrity check: every invariant of an index is checked, and repaired if possible."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass

import numpy as np

from index.errors import DamagedIndexError
from index.records import READ
from index.retrieval.faiss_index import VectorIndex
from index.storage.schema import OF_DOCUMENT
from index.storage.store import Store

BEYOND_FILES = ("database", "certificate")
"""Checks whose problems reading documents again does not repair; with any of these, nothing else is checked."""

_UNIT_TOLERANCE = 1e-3
_ROWS_AT_ONCE = 10_000
_MAX_MESSAGES = 10


@dataclass(frozen=True, slots=True)
class Problem:
    """A violated invariant of an index.

    Attributes:
        check: Name of the check.
        what: Description for people.
        document: Name of the document to read again for the repair; None if it concerns no document.
        file: Name of the ledger entry to delete for the repair; None if it concerns no entry.
    """

    check: str
    what: str
    document: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Result of checking an index.

    Attributes:
        counts: Number of documents, passages, vectors and lexical rows.
        problems: Problems that remain.
        mended: Problems that were repaired.
    """

    counts: dict[str, int]
    problems: tuple[Problem, ...] = ()
    mended: tuple[Problem, ...] = ()


def examine(store: Store, dimension: Callable[[], int]) -> list[Problem]:
    """Check every invariant of an index.

    Args:
        store: The index's store.
        dimension: Returns the dimension of the embedder's vectors; called only if the index has vectors.

    Returns:
        The problems; if SQLite's file itself is damaged, nothing else is checked.
    """
    try:
        return _all_problems(store, dimension)
    except DamagedIndexError as error:
        return [Problem("database", str(error))]


def _all_problems(store: Store, dimension: Callable[[], int]) -> list[Problem]:
    with store.database.reading() as connection:
        problems = [*_database(connection)] or [*_certificate(connection)]
        if problems:
            return problems
        for check in (_references, _passages, _counts, _ledger):
            problems += check(connection)
        problems += _vectors(connection, dimension)
    problems += _lexical(store)
    if not any(problem.check == "vectors" for problem in problems):  # FAISS does not accept malformed vectors
        problems += _saved_vectors(store)
    return problems


def count_rows(store: Store) -> dict[str, int]:
    """Count documents, passages, vectors and lexical rows; 0 of each if the store cannot be read."""
    try:
        return store.counts()
    except DamagedIndexError:
        return {}


def reindex(store: Store) -> None:
    """Rebuild SQLite's own indexes from their tables; the write lock must be held. Other damage cannot be repaired."""
    with suppress(DamagedIndexError), store.database.writing() as connection:
        connection.execute("REINDEX")


def mend_rows(store: Store, problems: list[Problem]) -> None:
    """Repair what does not need reading documents again; the write lock must be held.

    Documents to read again, and ledger entries to write again, are marked so that `sync` does it.

    Args:
        store: Store of the index.
        problems: Problems found by `examine`.
    """
    checks = {problem.check for problem in problems}
    with store.database.writing() as connection:
        if "references" in checks:
            for table in ("passages", *OF_DOCUMENT):
                connection.execute(f"DELETE FROM {table} WHERE document_id NOT IN (SELECT id FROM documents)")
            connection.execute("DELETE FROM vectors WHERE passage_id NOT IN (SELECT id FROM passages)")
        for problem in problems:
            if problem.document is not None:
                is_of_file = "name IN (SELECT name FROM files)"
                connection.execute(
                    f"UPDATE documents SET sha256 = '' WHERE name = ? AND {is_of_file}", (problem.document,)
                )
            for name in {problem.document, problem.file} - {None}:
                # Files inside a container are read with it.
                connection.execute(
                    "DELETE FROM files WHERE name = ? OR name = (SELECT parent FROM files WHERE name = ?)", (name, name)
                )
    if checks & {"lexical", "references"}:
        store.erasure.rebuild_lexical()


def _database(connection: sqlite3.Connection) -> Iterator[Problem]:
    for (message,) in connection.execute(f"PRAGMA integrity_check({_MAX_MESSAGES})").fetchall():
        if message != "ok":
            yield Problem("database", str(message).splitlines()[0])


def _certificate(connection: sqlite3.Connection) -> Iterator[Problem]:
    have = {row[0] for row in connection.execute("SELECT key FROM meta")}
    for key in ("certificate", "store_id", "generation", "deletions", "deletions_erased"):
        if key not in have:
            yield Problem("certificate", f"the index has no {key.replace('_', ' ')}")


def _references(connection: sqlite3.Connection) -> Iterator[Problem]:
    rows = connection.execute("PRAGMA foreign_key_check").fetchall()
    for table in sorted({row[0] for row in rows}):
        count = sum(row[0] == table for row in rows)
        yield Problem("references", f"{count:,} {table} refer to rows that do not exist")


def _passages(connection: sqlite3.Connection) -> Iterator[Problem]:
    """Check that each passage is its document's text at its offsets, and that documents count them correctly."""
    query = "SELECT id, name, text, n_chars, n_passages FROM documents WHERE name IS NOT NULL"
    with closing(connection.cursor()) as documents:
        for id_, name, text, n_chars, n_passages in documents.execute(query):
            rows = connection.execute(
                'SELECT start, "end", text FROM passages WHERE document_id = ?', (id_,)
            ).fetchall()
            wrong = sum(words != text[start:end] or not words for start, end, words in rows)
            if wrong:
                yield Problem("passages", f"{wrong:,} passages of {name!r} differ from its text", name)
            if len(rows) != n_passages:
                yield Problem("passages", f"{name!r} has {len(rows):,} passages but records {n_passages:,}", name)
            if len(text) != n_chars:
                yield Problem("passages", f"{name!r} has {len(text):,} characters but records {n_chars:,}", name)


def _counts(connection: sqlite3.Connection) -> Iterator[Problem]:
    """Check that each passage has a vector; that vectors have passages is checked by their references."""
    query = """
        SELECT d.name, count(*) FROM passages p JOIN documents d ON d.id = p.document_id
        WHERE p.id NOT IN (SELECT passage_id FROM vectors) AND d.name IS NOT NULL GROUP BY d.name
    """
    for name, count in connection.execute(query).fetchall():
        yield Problem("vectors", f"{count:,} passages of {name!r} have no vector", name)


def _vectors(connection: sqlite3.Connection, dimension: Callable[[], int]) -> Iterator[Problem]:
    """Check that vectors have the embedder's dimension and unit length, or are all zeros."""
    query = """
        SELECT d.name, v.vector FROM vectors v JOIN passages p ON p.id = v.passage_id
        JOIN documents d ON d.id = p.document_id WHERE d.name IS NOT NULL
    """
    wrong: dict[str, int] = {}
    n_bytes = 0
    for name, blob in connection.execute(query):
        n_bytes = n_bytes or 4 * dimension()
        length = float(np.linalg.norm(np.frombuffer(blob, dtype=np.float32))) if len(blob) == n_bytes else np.nan
        if not (abs(length - 1) < _UNIT_TOLERANCE or length == 0):
            wrong[name] = wrong.get(name, 0) + 1
    for name, count in wrong.items():
        what = f"{count:,} vectors of {name!r} are not of unit length, or not of the embedder's dimension"
        yield Problem("vectors", what, name)


def _lexical(store: Store) -> Iterator[Problem]:
    ids = ("SELECT id FROM passages", "SELECT id FROM lexical_docsize")
    with store.database.reading() as connection:
        for (first, second), what in ((ids, "have no lexical row"), (ids[::-1], "are in the lexical index only")):
            count = connection.execute(f"SELECT count(*) FROM ({first} EXCEPT {second})").fetchone()[0]
            if count:
                yield Problem("lexical", f"{count:,} passages {what}")
    try:
        with store.database.writing() as connection:  # FTS5 runs its own check on this INSERT
            connection.execute("INSERT INTO lexical (lexical, rank) VALUES ('integrity-check', 1)")
    except DamagedIndexError:
        yield Problem("lexical", "the lexical index differs from the passages")


def _saved_vectors(store: Store) -> Iterator[Problem]:
    """Check that the vectors FAISS loads from its file and the store are those in the store."""
    opened = VectorIndex(store)
    if opened.is_damaged():
        yield Problem("faiss", "the file of vectors is damaged")
        return
    with opened.in_step():
        ids, vectors = opened.ids(), opened.vectors()
        if sorted(ids) != store.passages.ids():
            yield Problem("faiss", "the file of vectors has other passages than the store")
            return
        order = np.argsort(ids)
        for start in range(0, len(order), _ROWS_AT_ONCE):
            some = order[start : start + _ROWS_AT_ONCE]
            if not np.array_equal(store.passages.vectors(ids[some].tolist())[1], vectors[some]):
                yield Problem("faiss", "the file of vectors has other vectors than the store")
                return


def _ledger(connection: sqlite3.Connection) -> Iterator[Problem]:
    """Check that files indexed according to the ledger are indexed in that version, and others are not."""
    documents = dict(connection.execute("SELECT name, sha256 FROM documents WHERE name IS NOT NULL").fetchall())
    rows = connection.execute("SELECT name, status, detail, sha256, parent FROM files ORDER BY name").fetchall()
    holding_others = {parent for *_, parent in rows}
    for name, status, detail, sha256, _ in rows:
        if status in READ and name not in documents:
            if name not in holding_others:  # an archive has no text of its own
                yield Problem("ledger", f"the ledger has {name!r} as {status}, but it is not indexed", file=name)
        elif status in READ and documents[name] != sha256:
            yield Problem("ledger", f"{name!r} is indexed in another version than the ledger has", name)
        elif status == "duplicate" and detail not in documents:
            yield Problem("ledger", f"{name!r} is a duplicate of {detail!r}, which is not indexed", file=name)
        elif status in {"duplicate", "empty", "unsupported", "removed"} and name in documents:
            yield Problem("ledger", f"the ledger has {name!r} as left out ({status}), but it is indexed", file=name)
