"""The index from the fingerprint of a text to the ids that have such a text, for finding a schema in another spelling.

It is built once the replay has ended (`spellings.py`) and kept up to date by `apply.py`. Nothing is parsed for it.
"""

import zlib
from array import array
from bisect import bisect_left
from functools import lru_cache

from karapace_like.registry.content import Content
from karapace_like.schema import spelling


class FingerprintIndex:
    """Fingerprint -> ids, in 8 bytes for each schema of all contexts."""

    def __init__(self) -> None:
        self.is_complete = False
        """Whether it has all schemas; until then it has those that came since it was begun."""
        self._entries: array[int] = array("Q")
        """Fingerprint and id in one number each, ascending."""

    def add(self, context: str, content: Content, schema_id: int) -> None:
        """The id has this content now, among others."""
        self._insert(_combine(context, _recent_fingerprint(content.type, content.text), schema_id))

    def discard(self, context: str, content: Content, schema_id: int) -> None:
        """The id has this content no longer."""
        entry = make_entry(context, content, schema_id)
        place = bisect_left(self._entries, entry)
        if self._entries[place : place + 1] == array("Q", [entry]):
            del self._entries[place]

    def find(self, context: str, content: Content) -> list[int]:
        """Return the ids in the context that have a text with the content's fingerprint, the smallest first."""
        first = _combine(context, _recent_fingerprint(content.type, content.text), 0)
        begin, end = bisect_left(self._entries, first), bisect_left(self._entries, first + (1 << 32))
        return [entry & 0xFFFFFFFF for entry in self._entries[begin:end]]

    def complete(self, earlier: "array[int]") -> None:
        """Take in the entries, ascending, of all schemas from before the index was begun."""
        since, self._entries = self._entries, earlier
        for entry in since:
            self._insert(entry)
        self.is_complete = True

    def _insert(self, entry: int) -> None:
        place = bisect_left(self._entries, entry)
        if self._entries[place : place + 1] != array("Q", [entry]):
            self._entries.insert(place, entry)


def make_entry(context: str, content: Content, schema_id: int) -> int:
    """The number that says that an id of the context has a text with this fingerprint."""
    return _combine(context, spelling.fingerprint(content.type, content.text), schema_id)


def _combine(context: str, fingerprint: int, schema_id: int) -> int:
    return zlib.crc32(context.encode(), fingerprint) << 32 | schema_id


_recent_fingerprint = lru_cache(maxsize=8)(spelling.fingerprint)
"""One registration asks several times for that of its schema. Few, because a text may be large."""
