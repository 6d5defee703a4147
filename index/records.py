"""Records shared by the rooms of the index: documents, passages, file records and search hits."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from index.errors import ParameterError
from index.formats.content import Boxes, Place, Table


@dataclass(frozen=True, slots=True)
class Document:
    """A document's text and metadata. The text never changes once it is indexed.

    Attributes:
        name: Path relative to the folder, with forward slashes; for a file within a file, the outer file's name, a
            slash, and its name there.
        text: The text. For plain text, Markdown and source code exactly as decoded, newlines included, without the
            byte-order mark.
        title: Its title for readers: the file's own, its first heading or the beginning of its first line.
        sha256: SHA-256 of the file's bytes, in hexadecimal.
        places: Places of stretches of the text in the file, in order.
        metadata: The file's own metadata: "author", "date", "language" and the like.
        boxes: Where the characters are printed; None for formats without pages.
        has_headings: Whether its places are headings, which say what the text below them is about.
        tables: Its tables, in the order of the text.
    """

    name: str
    text: str
    title: str
    sha256: str
    places: tuple[Place, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    boxes: Boxes | None = None
    has_headings: bool = False
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """A value in a row of a table.

    Attributes:
        column: Zero-based column.
        header: Header of the column; "" if it has none.
        start: Offset of the value's first character in the document's text, in code points.
        end: Offset after its last character.
    """

    column: int
    header: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table in a document's text.

    Attributes:
        table: Number of its table in the document, from 0.
        number: Number of the row in the file.
        about: What the table is about: sheet, caption, title row; "" if unknown.
        headers: Header of each column, "" for a column without one.
        start: Offset of the row's first character in the document's text, in code points.
        end: Offset after its last character.
        cells: Its values that are not blank, in the order of the text.
    """

    table: int
    number: int
    about: str
    headers: tuple[str, ...]
    start: int
    end: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class TableRecord:
    """A table in the index, without its rows.

    Attributes:
        document: Name of its document.
        number: Its number in the document, from 0.
        about: What it is about, as in `TableRow`.
        headers: Header of each column, "" for a column without one.
        n_rows: Number of its rows.
    """

    document: str
    number: int
    about: str
    headers: tuple[str, ...]
    n_rows: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document that is retrieved and read as a unit.

    Attributes:
        document: Name of the document.
        start: Offset of the first character in the document's text, in code points.
        end: Offset after the last character; `text == document_text[start:end]`.
        text: Its text.
        heading: Headings above it, outermost first, joined by angle quotes; "" if there are none.
    """

    document: str
    start: int
    end: int
    text: str
    heading: str = ""


Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document in the index, without its text."""

    name: str
    title: str
    sha256: str
    n_passages: int
    n_chars: int


READ = ("indexed", "partly read")
"""Statuses of files whose current content is in the index."""


_NEWER = {
    ".fodt": "ODT",
    ".fods": "ODS",
    ".fodp": "ODP",
    **dict.fromkeys(".wpd .wps .pages .sxw .hwp .lwp".split(), "DOCX or PDF"),
    **dict.fromkeys(".numbers .sxc .wk4 .wb2 .dif".split(), "XLSX"),
    **dict.fromkeys(".key .sxi".split(), "PPTX or PDF"),
    **dict.fromkeys(".pub .vsd .vsdx .odg .one .dwg .dxf .xps .djvu .indd .ai .psd .emf .wmf .svg".split(), "PDF"),
    **dict.fromkeys(".mobi .azw .azw3 .fb2 .lit".split(), "EPUB"),
    **dict.fromkeys(".rar .arj .lzh .cab .ace".split(), "ZIP"),
    **dict.fromkeys(".pst .ost .dbx".split(), "EML or MBOX"),
}
"""Readable formats that the programs writing these unsupported ones can save."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """The ledger's record of a file in the folder.

    Attributes:
        name: Path relative to the folder, with forward slashes; for a file within a file, the outer file's name, a
            slash, and its name there.
        status: "indexed", "partly read", "duplicate", "empty", "failed", "unsupported" or "removed" (taken out of the
            index, and kept out).
        detail: Why it failed, what is missing, other remarks, or the document that it duplicates; else "".
        sha256: SHA-256 of its bytes; "" if it could not be read.
        size_bytes: Its size when last checked.
        modified_ns: Its modification time when last checked, in nanoseconds.
        checked_ns: Time of the last check, in nanoseconds.
        parent: Name of the outer file, for a file within a file; else "".
    """

    name: str
    status: str
    detail: str
    sha256: str
    size_bytes: int
    modified_ns: int
    checked_ns: int
    parent: str = ""

    @property
    def is_read(self) -> bool:
        """Whether its current content is in the index."""
        return self.status in READ

    @property
    def reason(self) -> str:
        """Why its current content is not in the index, for users; "" if it is."""
        if self.status == "duplicate":
            return f"same content as {self.detail}"
        if self.status == "unsupported" and not self.detail:
            newer = _NEWER.get(PurePosixPath(self.name).suffix.lower())
            return "unsupported file type" + (f"; save it again as {newer}" if newer else "")
        return "taken out" if self.status == "removed" else self.detail


@dataclass(frozen=True, slots=True)
class Proximity:
    """How closely a passage holds the words of a question. Rarer words (among the passages compared) count more.

    Attributes:
        window: Largest share of the question's terms within 13 words of one another, 0 to 1.
        phrases: Share of the question's pairs of neighbouring words, stop words included, that are neighbours in the
            passage, too, in the same order, 0 to 1.
    """

    window: float
    phrases: float


NOWHERE_NEAR = Proximity(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved passage.

    Attributes:
        passage: The passage.
        title: Title of its document.
        document_sha256: SHA-256 of its document's file.
        score: Fused score; higher is better, differences are log-odds.
        cosine: Cosine of question and passage vector, -1 to 1.
        bm25: BM25 score; 0 if it shares no word with the question.
        proximity: How close together the question's words are in it.
        row: The row of a table that the passage is; None if it is something else.
    """

    passage: Passage
    title: str
    document_sha256: str
    score: float
    cosine: float
    bm25: float
    proximity: Proximity = NOWHERE_NEAR
    row: TableRow | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A place of a document where words stand.

    Attributes:
        start: Offset of the first of the words in the document's text, in code points.
        end: Offset after the last; `text == document_text[start:end]`.
        text: The text from the first of the words to the last.
        place: Where in the document that is, for people: "page 3", "slide 7"; None if it has no such places.
        snippet: The text around it, verbatim.
        snippet_start: Offset of the snippet in the document's text.
        marks: Offsets in the document's text of each word or phrase that stands in the snippet: first character,
            and after the last.
    """

    start: int
    end: int
    text: str
    place: str | None
    snippet: str
    snippet_start: int
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class DocumentOccurrences:
    """A document in which words stand.

    Attributes:
        document: Name of the document.
        document_sha256: Hash of its file.
        title: Its title.
        n_places: Number of all places in it.
        places: Some of them, in order.
    """

    document: str
    document_sha256: str
    title: str
    n_places: int
    places: tuple[Occurrence, ...]


@dataclass(frozen=True, slots=True)
class Concordance:
    """Where words stand in the documents.

    Attributes:
        words: The words and phrases, as typed.
        n_documents: Number of all documents in which they stand.
        n_places: Number of all places.
        n_unread: Number of documents that may have them too, and were not looked through: there were too many.
        documents: Some of the documents, by name.
    """

    words: str
    n_documents: int
    n_places: int
    n_unread: int
    documents: tuple[DocumentOccurrences, ...]


Rectangle = tuple[float, float, float, float]
"""Left, top, right, bottom, in points (1/72 inch) from the page's upper left corner."""


@dataclass(frozen=True, slots=True)
class PageBoxes:
    """Where a stretch of text is printed on one page.

    Attributes:
        page: Number of the page, from 1.
        width: Width of the page, in points (1/72 inch).
        height: Its height.
        rectangles: One per line, in the text's order: left, top, right, bottom, in points from the page's upper left
            corner.
    """

    page: int
    width: float
    height: float
    rectangles: tuple[Rectangle, ...]


def label_at(places: Sequence[Place], offset: int) -> str:
    """Return the label of the place at an offset.

    Args:
        places: Places of the document, in order.
        offset: Offset in its text.

    Returns:
        The label of the last place that starts at or before the offset; "" if there is none.
    """
    above = bisect_right(places, offset, key=attrgetter("start"))
    return places[above - 1].label if above else ""


def check_unicode(parameter: str, text: str) -> str:
    """Return the text, if it can be stored and read as Unicode.

    Args:
        parameter: What the message calls it.
        text: The text.

    Returns:
        The same text.

    Raises:
        ParameterError: It contains an unpaired surrogate.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        odd = text[error.start]
        raise ParameterError(
            f"{parameter} is not valid Unicode: {odd!r} at offset {error.start}; decode it with the right encoding"
        ) from error
    return text
