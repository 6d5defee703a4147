"""The records that flow through the index: documents and their passages, the ledger's lines, what retrieval finds."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from index.errors import ParameterError
from index.formats.content import Boxes, Place


@dataclass(frozen=True, slots=True)
class Document:
    """A file's text and what is known of it. The text is fixed once it is indexed.

    Attributes:
        name: Path relative to the folder, with forward slashes; of a file within a file, that file's name, a slash,
            and its own there.
        text: The text. Of plain text, Markdown and source code as it was decoded, every newline as it was,
            byte-order mark dropped.
        title: What people would call it: its heading or the beginning of its first line.
        sha256: Hash of the file's bytes, in hexadecimal.
        places: Where stretches of the text stand in the file, in order.
        metadata: What the file says of itself: "author", "date", "language" and the like.
        boxes: Where its characters are printed; None for formats without pages.
        has_headings: Whether its places are headings, which say what the text below them is about.
    """

    name: str
    text: str
    title: str
    sha256: str
    places: tuple[Place, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    boxes: Boxes | None = None
    has_headings: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document that is retrieved and read as one.

    Attributes:
        document: Name of the document.
        start: Offset of the first character in the document's text, in code points.
        end: Offset after the last character; `text == document_text[start:end]`.
        text: The words themselves.
        heading: Headings above it, outermost first, joined by angle quotes; "" where there are none.
    """

    document: str
    start: int
    end: int
    text: str
    heading: str = ""


Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document of the index, without its text."""

    name: str
    title: str
    sha256: str
    n_passages: int
    n_chars: int


READ = ("indexed", "partly read")
"""What the ledger says of files that are in the index as they are."""


_NEWER = {".doc": "DOCX", ".xls": "XLSX", ".ppt": "PPTX", ".fodt": "ODT", ".fods": "ODS", ".fodp": "ODP"}
"""What the programs that write formats which are not read can write as well."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What became of a file of the folder.

    Attributes:
        name: Path relative to the folder, with forward slashes; of a file within a file, that file's name, a slash,
            and its own there.
        status: "indexed", "partly read", "duplicate", "empty", "failed", "unsupported" or "removed" (taken out and
            kept out).
        detail: Why it failed, what is missing, what else is to be said of it, or of which document it is a duplicate;
            else "".
        sha256: Hash of its bytes; "" when it could not be read.
        size_bytes: Its size when it was last looked at.
        modified_ns: Its time of modification then, in nanoseconds.
        checked_ns: When it was looked at, in nanoseconds.
        parent: Name of the file of the folder that it is within; "" where it is one itself.
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
        """Whether what it holds is in the index, as it is."""
        return self.status in READ

    @property
    def reason(self) -> str:
        """Why it is not in the index as it is, for people; "" when it is."""
        if self.status == "duplicate":
            return f"same content as {self.detail}"
        if self.status == "unsupported":
            newer = _NEWER.get(PurePosixPath(self.name).suffix.lower())
            return "unsupported file type" + (f"; save it again as {newer}" if newer else "")
        return "taken out" if self.status == "removed" else self.detail


@dataclass(frozen=True, slots=True)
class Proximity:
    """How a passage holds the words of a question. Each word counts by how rare it is among the passages compared.

    Attributes:
        window: Share of the question's terms that stand within 13 words of one another, where most do, 0 to 1.
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
        document_sha256: Hash of its document's file.
        score: Fused score; higher is better, differences are log-odds.
        cosine: Cosine of the question's and the passage's vectors, -1 to 1.
        bm25: BM25 score, 0 when it shares no word with the question.
        proximity: How close together the question's words stand in it.
    """

    passage: Passage
    title: str
    document_sha256: str
    score: float
    cosine: float
    bm25: float
    proximity: Proximity = NOWHERE_NEAR


Rectangle = tuple[float, float, float, float]
"""Left, top, right, bottom, in points (1/72 inch) from the page's upper left corner."""


@dataclass(frozen=True, slots=True)
class PageBoxes:
    """Where a stretch of text is printed on one page.

    Attributes:
        page: Number of the page, from 1.
        width: Width of the page, in points (1/72 inch).
        height: Its height.
        rectangles: One for each line, in the text's order: left, top, right, bottom, in points from the page's upper
            left corner.
    """

    page: int
    width: float
    height: float
    rectangles: tuple[Rectangle, ...]


def label_at(places: Sequence[Place], offset: int) -> str:
    """What people call the place that an offset stands at.

    Args:
        places: Places of the document, in order.
        offset: Offset in its text.

    Returns:
        The label of the last place that begins there or before; "" where there is none.
    """
    above = bisect_right(places, offset, key=attrgetter("start"))
    return places[above - 1].label if above else ""


def check_unicode(parameter: str, text: str) -> str:
    """A text that can be stored and read.

    Args:
        parameter: What to call it in the message.
        text: The text.

    Returns:
        The same.

    Raises:
        ParameterError: It holds half of a surrogate pair, which no file of text can.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        odd = text[error.start]
        raise ParameterError(
            f"{parameter} is no valid Unicode: {odd!r} at offset {error.start}; decode it with the right encoding"
        ) from error
    return text
