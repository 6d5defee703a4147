"""Pages whose text is not that of what they show: which they are, and how what OCR reads is put beside their text."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import Enum

import pypdfium2
import pypdfium2.raw as pdfium

from index.formats.pdf.characters import Characters
from index.formats.pdf.lines import NEW_PARAGRAPH, Line, Page, Rectangle, make_line
from index.formats.pdf.scanned_page import SURE

_MAX_UNMAPPED = 0.2
"""A page is garbled above this share of characters whose font does not say which they are."""
_MAX_STAMP_CHARS = 400
"""Most characters of stamps, Bates numbers and the like on a scan."""
_MIN_PICTURE = 0.5
"""Smallest share of a page that a scan fills."""
_MAX_OBJECTS_DEEP = 3
_MAX_PICTURES = 10_000
_MIN_AGREEING = 0.5
"""Share of a page's words that OCR must find too if its letters are right: it misses turned and tiny ones."""
_MIN_READ = 0.5
"""Share of a page's characters that OCR must have read to be believed rather than them."""
_WORD = re.compile(r"\w+")


class Why(Enum):
    """Why a page is to be read by OCR."""

    EMPTY = "it has no text"
    SCAN = "a picture fills it, and its text is at most a stamp"
    GARBLED = "its fonts do not say which letters they print"


def why_by_ocr(page: pypdfium2.PdfPage, laid_out: Page, characters: Characters) -> Why | None:
    """Find whether a page shows more than its text says.

    Args:
        page: The page.
        laid_out: Its text.
        characters: Its characters, all of which were iterated.

    Returns:
        Why it is to be read by OCR; None if its text is enough.
    """
    if not laid_out.lines:
        return Why.EMPTY if pdfium.FPDFPage_CountObjects(page) > 0 else None
    if characters.unmapped > _MAX_UNMAPPED * characters.seen:
        return Why.GARBLED
    return Why.SCAN if characters.seen <= _MAX_STAMP_CHARS and _is_filled_by_pictures(page) else None


def _is_filled_by_pictures(page: pypdfium2.PdfPage) -> bool:
    left, bottom, right, top = page.get_bbox()
    needed = _MIN_PICTURE * (right - left) * (top - bottom)
    pictures = page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=_MAX_OBJECTS_DEEP)
    for _, picture in zip(range(_MAX_PICTURES), pictures, strict=False):
        try:
            its_left, its_bottom, its_right, its_top = picture.get_bounds()
        except pypdfium2.PdfiumError:
            continue
        width, height = min(its_right, right) - max(its_left, left), min(its_top, top) - max(its_bottom, bottom)
        needed -= max(width, 0.0) * max(height, 0.0)
        if needed <= 0:
            return True
    return False


def beside(printed: Page, read: Page) -> Page:
    """Add what OCR read of a page to its own text, without what it read of that text.

    Args:
        printed: The page's own text.
        read: What OCR read of it.

    Returns:
        Both, from top to bottom.
    """
    taken = [line.box for line in printed.lines if not line.is_aside]
    kept = [(line, separator) for line, separator in _pairs(read) for line in _outside(line, taken)]
    own = [(line, NEW_PARAGRAPH) for line in printed.lines]
    together: list[tuple[Line, str]] = []
    for line, separator in kept:
        while own and not own[0][0].is_aside and own[0][0].box[3] <= line.box[3]:
            together.append(own.pop(0))
        together.append((line, separator))
    together += own
    return Page(printed.size, tuple(line for line, _ in together), tuple(separator for _, separator in together))


def _pairs(page: Page) -> Iterator[tuple[Line, str]]:
    return zip(page.lines, page.separators, strict=True)


def _outside(line: Line, taken: Sequence[Rectangle]) -> Iterator[Line]:
    """Yield the line without the characters that lie in one of the rectangles, unless nothing is left."""
    characters = [
        (character, box)
        for character, box in zip(line.text, line.rectangles, strict=True)
        if math.isnan(box[0]) or not any(_is_within(box, other) for other in taken)
    ]
    left = line if len(characters) == len(line.text) else make_line(characters)
    if left is not None:
        yield left if left is line else replace(left, is_row=line.is_row)


def _is_within(box: Rectangle, other: Rectangle) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return other[0] <= x <= other[2] and other[1] <= y <= other[3]


def agree(printed: Page, read: Page) -> bool:
    """Return whether a page's own letters are right, judged by what OCR reads: its fonts may only fail to say so."""
    own, seen = _words(printed), _words(read)
    return len(own & seen) >= _MIN_AGREEING * len(own)


def is_better(read: Page, printed: Page) -> bool:
    """Return whether OCR is to be believed rather than a page's own letters: it is sure, and read most of the page."""
    n_read, n_printed = (sum(len(line.text) for line in page.lines) for page in (read, printed))
    return read.confidence >= SURE and n_read >= _MIN_READ * n_printed


def _words(page: Page) -> set[str]:
    return {word.casefold() for line in page.lines for word in _WORD.findall(line.text)}
