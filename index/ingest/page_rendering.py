"""Renders pages of PDF files as images, in a worker process, so that a crash stops nothing else."""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pypdfium2

from index.errors import ChangingFileError, UnreadableFileError
from index.formats.archives.unpacked import MAX_DEPTH
from index.formats.content import Part
from index.formats.kinds import kind_of
from index.formats.office.encryption import decrypted
from index.formats.pdf.extraction import open_pdf
from index.ingest.loading import read_bytes
from index.ingest.worker_pool import Kept

_MAX_PIXELS = 12_000_000
"""Most pixels of an image: a page at the resolution of a good screen, within bounded memory."""

_MOST_OPEN = 2


@dataclass(frozen=True, slots=True)
class Drawing:
    """A page to render.

    Attributes:
        path: The file in the folder that is the PDF, or contains it.
        sha256: SHA-256 of the PDF's bytes, in hexadecimal.
        page: Number of the page, from 1.
        width: Width of the image in pixels; less if the page is too long for `_MAX_PIXELS`.
    """

    path: Path
    sha256: str
    page: int
    width: int

    def run(self, passwords: Sequence[str], on_page: Callable[[], None], kept: Kept) -> bytes:  # noqa: ARG002 (one page)
        """Render the page.

        Args:
            passwords: Tried in turn on encrypted files.
            on_page: Not called: only one page is rendered.
            kept: Keeps PDFs open for their next pages.

        Returns:
            The image as PNG.

        Raises:
            ChangingFileError: The file is not the one that was indexed.
            UnreadableFileError: It cannot be opened, has no such page, or the page cannot be rendered.
        """
        open_pdfs = kept.setdefault(_OpenPdfs, _OpenPdfs())
        document = open_pdfs.pdf(self.path, self.sha256, tuple(passwords))
        if not 1 <= self.page <= len(document):
            raise UnreadableFileError(f"page={self.page} is not in the document; it has {len(document):,} pages")
        try:
            page = document[self.page - 1]
            width, height = page.get_size()
            scale = min(self.width / max(width, 1.0), (_MAX_PIXELS / max(width * height, 1.0)) ** 0.5)
            drawn = page.render(scale=scale).to_pil()
            page.close()
        except (pypdfium2.PdfiumError, ValueError) as error:
            raise UnreadableFileError("the page cannot be displayed: the file is damaged") from error
        picture = io.BytesIO()
        drawn.save(picture, "PNG", compress_level=3)
        return picture.getvalue()


class _OpenPdfs:
    """PDFs that are open for their next pages, the last two."""

    def __init__(self) -> None:
        self._opened = lru_cache(_MOST_OPEN)(self._open)

    def pdf(self, path: Path, sha256: str, passwords: tuple[str, ...]) -> pypdfium2.PdfDocument:
        """Open the PDF with this hash, or return it if it is open.

        Args:
            path: The file that is the PDF, or contains it.
            sha256: SHA-256 of the PDF's bytes.
            passwords: Tried in turn on encrypted files.

        Returns:
            The PDF.

        Raises:
            ChangingFileError: The file was removed, or neither it nor any file within it has that hash.
        """
        try:
            status = path.stat()
        except OSError as error:
            raise ChangingFileError("the file was removed after it was indexed") from error
        return self._opened(path, (status.st_size, status.st_mtime_ns), sha256, passwords)

    def _open(
        self,
        path: Path,
        state: tuple[int, int],  # noqa: ARG002 (size and time: a file that changed is opened again)
        sha256: str,
        passwords: tuple[str, ...],
    ) -> pypdfium2.PdfDocument:
        for content in _within(Part(path.name, read_bytes(path)), passwords, 0):
            if hashlib.sha256(content).hexdigest() == sha256:
                return open_pdf(content, passwords)
        raise ChangingFileError("the file has changed since it was indexed")


def _within(file: Part, passwords: tuple[str, ...], depth: int) -> Iterator[bytes]:
    """Yield the bytes of a file, then of all readable files within it."""
    yield file.content
    try:
        content = decrypted(file.content, passwords)
        kind = kind_of(file.name, content)
        if kind is None or not kind.holds_files or depth > MAX_DEPTH:
            return
        parts = kind.read(content, file.name, passwords).parts
    except UnreadableFileError:
        return
    for part in parts:
        yield from _within(part, passwords, depth + 1)
