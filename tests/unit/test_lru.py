"""Caches that evict the least recently used entries."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from karapace_like.process.lru import CountedLruCache, LruCache


@pytest.mark.parametrize("cache", [LruCache[str, int](2), CountedLruCache[str, int]("test", 2)])
def test_the_least_recently_used_entry_is_evicted(cache: LruCache[str, int]) -> None:
    """Reading counts as use."""
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]


def test_entries_are_evicted_until_their_weights_fit() -> None:
    """One entry alone may exceed the capacity, and a replaced value's weight no longer counts."""
    cache: LruCache[str, str] = LruCache(9, capacity=4, weigh=lambda _, value: len(value))
    cache.put("a", "xx")
    cache.put("a", "x")
    cache.put("b", "xxx")
    assert [cache.get(key) for key in "ab"] == ["x", "xxx"]
    cache.put("c", "xxxxx")
    assert [cache.get(key) for key in "abc"] == [None, None, "xxxxx"]


def test_uses_by_several_threads_are_counted() -> None:
    """Each get is a hit or a miss, and the size is that of the cache."""
    cache: CountedLruCache[int, int] = CountedLruCache("test", 100)

    def use(_: int) -> None:
        for key in range(200):
            if cache.get(key) is None:
                cache.put(key, key)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(use, range(8)))
    usage = cache.usage
    assert (usage.name, usage.hits + usage.misses, usage.size, len(cache)) == ("test", 1600, 100, 100)
