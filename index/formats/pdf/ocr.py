"""OCR by tesseract for PDF pages whose text is not that of what they show."""

import io
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence

import pypdfium2
from PIL.Image import Image, Transpose

from index.errors import UnreadableFileError, VerbatimError
from index.formats.content import Content
from index.formats.pdf.extraction import NoTextError, load_pdf
from index.formats.pdf.lines import Page
from index.formats.pdf.scanned_page import SURE, Word, confidence, scanned_page, weight, words_of

MAX_OCR_PAGES = 500
PAGE_TIMEOUT_S = 120
_DPI = 300
_POINTS_PER_INCH = 72
_MAX_PIXELS = 40_000_000
"""Pixels of a page's image; larger pages are rendered at a lower resolution."""
_ORIENTATION_DATA = "osd"
_ROTATE = re.compile(r"Rotate: (\d+)")
_TURNS = {180: Transpose.ROTATE_180, 90: Transpose.ROTATE_270, 270: Transpose.ROTATE_90}
"""By degrees clockwise; Pillow counts counterclockwise."""
_LANGUAGE = re.compile(r"[A-Za-z_]+(?:\+[A-Za-z_]+)*")
_NO_TESSERACT = (
    "OCR needs tesseract, which is not installed: apt-get install tesseract-ocr (Debian, Ubuntu), "
    "brew install tesseract (macOS), winget install UB-Mannheim.TesseractOCR (Windows)"
)


class OcrError(VerbatimError):
    """Tesseract is not installed, or lacks the language."""


def read_pdf(
    content: bytes,
    passwords: Sequence[str] = (),
    on_page: Callable[[], None] = lambda: None,
    language: str = "eng",
) -> Content:
    """Read a PDF: the text of its pages, and by OCR that of pages that are images.

    Args:
        content: The file's bytes.
        passwords: Tried in turn if the file is encrypted.
        on_page: Called before each page that is read by OCR, which takes seconds.
        language: Tesseract's name of the language; several joined by "+": "deu+eng".

    Returns:
        The content; the box of a character read by OCR is that of its word. If pages were left out because OCR is not
        installed, a remark says how to install it.

    Raises:
        NoTextError: No page has text, and OCR found none.
        UnreadableFileError: The file is not a PDF, is damaged, or is encrypted and no password fits.
    """
    ocr = Ocr(language, on_page)
    try:
        return load_pdf(content, passwords, ocr)
    except NoTextError as error:
        raise NoTextError(ocr.explained(str(error))) from error


class Ocr:
    """Tesseract, started when the first page needs it: starting takes longer than reading most files."""

    def __init__(self, language: str, on_page: Callable[[], None] = lambda: None) -> None:
        """Prepare to read pages.

        Args:
            language: Tesseract's name of the language; several joined by "+": "deu+eng".
            on_page: Called before each page.
        """
        self._language = language
        self._on_page = on_page
        self._engine: Tesseract | None = None
        self._missing = ""
        self._n_read = self._n_turned = self._n_failed = self._n_beyond = 0

    def read(self, document: pypdfium2.PdfDocument, number: int) -> Page | None:
        """Read a page.

        Args:
            document: The document.
            number: The page's number, from 0.

        Returns:
            The page, without lines if there is nothing to read on it; None if it could not be read: tesseract is not
            installed, `MAX_OCR_PAGES` were read, or the page takes too long or cannot be rendered.
        """
        engine = self._started()
        if engine is None:
            return None
        if self._n_read + self._n_failed >= MAX_OCR_PAGES:
            self._n_beyond += 1
            return None
        self._on_page()
        try:
            page, turned = engine.read(document[number])
        except (pypdfium2.PdfiumError, subprocess.TimeoutExpired):
            self._n_failed += 1
            return None
        self._n_read += bool(page.lines)
        self._n_turned += turned != 0 and bool(page.lines)
        return page

    def _started(self) -> "Tesseract | None":
        if self._engine is None and not self._missing:
            try:
                self._engine = Tesseract(self._language)
            except OcrError as error:
                self._missing = str(error)
        return self._engine

    def remarks(self) -> Iterator[str]:
        """Yield how many pages were read, or how to install what is missing."""
        if self._engine is not None:
            turned = f", of which {self._n_turned:,} turned upright" if self._n_turned else ""
            pages = f"{self._n_read:,} page{'s' if self._n_read != 1 else ''}"
            yield f"read by OCR ({self._engine.version}): {pages}{turned}"
        elif self._missing:
            yield self._missing

    def notes(self, n_pages: int) -> Iterator[str]:
        """Yield what was not read.

        Args:
            n_pages: Number of the document's pages.

        Yields:
            A line for each reason.
        """
        if self._n_failed:
            yield f"{self._n_failed:,} of {n_pages:,} pages took longer than {PAGE_TIMEOUT_S} s or could not be shown"
        if self._n_beyond:
            yield f"only the first {MAX_OCR_PAGES:,} pages that need OCR were read, {self._n_beyond:,} were not"

    def explained(self, refusal: str) -> str:
        """Say why there is no text.

        Args:
            refusal: Why there is none without OCR.

        Returns:
            The reason, with what OCR has to do with it.
        """
        if self._engine is not None and not self._n_failed:
            return f"no text: OCR ({self._engine.version}) found none on its pages either"
        return f"{refusal}; {self._missing}" if self._missing else refusal


class Tesseract:
    """Tesseract, run on one page at a time."""

    def __init__(self, language: str) -> None:
        """Find the program.

        Args:
            language: Tesseract's name of the language; several joined by "+".

        Raises:
            OcrError: Tesseract is not installed, or lacks the language.
        """
        program = shutil.which("tesseract")
        if program is None:
            raise OcrError(_NO_TESSERACT)
        self._program = program
        self._language = language
        self.version = self._run("--version").split("\n")[0].strip()
        known = self._run("--list-langs").split("\n")[1:]
        if _LANGUAGE.fullmatch(language) is None or not set(language.split("+")) <= set(known):
            raise OcrError(
                f"tesseract does not have the language {language!r}, only {', '.join(filter(None, known))}; "
                "on Debian, apt-get install tesseract-ocr-deu installs German"
            )
        self._tells_orientation = _ORIENTATION_DATA in known

    def read(self, page: pypdfium2.PdfPage) -> tuple[Page, int]:
        """Read a page.

        Args:
            page: The page.

        Returns:
            The page, and by how many degrees it had to be turned clockwise to be read.

        Raises:
            pypdfium2.PdfiumError: It cannot be rendered.
            subprocess.TimeoutExpired: It takes longer than `PAGE_TIMEOUT_S`.
            UnreadableFileError: Tesseract failed.
        """
        width, height = page.get_size()
        scale = min(_DPI / _POINTS_PER_INCH, (_MAX_PIXELS / max(width * height, 1.0)) ** 0.5)
        if min(width, height) * scale < 1:
            return Page((width, height), (), ()), 0
        image = page.render(scale=scale, grayscale=True).to_pil()
        page.close()
        resolution = max(int(scale * _POINTS_PER_INCH), 70)
        best = self._words(image, resolution)
        turn = 0
        if best and confidence(best) < SURE:
            for degrees in self._likely_turns(image, resolution):
                words = self._words(image.transpose(_TURNS[degrees]), resolution)
                if weight(words) > weight(best):
                    best, turn = words, degrees
        return scanned_page(best, (width, height), scale, turn), turn

    def _words(self, image: Image, resolution: int) -> list[Word]:
        arguments = ("-", "-", "-l", self._language, "--dpi", str(resolution), "tsv")
        return words_of(self._run(*arguments, stdin=_png(image)))

    def _likely_turns(self, image: Image, resolution: int) -> Sequence[int]:
        """Return by how many degrees the image may have to be turned to be read, other than 0."""
        if not self._tells_orientation:
            return tuple(_TURNS)
        try:
            said = self._run("-", "-", "--psm", "0", "--dpi", str(resolution), stdin=_png(image))
        except UnreadableFileError:  # "too few characters"
            return tuple(_TURNS)
        match = _ROTATE.search(said)
        degrees = 0 if match is None else int(match[1])
        return (degrees,) if degrees in _TURNS else ()

    def _run(self, *arguments: str, stdin: bytes = b"") -> str:
        done = subprocess.run(  # noqa: S603 (a program of the user's own, no shell)
            [self._program, *arguments], input=stdin, capture_output=True, timeout=PAGE_TIMEOUT_S, check=False
        )
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
            raise UnreadableFileError(f"OCR failed: {said or f'tesseract ended with {done.returncode}'}")
        return done.stdout.decode("utf-8", "replace")


def _png(image: Image) -> bytes:
    packed = io.BytesIO()
    image.save(packed, "PNG", compress_level=1)
    return packed.getvalue()
