"""Cache of search results: answering a question may retrieve its passages more than once."""

from collections.abc import Sequence
from dataclasses import dataclass

from index.records import Hit

_REMEMBERED_QUESTIONS = 100

Sought = tuple[str, int, tuple[str, ...] | None]
"""Question, maximum number of passages, and names of the documents to search; None is all of them."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Results for one state of an index."""

    state: tuple[object, ...]
    hits: dict[Sought, tuple[Hit, ...]]


class SearchCache:
    """Results for the latest state of one index, for at most a hundred questions; thread-safe."""

    def __init__(self) -> None:
        """Start empty."""
        self._found = _Found((), {})

    def __len__(self) -> int:
        """Number of cached searches."""
        return len(self._found.hits)

    def get(self, state: tuple[object, ...], sought: Sought) -> list[Hit] | None:
        """Return cached results.

        Args:
            state: Current state of the index; results for another state are not returned.
            sought: The search.

        Returns:
            The passages, in a new list; None if they are not cached.
        """
        found = self._found
        hits = found.hits.get(sought) if found.state == state else None
        return None if hits is None else list(hits)

    def put(self, state: tuple[object, ...], sought: Sought, hits: Sequence[Hit]) -> None:
        """Cache results.

        Args:
            state: State of the index that was searched.
            sought: The search.
            hits: The passages.
        """
        if state != self._found.state or len(self) >= _REMEMBERED_QUESTIONS:
            self._found = _Found(state, {})
        self._found.hits[sought] = tuple(hits)
