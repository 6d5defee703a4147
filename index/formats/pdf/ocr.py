"""OCR by tesseract for PDF pages without text."""

import csv
import io
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

import pypdfium2

from index.errors import UnreadableFileError, VerbatimError
from index.formats.content import Content
from index.formats.pdf.extraction import NoTextError, load_pdf, open_pdf, pdf_metadata
from index.formats.pdf.layout import NOWHERE, Line, Page, Rectangle, make_line, set_text

MAX_OCR_PAGES = 500
PAGE_TIMEOUT_S = 120
_DPI = 300
_POINTS_PER_INCH = 72
_MAX_PIXELS = 40_000_000
"""Pixels of a page's image; larger pages are rendered at a lower resolution."""
_MIN_CONFIDENCE = 30
"""Lowest confidence of a word, of 100: below are specks and lines."""
_WORD = "5"
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
        The content. If pages were left out because OCR is not installed, a remark says how to install it.

    Raises:
        NoTextError: No page has text, and OCR found none.
        UnreadableFileError: The file is not a PDF, is damaged, or is encrypted and no password fits.
    """
    try:
        return load_pdf(content, passwords, _LazyTesseract(language, on_page))
    except NoTextError as error:
        try:
            return ocr_pdf(content, language, passwords, on_page)
        except OcrError as missing:
            raise NoTextError(f"{error}; {missing}") from error


def ocr_pdf(
    content: bytes,
    language: str = "eng",
    passwords: Sequence[str] = (),
    on_page: Callable[[], None] = lambda: None,
) -> Content:
    """Read all pages of a PDF by OCR.

    Args:
        content: The file's bytes.
        language: Tesseract's name of the language; several joined by "+": "deu+eng".
        passwords: Tried in turn if the file is encrypted.
        on_page: Called before each page.

    Returns:
        The text, a place for each page that has text, and a box for each character, which is that of its word.

    Raises:
        NoTextError: No text was found on any page.
        OcrError: Tesseract is not installed, or lacks the language.
        UnreadableFileError: The file is not a PDF, is damaged, or is encrypted and no password fits.
    """
    engine = _Tesseract(language, on_page)
    document = open_pdf(content, passwords)
    try:
        n_pages = len(document)
        pages = [engine.read(document, number) for number in range(min(n_pages, MAX_OCR_PAGES))]
        title, metadata = pdf_metadata(document)
    finally:
        document.close()
    text, places, boxes = set_text(pages)
    if not text:
        raise NoTextError(f"no text: OCR ({engine.version}) found none on its pages either")
    notes = tuple(engine.notes(len(pages), n_pages))
    return Content(text, title, places, metadata, notes, boxes=boxes, remarks=engine.remarks())


class _Tesseract:
    """Tesseract, run on one page at a time."""

    def __init__(self, language: str, on_page: Callable[[], None] = lambda: None) -> None:
        program = shutil.which("tesseract")
        if program is None:
            raise OcrError(_NO_TESSERACT)
        self._program = program
        self._language = language
        self._on_page = on_page
        self.version = self._run("--version").split("\n")[0].strip()
        known = self._run("--list-langs").split("\n")[1:]
        if _LANGUAGE.fullmatch(language) is None or not set(language.split("+")) <= set(known):
            raise OcrError(
                f"tesseract does not have the language {language!r}, only {', '.join(filter(None, known))}; "
                "on Debian, apt-get install tesseract-ocr-deu installs German"
            )
        self._n_read = self._timed_out = 0

    def read(self, document: pypdfium2.PdfDocument, number: int) -> Page:
        """Read a page; one that takes too long or cannot be rendered is returned empty."""
        self._on_page()
        try:
            page = document[number]
            width, height = page.get_size()
            scale = min(_DPI / _POINTS_PER_INCH, (_MAX_PIXELS / max(width * height, 1.0)) ** 0.5)
            if min(width, height) * scale < 1:
                return Page((width, height), (), ())
            image = io.BytesIO()
            page.render(scale=scale, grayscale=True).to_pil().save(image, "PNG", compress_level=1)
            page.close()
            resolution = max(int(scale * _POINTS_PER_INCH), 70)
            tsv = self._run("-", "-", "-l", self._language, "--dpi", str(resolution), "tsv", stdin=image.getvalue())
        except (pypdfium2.PdfiumError, subprocess.TimeoutExpired):
            self._timed_out += 1
            return Page((0.0, 0.0), (), ())
        read = _page((width, height), scale, tsv)
        self._n_read += bool(read.lines)
        return read

    def remarks(self) -> tuple[str, ...]:
        """Return how many pages were read by OCR."""
        return (f"read by OCR ({self.version}): {self._n_read:,} page{'s' if self._n_read != 1 else ''}",)

    def notes(self, n_seen: int, n_pages: int) -> Iterator[str]:
        """Yield what was not read."""
        if n_seen < n_pages:
            yield f"only the first {n_seen:,} of {n_pages:,} pages were read by OCR"
        elif self._n_read + self._timed_out < n_pages:
            empty = n_pages - self._n_read - self._timed_out
            yield f"{empty:,} of {n_pages:,} pages hold{'s' if empty == 1 else ''} no text"
        if self._timed_out:
            yield f"{self._timed_out:,} of {n_pages:,} pages took longer than {PAGE_TIMEOUT_S} s or could not be shown"

    def _run(self, *arguments: str, stdin: bytes = b"") -> str:
        done = subprocess.run(  # noqa: S603 (a program of the user's own, no shell)
            [self._program, *arguments], input=stdin, capture_output=True, timeout=PAGE_TIMEOUT_S, check=False
        )
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
            raise UnreadableFileError(f"OCR failed: {said or f'tesseract ended with {done.returncode}'}")
        return done.stdout.decode("utf-8", "replace")


class _LazyTesseract:
    """Tesseract, started when the first page needs it: starting takes longer than reading most files."""

    def __init__(self, language: str, on_page: Callable[[], None]) -> None:
        self._language = language
        self._on_page = on_page
        self._engine: _Tesseract | None = None
        self._missing = ""
        self._n_asked = 0

    def read(self, document: pypdfium2.PdfDocument, number: int) -> Page:
        self._n_asked += 1
        if self._engine is None and not self._missing:
            try:
                self._engine = _Tesseract(self._language, self._on_page)
            except OcrError as error:
                self._missing = str(error)
        if self._engine is None or self._n_asked > MAX_OCR_PAGES:
            return Page(document[number].get_size(), (), ())
        return self._engine.read(document, number)

    def remarks(self) -> tuple[str, ...]:
        if self._engine is not None:
            return self._engine.remarks()
        return (self._missing,) if self._missing else ()


def _page(size: tuple[float, float], scale: float, tsv: str) -> Page:
    """Build a page from tesseract's TSV output, with its lines and paragraph breaks."""
    rows = csv.DictReader(io.StringIO(tsv), delimiter="\t", quoting=csv.QUOTE_NONE)
    words = [row for row in rows if row["level"] == _WORD and float(row["conf"]) >= _MIN_CONFIDENCE]
    lines: list[Line] = []
    separators: list[str] = []
    last_paragraph = None
    for (*paragraph, _), its_words in groupby(words, _line_of):
        line = make_line(_characters(its_words, size, scale))
        if line is not None:
            separators.append(" " if paragraph == last_paragraph else "\n\n")
            lines.append(line)
            last_paragraph = paragraph
    return Page(size, tuple(lines), tuple(separators))


def _line_of(word: dict[str, Any]) -> tuple[str, str, str]:
    return word["block_num"], word["par_num"], word["line_num"]


def _characters(
    words: Iterator[dict[str, Any]], size: tuple[float, float], scale: float
) -> Iterator[tuple[str, Rectangle]]:
    width, height = size
    for word in words:
        left, top = int(word["left"]) / scale, int(word["top"]) / scale
        right, bottom = left + int(word["width"]) / scale, top + int(word["height"]) / scale
        box = (left, top, min(right, width), min(bottom, height))
        yield " ", NOWHERE
        for character in word["text"]:
            yield character, box
