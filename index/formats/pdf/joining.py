"""Joins the lines of pages to one text, with hyphenated words whole, and running lines out of sentences' way."""

import math
import re
from collections.abc import Sequence

import numpy as np

from index.formats.content import Boxes, Place, Table
from index.formats.pdf.layout import CUT_WORD, HYPHENS, over_the_break
from index.formats.pdf.lines import NEW_PARAGRAPH, NOWHERE, Line, Page, Rectangle
from index.formats.tables import TableRecorder

_WITHOUT_HYPHEN = "\b"
_WORD = re.compile(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*")
_FIRST_WORD = re.compile(r"[^\W\d_]+")
_KEEP_HYPHEN = frozenset("all anti co cross ex full half high long low non post pre self short well".split())
"""Prefixes of English words that are mostly hyphenated."""


def set_text(pages: Sequence[Page]) -> tuple[str, tuple[Place, ...], Boxes, tuple[Table, ...]]:
    """Join pages to one text, and hyphenated words within it.

    Args:
        pages: The pages. A running line of theirs that stands between two halves of a sentence is put behind the
            paragraph.

    Returns:
        The text, a place for each stretch of it that is on one page, each character's box, and the tables.
    """
    text = _Text(_vocabulary(pages))
    aside: list[tuple[int, Line]] = []
    before: list[Line] = []
    for number, page in enumerate(pages):
        body = [line for line in page.lines if not line.is_aside]
        for line, separator in zip(page.lines, page.separators, strict=True):
            if line.is_aside:
                aside.append((number, line))
                continue
            begins = line is body[0]
            given = _over_the_page(before, line) if begins and before else separator
            if given == NEW_PARAGRAPH:
                text.add_all(aside)
                aside = []
            text.add(number, line, given)
        before = body or before
    text.add_all(aside)
    sizes = np.array([page.size for page in pages], dtype=np.float32).reshape(-1, 2)
    boxes = np.array(text.rectangles, dtype=np.float32).reshape(-1, 4)
    printed = Boxes(sizes, np.array(text.numbers, dtype=np.int32), boxes)
    return "".join(text.text), tuple(text.places), printed, text.tables.tables(len(text.text))


def _over_the_page(before: Sequence[Line], line: Line) -> str:
    """Return the separator before the first line of a page."""
    last = before[-1].written
    if last is None or line.written is None:
        return over_the_break(before, before[-1], line)
    return "\n" if last.table == line.written.table else NEW_PARAGRAPH


class _Text:
    """The text so far, with the page and rectangle of each character."""

    def __init__(self, words: frozenset[str]) -> None:
        self.text: list[str] = []
        self.numbers: list[int] = []
        self.rectangles: list[Rectangle] = []
        self.places: list[Place] = []
        self.tables = TableRecorder()
        self._words = words
        self._last: Line | None = None
        self._page = -1

    def add_all(self, lines: Sequence[tuple[int, Line]]) -> None:
        for number, line in lines:
            self.add(number, line, NEW_PARAGRAPH)

    def add(self, number: int, line: Line, separator: str) -> None:
        between = _joint(self._last, line, separator, self._words) if self._last is not None else ""
        if between == _WITHOUT_HYPHEN:
            del self.text[-1], self.numbers[-1], self.rectangles[-1]
            between = ""
        self.text.extend(between)
        self.numbers.extend(-1 for _ in between)
        self.rectangles.extend(NOWHERE for _ in between)
        if number != self._page:
            self.places.append(Place(len(self.text), f"page {number + 1}"))
            self._page = number
        if line.written is not None:
            self.tables.add(line.written.line, len(self.text), line.written.about)
        self.text.extend(line.text)
        self.numbers.extend(-1 if math.isnan(box[0]) else number for box in line.rectangles)
        self.rectangles.extend(line.rectangles)
        self._last = line


def _vocabulary(pages: Sequence[Page]) -> frozenset[str]:
    """Return the text's words in lower case, except those at line ends and starts, which may be halves."""
    return frozenset(
        match.group().lower()
        for page in pages
        for line in page.lines
        for match in _WORD.finditer(line.text)
        if match.start() > 0 and match.end() < len(line.text.rstrip(HYPHENS))
    )


def _joint(last: Line, line: Line, separator: str, words: frozenset[str]) -> str:
    """Return the separator between two lines; `_WITHOUT_HYPHEN` to remove the hyphen at the first one's end."""
    cut = CUT_WORD.search(last.text) if separator == " " else None
    if cut is None:
        return separator
    rest = _FIRST_WORD.match(line.text)
    if rest is None:
        return "" if line.text[0].isdigit() else separator
    if rest.group() in {"and", "or", "und", "oder", "et", "ou", "y", "o"}:  # "pre- and post-war"
        return separator
    return "" if _keeps_hyphen(cut, rest.group(), words) else _WITHOUT_HYPHEN


def _keeps_hyphen(cut: re.Match[str], rest: str, words: frozenset[str]) -> bool:
    """Return whether a hyphen at a line's end belongs to the word, judged by the rest of the text or else by rule."""
    before = cut["before"].lower()
    after = rest.lower()
    if not before.isalpha() or cut.string[: cut.start()].endswith(tuple(HYPHENS)):
        return True
    if before + after in words:
        return False
    if not rest[0].islower():
        return True
    if f"{before}-{after}" in words or before in _KEEP_HYPHEN:
        return True
    return before in words and after in words
