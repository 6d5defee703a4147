"""Highlights: rectangles of a span of text on its pages, one per line."""

from collections.abc import Sequence

from index.records import Rectangle

_SAME_LINE = 0.5
"""Share of the lower character's height by which two characters of a line overlap vertically."""


def lines_of(characters: Sequence[tuple[int, Rectangle]]) -> list[tuple[int, list[Rectangle]]]:
    """Merge rectangles of characters into rectangles of lines.

    Args:
        characters: Page and rectangle of each printed character, in text order.

    Returns:
        Each page, in text order, with a rectangle for each line on it.
    """
    pages: list[tuple[int, list[Rectangle]]] = []
    last: Rectangle | None = None
    for page, box in characters:
        if not pages or pages[-1][0] != page:
            pages.append((page, []))
            last = None
        lines = pages[-1][1]
        if last is None or not _goes_on(last, box):
            lines.append(box)
        else:
            lines[-1] = _around(lines[-1], box)
        last = box
    return pages


def _goes_on(last: Rectangle, box: Rectangle) -> bool:
    overlap = min(last[3], box[3]) - max(last[1], box[1])
    height = min(last[3] - last[1], box[3] - box[1])
    return overlap >= _SAME_LINE * height and box[0] >= last[0]


def _around(one: Rectangle, other: Rectangle) -> Rectangle:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])
