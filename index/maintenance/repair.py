"""Repair of the problems found by the integrity check."""

from collections.abc import Callable

from index.ingest.rounds import Entry, WriteRound, in_rounds
from index.maintenance.integrity import BEYOND_FILES, Diagnosis, Problem, count_rows, examine, mend_rows, reindex
from index.retrieval.faiss_index import VectorIndex
from index.storage.store import Store

_ROUNDS = 3


class Repair:
    """Repairs one index; the write lock must be held."""

    def __init__(
        self,
        store: Store,
        vectors: VectorIndex,
        dimension: Callable[[], int],
        write_round: WriteRound,
        sync: Callable[[], object],
    ) -> None:
        """Create it; nothing is repaired before `run`.

        Args:
            store: Store of the index.
            vectors: The vector index over the store.
            dimension: Returns the dimension of the embedder's vectors.
            write_round: Splits, embeds and commits a batch of documents.
            sync: Updates the index to match its folder.
        """
        self._store = store
        self._vectors = vectors
        self._dimension = dimension
        self._write_round = write_round
        self._sync = sync

    def run(self, found: list[Problem]) -> Diagnosis:
        """Repair what can be repaired of the problems found by `examine`, and return the result."""
        found, left = list(found), found
        # After SQLite's own file is repaired, its contents can be checked, which may find more.
        for _ in range(_ROUNDS):
            self._mend(left)
            before, left = left, examine(self._store, self._dimension)
            found += [problem for problem in left if problem not in found]
            if not left or left == before:
                break
        mended = tuple(problem for problem in found if problem not in left)
        return Diagnosis(count_rows(self._store), tuple(left), mended)

    def _mend(self, problems: list[Problem]) -> None:
        if any(problem.check in BEYOND_FILES for problem in problems):
            reindex(self._store)
            return
        names = {problem.document for problem in problems if problem.document is not None}
        of_files = names & self._store.ledger.records(names).keys()
        mend_rows(self._store, problems)
        for round_ in in_rounds(Entry(self._store.documents.get(name), None) for name in sorted(names - of_files)):
            self._write_round(round_, None)
        if of_files or any(problem.file for problem in problems):
            self._sync()
        self._vectors.discard()
        self._vectors.catch_up()
        self._vectors.save()
