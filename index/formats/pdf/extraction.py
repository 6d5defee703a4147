"""PDF: text in reading order, and the box of each character, by pdfium."""

import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Protocol

import pypdfium2
import pypdfium2.raw as pdfium

from index.errors import EmptyFileError, UnreadableFileError
from index.formats.content import Content
from index.formats.metadata import iso_date
from index.formats.pdf.annotations import MAX_ANNOTATIONS, Comment, annotations
from index.formats.pdf.attachments import Attachments
from index.formats.pdf.characters import Characters, Sheet
from index.formats.pdf.joining import set_text
from index.formats.pdf.layout import lay_out
from index.formats.pdf.lines import NEW_PARAGRAPH, Line, Page, make_line
from index.formats.pdf.running_lines import with_running_lines
from index.formats.pdf.scans import Why, agree, beside, is_better, why_by_ocr
from index.formats.pdf.tables.rulings import rulings
from index.formats.pdf.tables.writing import with_written_tables

MAX_PAGES = 10_000
MAX_CHARS = 20_000_000
_HEADER = b"%PDF-"
_HEADER_REACH = 1024
_ENCRYPTION = b"/Encrypt"
_END = b"%%EOF"
_END_REACH = 4096
_UNREADABLE = Page((0.0, 0.0), (), ())
_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)(\d\d)")


class NoTextError(EmptyFileError):
    """A PDF has pages but no text: they are scans or drawings."""


class PictureReader(Protocol):
    """Reads pages that are images, by OCR."""

    def read(self, document: pypdfium2.PdfDocument, number: int) -> Page | None:
        """Read a page.

        Args:
            document: The document.
            number: The page's number, from 0.

        Returns:
            The page, without lines if there is nothing to read on it; None if it could not be read.
        """

    def remarks(self) -> Iterator[str]:
        """Yield remarks on how the pages were read."""

    def notes(self, n_pages: int) -> Iterator[str]:
        """Yield what was not read.

        Args:
            n_pages: Number of the document's pages.

        Returns:
            A line for each reason.
        """


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
        if pictures is not None:
            reading.read_pictures(document, pictures)
        if not any(page.lines for page in reading.pages) and not reading.attachments.parts:
            raise reading.refusal()
        text, places, boxes, tables = set_text(with_written_tables(with_running_lines(reading.pages)))
        by_ocr = () if pictures is None else pictures.notes(reading.n_pages)
        notes = (*reading.notes(), *by_ocr, *_notes_on_end(content))
        title, metadata = _told_of(document)
        remarks = (*(() if pictures is None else pictures.remarks()), *reading.remarks())
        parts = tuple(reading.attachments.parts)
        return Content(text, title, places, metadata, notes, parts, boxes=boxes, remarks=remarks, tables=tables)
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
            _prepare_forms(document)
            if len(document) > 0:
                return document
            document.close()
            raise UnreadableFileError("damaged PDF: it has no pages; restore the whole file")
    tried = f"none of {len(passwords)} passwords fits" if passwords else "it needs a password"
    raise UnreadableFileError(f"encrypted: {tried}; add its password to the setting passwords (VERBATIM_PASSWORDS)")


def _prepare_forms(document: pypdfium2.PdfDocument) -> None:
    """Let pdfium read the values of form fields, if there are any; no script runs, for it is built without.

    XFA forms, which pdfium warns of, are left out: nearly all have ordinary fields as well.
    """
    logging.getLogger("pypdfium2._helpers.document").setLevel(logging.ERROR)
    with suppress(pypdfium2.PdfiumError):
        document.init_forms()


class _Reading:
    """The pages of a document, and what could not be read of them."""

    def __init__(self, document: pypdfium2.PdfDocument) -> None:
        self.n_pages = len(document)
        self.pages: list[Page] = []
        self.attachments = Attachments(document)
        self._pictures: dict[int, Why] = {}
        self._broken = self._n_hidden = self._n_unread = 0
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
            sheet = Sheet(page)
            characters = Characters(page, sheet)
        except pypdfium2.PdfiumError:
            self._broken += 1
            return _UNREADABLE
        added = annotations(page, sheet, self.attachments)
        self._n_hidden += added.n_hidden
        self._n_unread += added.n_unread
        laid_out = lay_out(sheet.size, characters.read(), added.entries, partial(rulings, page, sheet))
        why = why_by_ocr(page, laid_out, characters)
        if why is not None:
            self._pictures[number] = why
        page.close()
        return _with_comments(laid_out, added.comments)

    def read_pictures(self, document: pypdfium2.PdfDocument, reader: PictureReader) -> None:
        """Read the pages whose text is not that of what they show, and add the result to them, or put it in its place.

        Args:
            document: The document.
            reader: Reads the pages.
        """
        for number, why in list(self._pictures.items()):
            read = reader.read(document, number)
            if read is None:
                continue
            printed = self.pages[number]
            if why is not Why.GARBLED:
                self.pages[number] = beside(printed, read)
            elif not agree(printed, read):
                if not is_better(read, printed):
                    continue
                self.pages[number] = beside(printed.asides(), read)
            del self._pictures[number]

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
        unread = Counter(self._pictures.values())
        if unread[Why.GARBLED]:
            yield (
                f"{unread[Why.GARBLED]:,} of {_counted(self.n_pages)} may be garbled: "
                "its fonts do not say which letters they print"
            )
        if unread[Why.SCAN]:
            shows = "shows a picture" if unread[Why.SCAN] == 1 else "show pictures"
            yield f"{unread[Why.SCAN]:,} of {_counted(self.n_pages)} {shows} that only OCR can read"
        if self._n_unread:
            yield f"{self._n_unread:,} annotations beyond the first {MAX_ANNOTATIONS:,} of a page were not read"
        yield from self.attachments.notes()
        if len(self.pages) < self.n_pages:
            yield f"only the first {len(self.pages):,} of {_counted(self.n_pages)} were read"

    def remarks(self) -> Iterator[str]:
        """Yield what was left out because nobody sees it."""
        if self._n_hidden:
            yield f"left out, since they are hidden: {self._n_hidden:,} form values or comments"


def _with_comments(page: Page, comments: Sequence[Comment]) -> Page:
    """Return the page with its comments at its end."""
    lines = [line for comment in comments for line in _comment_lines(comment)]
    return Page(page.size, (*page.lines, *lines), (*page.separators, *(NEW_PARAGRAPH for _ in lines)))


def _comment_lines(comment: Comment) -> Iterator[Line]:
    by = f"Comment by {comment.author}" if comment.author else "Comment"
    line = make_line((character, comment.box) for character in f"{by}: {comment.text}")
    if line is not None:
        yield replace(line, is_aside=True)


def _counted(n_pages: int) -> str:
    return "1 page" if n_pages == 1 else f"{n_pages:,} pages"


def _notes_on_end(content: bytes) -> Iterator[str]:
    if _END not in content[-_END_REACH:]:
        yield "the end of the file is missing: text may be missing too"


def _told_of(document: pypdfium2.PdfDocument) -> tuple[str, dict[str, str]]:
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
