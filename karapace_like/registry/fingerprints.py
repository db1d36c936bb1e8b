"""The index from the fingerprint of a text to the ids that have such a text, for finding a schema in another spelling.

It is built once the replay has ended (`spellings.py`) and kept up to date by `apply.py`. Nothing is parsed for it.
"""

import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from itertools import chain, groupby
from typing import TypeAlias

from karapace_like.process.lru import LruCache
from karapace_like.registry.content import LONG_CHARACTERS, Content
from karapace_like.schema import spelling
from karapace_like.schema.model import SchemaType

UnindexedKey: TypeAlias = tuple[str, int, bytes]
"""Context, id, and the digest of a content of the id."""

_BUCKETS = 256
_SHIFT = 64 - 8

_recent: LruCache[tuple[SchemaType, bytes], int] = LruCache(256)
"""Type and digest of a content -> the fingerprint of its text: one registration asks several times for it."""


def find_cheaply(content: Content) -> int | None:
    """Return the fingerprint of the content's text; None for a long text whose fingerprint is not cached.

    That of 5 MB takes up to 230 ms: an engine computes it (`spellings.py`).
    """
    key = content.type, content.digest
    known = _recent.get(key)
    if known is None and len(content.text) <= LONG_CHARACTERS:
        known = _recent.put(key, spelling.fingerprint(content.type, content.text))
    return known


def remember(content: Content, fingerprint: int) -> None:
    """Cache the fingerprint of the content's text."""
    _recent.put((content.type, content.digest), fingerprint)


class FingerprintIndex:
    """Fingerprint -> ids, in 8 bytes for each schema of all contexts."""

    def __init__(self) -> None:
        self.is_complete = False
        """Whether it has all schemas; until then it has some of them."""
        self.unindexed: dict[UnindexedKey, Content] = {}
        """The contents whose fingerprints are not known yet: each may have any."""
        self._buckets = [array("Q") for _ in range(_BUCKETS)]
        """Fingerprint and id in one number each, ascending; the first bits of a number choose its bucket. An insertion
        moves the numbers after it, and in one array of a million it would take a third of a registration."""

    @property
    def entries(self) -> Iterable[int]:
        """The numbers of `make_entry`, ascending."""
        return chain.from_iterable(self._buckets)

    def extend(self, entries: Iterable[int]) -> None:
        """Add the numbers, which ascend and are greater than all that were added before."""
        for bucket, members in groupby(entries, lambda entry: entry >> _SHIFT):
            self._buckets[bucket].extend(members)

    def insert(self, entry: int) -> None:
        """Add a number of `make_entry`, if it is not there."""
        bucket = self._buckets[entry >> _SHIFT]
        place = bisect_left(bucket, entry)
        if place == len(bucket) or bucket[place] != entry:
            bucket.insert(place, entry)

    def add(self, context: str, content: Content, schema_id: int) -> None:
        """The id has this content now, among others."""
        fingerprint = find_cheaply(content)
        if fingerprint is None:
            self.unindexed[context, schema_id, content.digest] = content
        else:
            self.insert(_combine(context, fingerprint, schema_id))

    def discard(self, context: str, content: Content, schema_id: int) -> None:
        """The id has this content no longer. The entry of a long text may stay: nothing else has its id."""
        self.unindexed.pop((context, schema_id, content.digest), None)
        fingerprint = find_cheaply(content)
        if fingerprint is None:
            return
        entry = _combine(context, fingerprint, schema_id)
        bucket = self._buckets[entry >> _SHIFT]
        place = bisect_left(bucket, entry)
        if place < len(bucket) and bucket[place] == entry:
            del bucket[place]

    def settle(self, key: UnindexedKey, fingerprint: int) -> None:
        """Take in the fingerprint of an unindexed content, unless its id does not have it any more."""
        if self.unindexed.pop(key, None) is not None:
            self.insert(_combine(key[0], fingerprint, key[1]))

    def find(self, context: str, fingerprint: int) -> list[int]:
        """Return the ids in the context that have, or may have, a text with the fingerprint, the smallest first."""
        first = _combine(context, fingerprint, 0)
        bucket = self._buckets[first >> _SHIFT]
        begin, end = bisect_left(bucket, first), bisect_left(bucket, first + (1 << 32))
        indexed = [entry & 0xFFFFFFFF for entry in bucket[begin:end]]
        if not self.unindexed:
            return indexed
        return sorted({*indexed, *(schema_id for name, schema_id, _ in self.unindexed if name == context)})


def make_entry(context: str, content: Content, schema_id: int) -> int:
    """The number that says that an id of the context has a text with this fingerprint."""
    return _combine(context, spelling.fingerprint(content.type, content.text), schema_id)


def _combine(context: str, fingerprint: int, schema_id: int) -> int:
    return zlib.crc32(context.encode(), fingerprint) << 32 | schema_id
