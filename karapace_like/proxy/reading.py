"""Read partitions and topics outside of any consumer group: each request names its start, and no state is kept.

Each read uses a Kafka client of its own while it lasts, which is cheap to create; the number of concurrent reads is
bounded. Both versions of the API read through this module; they choose the partitions and the formats.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from karapace_like.proxy import errors
from karapace_like.proxy.decode import DecodedRecord, RecordDecoder
from karapace_like.proxy.formats import EmbeddedFormat, ReadFormat, RecordPart
from karapace_like.proxy.key_lookup import KeyScan, find_latest
from karapace_like.proxy.migrations import ReaderVersion
from karapace_like.proxy.ports import ClusterAdmin, Reader, RegisteredSchema
from karapace_like.proxy.rights import SubjectRights
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import MAX_TIMEOUT_MS, ProxySettings, Undecodable
from karapace_like.records import ConsumedRecord, Isolation, TopicPartition, positions_after

_BATCH = 500
_LOOK_SECONDS = 0.5
"""How often a read that waits checks whether its client is still connected."""
_AGAIN_SECONDS = 0.02
_UNREACHABLE_SECONDS = 15.0
"""How long a read waits for partitions that cannot be reached."""
_FOLLOW_SECONDS = 0.05
"""The interval at which a followed topic is read again at its end."""

Positions = Mapping[TopicPartition, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where to start in each partition, never before its first record nor after its end."""

    offset: int = 0
    at_end: bool = False
    time: int | None = None
    """Milliseconds since the epoch, instead of the offset: start at the first record that is not older."""
    positions: Mapping[int, int] | None = None
    """Partition -> offset to resume from, instead of all of these; partitions that are not in it are read whole."""

    is_strict: bool = False
    """Whether an offset after the end raises ProxyError (40002)."""

    isolation: Isolation = Isolation.READ_COMMITTED
    """Which records there are."""

    def within(self, at: TopicPartition, first: int, end: int) -> int:
        """Return the offset to start at in a partition with these bounds."""
        if self.positions is not None:
            return min(max(self.positions.get(at.partition, first), first), end)
        if self.is_strict and self.offset > end:
            raise errors.beyond_the_end(at, self.offset, end)
        return end if self.at_end else min(max(self.offset, first), end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The size of one response, and how long it waits for a first record."""

    timeout_ms: int | None = None
    """None is the default of the service."""
    count: int = 2**63
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFormats:
    """The formats of a response, and what it does with records that cannot be decoded."""

    key: ReadFormat = EmbeddedFormat.BINARY
    value: ReadFormat = EmbeddedFormat.BINARY
    undecodable: Undecodable | None = None
    """None is the default of the service."""
    reader: ReaderVersion | None = None
    """The version of the topic's subject as which values are read; None: that with which each was written."""


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Records, and the offsets of the next page; None at the end of the partitions."""

    records: Sequence[DecodedRecord]
    following: Positions | None


class Reading:
    """Reads existing partitions. Every call raises ProxyError for what the cluster refuses."""

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
        formats: RecordFormats,
        limits: Limits,
        rights: SubjectRights,
        *,
        is_wanted: Callable[[], bool],
    ) -> RecordPage:
        """Return the next records up to the limits, or the first ones that arrive within the timeout.

        The first record is returned whatever its size. Raises 40801 if it cannot be decoded and is to be refused (a
        later one ends the page before it), and 42901 if too many others are reading.
        """
        timeout_ms = self._settings.request_timeout_ms if limits.timeout_ms is None else limits.timeout_ms
        give_up = asyncio.get_running_loop().time() + min(timeout_ms, MAX_TIMEOUT_MS) / 1000
        max_bytes = min(limits.max_bytes or self._settings.request_max_bytes, self._settings.request_max_bytes)
        async with self._turn(give_up):
            positions = await self._positions(partitions, start)
            async with self._reader(positions, start.isolation) as reader:
                read = await _read(reader, limits.count, max_bytes, give_up, is_wanted)
                is_all = reader.is_at_end
        decoder = _make_decoder(self._schemas, formats)
        undecodable = formats.undecodable or self._settings.undecodable
        records = await decoder.decode_within(max_bytes, read, rights, one_at_least=True, undecodable=undecodable)
        if is_all and len(records) == len(read):
            return RecordPage(records, None)
        return RecordPage(records, {**positions, **positions_after(decoded.record for decoded in records)})

    async def find_latest(
        self,
        at: TopicPartition,
        key: bytes,
        formats: RecordFormats,
        rights: SubjectRights,
        *,
        scan: int,
        is_wanted: Callable[[], bool],
    ) -> DecodedRecord | None:
        """Return the last record of the key in a partition; None if it has none.

        At most the last `scan` offsets are read; where that does not decide, ProxyError is raised.
        """
        deadline = asyncio.get_running_loop().time() + self._settings.request_timeout_ms / 1000
        async with self._turn(deadline):
            record = await find_latest(self._admin, self._reader, KeyScan(at, key, scan, deadline, is_wanted))
        if record is None:
            return None
        return await RecordDecoder(self._schemas, key=formats.key, value=formats.value).decode(record, rights)

    @asynccontextmanager
    async def follow(
        self, partitions: Sequence[TopicPartition], start: Start, formats: RecordFormats, rights: SubjectRights
    ) -> AsyncIterator["FollowedRecords"]:
        """Follow the partitions; 42901 if too many streams are open."""
        if self._followed >= self._settings.max_streams:
            raise errors.too_many("streams")
        self._followed += 1
        try:
            positions = await self._positions(partitions, start)
            async with self._reader(positions, start.isolation) as reader:
                decoder = _make_decoder(self._schemas, formats)
                yield FollowedRecords(reader, decoder, rights, positions)
        finally:
            self._followed -= 1

    @asynccontextmanager
    async def read_range(
        self,
        partitions: Sequence[TopicPartition],
        first_time: int | None,
        end_time: int | None,
        formats: RecordFormats,
        rights: SubjectRights,
    ) -> AsyncIterator["RecordRange"]:
        """Read the records that are there now, of all times or between two; 42901 if too many streams are open.

        Times are in milliseconds since the epoch.
        """
        if self._followed >= self._settings.max_streams:
            raise errors.too_many("streams")
        self._followed += 1
        try:
            positions = await self._positions(partitions, Start(time=first_time))
            ends = await self._positions(partitions, Start(time=end_time, at_end=True))
            async with self._reader(positions, is_prompt=True) as reader:
                decoder = _make_decoder(self._schemas, formats)
                yield RecordRange(reader, FollowedRecords(reader, decoder, rights, positions), positions, ends)
        finally:
            self._followed -= 1

    async def find_value_schema(self, topic: str, reader: ReaderVersion, rights: SubjectRights) -> RegisteredSchema:
        """Return a version of the subject of the topic's values; raise ApiError (403, 40401, 40402)."""
        subject = await self._schemas.find_subject(RecordPart.VALUE, topic)
        if reader.metadata:
            return (await self._schemas.by_metadata(subject, dict(reader.metadata), rights))[1]
        return (await self._schemas.by_version(subject, reader.number, rights))[1]

    async def find_positions(self, partitions: Sequence[TopicPartition], start: Start) -> Positions:
        """Return the offset at which each partition is read from this start on."""
        return await self._positions(partitions, start)

    async def _positions(self, partitions: Sequence[TopicPartition], start: Start) -> Positions:
        with errors.translate_kafka_failures():
            begins = await asyncio.gather(*(self._begin(at, start) for at in partitions))
        return dict(zip(partitions, begins, strict=True))

    async def _begin(self, at: TopicPartition, start: Start) -> int:
        first, end = await self._admin.bounds(at)
        if start.positions is None and start.time is not None:
            offset = await self._admin.offset_at(at, start.time)
            return end if offset is None else offset
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
    async def _reader(
        self, positions: Positions, isolation: Isolation = Isolation.READ_COMMITTED, *, is_prompt: bool = False
    ) -> AsyncIterator[Reader]:
        with errors.translate_kafka_failures():
            reader = self._admin.reader(positions, isolation, is_prompt=is_prompt)
            try:
                yield reader
            finally:
                await reader.close()


def _make_decoder(schemas: SchemaCache, formats: RecordFormats) -> RecordDecoder:
    return RecordDecoder(schemas, key=formats.key, value=formats.value, reader=formats.reader)


class FollowedRecords:
    """Partitions that are followed. Raises ProxyError for what the cluster refuses."""

    def __init__(self, reader: Reader, decoder: RecordDecoder, rights: SubjectRights, positions: Positions) -> None:
        self.positions = {at.partition: offset for at, offset in positions.items()}
        """Partition -> the offset at which it starts."""
        self._reader = reader
        self._decoder = decoder
        self.rights = rights
        """Of the caller, with which records are decoded."""

    async def next_records(self, count: int = _BATCH, *, wait: float) -> list[DecodedRecord]:
        """Return the next records, at most `count`; none if none arrives within `wait` seconds.

        Little is fetched ahead, so that the records of a slow client stay in the cluster.
        """
        loop = asyncio.get_running_loop()
        give_up = loop.time() + wait
        while not (records := await self._reader.read(min(count, _BATCH), wait=max(give_up - loop.time(), 0))):
            if loop.time() >= give_up:
                break
            await asyncio.sleep(_FOLLOW_SECONDS)
        self._decoder.forget_keys()
        return [await self._decoder.decode(record, self.rights) for record in records]


class RecordRange:
    """The records of partitions up to their ends as they were at the beginning."""

    def __init__(self, reader: Reader, followed: FollowedRecords, positions: Positions, ends: Positions) -> None:
        self.followed = followed
        self.size = sum(max(ends[at] - positions[at], 0) for at in ends)
        """Offsets of the range; there may be fewer records, where a topic is compacted."""
        self._reader = reader
        self._ends = ends
        self._unfinished = {at for at in ends if positions[at] < ends[at]}

    @property
    def is_over(self) -> bool:
        """Whether every record has been returned."""
        return not self._unfinished

    async def next_records(self, *, wait: float) -> list[DecodedRecord]:
        """Return the next records; none where none comes within `wait` seconds, or the rest is beyond the ends."""
        records = await self.followed.next_records(wait=wait)
        for at, position in positions_after(decoded.record for decoded in records).items():
            if position >= self._ends[at]:
                self._unfinished.discard(at)
        if not records and self._reader.is_at_end:
            self._unfinished.clear()
        return [decoded for decoded in records if decoded.record.offset < self._ends[decoded.record.at]]


async def _read(
    reader: Reader, count: int, max_bytes: int, give_up: float, is_wanted: Callable[[], bool]
) -> list[ConsumedRecord]:
    """Return the records up to the end, however slow the brokers are, or the first ones that arrive.

    They exceed `max_bytes` by what the reader fetched in one call at most.
    """
    loop = asyncio.get_running_loop()
    unreachable = max(give_up, loop.time() + _UNREACHABLE_SECONDS)
    records: list[ConsumedRecord] = []
    size = 0
    while len(records) < count and size < max_bytes and is_wanted():
        batch = await reader.read(min(count - len(records), _BATCH), wait=_LOOK_SECONDS)
        records += batch
        size += sum(record.size for record in batch)
        if batch:
            continue
        if (reader.is_at_end and (records or loop.time() >= give_up)) or loop.time() >= unreachable:
            break
        await asyncio.sleep(_AGAIN_SECONDS)
    return records
