"""How much each principal may ask for: token buckets, one for each principal that was seen lately.

Who has no debt may go on, and what that takes may leave a debt, which has to be made good before the next request: so
also the size of an answer counts, which is known only afterwards.
"""

from karapace_like.access import errors
from karapace_like.recent import Recent

_BURST_SECONDS = 10.0
"""What was not used for so long may be used at once."""
_KNOWN = 10_000
"""Principals; whoever is forgotten begins anew."""


class Quota:
    """So much a second for each principal; 0: without bound. Times are in seconds, of any clock."""

    def __init__(self, per_second: float) -> None:
        self._rate = per_second
        self._levels: Recent[str, tuple[float, float]] = Recent(_KNOWN)
        """What was left, and when."""

    def wait(self, principal: str, now: float) -> float:
        """Seconds until he has no debt any more; 0 if he has none."""
        return max(0.0, -self._left(principal, now) / self._rate) if self._rate else 0.0

    def spend(self, principal: str, amount: float, now: float) -> None:
        """Take so much from what he has."""
        if self._rate:
            self._levels.keep(principal, (self._left(principal, now) - amount, now))

    def _left(self, principal: str, now: float) -> float:
        most = self._rate * _BURST_SECONDS
        level, at = self._levels.get(principal) or (most, now)
        return min(most, level + (now - at) * self._rate)


class Quotas:
    """The requests and bytes of each principal."""

    def __init__(self, *, requests: float = 0, bytes_: float = 0) -> None:
        """Both are for each second; 0: without bound."""
        self._requests = Quota(requests)
        self._bytes = Quota(bytes_)

    def admit(self, principal: str, now: float) -> None:
        """Count a request; raises ApiError 42901 where the principal has to wait."""
        wait = max(self._requests.wait(principal, now), self._bytes.wait(principal, now))
        if wait > 0:
            raise errors.over_quota(wait)
        self._requests.spend(principal, 1, now)

    def charge(self, principal: str, size: int, now: float) -> None:
        """Count the bytes of a request and its answer."""
        self._bytes.spend(principal, size, now)
