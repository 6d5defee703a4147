"""Renders table rows as text: each value with the header of its column."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from index.formats.limits import MAX_HEADER_CHARS

_LOOK_AHEAD = 20
_FIGURE = re.compile(r"[^\w]*\d[\d\s.,:/'%€$£+-]*\w{0,3}\W*$")

Row = tuple[int, Sequence[str]]
"""A row's number and its cells."""


def described(rows: Iterable[Row], has_header: bool = False) -> Iterator[tuple[int, str]]:
    """Render each row as text: `Item: Travel; Cost: 120 EUR` below headers, else `Travel; 120 EUR`.

    The first row with at least two cells is the header row if none of its cells is a number. In a table of two columns,
    some cell of the second column must also be a number; otherwise it is read as names and values: `Name: Ann Lee`.

    Args:
        rows: The rows in order; only a few are kept in memory at a time.
        has_header: Whether the file itself marks the first row as a header row.

    Yields:
        Number and text of each row that is not blank. A header row is yielded by itself only if no row follows it.
    """
    filled = ((number, [" ".join(cell.split()) for cell in cells]) for number, cells in rows)
    remaining = ((number, cells) for number, cells in filled if any(cells))
    for number, cells in remaining:
        if sum(map(bool, cells)) > 1:
            yield from _table(number, cells, remaining, has_header)
            return
        yield number, "; ".join(filter(None, cells))


def _table(
    number: int, first: list[str], others: Iterator[tuple[int, list[str]]], has_header: bool
) -> Iterator[tuple[int, str]]:
    ahead = list(islice(others, _LOOK_AHEAD))
    is_short = max(map(len, first)) <= MAX_HEADER_CHARS  # headers are repeated in every row
    is_header = is_short and (has_header or _are_headers(first, [cells for _, cells in ahead]))
    headers = first if ahead and is_header else None
    pairs = headers is None and max(len(cells) for cells in [first, *(cells for _, cells in ahead)]) == 2  # noqa: PLR2004
    if headers is None:
        yield number, _in_words(first, None, pairs)
    for its_number, cells in chain(ahead, others):
        yield its_number, _in_words(cells, headers, pairs)


def _are_headers(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    names = [cell for cell in first if cell]
    if len(set(names)) < len(names) or any(map(_FIGURE.match, names)):
        return False
    if max(map(len, [first, *others])) > 2:  # noqa: PLR2004 (columns)
        return True
    return any(_FIGURE.match(cells[1]) for cells in others if len(cells) > 1)


def _in_words(cells: Sequence[str], headers: Sequence[str] | None, pairs: bool) -> str:
    if headers is None:
        separator = ": " if pairs else "; "
        return separator.join(filter(None, cells))
    named = zip(cells, chain(headers, [""] * len(cells)), strict=False)
    return "; ".join(f"{header}: {cell}" if header else cell for cell, header in named if cell)
