"""Places for numbered things: rows and lines."""

from collections.abc import Sequence

from index.formats.content import Place
from index.formats.limits import MAX_PLACES


def numbered_places(noun: str, starts: Sequence[tuple[int, int]]) -> tuple[Place, ...]:
    """Return a place for each numbered thing, or for runs of them if there are more than `MAX_PLACES`.

    Args:
        noun: What is numbered: "row".
        starts: Offset and number of each, in order.

    Returns:
        Places "row 12", or "rows 12 to 14" for a run.
    """
    step = -(-len(starts) // MAX_PLACES)
    if step <= 1:
        return tuple(Place(start, f"{noun} {number}") for start, number in starts)
    runs = (starts[first : first + step] for first in range(0, len(starts), step))
    return tuple(Place(run[0][0], f"{noun}s {run[0][1]} to {run[-1][1]}") for run in runs)


def line_places(text: str) -> tuple[Place, ...]:
    r"""Return a place for each line that is not blank.

    Args:
        text: The text; lines end as in editors, at `\n`, `\r\n` or `\r`.

    Returns:
        Places "line 120", counted from 1.
    """
    starts, at = [], 0
    for number, line in enumerate(_with_newlines(text).split("\n"), start=1):
        if line and not line.isspace():
            starts.append((at, number))
        at += len(line) + 1
    return numbered_places("line", starts)


def _with_newlines(text: str) -> str:
    r"""End every line with `\n` without changing the length, so that offsets stay valid."""
    return text.replace("\r\n", " \n").replace("\r", "\n") if "\r" in text else text
