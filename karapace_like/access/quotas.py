"""Limit the requests and bytes of each principal with token buckets, one for each recent principal.

A principal without a debt is admitted. Its request may leave a debt, which must be paid off before the next one: so the
size of a response counts too, which is known only afterwards.
"""

from karapace_like.access import errors
from karapace_like.process.lru import LruCache

_BURST_SECONDS = 10.0
"""The capacity of a bucket, in seconds of the rate."""
_CACHE_SIZE = 10_000
"""Principals in the cache; one that is evicted starts with a full bucket."""


class Quota:
    """A rate per second for each principal; 0: unlimited. Times are in seconds, on any clock."""

    def __init__(self, per_second: float) -> None:
        self._rate = per_second
        self._levels: LruCache[str, tuple[float, float]] = LruCache(_CACHE_SIZE)
        """Principal -> (level of the bucket, time of that level)."""

    def wait(self, principal: str, now: float) -> float:
        """Return the seconds until the principal has no debt; 0 if it has none."""
        return max(0.0, -self._count_remaining(principal, now) / self._rate) if self._rate else 0.0

    def spend(self, principal: str, amount: float, now: float) -> None:
        """Take the amount from the bucket of the principal."""
        if self._rate:
            self._levels.put(principal, (self._count_remaining(principal, now) - amount, now))

    def _count_remaining(self, principal: str, now: float) -> float:
        most = self._rate * _BURST_SECONDS
        level, at = self._levels.get(principal) or (most, now)
        return min(most, level + (now - at) * self._rate)


class Quotas:
    """The quotas of requests and bytes of each principal."""

    def __init__(self, *, requests: float = 0, bytes_: float = 0) -> None:
        """Both are rates per second; 0: unlimited."""
        self._requests = Quota(requests)
        self._bytes = Quota(bytes_)

    def admit(self, principal: str, now: float) -> None:
        """Count a request; raise ApiError 42901 if the principal has to wait."""
        wait = max(self._requests.wait(principal, now), self._bytes.wait(principal, now))
        if wait > 0:
            raise errors.over_quota(wait)
        self._requests.spend(principal, 1, now)

    def charge(self, principal: str, size: int, now: float) -> None:
        """Count the bytes of a request and its response."""
        self._bytes.spend(principal, size, now)
