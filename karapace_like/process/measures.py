"""Counters and histograms that are cheap enough for every request; `telemetry/` renders them.

There are no locks: one thread changes each number, and a reader on another thread may see the previous value.
"""

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """Counts of values by bucket."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds` ascend; each is the largest value of its bucket. A last bucket counts larger values."""
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0
        """Sum of the values."""

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Cache:
    """Hits, misses and number of entries (`size`) of a cache."""

    __slots__ = ("hits", "misses", "name", "size")

    def __init__(self, name: str) -> None:
        self.name = name
        self.hits = 0
        self.misses = 0
        self.size = 0
