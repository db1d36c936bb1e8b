"""A compact index from a number of 32 bits, such as a part of a hash, to the ids whose contents have it.

It takes 8 bytes for each content of all contexts. Several contents may share a number: callers compare what they find.
"""

import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from itertools import chain

_BUCKETS = 256
_SHIFT = 64 - 8


class IdIndex:
    """Number -> ids, by context."""

    def __init__(self) -> None:
        self._buckets = [array("Q") for _ in range(_BUCKETS)]
        """Number and id in one entry each, ascending; the first bits of an entry choose its bucket. An insertion
        moves the entries after it, and in one array of a million it would take a third of a registration."""

    @property
    def entries(self) -> Iterable[int]:
        """The entries of `make_entry`, ascending."""
        return chain.from_iterable(self._buckets)

    def extend(self, entries: "array[int]") -> None:
        """Add the entries, of type Q, which ascend and are greater than all that were added before."""
        begin = 0
        while begin < len(entries):
            bucket = entries[begin] >> _SHIFT
            end = bisect_left(entries, (bucket + 1) << _SHIFT, begin)
            self._buckets[bucket].extend(entries[begin:end])
            begin = end

    def insert(self, entry: int) -> None:
        """Add an entry of `make_entry`, if it is not there."""
        bucket = self._buckets[entry >> _SHIFT]
        place = bisect_left(bucket, entry)
        if place == len(bucket) or bucket[place] != entry:
            bucket.insert(place, entry)

    def remove(self, entry: int) -> None:
        """Remove an entry of `make_entry`, if it is there."""
        bucket = self._buckets[entry >> _SHIFT]
        place = bisect_left(bucket, entry)
        if place < len(bucket) and bucket[place] == entry:
            del bucket[place]

    def find(self, context: str, number: int) -> list[int]:
        """Return the ids in the context that have the number, the smallest first."""
        first = make_entry(context, number, 0)
        bucket = self._buckets[first >> _SHIFT]
        begin, end = bisect_left(bucket, first), bisect_left(bucket, first + (1 << 32))
        return [entry & 0xFFFFFFFF for entry in bucket[begin:end]]


def make_entry(context: str, number: int, schema_id: int) -> int:
    """Return the entry, of 64 bits, that says that an id of the context has the number."""
    return zlib.crc32(context.encode(), number) << 32 | schema_id
