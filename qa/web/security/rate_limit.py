"""How often something may be done: token buckets, one for each who does it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import LRUCache

_MAX_BUCKETS = 10_000
"""More clients than these are forgotten, those first that were away longest: their buckets are the fullest."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How much is allowed.

    Attributes:
        burst: So many at once.
        per_second: So many more each second after that.
    """

    burst: int
    per_second: float


class Buckets:
    """A bucket of tokens for each key. Used from one thread, the event loop's."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with full buckets.

        Args:
            rate: What is allowed of each key.
            clock: Seconds that only go forward.
        """
        self._rate, self._clock = rate, clock
        self._left: LRUCache[str, tuple[float, float]] = LRUCache(_MAX_BUCKETS)

    def take(self, key: str) -> float:
        """Take a token.

        Args:
            key: Whose bucket.

        Returns:
            0 when there was one, else the seconds until there is.
        """
        tokens, now = self._tokens(key), self._clock()
        is_granted = tokens >= 1
        self._put(key, tokens - 1 if is_granted else tokens, now)
        return 0.0 if is_granted else (1 - tokens) / self._rate.per_second

    def give_back(self, key: str) -> None:
        """Put a token back that was taken for something that should not count.

        Args:
            key: Whose bucket.
        """
        self._put(key, self._tokens(key) + 1, self._clock())

    def _tokens(self, key: str) -> float:
        tokens, then = self._left.get(key, (self._rate.burst, 0.0))
        return min(self._rate.burst, tokens + (self._clock() - then) * self._rate.per_second)

    def _put(self, key: str, tokens: float, now: float) -> None:
        self._left[key] = (tokens, now)
