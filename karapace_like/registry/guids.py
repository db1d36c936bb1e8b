"""The index from GUIDs to ids, which the first look-up of a GUID builds: most nodes never see one.

A GUID is an MD5, which takes 1.6 µs for 1 KB: a quarter of what a record costs the event loop when the topic is
replayed. `apply.py` keeps the index up to date from the first look-up on.
"""

import asyncio
from collections.abc import Callable, Iterable

from karapace_like.process.turns import Turn
from karapace_like.registry.content import LONG_CHARACTERS, Content
from karapace_like.registry.id_index import IdIndex, make_entry


class GuidIndex(IdIndex):
    """The first 32 bits of a digest -> ids."""

    def __init__(self) -> None:
        super().__init__()
        self._is_complete = False
        self._lock = asyncio.Lock()

    async def complete(self, list_contents: Callable[[], Iterable[tuple[str, int, Content]]]) -> None:
        """Add all contents, once; other tasks have their turns meanwhile. It does nothing from then on.

        `list_contents` yields (context, id, content), as `Store.list_contents` does.
        """
        if not self._is_complete:
            async with self._lock:
                await self._complete(list_contents)

    async def _complete(self, list_contents: Callable[[], Iterable[tuple[str, int, Content]]]) -> None:
        if self._is_complete:  # another task has done it while this one waited
            return
        turn = Turn()
        for context, schema_id, content in list_contents():
            is_long = len(content.text) > LONG_CHARACTERS
            digest = await asyncio.to_thread(content.hash_parts) if is_long else content.hash_parts()
            self.insert(_make_entry(context, digest, schema_id))
            if turn.is_over():
                await turn.yield_to_others()
        self._is_complete = True

    def add(self, context: str, content: Content, schema_id: int) -> None:
        """The id has this content now, among others."""
        self.insert(_make_entry(context, content.digest, schema_id))

    def discard(self, context: str, content: Content, schema_id: int) -> None:
        """The id has this content no longer."""
        self.remove(_make_entry(context, content.digest, schema_id))

    def find_candidates(self, context: str, digest: bytes) -> list[int]:
        """Return the ids in the context that may have a content with the digest, the smallest first."""
        return self.find(context, _shorten(digest))


def _make_entry(context: str, digest: bytes, schema_id: int) -> int:
    return make_entry(context, _shorten(digest), schema_id)


def _shorten(digest: bytes) -> int:
    return int.from_bytes(digest[:4])
