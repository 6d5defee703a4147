"""The records that flow through the index: a document, and the passages it is split into."""

from dataclasses import dataclass

from index.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Document:
    """A file's text and what is known of it. The text is fixed once it is indexed.

    Attributes:
        name: Path relative to the folder, with forward slashes.
        text: The decoded text, every newline as it was, byte-order mark dropped.
        title: What people would call it: its heading or the beginning of its first line.
        sha256: Hash of the file's bytes, in hexadecimal.
    """

    name: str
    text: str
    title: str
    sha256: str


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
