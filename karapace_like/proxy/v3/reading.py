"""Reading records in REST v3, which only this service has: from an offset or a time on, page by page or as they come.

Nothing is kept between two pages: where the next one begins is in its address.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from karapace_like.proxy.decode import Decoder
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import Role
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.ports import ClusterAdmin, Reader
from karapace_like.proxy.v3.records import DataType
from karapace_like.proxy.v3.topics import Topics
from karapace_like.records import ConsumedRecord, TopicPartition

EARLIEST = -2
LATEST = -1
"""Offsets that stand for the first record there is, and for the end."""
_BATCH = 500
_LARGE_RECORD = 2**20
_UNREACHABLE_SECONDS = 15.0
"""How long a page waits for partitions that cannot be read."""

Positions = Mapping[TopicPartition, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """What to read, and how to show it."""

    topic: str
    partition: int | None = None
    """None: all of them."""
    offset: int = EARLIEST
    time: int | None = None
    """Milliseconds since the epoch, in place of the offset."""
    positions: Mapping[int, int] | None = None
    """Partition -> offset, in place of both: where a page ended."""
    key_type: DataType = DataType.BINARY
    value_type: DataType = DataType.BINARY


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """A record with what its key and value say, or why that cannot be told."""

    record: ConsumedRecord
    key: bytes | ProxyError
    value: bytes | ProxyError


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, and the offsets at which the rest begins; None if there is none now."""

    records: Sequence[ReadRecord]
    following: Positions | None


class RecordReading:
    """Reads records; every call raises ProxyError: 404 for another cluster or no such partition, 40403."""

    def __init__(self, admin: ClusterAdmin, topics: Topics, schemas: SchemaCache) -> None:
        self._admin = admin
        self._topics = topics
        self._schemas = schemas

    async def page(self, cluster: str, request: ReadRequest, *, count: int, max_bytes: int, wait: float) -> Page:
        """The next records, so many of them and of their bytes at most; `wait` seconds for the first if all is read."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + wait
        positions = dict(await self._positions(cluster, request))
        found: list[ReadRecord] = []
        size = 0
        async with self._reader(positions) as reader:
            while len(found) < count and size < max_bytes:
                # Records of a megabyte each, the most that brokers take by default, would just fit.
                most = min(count - len(found), _BATCH, max((max_bytes - size) // _LARGE_RECORD, 1))
                records = await reader.read(most, wait=_UNREACHABLE_SECONDS)
                if not records:
                    if found or not reader.is_at_end or loop.time() >= give_up:
                        break
                    await asyncio.sleep(0.02)
                for record in records:
                    positions[record.at] = record.offset + 1
                    size += record.size
                found += await self.decoded(request, records)
            return Page(found, None if reader.is_at_end else positions)

    @asynccontextmanager
    async def following(self, cluster: str, request: ReadRequest) -> AsyncIterator["Following"]:
        """The records as they come, for as long as somebody reads them."""
        async with self._reader(await self._positions(cluster, request)) as reader:
            yield Following(self, reader, request)

    async def decoded(self, request: ReadRequest, records: Sequence[ConsumedRecord]) -> list[ReadRecord]:
        """The records as the request wants them shown."""
        keys = Decoder(self._schemas, request.key_type.lower())
        values = Decoder(self._schemas, request.value_type.lower())
        return [
            ReadRecord(each, await _half(keys, each, Role.KEY), await _half(values, each, Role.VALUE))
            for each in records
        ]

    @asynccontextmanager
    async def _reader(self, positions: Positions) -> AsyncIterator[Reader]:
        with errors.kafka_failures():
            reader = self._admin.reader(positions)
            try:
                yield reader
            finally:
                await reader.close()

    async def _positions(self, cluster: str, request: ReadRequest) -> Positions:
        """Where to begin, in each partition that is to be read."""
        described = await self._topics.one(cluster, request.topic)
        if request.partition is None:
            partitions = [TopicPartition(request.topic, number) for number in sorted(described.partitions)]
        else:
            partitions = [TopicPartition(request.topic, request.partition)]
        begins = await asyncio.gather(*(self._begin(cluster, at, request) for at in partitions))
        return dict(zip(partitions, begins, strict=True))

    async def _begin(self, cluster: str, at: TopicPartition, request: ReadRequest) -> int:
        if request.positions is None and request.time is not None:
            return await self._topics.offset_at(cluster, at, request.time)
        first, end = await self._topics.bounds(cluster, at)
        wanted = request.offset if request.positions is None else request.positions.get(at.partition, EARLIEST)
        if wanted == LATEST:
            return end
        return min(max(wanted, first), end)


class Following:
    """Records as they come."""

    def __init__(self, reading: RecordReading, reader: Reader, request: ReadRequest) -> None:
        self._reading = reading
        self._reader = reader
        self._request = request

    async def more(self, count: int, *, wait: float) -> list[ReadRecord]:
        """The next records, so many at most; none if none has come within `wait` seconds."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + wait
        while True:
            records = await self._reader.read(min(count, _BATCH), wait=wait)
            if records or loop.time() >= give_up:
                return await self._reading.decoded(self._request, records)
            await asyncio.sleep(0.02)


async def _half(decoder: Decoder, record: ConsumedRecord, role: Role) -> bytes | ProxyError:
    try:
        return await decoder.half(record, role)
    except ProxyError as error:
        return error
