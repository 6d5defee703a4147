"""What a file holds, whatever its format: text, and where in the file each stretch of it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stretch of the text stands in the file; it goes on to the beginning of the next place.

    Attributes:
        start: Offset of its first character in the text, in code points.
        label: What people call it: "page 3", "slide 7", "Costs, row 12", "mail of 4 May 2026 from Ann Lee", or the
            headings above it, outermost first, joined by `HEADING_SEPARATOR`; "" for what stands nowhere in particular.
    """

    start: int
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Where each character of the text is printed.

    Attributes:
        sizes: `(n_pages, 2)` float32: width and height of each page, in points (1/72 inch).
        pages: `(n_chars,)` int32: number of each character's page from 0, -1 where it is on none (a newline, say).
        rectangles: `(n_chars, 4)` float32: left, top, right, bottom on the page, in points from its upper left
            corner; NaN where the character is on no page.
    """

    sizes: NDArray[np.float32]
    pages: NDArray[np.int32]
    rectangles: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Part:
    """A file within the file: an attachment, a member of an archive.

    Attributes:
        name: Its name there, with forward slashes; never absolute, never with "..".
        content: Its bytes.
    """

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds.

    Attributes:
        text: Its text, as it is stored and quoted; "" where it has none.
        title: What it calls itself; "" where it says nothing.
        places: Where stretches of the text stand, in order; none where there is nothing to say.
        metadata: What it says of itself: "author", "date" (ISO 8601), "language" (ISO 639-1), "subject" and the like.
        notes: What is missing of it: "3 of 40 pages hold no text".
        parts: Files within it.
        boxes: Where its characters are printed; None for formats without pages.
        remarks: What else people should know of how it was read, though nothing is missing: "read by OCR", say.
    """

    text: str
    title: str = ""
    places: tuple[Place, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    boxes: Boxes | None = None
    remarks: tuple[str, ...] = ()
