"""Lines and paragraphs of a scanned page, from the words that OCR read on it."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median

from index.formats.pdf.layout import is_broken_on_purpose, is_row, over_the_break, right_margin
from index.formats.pdf.lines import NEW_PARAGRAPH, NOWHERE, Line, Page, Rectangle, make_line

_MIN_CONFIDENCE = 30
"""Lowest confidence of a word, of 100: below are specks and lines."""
SURE = 80.0
"""Mean confidence, of 100, below which a page may be turned, or in letters that OCR does not know: mostly above 90."""
_WORD = "5"
_SAME_SIZE = 0.35
"""Difference in height of lines of the same size: OCR measures the ink, and "no" is lower than "yes"."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word that tesseract read.

    Attributes:
        text: The word.
        confidence: Tesseract's confidence, of 100.
        line: Block, paragraph and line that it is in.
        box: Left, top, right, bottom in pixels of the image.
    """

    text: str
    confidence: float
    line: tuple[str, str, str]
    box: tuple[int, int, int, int]


def words_of(tsv: str) -> list[Word]:
    """Take the words out of tesseract's TSV output.

    Args:
        tsv: The output.

    Returns:
        The words, without those of least confidence, in tesseract's reading order.
    """
    rows = csv.DictReader(io.StringIO(tsv), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [
        Word(
            row["text"],
            float(row["conf"]),
            (row["block_num"], row["par_num"], row["line_num"]),
            (
                int(row["left"]),
                int(row["top"]),
                int(row["left"]) + int(row["width"]),
                int(row["top"]) + int(row["height"]),
            ),
        )
        for row in rows
        if row["level"] == _WORD and float(row["conf"]) >= _MIN_CONFIDENCE and row["text"].strip()
    ]


def scanned_page(words: Sequence[Word], size: tuple[float, float], scale: float, turn: int) -> Page:
    """Build a page from the words read on it.

    Args:
        words: The words.
        size: Width and height of the page in points.
        scale: Pixels per point of the image they were read on.
        turn: By how many degrees the image had been turned clockwise: 0, 90, 180 or 270.

    Returns:
        The page as it is displayed, not as it was turned. Lines of a paragraph that end early, as those of a table do,
        are kept apart.
    """
    upright: list[Line] = []
    separators: list[str] = []
    for _, its_words in groupby(words, lambda word: word.line[:2]):
        paragraph = [line for line in map(_line, _lines_of(its_words, scale)) if line is not None]
        if not paragraph:
            continue
        height, margin = median(line.height for line in paragraph), right_margin(paragraph)
        even = [replace(line, height=height) for line in paragraph]
        separators.append(_before_paragraph(upright, even[0]))
        separators += ["\n" if is_broken_on_purpose(above, line, margin) else " " for above, line in pairwise(even)]
        upright += even
    shown = tuple(_turned_back(line, size, turn) for line in upright)
    return Page(size, shown, tuple(separators), confidence(words) if words else 0.0)


def confidence(words: Sequence[Word]) -> float:
    """Return the mean confidence of the words' characters, 0 to 100; there must be some."""
    return weight(words) / sum(len(word.text) for word in words)


def weight(words: Sequence[Word]) -> float:
    """Return the sum of the confidences of the words' characters: the more is read, and the surer, the higher."""
    return sum(word.confidence * len(word.text) for word in words)


def _before_paragraph(lines: Sequence[Line], line: Line) -> str:
    """Return the separator before what tesseract takes for a new paragraph: at times a stamp or a fold makes it one."""
    if not lines or abs(lines[-1].height - line.height) > _SAME_SIZE * line.height:
        return NEW_PARAGRAPH
    return over_the_break(lines, replace(lines[-1], height=line.height), line)


def _lines_of(words: Iterator[Word], scale: float) -> Iterator[list[tuple[str, Rectangle]]]:
    for _, its_words in groupby(words, lambda word: word.line):
        yield [
            (word.text, (word.box[0] / scale, word.box[1] / scale, word.box[2] / scale, word.box[3] / scale))
            for word in its_words
        ]


def _line(words: Sequence[tuple[str, Rectangle]]) -> Line | None:
    characters = [its for text, box in words for its in ((" ", NOWHERE), *((character, box) for character in text))]
    line = make_line(characters)
    return None if line is None else replace(line, is_row=is_row([box for _, box in words], line.height))


def _turned_back(line: Line, size: tuple[float, float], turn: int) -> Line:
    rectangles = tuple(box if box is NOWHERE else _displayed(box, size, turn) for box in line.rectangles)
    return replace(line, rectangles=rectangles, box=_displayed(line.box, size, turn))


def _displayed(box: Rectangle, size: tuple[float, float], turn: int) -> Rectangle:
    """Convert from the page as it was turned to the page as displayed, and clip."""
    width, height = size
    left, top, right, bottom = box
    if turn == 90:  # noqa: PLR2004 (degrees)
        left, top, right, bottom = top, height - right, bottom, height - left
    elif turn == 180:  # noqa: PLR2004
        left, top, right, bottom = width - right, height - bottom, width - left, height - top
    elif turn == 270:  # noqa: PLR2004
        left, top, right, bottom = width - bottom, left, width - top, right
    return max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height)
