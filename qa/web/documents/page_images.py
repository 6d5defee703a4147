"""Page images of PDF documents, with a cache of the last ones."""

import threading
from contextlib import suppress

from cachetools import LRUCache

from index.ingest.page_rendering import Drawing
from index.ingest.worker_pool import Limits, Workers
from qa.answerer import QuestionAnswerer

WIDTHS = (200, 2400)
"""Smallest and largest width of an image, in pixels."""
_KEPT_BYTES = 48 * 1024 * 1024
_LIMITS = Limits(seconds=20)


class Pictures:
    """Renders pages as images, one at a time."""

    def __init__(self, answerer: QuestionAnswerer) -> None:
        """Create the renderer; nothing is started before the first image."""
        self._answerer = answerer
        passwords = [password.get_secret_value() for password in answerer.settings.passwords]
        self._workers = Workers(passwords, _LIMITS, count=1)
        self._guard = threading.Lock()
        self._kept: LRUCache[tuple[str, int, int], bytes] = LRUCache(_KEPT_BYTES, getsizeof=len)

    def draw(self, file: str, sha256: str, page: int, width: int) -> bytes:
        """Render a page as an image.

        Args:
            file: Name of the folder's file that is the document, or contains it.
            sha256: SHA-256 of the document's bytes.
            page: Number of the page, from 1.
            width: Width of the image, in pixels.

        Returns:
            The image as PNG.

        Raises:
            ChangingFileError: The file has changed since it was indexed.
            UnreadableFileError: The page does not exist or cannot be rendered.
        """
        key = (sha256, page, width)
        with self._guard:
            kept = self._kept.get(key)
        if kept is not None:
            return kept
        picture: bytes = self._workers.do(Drawing(self._answerer.folder / file, sha256, page, width))
        with self._guard, suppress(ValueError):  # raised for an image larger than the cache
            self._kept[key] = picture
        return picture

    def close(self) -> None:
        """Stop the worker process, whatever it is doing; for good."""
        self._workers.stop()
