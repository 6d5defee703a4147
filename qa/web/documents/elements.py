"""Elements of a laid-out text: what stretches of the stored text are, from paragraph to cell."""

import re
from typing import Literal, NamedTuple

Tag = Literal[
    "text", "p", "h", "ul", "ol", "items", "li", "quote", "pre", "code", "em", "strong", "del", "link", "image", "br",
    "space", "hr", "table", "row", "head", "cell", "slide", "notes",
]  # fmt: skip


class Element(NamedTuple):
    """A stretch of a document's text, and what it is.

    Attributes:
        tag: What it is; "text" is shown, and what lies in no "text" is markup and white space between.
        start: Offset of its first character in the document's text, in code points.
        end: Offset after the last.
        number: Level of a heading or of an item, first number of an ordered list, number of a row or slide, column of a
            cell (from 0), position of a table's headers in the list of them plus one; else 0.
    """

    tag: Tag
    start: int
    end: int
    number: int = 0

    def moved(self, by: int) -> "Element":
        """Return the element of a text that follows `by` other characters."""
        return self._replace(start=self.start + by, end=self.end + by)


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a stretch of a text without the white space around it; empty at `end` if there is nothing else."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def lines_of(text: str) -> list[tuple[int, int]]:
    """Return start and end of each line of a text, without its end of line."""
    return [match.span() for match in re.finditer(r"[^\n\r]*", text)]
