"""The index from the fingerprint of a text to the ids that have such a text, for finding a schema in another spelling.

It is built once the replay has ended (`spellings.py`) and kept up to date by `apply.py`. Nothing is parsed for it.
"""

from typing import TypeAlias

from karapace_like.process.lru import LruCache
from karapace_like.registry.content import LONG_CHARACTERS, Content
from karapace_like.registry.id_index import IdIndex, make_entry
from karapace_like.schema import spelling
from karapace_like.schema.model import SchemaType

UnindexedKey: TypeAlias = tuple[str, int, bytes]
"""Context, id, and the digest of a content of the id."""

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


class FingerprintIndex(IdIndex):
    """Fingerprint -> ids."""

    def __init__(self) -> None:
        super().__init__()
        self.is_complete = False
        """Whether it has all schemas; until then it has some of them."""
        self.unindexed: dict[UnindexedKey, Content] = {}
        """The contents whose fingerprints are not known yet: each may have any."""

    def add(self, context: str, content: Content, schema_id: int) -> None:
        """The id has this content now, among others."""
        fingerprint = find_cheaply(content)
        if fingerprint is None:
            self.unindexed[context, schema_id, content.digest] = content
        else:
            self.insert(make_entry(context, fingerprint, schema_id))

    def discard(self, context: str, content: Content, schema_id: int) -> None:
        """The id has this content no longer. The entry of a long text may stay: nothing else has its id."""
        self.unindexed.pop((context, schema_id, content.digest), None)
        fingerprint = find_cheaply(content)
        if fingerprint is not None:
            self.remove(make_entry(context, fingerprint, schema_id))

    def settle(self, key: UnindexedKey, fingerprint: int) -> None:
        """Take in the fingerprint of an unindexed content, unless its id does not have it any more."""
        if self.unindexed.pop(key, None) is not None:
            self.insert(make_entry(key[0], fingerprint, key[1]))

    def find(self, context: str, fingerprint: int) -> list[int]:
        """Return the ids in the context that have, or may have, a text with the fingerprint, the smallest first."""
        indexed = super().find(context, fingerprint)
        if not self.unindexed:
            return indexed
        return sorted({*indexed, *(schema_id for name, schema_id, _ in self.unindexed if name == context)})


def make_entry_of(context: str, content: Content, schema_id: int) -> int:
    """Return the entry of the index for an id of the context that has the content."""
    return make_entry(context, spelling.fingerprint(content.type, content.text), schema_id)
