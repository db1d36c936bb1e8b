"""Delay the attempts of a client that sends wrong credentials: each failure doubles the delay, and time forgives them.

The keys name a user and an address, so that no client can lock a user out at another address. Times are in seconds, on
any clock.
"""

from collections.abc import Hashable

from karapace_like.process.lru import LruCache

_FREE = 5
"""Failures without a delay: of a mistyped password, or of an old one that is still configured somewhere."""
_FIRST_DELAY = 1.0
_LONGEST_DELAY = 60.0
_FORGIVEN_AFTER = 60.0
"""One failure is forgotten in this time."""
_CACHE_SIZE = 10_000
"""Keys in the table. To evict one, a client needs as many failures, each of which is a hash."""


class FailedAttempts:
    """The recent failures of each key."""

    def __init__(self) -> None:
        self._failures: LruCache[Hashable, tuple[float, float]] = LruCache(_CACHE_SIZE)
        """Key -> (failures, time of the last one)."""

    def wait(self, key: Hashable, now: float) -> float:
        """Return the seconds until the next attempt is accepted; 0 if it is accepted now."""
        entry = self._failures.get(key)
        if entry is None:
            return 0
        failures, last = entry
        excess = round(failures) - _FREE
        delay = 0 if excess < 0 else min(_FIRST_DELAY * 2**excess, _LONGEST_DELAY)
        return max(0, last + delay - now)

    def add(self, key: Hashable, now: float) -> None:
        """Count a failure."""
        failures, last = self._failures.get(key) or (0, now)
        self._failures.put(key, (max(0, failures - (now - last) / _FORGIVEN_AFTER) + 1, now))

    def clear(self, key: Hashable) -> None:
        """Forget the failures: the right credentials were sent."""
        if self._failures.get(key) is not None:
            self._failures.put(key, (0, 0))
