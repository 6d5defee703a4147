"""Rate limits: a token bucket per client."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import LRUCache

_MAX_BUCKETS = 10_000
"""Number of clients remembered; those absent longest, whose buckets are fullest, are forgotten first."""


@dataclass(frozen=True, slots=True)
class Rate:
    """An allowed rate.

    Attributes:
        burst: Number allowed at once.
        per_second: Number allowed per second after that.
    """

    burst: int
    per_second: float


class Buckets:
    """A token bucket per key. Used from one thread, that of the event loop."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        """Create full buckets.

        Args:
            rate: Allowed rate per key.
            clock: Monotonic clock, in seconds.
        """
        self._rate, self._clock = rate, clock
        self._left: LRUCache[str, tuple[float, float]] = LRUCache(_MAX_BUCKETS)

    def take(self, key: str) -> float:
        """Take a token from a key's bucket, and return 0; if there is none, return the seconds until there is one."""
        tokens, now = self._tokens(key), self._clock()
        is_granted = tokens >= 1
        self._put(key, tokens - 1 if is_granted else tokens, now)
        return 0.0 if is_granted else (1 - tokens) / self._rate.per_second

    def give_back(self, key: str) -> None:
        """Return a token to a key's bucket: it was taken for something that should not count."""
        self._put(key, self._tokens(key) + 1, self._clock())

    def _tokens(self, key: str) -> float:
        tokens, then = self._left.get(key, (self._rate.burst, 0.0))
        return min(self._rate.burst, tokens + (self._clock() - then) * self._rate.per_second)

    def _put(self, key: str, tokens: float, now: float) -> None:
        self._left[key] = (tokens, now)
