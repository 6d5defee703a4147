"""FAISS over the store's vectors: derived, kept in step by passage ids, rebuilt when missing or damaged."""

import json
import logging
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from index.embedding import Vectors
from index.store import Store

FILE_NAME = "vectors.faiss"
_MAGIC = b"verbatim-vectors-1\n"

logger = logging.getLogger("verbatim")


class VectorIndex:
    """Exact search by inner product over the vectors of one store.

    Flat, not approximate: on two cores a search takes about 0.1 ms a thousand passages, and nothing is ever missed.
    """

    def __init__(self, store: Store, dimension: int, path: Path | None = None) -> None:
        """Open what was saved beside the store, or begin empty; either way `catch_up` brings it in step.

        Args:
            store: Where the vectors come from.
            dimension: Length of a vector.
            path: Where it is saved; None takes a file beside the store's.
        """
        self._store = store
        self._path = store.path.with_name(FILE_NAME) if path is None else path
        self._store_id = str(store.meta("store_id"))
        self._dimension = dimension
        self._guard = threading.RLock()
        self._generation = -1
        saved = self._load(dimension)
        self._is_saved = saved is not None
        # Any: FAISS adds to its classes at run time what its type hints do not know.
        self._faiss: Any = _empty(dimension) if saved is None else saved

    def __len__(self) -> int:
        """Number of vectors."""
        return int(self._faiss.ntotal)

    def catch_up(self) -> None:
        """Take in what the store has and drop what it no longer has.

        Ids are never used twice in a store, so comparing ids finds every difference, however old the saved file is.
        """
        with self._guard, self._store.reading():
            generation, store_id = self._store.generation(), str(self._store.meta("store_id"))
            if store_id != self._store_id:  # the store was begun anew, and so were its ids
                self._store_id, self._faiss, self._is_saved = store_id, _empty(self._dimension), False
            elif generation == self._generation:
                return
            have = faiss.vector_to_array(self._faiss.id_map)
            want = np.asarray(self._store.passage_ids(), dtype=np.int64)
            self._remove(np.setdiff1d(have, want, assume_unique=True))
            self._add(np.setdiff1d(want, have, assume_unique=True))
            self._generation = generation

    @contextmanager
    def in_step(self) -> Iterator[None]:
        """Keep the index as the store is for the caller, whatever other threads see of the store meanwhile.

        Yields:
            Nothing.
        """
        with self._guard, self._store.reading():
            self.catch_up()
            yield

    def search(self, vector: Vectors, limit: int, ids: Sequence[int] | None = None) -> list[tuple[int, float]]:
        """The nearest passages, best first.

        Args:
            vector: `(dimension,)` float32, unit length.
            limit: How many at most.
            ids: Passages to choose from; None is all of them.

        Returns:
            Id and cosine of each. Fewer than `limit` when there are fewer; FAISS's padding is dropped here.
        """
        with self._guard:
            count = len(self) if ids is None else len(ids)
            if min(limit, count, len(self)) < 1:
                return []
            parameters = None if ids is None else _only(ids)
            cosines, found = self._faiss.search(vector[None], min(limit, len(self)), params=parameters)
        return [(int(id_), float(cosine)) for id_, cosine in zip(found[0], cosines[0], strict=True) if id_ >= 0]

    def cosines(self, vector: Vectors, ids: Sequence[int]) -> dict[int, float]:
        """Cosines of the passages named; ids that are not in the index are missing."""
        nearest = self.search(vector, len(ids), ids)
        return dict(nearest)

    def save(self) -> None:
        """Write the index beside the store; a crash leaves the file that was there before.

        The right to write the store must be held. A disk that is full costs only time at the next opening.
        """
        with self._guard:
            if self._is_saved:
                return
            payload = faiss.serialize_index(self._faiss).tobytes()
            header = {"store_id": self._store_id, "crc32": zlib.crc32(payload)}
        temporary = self._path.with_name(f"{self._path.name}.new")
        try:
            temporary.write_bytes(_MAGIC + json.dumps(header).encode() + b"\n" + payload)
            temporary.replace(self._path)
        except OSError as error:
            logger.warning("%s cannot be saved (%s); it will be made again from the store", self._path, error.strerror)
            return
        self._is_saved = True

    def _load(self, dimension: int) -> faiss.Index | None:
        """The saved index, None where it is missing, damaged, of another store or of another shape."""
        try:
            magic, header, payload = self._path.read_bytes().split(b"\n", 2)
            about = json.loads(header)
        except (OSError, ValueError):
            return None
        if magic + b"\n" != _MAGIC or about["store_id"] != self._store_id or about["crc32"] != zlib.crc32(payload):
            return None
        saved = faiss.deserialize_index(np.frombuffer(payload, dtype=np.uint8))
        return saved if saved.d == dimension else None

    def _remove(self, ids: NDArray[np.int64]) -> None:
        if ids.size:
            self._faiss.remove_ids(ids)
            self._is_saved = False

    def _add(self, ids: NDArray[np.int64]) -> None:
        if ids.size:
            found, vectors = self._store.vectors(ids.tolist())
            self._faiss.add_with_ids(vectors, np.asarray(found, dtype=np.int64))
            self._is_saved = False


def _empty(dimension: int) -> Any:  # noqa: ANN401 (FAISS adds to its classes what its type hints do not know)
    return faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))


def _only(ids: Sequence[int]) -> Any:  # noqa: ANN401 (a class that FAISS's type hints get wrong)
    """FAISS's search parameters for a choice of passages."""
    parameters: Any = faiss.SearchParameters
    return parameters(sel=faiss.IDSelectorBatch(np.asarray(ids, dtype=np.int64)))
