"""What a loader returns, whatever the format: text, and the place of each stretch of it in the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table in the text, written one line a row.

    Attributes:
        about: What it is about: its sheet, caption or title row, joined by `HEADING_SEPARATOR`; "" if unknown.
        headers: Header of each column, "" for a column without one; group headers stand before those below them.
        rows: `(n_rows, 3)` int32: start and end of each row in the text, in code points, and its number in the file.
        cells: `(n_cells, 4)` int32: position in `rows`, zero-based column, start and end of each value that is not
            blank, in the order of the text.
    """

    about: str
    headers: tuple[str, ...]
    rows: NDArray[np.int32]
    cells: NDArray[np.int32]

    def moved(self, by: int) -> "Table":
        """Return the table of a text that follows `by` other characters."""
        to_rows, to_cells = (np.array(steps, dtype=np.int32) for steps in ([by, by, 0], [0, 0, by, by]))
        return replace(self, rows=self.rows + to_rows, cells=self.cells + to_cells)


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
        tables: Its tables, in the order of the text.
    """

    text: str
    title: str = ""
    places: tuple[Place, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    boxes: Boxes | None = None
    remarks: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
