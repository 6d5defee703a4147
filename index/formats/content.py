"""What a loader returns, whatever the format: text, and the place of each stretch of it in the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stretch of the text stands in the file; it extends to the start of the next place.

    Attributes:
        start: Offset of its first character in the text, in code points.
        label: Its name for readers: "page 3", "slide 7", "Costs, row 12", "mail of 4 May 2026 from Ann Lee", or the
            headings above it, outermost first, joined by `HEADING_SEPARATOR`; "" for no particular place.
    """

    start: int
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Where each character of the text is printed.

    Attributes:
        sizes: `(n_pages, 2)` float32: width and height of each page, in points (1/72 inch).
        pages: `(n_chars,)` int32: zero-based page number of each character; -1 if it is on no page (a newline, say).
        rectangles: `(n_chars, 4)` float32: left, top, right, bottom on the page, in points from its upper left
            corner; NaN where the character is on no page.
    """

    sizes: NDArray[np.float32]
    pages: NDArray[np.int32]
    rectangles: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Part:
    """A file within a file: an attachment, or a member of an archive.

    Attributes:
        name: Its name, with forward slashes; never absolute, never with "..".
        content: Its bytes.
    """

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a file.

    Attributes:
        text: The text as it is stored and quoted; "" if there is none.
        title: The file's own title; "" if it has none.
        places: Places of stretches of the text, in order; may be empty.
        metadata: The file's own metadata: "author", "date" (ISO 8601), "language" (ISO 639-1), "subject" and the like.
        notes: What was not read: "3 of 40 pages hold no text".
        parts: Files within the file.
        boxes: Where the characters are printed; None for formats without pages.
        remarks: Other facts on how the file was read, with nothing missing: "read by OCR", say.
    """

    text: str
    title: str = ""
    places: tuple[Place, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    boxes: Boxes | None = None
    remarks: tuple[str, ...] = ()
