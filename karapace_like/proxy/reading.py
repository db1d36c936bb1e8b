"""Reading partitions and topics outside of any group: each request says where it begins, and nothing is kept.

Every read has a Kafka client of its own for as long as it lasts, which is cheap to make; how many there are at once is
bounded. Both APIs read through here, and say themselves which partitions there are and how records are shown.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from karapace_like.proxy import errors
from karapace_like.proxy.decode import DecodedRecord, RecordDecoder
from karapace_like.proxy.formats import EmbeddedFormat
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import MAX_TIMEOUT_MS, ProxySettings, Undecodable
from karapace_like.proxy.v3.ports import ClusterAdmin, Reader
from karapace_like.records import ConsumedRecord, TopicPartition, positions_after

_BATCH = 500
_LOOK_SECONDS = 0.5
"""How often a read that waits looks whether it is still wanted."""
_AGAIN_SECONDS = 0.02
_UNREACHABLE_SECONDS = 15.0
"""How long a read waits for partitions that cannot be read."""
_FOLLOW_SECONDS = 0.05
"""How soon a partition whose end was read is looked at again, once and for as long as it is followed."""

Positions = Mapping[TopicPartition, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where to begin in each partition: not before its first record, nor after its end."""

    offset: int = 0
    at_end: bool = False
    time: int | None = None
    """Milliseconds since the epoch, in place of the offset: begin at the first record that is not older."""
    positions: Mapping[int, int] | None = None
    """Partition -> offset, in place of all: where a reader left off. Partitions it did not know are read whole."""

    is_strict: bool = False
    """Whether an offset after the end is refused (40002)."""

    def within(self, at: TopicPartition, first: int, end: int) -> int:
        """The offset in a partition that begins and ends there."""
        if self.positions is not None:
            return min(max(self.positions.get(at.partition, first), first), end)
        if self.is_strict and self.offset > end:
            raise errors.beyond_the_end(at, self.offset, end)
        return end if self.at_end else min(max(self.offset, first), end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one answer holds, and how long it waits for a first record."""

    timeout_ms: int | None = None
    """None is the service's default."""
    count: int = 2**63
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How records are shown."""

    key: EmbeddedFormat = EmbeddedFormat.BINARY
    value: EmbeddedFormat = EmbeddedFormat.BINARY
    undecodable: Undecodable | None = None
    """None is the service's default."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, and the offsets at which the rest begins; None if there is none now."""

    records: Sequence[DecodedRecord]
    following: Positions | None


class Reading:
    """Reads partitions that there are; every call raises ProxyError for what the cluster refuses."""

    def __init__(self, admin: ClusterAdmin, schemas: SchemaCache, settings: ProxySettings) -> None:
        self._admin = admin
        self._schemas = schemas
        self._settings = settings
        self._followed = 0
        self._free = asyncio.Semaphore(settings.max_reads)

    async def read(
        self,
        partitions: Sequence[TopicPartition],
        start: Start,
        shown: Shown,
        limits: Limits,
        *,
        is_wanted: Callable[[], bool],
    ) -> Page:
        """The next records: all there are, up to the limits, or the first that come within the timeout.

        One record is answered whatever its size. 40801: the very first cannot be decoded, and is to be refused; one
        that follows ends the page before it. 42901: too many others are reading.
        """
        timeout_ms = self._settings.request_timeout_ms if limits.timeout_ms is None else limits.timeout_ms
        give_up = asyncio.get_running_loop().time() + min(timeout_ms, MAX_TIMEOUT_MS) / 1000
        max_bytes = min(limits.max_bytes or self._settings.request_max_bytes, self._settings.request_max_bytes)
        async with self._turn(give_up):
            positions = await self._positions(partitions, start)
            async with self._reader(positions) as reader:
                read = await _read(reader, limits.count, max_bytes, give_up, is_wanted)
                is_all = reader.is_at_end
        decoder = RecordDecoder(self._schemas, key=shown.key, value=shown.value)
        undecodable = shown.undecodable or self._settings.undecodable
        records = await decoder.decode_within(max_bytes, read, one_at_least=True, undecodable=undecodable)
        if is_all and len(records) == len(read):
            return Page(records, None)
        return Page(records, {**positions, **positions_after(each.record for each in records)})

    @asynccontextmanager
    async def follow(
        self, partitions: Sequence[TopicPartition], start: Start, shown: Shown
    ) -> AsyncIterator["Followed"]:
        """The records as they come; 42901: too many others are followed."""
        if self._followed >= self._settings.max_streams:
            raise errors.too_many("streams")
        self._followed += 1
        try:
            positions = await self._positions(partitions, start)
            async with self._reader(positions) as reader:
                yield Followed(reader, RecordDecoder(self._schemas, key=shown.key, value=shown.value), positions)
        finally:
            self._followed -= 1

    async def _positions(self, partitions: Sequence[TopicPartition], start: Start) -> Positions:
        with errors.kafka_failures():
            begins = await asyncio.gather(*(self._begin(at, start) for at in partitions))
        return dict(zip(partitions, begins, strict=True))

    async def _begin(self, at: TopicPartition, start: Start) -> int:
        first, end = await self._admin.bounds(at)
        if start.positions is None and start.time is not None:
            found = await self._admin.offset_at(at, start.time)
            return end if found is None else found
        return start.within(at, first, end)

    @asynccontextmanager
    async def _turn(self, give_up: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout_at(give_up):
                await self._free.acquire()
        except TimeoutError as error:
            raise errors.too_many("reads") from error
        try:
            yield
        finally:
            self._free.release()

    @asynccontextmanager
    async def _reader(self, positions: Positions) -> AsyncIterator[Reader]:
        with errors.kafka_failures():
            reader = self._admin.reader(positions)
            try:
                yield reader
            finally:
                await reader.close()


class Followed:
    """Records as they come. Raises ProxyError for what the cluster refuses."""

    def __init__(self, reader: Reader, decoder: RecordDecoder, positions: Positions) -> None:
        self.positions = {at.partition: offset for at, offset in positions.items()}
        """Where reading begins."""
        self._reader = reader
        self._decoder = decoder

    async def more(self, count: int = _BATCH, *, wait: float) -> list[DecodedRecord]:
        """The next records, so many at most; none if none comes within `wait` seconds.

        Nothing is fetched far ahead: what nobody asks for stays in the cluster.
        """
        loop = asyncio.get_running_loop()
        give_up = loop.time() + wait
        while not (records := await self._reader.read(min(count, _BATCH), wait=max(give_up - loop.time(), 0))):
            if loop.time() >= give_up:
                break
            await asyncio.sleep(_FOLLOW_SECONDS)
        return [await self._decoder.decode(each) for each in records]


async def _read(
    reader: Reader, count: int, max_bytes: int, give_up: float, is_wanted: Callable[[], bool]
) -> list[ConsumedRecord]:
    """What there is now, however long the brokers take to say so, or else comes first.

    Beyond `max_bytes` there is no more than the reader fetches ahead.
    """
    loop = asyncio.get_running_loop()
    unreachable = max(give_up, loop.time() + _UNREACHABLE_SECONDS)
    records: list[ConsumedRecord] = []
    size = 0
    while len(records) < count and size < max_bytes and is_wanted():
        found = await reader.read(min(count - len(records), _BATCH), wait=_LOOK_SECONDS)
        records += found
        size += sum(each.size for each in found)
        if found:
            continue
        if (reader.is_at_end and (records or loop.time() >= give_up)) or loop.time() >= unreachable:
            break
        await asyncio.sleep(_AGAIN_SECONDS)
    return records
