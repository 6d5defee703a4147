"""What was searched for not long ago: answering one question searches for its passages more than once."""

from collections.abc import Sequence
from dataclasses import dataclass

from index.records import Hit

_REMEMBERED_QUESTIONS = 100

Sought = tuple[str, int, tuple[str, ...] | None]
"""Question, how many passages at most, and the names of documents; None is all of them."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found in one state of an index."""

    state: tuple[object, ...]
    hits: dict[Sought, tuple[Hit, ...]]


class SearchCache:
    """What was found in the latest state of one index, for a hundred questions at most; for any thread."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._found = _Found((), {})

    def __len__(self) -> int:
        """Number of searches that are remembered."""
        return len(self._found.hits)

    def get(self, state: tuple[object, ...], sought: Sought) -> list[Hit] | None:
        """What was found; None where it has to be searched for.

        Args:
            state: The index's state now: what was found in another is not given.
            sought: What is searched for.

        Returns:
            The passages, a list of the caller's own.
        """
        found = self._found
        hits = found.hits.get(sought) if found.state == state else None
        return None if hits is None else list(hits)

    def put(self, state: tuple[object, ...], sought: Sought, hits: Sequence[Hit]) -> None:
        """Remember what was found.

        Args:
            state: The state of the index that it was found in.
            sought: What was searched for.
            hits: The passages.
        """
        if state != self._found.state or len(self) >= _REMEMBERED_QUESTIONS:
            self._found = _Found(state, {})
        self._found.hits[sought] = tuple(hits)
