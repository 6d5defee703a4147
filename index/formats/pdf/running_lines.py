"""Finds running headers, footers and page numbers, which are no part of a page's sentences."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from index.formats.pdf.layout import over_the_break
from index.formats.pdf.lines import NEW_PARAGRAPH, Line, Page

_AT_EACH_EDGE = 2
"""Lines at the top of a page, and at its bottom, that may be running ones."""
_REACH = 0.15
"""How far from its edge they are at most, as a share of the page's height."""
_NEIGHBOURS = 2
"""How many pages further on the same line is looked for: left and right pages differ."""
_TOLERANCE = 4.0
"""Difference in height between a running line on one page and on another, in points."""
_NUMBER = re.compile(r"\d+|\b(?=[ivxl])(?:xl|l?x{0,3})(?:ix|iv|v?i{0,3})\b")
_PAGE_NUMBER = re.compile(r"\W*(?:(?:page|p\.|pg\.?|seite|pagina|página)\s*)?#(?:\s*(?:of|/|von|de|di)\s*#)?\W*")

_Key = tuple[bool, bool, str, int]
"""Whether it is at the top, whether it is the outermost line, its words without numbers, its distance from the edge."""


def with_running_lines(pages: Sequence[Page]) -> list[Page]:
    """Mark the running lines of pages, and put them where they are printed: at the beginning or end of the page.

    Args:
        pages: The pages in order.

    Returns:
        The pages. A line is a running one if it stands at the same height, with the same words apart from numbers,
        within two pages before or after; or if it is the outermost one and nothing but a page number.
    """
    edges = [dict(_edges(page)) for page in pages]
    keys = [set(its.values()) for its in edges]
    return [
        _marked(page, {line for line, key in edges[number].items() if _is_running(key, number, keys)})
        for number, page in enumerate(pages)
    ]


def _edges(page: Page) -> Iterator[tuple[Line, _Key]]:
    """Yield the lines close to the top and the bottom, each with what it has in common with those of other pages."""
    height = page.size[1]
    lines = (line for line in page.lines if not line.is_aside and line.row is None)
    by_height = sorted(lines, key=lambda line: line.box[1])
    for line in by_height[:_AT_EACH_EDGE]:
        if line.box[3] <= _REACH * height:
            yield line, (True, line is by_height[0], _without_numbers(line), round(line.box[1] / _TOLERANCE))
    for line in by_height[-_AT_EACH_EDGE:]:
        if line.box[1] >= (1 - _REACH) * height:
            from_bottom = round((height - line.box[3]) / _TOLERANCE)
            yield line, (False, line is by_height[-1], _without_numbers(line), from_bottom)


def _without_numbers(line: Line) -> str:
    return _NUMBER.sub("#", line.text.casefold())


def _is_running(key: _Key, number: int, keys: Sequence[set[_Key]]) -> bool:
    is_top, is_outermost, words, height = key
    if is_outermost and _PAGE_NUMBER.fullmatch(words):
        return True
    near = [*keys[max(number - _NEIGHBOURS, 0) : number], *keys[number + 1 : number + 1 + _NEIGHBOURS]]
    return any((is_top, is_outermost, words, height + by) in others for others in near for by in (-1, 0, 1))


def _marked(page: Page, running: set[Line]) -> Page:
    if not running:
        return page
    body: list[tuple[Line, str]] = []
    comments: list[Line] = []
    is_joint = False
    for line, separator in zip(page.lines, page.separators, strict=True):
        if line in running:
            is_joint = True
        elif line.is_aside:
            comments.append(line)
        else:
            whole = [its for its, _ in body]
            body.append((line, over_the_break(whole, whole[-1], line) if is_joint and whole else separator))
            is_joint = False
    middle = min((line.box[1] for line, _ in body), default=0.0)
    ordered = sorted((replace(line, is_aside=True) for line in running), key=lambda line: line.box[1])
    before = [(line, NEW_PARAGRAPH) for line in ordered if line.box[1] < middle]
    after = [(line, NEW_PARAGRAPH) for line in ordered if line.box[1] >= middle]
    together = [*before, *body, *after, *((line, NEW_PARAGRAPH) for line in comments)]
    return Page(page.size, tuple(line for line, _ in together), tuple(separator for _, separator in together))
