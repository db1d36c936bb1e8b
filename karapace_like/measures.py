"""Plain numbers that parts of the service count, cheap enough for every request; who asks for them renders them.

Nothing here locks: each number is changed on one thread, and a reader on another sees it a moment old.
"""

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """How often values fell between bounds."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds` ascend; each is the largest value of its bucket, and one bucket more has what is larger."""
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0
        """Sum of the values."""

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Cache:
    """How a cache is used; `size` is how many entries it has."""

    __slots__ = ("hits", "misses", "name", "size")

    def __init__(self, name: str) -> None:
        self.name = name
        self.hits = 0
        self.misses = 0
        self.size = 0
