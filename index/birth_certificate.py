"""The certificate of an index: what it was made of and with. One made otherwise is refused, or begun anew."""

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
"""Seconds that a new index waits for another process that is making the same."""


def our_version() -> str:
    """The version of Verbatim that is running; "unknown" from a checkout that is not installed."""
    try:
        return metadata.version("verbatim-qa")
    except metadata.PackageNotFoundError:
        return "unknown"


class Certificate:
    """What the index of a folder is made of and with, here and now."""

    def __init__(self, folder: Path, index_dir: Path, embedder: Embedder) -> None:
        """Make the certificate; the embedder's weights are read once it is compared.

        Args:
            folder: The documents, links resolved.
            index_dir: Where the index lies.
            embedder: What embeds passages and questions.
        """
        self._folder = folder
        self._index_dir = index_dir
        self._embedder = embedder
        self._rebuild_command = f"verbatim index {shlex.quote(str(folder))} --rebuild"

    def open_store(self, writing: Callable[..., AbstractContextManager[None]], *, rebuild: bool = False) -> Store:
        """Open the store that the index lies in; a new one, or one of an older version of ours, is begun anew.

        Args:
            writing: Holds the right to write for a `with` block; takes the seconds to wait for it.
            rebuild: Begin anew whatever is there.

        Returns:
            The store.

        Raises:
            MismatchedIndexError: It was made with something else that is not ours to throw away.
            DamagedIndexError: It cannot be read.
            BusyIndexError: It is to be begun anew, and another process is writing it.
        """
        if rebuild:
            with writing():
                return self._begun_anew()
        opened = Store(self._index_dir, self._rebuild_command)
        if self.is_outdated(opened):
            with writing(_PATIENCE_S):
                if self.is_outdated(opened):  # another process may have seen to it between the look and the lock
                    opened.clear({_KEY: self._fields()})
        return opened

    def is_outdated(self, opened: Store) -> bool:
        """Whether an index is new or an older version of ours made it, so that it is begun anew without asking.

        Args:
            opened: The index's store.

        Returns:
            Whether it is to be begun anew.

        Raises:
            MismatchedIndexError: It was made with something else that is not ours to throw away.
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
        """The store with nothing in it but our certificate, whatever was there; the right to write is held."""
        try:
            opened = Store(self._index_dir, self._rebuild_command)
            opened.clear({_KEY: self._fields()})
        except DamagedIndexError:
            # The database first: SQLite drops a log that it finds beside no database, never the reverse.
            for name in (store.FILE_NAME, f"{store.FILE_NAME}-wal", f"{store.FILE_NAME}-shm", faiss_index.FILE_NAME):
                (self._index_dir / name).unlink(missing_ok=True)
            opened = Store(self._index_dir, self._rebuild_command)
            opened.clear({_KEY: self._fields()})
        return opened
