"""FAISS index of the store's vectors: derived data, synchronized by passage ids, rebuilt if missing or damaged."""

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

from index.errors import DamagedIndexError
from index.records import Vectors
from index.storage import private_files
from index.storage.passages import MENDED_BY
from index.storage.store import Store

FILE_NAME = "vectors.faiss"
_MAGIC = b"verbatim-vectors-2"
_CRC_BYTES = 4
_CHUNK_BYTES = 1 << 20

_UNKNOWN = (-1, -1, -1)

_UNSAVED_SHARE = 0.05
"""Share of vectors that the saved file may lack: reading these from the store takes little time, and the whole file
need not be rewritten for each new vector."""

logger = logging.getLogger("verbatim")


class VectorIndex:
    """Exact inner-product search over the vectors of one store.

    Flat, not approximate: on two cores a search takes about 0.1 ms per thousand passages and has full recall.
    """

    def __init__(self, store: Store, path: Path | None = None) -> None:
        """Create an empty index; `catch_up` loads the saved one and what the store has since gained.

        Args:
            store: The source of the vectors.
            path: Where the index is saved; None is a file beside the store's.
        """
        self._store = store
        self._path = store.database.path.with_name(FILE_NAME) if path is None else path
        private_files.mend_file(self._path)
        self._guard = threading.RLock()
        self._store_id = ""
        self._generation = -1
        # Any: FAISS adds methods at run time that its type hints lack. None: no vectors.
        self._faiss: Any = None
        self._saved_look: tuple[int, ...] | None = _UNKNOWN
        self._n_unsaved = 0
        self._saved_holds_removed = False

    def __len__(self) -> int:
        """Number of vectors."""
        return 0 if self._faiss is None else int(self._faiss.ntotal)

    def catch_up(self) -> None:
        """Add the vectors that are new in the store, and remove those that it no longer has.

        Ids are never reused in a store, so comparing ids finds every difference, however old the saved file is.

        Raises:
            DamagedIndexError: The store has vectors of different lengths.
        """
        with self._guard, self._store.database.reading():
            generation, store_id = self._store.meta.generation(), self._store.meta.store_id()
            if store_id != self._store_id:  # not opened yet, or the store was recreated with new ids
                self._store_id = store_id
                self._open()
            if generation == self._generation:
                return
            have, want = self.ids(), np.asarray(self._store.passages.ids(), dtype=np.int64)
            self._remove(np.setdiff1d(have, want, assume_unique=True))
            self._add(np.setdiff1d(want, have, assume_unique=True))
            self._generation = generation

    @contextmanager
    def in_step(self) -> Iterator[None]:
        """Keep the index in step with the store inside the `with` block, whatever other threads write meanwhile.

        Yields:
            Nothing.
        """
        with self._guard, self._store.database.reading():
            self.catch_up()
            yield

    def search(self, vector: Vectors, limit: int, ids: Sequence[int] | None = None) -> list[tuple[int, float]]:
        """Return the nearest passages, best first.

        Args:
            vector: `(dimension,)` float32, unit length.
            limit: Maximum number of passages.
            ids: Passages to choose from; None is all of them.

        Returns:
            Id and cosine of each, without FAISS's padding (id -1).
        """
        with self._guard:
            count = len(self) if ids is None else len(ids)
            if min(limit, count, len(self)) < 1:
                return []
            cosines, found = self._faiss.search(vector[None], min(limit, len(self)), params=_only(ids))
        return [(int(id_), float(cosine)) for id_, cosine in zip(found[0], cosines[0], strict=True) if id_ >= 0]

    def cosines(self, vector: Vectors, ids: Sequence[int]) -> dict[int, float]:
        """Return the cosines of these passages; ids that are not in the index are left out."""
        nearest = self.search(vector, len(ids), ids)
        return dict(nearest)

    def ids(self) -> NDArray[np.int64]:
        """Return the passage ids, `(n,)` int64, in the order of `vectors`."""
        with self._guard:
            found = np.empty(0, dtype=np.int64) if self._faiss is None else faiss.vector_to_array(self._faiss.id_map)
        return np.asarray(found, dtype=np.int64)

    def vectors(self) -> Vectors:
        """Return a copy of all vectors, `(n, dimension)` float32."""
        with self._guard:
            if self._faiss is None:
                return np.empty((0, 0), dtype=np.float32)
            flat: Any = faiss.downcast_index(self._faiss.index)
            return np.asarray(faiss.vector_to_array(flat.codes).view(np.float32).reshape(len(self), flat.d))

    def save(self, *, erasing: bool = False) -> None:
        """Save the index if the saved file is out of date by much; a crash leaves the previous file intact.

        The caller must hold the store's write lock. A full disk is not an error: the next opening only takes longer.

        Args:
            erasing: Save also if the file still contains removed vectors.
        """
        with self._guard:
            is_due = self._n_unsaved > _UNSAVED_SHARE * len(self) or (erasing and self._saved_holds_removed)
            if not is_due and self._look() == self._saved_look:  # the file is still the one last saved or read
                return
            copied = None if self._faiss is None else faiss.clone_index(self._faiss)
            header = {"store_id": self._store_id, "generation": self._generation}
            self._n_unsaved, self._saved_holds_removed = 0, False
        temporary = self._path.with_name(f"{self._path.name}.new")
        try:
            if copied is None:
                self._path.unlink(missing_ok=True)
            else:
                self._store.database.settle()  # after a power failure, the file must not be newer than the store
                _write(temporary, header, copied)
                temporary.replace(self._path)
            self._saved_look = self._look()
        except OSError as error:
            logger.warning("%s cannot be saved (%s); it will be rebuilt from the store", self._path, error.strerror)
            self._saved_look = _UNKNOWN
            if erasing:  # better no file than one with vectors that had to be erased
                self._path.unlink(missing_ok=True)
        finally:
            temporary.unlink(missing_ok=True)

    def discard(self) -> None:
        """Delete all vectors and the saved file; `catch_up` rebuilds them from the store.

        The caller must hold the store's write lock.
        """
        with self._guard:
            self._path.unlink(missing_ok=True)
            self._store_id = ""

    def is_damaged(self) -> bool:
        """Return whether the saved file cannot be read; a missing or outdated file is no damage."""
        with self._guard:
            return self._path.exists() and self._read() is None

    def _open(self) -> None:
        """Load the saved index; start empty if it is missing, damaged or belongs to another store."""
        self._faiss, self._generation, self._saved_look = None, -1, _UNKNOWN
        self._n_unsaved, self._saved_holds_removed = 0, False
        look, read = self._look(), self._read()
        if read is not None and read[0]["store_id"] == self._store_id:
            self._generation, self._faiss, self._saved_look = read[0]["generation"], read[1], look

    def _look(self) -> tuple[int, ...] | None:
        """Return what identifies the current file (inode, time, size); None if there is none."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _read(self) -> tuple[dict[str, Any], Any] | None:
        """Read the saved file: its header (store id and generation) and FAISS index; None if it cannot be read."""
        try:
            content = memoryview(self._path.read_bytes())
        except OSError:
            return None
        body, crc32 = content[:-_CRC_BYTES], content[-_CRC_BYTES:]
        if zlib.crc32(body).to_bytes(_CRC_BYTES, "little") != crc32 or body[: len(_MAGIC)] != _MAGIC:
            return None
        _, header, _ = bytes(body[:_CHUNK_BYTES]).split(b"\n", 2)
        begin = len(_MAGIC) + len(header) + 2
        return json.loads(header), faiss.deserialize_index(np.frombuffer(body[begin:], dtype=np.uint8))

    def _remove(self, ids: NDArray[np.int64]) -> None:
        if ids.size:
            self._faiss.remove_ids(ids)
            self._n_unsaved += ids.size
            self._saved_holds_removed = True

    def _add(self, ids: NDArray[np.int64]) -> None:
        """Add passages from the store.

        Args:
            ids: Their ids, `(n,)` int64.

        Raises:
            DamagedIndexError: Their vectors differ in length from the others.
        """
        found, vectors = self._store.passages.vectors(ids.tolist())
        if not found:
            return
        if self._faiss is None:
            self._faiss = faiss.IndexIDMap(faiss.IndexFlatIP(vectors.shape[1]))
        if vectors.shape[1] != self._faiss.d:
            place = self._store.database.path
            raise DamagedIndexError(f"the index {place} holds vectors of different lengths; {MENDED_BY}")
        self._faiss.add_with_ids(vectors, np.asarray(found, dtype=np.int64))
        self._n_unsaved += len(found)


def _write(path: Path, header: dict[str, Any], vectors: Any) -> None:  # noqa: ANN401 (a class of FAISS's)
    """Write magic bytes, header, serialized FAISS index and a CRC-32 of all of it, in chunks."""
    crc32 = 0
    private_files.make_file(path)
    with path.open("wb") as file:

        def write(chunk: bytes) -> None:
            nonlocal crc32
            crc32 = zlib.crc32(chunk, crc32)
            file.write(chunk)

        write(_MAGIC + b"\n" + json.dumps(header).encode() + b"\n")
        writer: Any = vars(faiss)["PyCallbackIOWriter"]  # missing from the type hints
        faiss.write_index(vectors, writer(write, _CHUNK_BYTES))
        file.write(crc32.to_bytes(_CRC_BYTES, "little"))


def _only(ids: Sequence[int] | None) -> Any:  # noqa: ANN401 (a class that FAISS's type hints get wrong)
    """Return FAISS's search parameters for a selection; None selects all, which is faster than no selector."""
    parameters: Any = faiss.SearchParameters
    chosen = faiss.IDSelectorAll() if ids is None else faiss.IDSelectorBatch(np.asarray(ids, dtype=np.int64))
    return parameters(sel=chosen)
