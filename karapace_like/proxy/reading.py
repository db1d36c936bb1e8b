"""Reading partitions and topics outside of any group: each request says where it begins, and nothing is kept.

Every read has a Kafka client of its own for as long as it lasts, which is cheap to make; how many there are at once is
bounded.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from karapace_like.proxy import errors
from karapace_like.proxy.decode import DecodedRecord, RecordDecoder
from karapace_like.proxy.formats import EmbeddedFormat
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import MAX_TIMEOUT_MS, ProxySettings
from karapace_like.proxy.topics import Topics
from karapace_like.proxy.v3.ports import ClusterAdmin, Reader
from karapace_like.records import ConsumedRecord, TopicPartition

_BATCH = 500
_LOOK_SECONDS = 0.5
"""How often a read that waits looks whether it is still wanted."""
_AGAIN_SECONDS = 0.02
_FOLLOW_SECONDS = 0.05
"""How soon a partition whose end was read is looked at again, once and for as long as it is followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """What to read of a partition; None is the service's default."""

    key: EmbeddedFormat = EmbeddedFormat.BINARY
    value: EmbeddedFormat = EmbeddedFormat.BINARY
    offset: int | None = None
    """Where to begin; None: at the first record there is."""
    time: int | None = None
    """Milliseconds since the epoch, in place of the offset: begin at the first record that is not older."""
    count: int | None = None
    max_bytes: int | None = None
    timeout_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowRequest:
    """Which records to go on reading as they come, of all partitions of a topic."""

    key: EmbeddedFormat = EmbeddedFormat.BINARY
    value: EmbeddedFormat = EmbeddedFormat.BINARY
    from_beginning: bool = False
    """Begin at the first records there are, in place of the end."""
    time: int | None = None
    """Milliseconds since the epoch: begin at the first records that are not older."""
    positions: Mapping[int, int] | None = None
    """Partition -> offset, in place of all: where a reader left off. Partitions it did not know are read whole."""


class Reading:
    """Reads partitions; every call raises ProxyError for what the cluster refuses."""

    def __init__(self, admin: ClusterAdmin, topics: Topics, schemas: SchemaCache, settings: ProxySettings) -> None:
        self._admin = admin
        self._topics = topics
        self._schemas = schemas
        self._settings = settings
        self._followed = 0
        self._free = asyncio.Semaphore(settings.max_reads)

    async def read(
        self, at: TopicPartition, request: ReadRequest, *, is_wanted: Callable[[], bool]
    ) -> list[DecodedRecord]:
        """The next records: all there are, up to the limits, or the first that come within the timeout.

        One record is answered whatever its size. One that cannot be decoded is refused with 40801, after the records
        before it have been answered. 40403, 40402: there is no such topic or partition; 40002: the offset is beyond
        the end; 42901: too many others are reading.
        """
        timeout_ms = self._settings.request_timeout_ms if request.timeout_ms is None else request.timeout_ms
        give_up = asyncio.get_running_loop().time() + min(timeout_ms, MAX_TIMEOUT_MS) / 1000
        limit = min(request.max_bytes or self._settings.request_max_bytes, self._settings.request_max_bytes)
        async with self._turn(give_up), self._reader({at: await self._begin(at, request)}) as reader:
            records = await _read(reader, request.count or _NO_LIMIT, limit, give_up, is_wanted)
        decoder = RecordDecoder(self._schemas, key=request.key, value=request.value)
        return await decoder.decode_within(limit, records[: request.count], one_at_least=True)

    @asynccontextmanager
    async def follow(self, topic: str, request: FollowRequest) -> AsyncIterator["Followed"]:
        """The topic's records as they come; 40403: there is no such topic, 42901: too many others are followed."""
        if self._followed >= self._settings.max_streams:
            raise errors.too_many("streams")
        self._followed += 1
        try:
            described = await self._topics.topic(topic)
            partitions = [TopicPartition(topic, number) for number in sorted(described.partitions)]
            with errors.kafka_failures():
                begins = await asyncio.gather(*(self._follow_from(at, request) for at in partitions))
            positions = dict(zip(partitions, begins, strict=True))
            async with self._reader(positions) as reader:
                yield Followed(reader, RecordDecoder(self._schemas, key=request.key, value=request.value), positions)
        finally:
            self._followed -= 1

    async def _follow_from(self, at: TopicPartition, request: FollowRequest) -> int:
        first, end = await self._admin.bounds(at)
        if request.positions is not None:
            return min(max(request.positions.get(at.partition, first), first), end)
        if request.time is not None:
            found = await self._admin.offset_at(at, request.time)
            return end if found is None else found
        return first if request.from_beginning else end

    async def _begin(self, at: TopicPartition, request: ReadRequest) -> int:
        first, end = await self._topics.bounds(at)
        if request.time is not None:
            with errors.kafka_failures():
                found = await self._admin.offset_at(at, request.time)
            return end if found is None else found
        if request.offset is not None and request.offset > end:
            raise errors.beyond_the_end(at, request.offset, end)
        return max(request.offset or 0, first)

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
    async def _reader(self, positions: Mapping[TopicPartition, int]) -> AsyncIterator[Reader]:
        with errors.kafka_failures():
            reader = self._admin.reader(positions)
            try:
                yield reader
            finally:
                await reader.close()


class Followed:
    """Records as they come. Raises ProxyError for what the cluster refuses."""

    def __init__(self, reader: Reader, decoder: RecordDecoder, positions: Mapping[TopicPartition, int]) -> None:
        self.positions = {at.partition: offset for at, offset in positions.items()}
        """Where reading begins."""
        self._reader = reader
        self._decoder = decoder

    async def more(self, *, wait: float) -> list[tuple[ConsumedRecord, DecodedRecord | errors.ProxyError]]:
        """The next records, each decoded or with the reason why it cannot be; none if none comes within `wait` seconds.

        Nothing is fetched far ahead: what nobody asks for stays in the cluster.
        """
        loop = asyncio.get_running_loop()
        give_up = loop.time() + wait
        while not (records := await self._reader.read(_BATCH, wait=max(give_up - loop.time(), 0))):
            if loop.time() >= give_up:
                break
            await asyncio.sleep(_FOLLOW_SECONDS)
        return [(each, await self._decoded(each)) for each in records]

    async def _decoded(self, record: ConsumedRecord) -> DecodedRecord | errors.ProxyError:
        try:
            return await self._decoder.decode(record)
        except errors.ProxyError as error:
            return error


_NO_LIMIT = 2**63


async def _read(
    reader: Reader, count: int, max_bytes: int, give_up: float, is_wanted: Callable[[], bool]
) -> list[ConsumedRecord]:
    """What there is now, or else comes first, but little more than the limits."""
    loop = asyncio.get_running_loop()
    records: list[ConsumedRecord] = []
    size = 0
    while len(records) < count and size < max_bytes and is_wanted():
        found = await reader.read(min(count, _BATCH), wait=min(max(give_up - loop.time(), 0), _LOOK_SECONDS))
        records += found
        size += sum(each.size for each in found)
        if found:
            continue
        if (records and reader.is_at_end) or loop.time() >= give_up:
            break
        await asyncio.sleep(_AGAIN_SECONDS)
    return records
