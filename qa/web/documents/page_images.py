"""Pages of PDF documents as pictures, the last ones kept in memory."""

import threading
from contextlib import suppress

from cachetools import LRUCache

from index.ingest.page_rendering import Drawing
from index.ingest.worker_pool import Limits, Workers
from qa.answerer import QuestionAnswerer

WIDTHS = (200, 2400)
"""Narrowest and widest picture, in pixels."""
_KEPT_BYTES = 48 * 1024 * 1024
_LIMITS = Limits(seconds=20)


class Pictures:
    """Draws pages, one at a time."""

    def __init__(self, answerer: QuestionAnswerer) -> None:
        """Nothing is started before a page is asked for.

        Args:
            answerer: What answers from the documents.
        """
        self._answerer = answerer
        passwords = [password.get_secret_value() for password in answerer.settings.passwords]
        self._workers = Workers(passwords, _LIMITS, count=1)
        self._guard = threading.Lock()
        self._kept: LRUCache[tuple[str, int, int], bytes] = LRUCache(_KEPT_BYTES, getsizeof=len)

    def draw(self, file: str, sha256: str, page: int, width: int) -> bytes:
        """A page as a picture.

        Args:
            file: Name of the file of the folder that the document is, or is within.
            sha256: Hash of the document's bytes.
            page: Number of the page, from 1.
            width: Width of the picture, in pixels.

        Returns:
            The picture as PNG.

        Raises:
            ChangingFileError: The file is not the one that was indexed.
            UnreadableFileError: There is no such page, or it cannot be drawn.
        """
        key = (sha256, page, width)
        with self._guard:
            kept = self._kept.get(key)
        if kept is not None:
            return kept
        picture: bytes = self._workers.do(Drawing(self._answerer.folder / file, sha256, page, width))
        with self._guard, suppress(ValueError):  # one that is larger than all that is kept
            self._kept[key] = picture
        return picture
