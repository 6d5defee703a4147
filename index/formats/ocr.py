"""OCR: what pages without text show, read by tesseract."""

import csv
import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pypdfium2

from index.errors import UnreadableFileError, VerbatimError
from index.formats.content import Content
from index.formats.layout import NOWHERE, Line, Page, Rectangle, make_line, set_text
from index.formats.pdf import NoTextError, open_pdf, pdf_metadata

MAX_OCR_PAGES = 500
PAGE_TIMEOUT_S = 120
_DPI = 300
_POINTS_PER_INCH = 72
_MAX_PIXELS = 40_000_000
"""Of a page's image; larger pages are read in a lower resolution."""
_MIN_CONFIDENCE = 30
"""Of 100: what tesseract is less sure of is specks and lines."""
_WORD = "5"
_LANGUAGE = re.compile(r"[A-Za-z_]+(?:\+[A-Za-z_]+)*")
_NO_TESSERACT = (
    "OCR needs tesseract, which is not installed: apt-get install tesseract-ocr (Debian, Ubuntu), "
    "brew install tesseract (macOS), winget install UB-Mannheim.TesseractOCR (Windows)"
)


class OcrError(VerbatimError):
    """Tesseract is not there, or doesn't know the language."""


def ocr_pdf(content: bytes, language: str = "eng", passwords: tuple[str, ...] = ()) -> Content:
    """What the pages of a PDF show.

    Args:
        content: The file's bytes.
        language: Tesseract's name of the language, several joined by "+": "deu+eng".
        passwords: Tried in turn where the file is encrypted.

    Returns:
        The text, a place for each page that holds any, and the box of each word's letters, which is their word's.

    Raises:
        NoTextError: Nothing can be read on any page.
        OcrError: Tesseract is not installed, or lacks the language.
        UnreadableFileError: It is no PDF, is damaged, or is encrypted and no password fits.
    """
    engine = _Tesseract(language)
    document = open_pdf(content, passwords)
    try:
        n_pages = len(document)
        pages = [engine.read(document, number) for number in range(min(n_pages, MAX_OCR_PAGES))]
        title, metadata = pdf_metadata(document)
    finally:
        document.close()
    text, places, boxes = set_text(pages)
    if not text:
        raise NoTextError(f"no text: OCR ({engine.version}) finds none on its pages either")
    return Content(text, title, places, metadata, tuple(engine.notes(pages, n_pages)), boxes=boxes)


class _Tesseract:
    """The program, asked for one page at a time."""

    def __init__(self, language: str) -> None:
        program = shutil.which("tesseract")
        if program is None:
            raise OcrError(_NO_TESSERACT)
        self._program = program
        self._language = language
        self.version = self._run("--version").split("\n")[0].strip()
        known = self._run("--list-langs").split("\n")[1:]
        if _LANGUAGE.fullmatch(language) is None or not set(language.split("+")) <= set(known):
            raise OcrError(
                f"tesseract has no language {language!r}, only {', '.join(filter(None, known))}; "
                "on Debian, apt-get install tesseract-ocr-deu brings German"
            )
        self._timed_out = 0

    def read(self, document: pypdfium2.PdfDocument, number: int) -> Page:
        """Read a page; one that takes too long, or cannot be shown, is left empty."""
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
        return _page((width, height), scale, tsv)

    def notes(self, pages: list[Page], n_pages: int) -> Iterator[str]:
        """How the document was read."""
        n_read = sum(1 for page in pages if page.lines)
        yield f"read by OCR ({self.version}): {n_read:,} page{'s' if n_read != 1 else ''}"
        if self._timed_out:
            yield f"{self._timed_out:,} of {n_pages:,} pages took longer than {PAGE_TIMEOUT_S} s or could not be shown"
        if len(pages) < n_pages:
            yield f"only the first {len(pages):,} of {n_pages:,} pages were read by OCR"

    def _run(self, *arguments: str, stdin: bytes = b"") -> str:
        done = subprocess.run(  # noqa: S603 (a program of the user's own, no shell)
            [self._program, *arguments], input=stdin, capture_output=True, timeout=PAGE_TIMEOUT_S, check=False
        )
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
            raise UnreadableFileError(f"OCR failed: {said or f'tesseract ended with {done.returncode}'}")
        return done.stdout.decode("utf-8", "replace")


def _page(size: tuple[float, float], scale: float, tsv: str) -> Page:
    """The page that tesseract found: its lines, and which of them begin a paragraph."""
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
