"""The certificate of an index: what it was made from and with. An index with another one is refused or rebuilt."""

import shlex
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from index.errors import DamagedIndexError, MismatchedIndexError
from index.ingest import loading
from index.ingest.chunking import SplitterSettings
from index.retrieval import faiss_index
from index.retrieval.embedding import Embedder
from index.storage import store
from index.storage.schema import SCHEMA_VERSION
from index.storage.store import Store

_KEY = "certificate"
_PATIENCE_S = 5
"""Seconds to wait for another process that is creating the same index."""


def our_version() -> str:
    """Return the running version of Verbatim; "unknown" in a checkout that is not installed."""
    try:
        return metadata.version("verbatim-qa")
    except metadata.PackageNotFoundError:
        return "unknown"


class Certificate:
    """The certificate that the index of a folder needs for the current embedder and version."""

    def __init__(self, folder: Path, index_dir: Path, embedder: Embedder) -> None:
        """Create the certificate; the embedder's weights are hashed on first comparison.

        Args:
            folder: The folder of documents, symbolic links resolved.
            index_dir: Folder of the index.
            embedder: Embeds passages and questions.
        """
        self._folder = folder
        self._index_dir = index_dir
        self._embedder = embedder
        self._rebuild_command = f"verbatim index {shlex.quote(str(folder))} --rebuild"

    def open_store(self, writing: Callable[..., AbstractContextManager[None]], *, rebuild: bool = False) -> Store:
        """Open the store of the index; a new or outdated one is cleared and gets this certificate.

        Args:
            writing: Holds the write lock for a `with` block; takes the seconds to wait for it.
            rebuild: Clear the index whatever its certificate.

        Returns:
            The store.

        Raises:
            MismatchedIndexError: It was made with another embedder, for another folder, or by a newer version.
            DamagedIndexError: It cannot be read.
            BusyIndexError: It must be cleared while another process is writing it.
        """
        if rebuild:
            with writing():
                return self._begun_anew()
        opened = Store(self._index_dir, self._rebuild_command)
        if self.is_outdated(opened):
            with writing(_PATIENCE_S):
                if self.is_outdated(opened):  # checked again: another process may have cleared it meanwhile
                    opened.clear({_KEY: self._fields()}, but_kept_out=True)
        return opened

    def is_outdated(self, opened: Store) -> bool:
        """Return whether an index is new or was made by an older version, so that it is rebuilt without asking.

        Args:
            opened: The index's store.

        Returns:
            Whether it must be rebuilt.

        Raises:
            MismatchedIndexError: It was made with another embedder, for another folder, or by a newer version.
        """
        found = opened.meta.get(_KEY)
        if found is None:
            return True
        ours = self._fields()
        command = f"rebuild it with: {self._rebuild_command}"
        if any(found.get(key, 0) > ours[key] for key in ("schema", "loaders")):
            raise MismatchedIndexError(f"the index in {self._index_dir} was made by a newer version; {command}")
        if found.get("folder") != ours["folder"]:
            raise MismatchedIndexError(
                f"index_dir={str(self._index_dir)!r} holds the index of {found.get('folder')!r}; choose another,"
                f" or {command}"
            )
        if found.get("embedder_sha256") != ours["embedder_sha256"]:
            raise MismatchedIndexError(
                f"the index in {self._index_dir} was made with embedder {found.get('embedder')!r}, not"
                f" {self._embedder.name!r}; {command}"
            )
        return any(found.get(key) != ours[key] for key in ("splitter", "loaders", "schema"))

    def _fields(self) -> dict[str, Any]:
        return {
            "version": our_version(),
            "folder": str(self._folder),
            "embedder": self._embedder.name,
            "embedder_sha256": self._embedder.fingerprint,
            "splitter": asdict(SplitterSettings()),
            "loaders": loading.LOADERS_VERSION,
            "schema": SCHEMA_VERSION,
        }

    def _begun_anew(self) -> Store:
        """Replace whatever is there by an empty store with this certificate; the write lock must be held."""
        try:
            opened = Store(self._index_dir, self._rebuild_command)
            opened.clear({_KEY: self._fields()})
        except DamagedIndexError:
            # The database first: SQLite deletes a log without a database, but not a database without a log.
            for name in (store.FILE_NAME, f"{store.FILE_NAME}-wal", f"{store.FILE_NAME}-shm", faiss_index.FILE_NAME):
                (self._index_dir / name).unlink(missing_ok=True)
            opened = Store(self._index_dir, self._rebuild_command)
            opened.clear({_KEY: self._fields()})
        return opened
