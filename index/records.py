"""The records that flow through the index: a document, and the passages it is split into."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

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
