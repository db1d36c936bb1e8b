"""Caches that evict the least recently used entries."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from karapace_like.process.measures import Cache

K = TypeVar("K")
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """At most `size` entries, whose weights add up to at most `capacity`; one entry may exceed it alone."""

    def __init__(
        self, size: int, *, capacity: float = float("inf"), weigh: Callable[[K, V], int] | None = None
    ) -> None:
        """`weigh` returns the weight of an entry, in the unit of `capacity`; without it entries have no weight."""
        self._size = size
        self._capacity = capacity
        self._weigh = weigh
        self._weight = 0
        self._entries: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._entries)

    def list_keys(self) -> list[K]:
        """Return the keys, the least recently used first."""
        return list(self._entries)

    def get(self, key: K) -> V | None:
        """Return the value and mark it as used now; None for a missing key."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> V:
        """Add the value, evict the least recently used entries where there is no room, and return the value."""
        if self._weigh is not None:
            replaced = self._entries.get(key)
            if replaced is not None:
                self._weight -= self._weigh(key, replaced)
            self._weight += self._weigh(key, value)
        self._entries[key] = value
        while len(self._entries) > self._size or (self._weight > self._capacity and len(self._entries) > 1):
            evicted, old_value = self._entries.popitem(last=False)
            if self._weigh is not None:
                self._weight -= self._weigh(evicted, old_value)
        return value


class CountedLruCache(LruCache[K, V]):
    """An LruCache for several threads, which counts hits and misses for metrics."""

    def __init__(
        self, name: str, size: int, *, capacity: float = float("inf"), weigh: Callable[[K, V], int] | None = None
    ) -> None:
        """`name` is the cache's label in metrics; the rest as for `LruCache`."""
        super().__init__(size, capacity=capacity, weigh=weigh)
        self.usage = Cache(name)
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """Return the value, mark it as used now and count a hit; None for a missing key, which counts as a miss."""
        with self._lock:
            value = super().get(key)
            if value is None:
                self.usage.misses += 1
            else:
                self.usage.hits += 1
        return value

    def put(self, key: K, value: V) -> V:
        """Add the value, evict as `LruCache` does, and return the value."""
        with self._lock:
            super().put(key, value)
            self.usage.size = len(self)
        return value
