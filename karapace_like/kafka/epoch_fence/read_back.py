"""The records of a log's topic as this node reads them, for a write to find its own records among them.

A write is acknowledged only when the record read back at its offset is the one that was sent. Used on the event loop
only.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from karapace_like.records import LogPosition

_HEADER = "fence"
"""The header of a NOOP that fences: `<producer id>:<epoch>:<nonce>:<transactional id>`."""
_PARTS = 4


class ProducerEpoch(NamedTuple):
    """A producer id and the epoch under which a primary writes."""

    id: int
    epoch: int


class FenceMark(NamedTuple):
    """What a NOOP that fences says of itself in its header."""

    producer: ProducerEpoch
    nonce: str
    """Unlike that of every other NOOP, which is the same record otherwise."""

    def encode(self, transactional_id: str) -> list[tuple[str, bytes | None]]:
        """Return the headers of the NOOP."""
        return [(_HEADER, self.format(transactional_id.encode()))]

    def format(self, transactional_id: bytes) -> bytes:
        """Return the value of the header."""
        return b"%d:%d:%b:%b" % (*self.producer, self.nonce.encode(), transactional_id)


class ReadRecord(Protocol):
    """One record as it was read."""

    @property
    def key(self) -> bytes | None: ...  # noqa: D102 - as in Kafka

    @property
    def value(self) -> bytes | None: ...  # noqa: D102

    @property
    def offset(self) -> int: ...  # noqa: D102

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]] | None:
        """The headers; known only of records without a value."""
        ...


class ReadBack:
    """The position up to which this node has read, and the records that it read since a write has begun."""

    def __init__(self, transactional_id: str) -> None:
        self.position = 0
        """The offset up to which the topic is read and applied here."""
        self.last_fence: FenceMark | None = None
        """That of the last NOOP with which a primary of this log has fenced the others."""
        self._transactional_id = transactional_id.encode()
        self._kept: list[ReadRecord] | None = None
        self._kept_fences: dict[int, FenceMark] = {}
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []

    def begin(self, position: LogPosition) -> None:
        """Begin at this position of the topic, before anything is read."""
        self.position = position.offset
        self.last_fence = self._parse([(_HEADER, position.fence)])

    @property
    def fence(self) -> bytes:
        """The last fence, as `LogPosition` has it."""
        return b"" if self.last_fence is None else self.last_fence.format(self._transactional_id)

    def note(self, records: Sequence[ReadRecord], position: int) -> None:
        """Note the records that were read and applied, and the position after them."""
        for record in records:
            if record.value is None and record.headers and (mark := self._parse(record.headers)) is not None:
                self.last_fence = mark
                if self._kept is not None:
                    self._kept_fences[record.offset] = mark
        if self._kept is not None:
            self._kept += records
        self.position = position
        reached = [waiter for wanted, waiter in self._waiters if wanted <= position]
        self._waiters = [(wanted, waiter) for wanted, waiter in self._waiters if wanted > position]
        for waiter in reached:
            if not waiter.done():
                waiter.set_result(None)

    @contextmanager
    def keep(self) -> Iterator[None]:
        """Keep what is read inside of the block; it starts before anything is sent, since a read may be the quicker."""
        if self._kept is not None:  # within such a block
            yield
            return
        self._kept, self._kept_fences = [], {}
        try:
            yield
        finally:
            self._kept = None

    async def wait_for(self, offset: int) -> None:
        """Return when the topic is read up to the offset."""
        if self.position < offset:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append((offset, waiter))
            await waiter

    async def wait_for_fence(self) -> int:
        """Return the offset of the first NOOP that fences among the kept records."""
        while not self._kept_fences:
            await self.wait_for(self.position + 1)
        return min(self._kept_fences)

    def fences(self, before: int) -> list[FenceMark]:
        """Return those of the kept records below this offset."""
        return [mark for offset, mark in self._kept_fences.items() if offset < before]

    def fence_at(self, offset: int) -> FenceMark | None:
        """Return that of the kept record at this offset; None for any other record."""
        return self._kept_fences.get(offset)

    def has_others(self, mark: bytes, before: int) -> bool:
        """Whether the kept records below this offset have another key."""
        return any(record.key != mark for record in self._kept or () if record.offset < before)

    def holds(self, base: int, batch: Sequence[tuple[bytes, bytes | None]]) -> bool:
        """Whether the kept records at the offsets from `base` on are those of the batch."""
        end = base + len(batch)
        return [(record.key, record.value) for record in self._kept or () if base <= record.offset < end] == [*batch]

    def find(self, batch: Sequence[tuple[bytes, bytes | None]], before: int) -> int | None:
        """Return the first offset below `before` from which on the kept records are those of the batch."""
        starts = (record.offset for record in self._kept or () if record.key == batch[0][0])
        return next((at for at in starts if at < before and self.holds(at, batch)), None)

    def _parse(self, headers: Sequence[tuple[str, bytes | None]]) -> FenceMark | None:
        for name, value in headers:
            parts = (value or b"").split(b":", _PARTS - 1)
            if name == _HEADER and len(parts) == _PARTS and parts[3] == self._transactional_id:
                producer_id, epoch, nonce, _ = parts
                if producer_id.isdigit() and epoch.isdigit():
                    return FenceMark(ProducerEpoch(int(producer_id), int(epoch)), nonce.decode(errors="replace"))
        return None
