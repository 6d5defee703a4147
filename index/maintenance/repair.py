"""What the integrity check finds is mended, as far as it can be."""

from collections.abc import Callable

from index.ingest.rounds import Entry, WriteRound, in_rounds
from index.maintenance.integrity import BEYOND_FILES, Diagnosis, Problem, count_rows, examine, mend_rows, reindex
from index.retrieval.faiss_index import VectorIndex
from index.storage.store import Store

_ROUNDS = 3


class Repair:
    """Mends one index; the right to write it must be held."""

    def __init__(
        self,
        store: Store,
        vectors: VectorIndex,
        dimension: Callable[[], int],
        write_round: WriteRound,
        sync: Callable[[], object],
    ) -> None:
        """Make it; nothing is mended before `run`.

        Args:
            store: The index's store.
            vectors: FAISS over the store's vectors.
            dimension: Gives the length that vectors must have.
            write_round: Splits, embeds and commits some documents.
            sync: Brings the index in step with its folder.
        """
        self._store = store
        self._vectors = vectors
        self._dimension = dimension
        self._write_round = write_round
        self._sync = sync

    def run(self, found: list[Problem]) -> Diagnosis:
        """Mend what can be mended.

        Args:
            found: What `examine` found.

        Returns:
            What was wrong, and what still is.
        """
        found, left = list(found), found
        # Once SQLite's own file is mended, what is in it can be looked at: there may be more to mend.
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
