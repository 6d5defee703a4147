"""PDF: text in reading order, and the box of each character, by pdfium."""

import ctypes
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Protocol

import pypdfium2
import pypdfium2.raw as pdfium

from index.errors import EmptyFileError, UnreadableFileError
from index.formats.content import Content
from index.formats.metadata import iso_date
from index.formats.pdf.layout import NOWHERE, Page, Rectangle, lay_out, set_text

MAX_PAGES = 10_000
MAX_CHARS = 20_000_000
_HEADER = b"%PDF-"
_HEADER_REACH = 1024
_ENCRYPTION = b"/Encrypt"
_END = b"%%EOF"
_END_REACH = 4096
_MAX_OBJECTS_DEEP = 3
_MAX_UNMAPPED = 0.2
"""A page is reported as garbled above this share of characters whose font has no Unicode mapping."""
_UNREADABLE = Page((0.0, 0.0), (), ())
_LIGATURES = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}
_HYPHEN_AT_LINE_END = 0x02
"""pdfium's code for a hyphen at a line's end, after which it emits no newline."""
_DROPPED = {0xAD, 0xFEFF, 0xFFFE, 0xFFFF}
_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)(\d\d)")


class NoTextError(EmptyFileError):
    """A PDF has pages but no text: they are scans or drawings."""


class PictureReader(Protocol):
    """Reads pages that are images, by OCR."""

    def read(self, document: pypdfium2.PdfDocument, number: int) -> Page:
        """Read a page.

        Args:
            document: The document.
            number: The page's number, from 0.

        Returns:
            The page; without lines if nothing could be read.
        """

    def remarks(self) -> tuple[str, ...]:
        """Return remarks on how the pages were read."""


def load_pdf(content: bytes, passwords: Sequence[str] = (), pictures: PictureReader | None = None) -> Content:
    """Read a PDF file.

    Args:
        content: The file's bytes.
        passwords: Tried in turn if it is encrypted.
        pictures: Reads the pages that are images, in a file where other pages have text.

    Returns:
        Its text in reading order, with hyphenated words joined and ligatures expanded; a place for each page that has
        text, and each character's box.

    Raises:
        NoTextError: No page has text.
        UnreadableFileError: The file is not a PDF, is damaged, or is encrypted and no password fits.
    """
    document = open_pdf(content, passwords)
    try:
        reading = _Reading(document)
        if not any(page.lines for page in reading.pages):
            raise reading.refusal()
        if pictures is not None and reading.pictures:
            reading.read_pictures(document, pictures)
        text, places, boxes = set_text(reading.pages)
        notes = (*reading.notes(), *_notes_on_end(content))
        title, metadata = pdf_metadata(document)
        remarks = () if pictures is None else pictures.remarks()
        return Content(text, title, places, metadata, notes, boxes=boxes, remarks=remarks)
    finally:
        document.close()


def open_pdf(content: bytes, passwords: Sequence[str] = ()) -> pypdfium2.PdfDocument:
    """Open a PDF file.

    Args:
        content: The file's bytes.
        passwords: Tried in turn if it is encrypted.

    Returns:
        The document, with at least one page; the caller must close it.

    Raises:
        UnreadableFileError: The file is not a PDF, is damaged, or is encrypted and no password fits.
    """
    if _HEADER not in content[:_HEADER_REACH]:
        raise UnreadableFileError("not a PDF file: it does not begin with %PDF-")
    for password in (None, *passwords):
        try:
            document = pypdfium2.PdfDocument(content, password=password)
        except pypdfium2.PdfiumError as error:
            # The error code may be a stale one from another file: with a broken page tree, pdfium doesn't reset it.
            if error.err_code != pdfium.FPDF_ERR_PASSWORD or _ENCRYPTION not in content:
                raise UnreadableFileError("damaged PDF: its pages cannot be found; restore the whole file") from error
        else:
            if len(document) > 0:
                return document
            document.close()
            raise UnreadableFileError("damaged PDF: it has no pages; restore the whole file")
    tried = f"none of {len(passwords)} passwords fits" if passwords else "it needs a password"
    raise UnreadableFileError(f"encrypted: {tried}; add its password to the setting passwords (VERBATIM_PASSWORDS)")


class _Reading:
    """The pages of a document, and what could not be read of them."""

    def __init__(self, document: pypdfium2.PdfDocument) -> None:
        self.n_pages = len(document)
        self.pages: list[Page] = []
        self.pictures: list[int] = []
        self._broken = self._garbled = 0
        n_chars = 0
        for number in range(min(self.n_pages, MAX_PAGES)):
            page = self._read(document, number)
            self.pages.append(page)
            n_chars += sum(len(line.text) for line in page.lines)
            if n_chars > MAX_CHARS:
                break

    def _read(self, document: pypdfium2.PdfDocument, number: int) -> Page:
        try:
            page = document[number]
            size, characters = page.get_size(), _Characters(page)
        except pypdfium2.PdfiumError:
            self._broken += 1
            return _UNREADABLE
        laid_out = lay_out(size, list(characters))
        if not laid_out.lines and _shows_picture(page):
            self.pictures.append(number)
        page.close()
        self._garbled += characters.unmapped > _MAX_UNMAPPED * len(characters)
        return laid_out

    def read_pictures(self, document: pypdfium2.PdfDocument, reader: PictureReader) -> None:
        """Read the pages that are images, and put the result in their place."""
        for number in self.pictures:
            self.pages[number] = reader.read(document, number)

    def refusal(self) -> UnreadableFileError:
        """Return the error for a document without text."""
        if self._broken == len(self.pages):
            return UnreadableFileError(f"damaged PDF: none of its {self.n_pages:,} pages can be read; restore the file")
        return NoTextError(f"no text on {_counted(self.n_pages)}, only images; OCR is needed to read what they show")

    def notes(self) -> Iterator[str]:
        """Yield what is missing from the text, a line for each reason."""
        empty = sum(1 for page in self.pages if not page.lines) - self._broken
        if empty:
            yield f"{empty:,} of {_counted(self.n_pages)} hold{'s' if empty == 1 else ''} no text"
        if self._broken:
            yield f"{self._broken:,} of {_counted(self.n_pages)} cannot be read: the file is damaged"
        if self._garbled:
            yield (
                f"{self._garbled:,} of {_counted(self.n_pages)} may be garbled: "
                "its fonts do not say which letters they print"
            )
        if len(self.pages) < self.n_pages:
            yield f"only the first {len(self.pages):,} of {_counted(self.n_pages)} were read"


def _shows_picture(page: pypdfium2.PdfPage) -> bool:
    return any(True for _ in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=_MAX_OBJECTS_DEEP))


def _counted(n_pages: int) -> str:
    return "1 page" if n_pages == 1 else f"{n_pages:,} pages"


def _notes_on_end(content: bytes) -> Iterator[str]:
    if _END not in content[-_END_REACH:]:
        yield "the end of the file is missing: text may be missing too"


class _Characters:
    """The characters printed on a page, each with its rectangle as displayed; those off the page are left out."""

    def __init__(self, page: pypdfium2.PdfPage) -> None:
        self._text = page.get_textpage()
        self._count = max(pdfium.FPDFText_CountChars(self._text), 0)
        self._box = page.get_bbox()
        self._rotation = page.get_rotation()
        self._size = page.get_size()
        self.unmapped = 0

    def __len__(self) -> int:
        return int(self._count)

    def __iter__(self) -> Iterator[tuple[str, Rectangle]]:
        high = 0
        for place in range(self._count):
            code = pdfium.FPDFText_GetUnicode(self._text, place)
            if 0xD800 <= code < 0xDC00:  # noqa: PLR2004 (the first half of a surrogate pair)
                high = code
                continue
            if pdfium.FPDFText_IsGenerated(self._text, place) == 1:
                yield chr(code), NOWHERE
            elif (box := self._rectangle(place)) is not None:
                self.unmapped += pdfium.FPDFText_HasUnicodeMapError(self._text, place) == 1
                for character in _written_out(code, high):
                    yield character, box
                if code == _HYPHEN_AT_LINE_END:
                    yield "\n", NOWHERE
            high = 0

    def _rectangle(self, place: int) -> Rectangle | None:
        loose = pdfium.FS_RECTF()
        pdfium.FPDFText_GetLooseCharBox(self._text, place, loose)
        left, bottom, right, top = loose.left, loose.bottom, loose.right, loose.top
        if top <= bottom or right <= left:
            tight = [ctypes.c_double() for _ in range(4)]
            pdfium.FPDFText_GetCharBox(self._text, place, *tight)
            left, right, bottom, top = (side.value for side in tight)
        return self._on_page(self._turned(left, bottom, right, top))

    def _turned(self, left: float, bottom: float, right: float, top: float) -> Rectangle:
        """Convert from PDF coordinates, whose y axis points up, to those of the page as displayed."""
        page_left, page_bottom, page_right, page_top = self._box
        if self._rotation == 90:  # noqa: PLR2004 (degrees)
            return bottom - page_bottom, left - page_left, top - page_bottom, right - page_left
        if self._rotation == 180:  # noqa: PLR2004
            return page_right - right, bottom - page_bottom, page_right - left, top - page_bottom
        if self._rotation == 270:  # noqa: PLR2004
            return page_top - top, page_right - right, page_top - bottom, page_right - left
        return left - page_left, page_top - top, right - page_left, page_top - bottom

    def _on_page(self, box: Rectangle) -> Rectangle | None:
        width, height = self._size
        if not (box[0] < width and box[2] > 0 and box[1] < height and box[3] > 0):
            return None
        return max(box[0], 0.0), max(box[1], 0.0), min(box[2], width), min(box[3], height)


def _written_out(code: int, high: int) -> str:
    """Return the characters of a code: none for a control code, two or three for a ligature."""
    if code == _HYPHEN_AT_LINE_END:
        return "-"
    if code in _LIGATURES:
        return _LIGATURES[code]
    if 0xDC00 <= code < 0xE000:  # noqa: PLR2004 (the second half of a surrogate pair)
        return chr(0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)) if high else "\ufffd"
    if code in _DROPPED or code > 0x10FFFF:  # noqa: PLR2004 (beyond Unicode)
        return ""
    character = chr(code)
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) == "Cc" else character


def pdf_metadata(document: pypdfium2.PdfDocument) -> tuple[str, dict[str, str]]:
    """Return title and metadata of a PDF; "" if it has no title."""
    found = {
        "author": _told(document, "Author"),
        "date": _day(_told(document, "CreationDate")) or _day(_told(document, "ModDate")),
        "subject": _told(document, "Subject"),
        "keywords": _told(document, "Keywords"),
    }
    return _told(document, "Title"), {name: value for name, value in found.items() if value}


def _told(document: pypdfium2.PdfDocument, key: str) -> str:
    """Return a metadata value on one line."""
    try:
        return " ".join(document.get_metadata_value(key).replace("\0", " ").split())
    except UnicodeDecodeError:  # an unpaired surrogate
        return ""


def _day(date: str) -> str:
    """Return the day of a PDF date (`D:20240103093826+01'00'`) in ISO 8601; "" if it is not a date."""
    match = _DATE.match(date)
    return "" if match is None else iso_date("-".join(match.groups()))
