"""A consumer instance: one member of a consumer group that lives between requests.

It handles one request at a time; concurrent requests wait for each other. `consumers.py` keeps the instances of the
process.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.proxy import errors
from karapace_like.proxy.atomic import rebalanced_error
from karapace_like.proxy.decode import DecodedRecord, RecordDecoder
from karapace_like.proxy.formats import EmbeddedFormat, ReadFormat
from karapace_like.proxy.migrations import ReaderVersion
from karapace_like.proxy.ports import KafkaConsumer
from karapace_like.proxy.rights import SubjectRights
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import MAX_TIMEOUT_MS, OffsetReset, ProxySettings, Undecodable
from karapace_like.proxy.topic_patterns import TopicNames, TopicPattern
from karapace_like.records import Committed, ConsumedRecord, GroupProgress, Isolation, TopicPartition, positions_after
from karapace_like.serde.codec import RecordForm

logger = logging.getLogger(__name__)

T = TypeVar("T")

BEGINNING = -2
END = -1
"""Offsets to seek to: the first record, and the offset after the last one."""

_EXCLUSIVE = "Subscription to topics, partitions and pattern are mutually exclusive"
_NOTHING_TO_READ = "Consumer is not subscribed to any topics or assigned any partitions"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRequest:
    """The settings of a new instance; None is the default of the service."""

    name: str | None = None
    embedded: EmbeddedFormat = EmbeddedFormat.BINARY
    """The format whose media type its polls must accept."""
    key: ReadFormat = EmbeddedFormat.BINARY
    value: ReadFormat = EmbeddedFormat.BINARY
    offset_reset: OffsetReset | None = None
    auto_commit: bool | None = None
    min_bytes: int | None = None
    timeout_ms: int | None = None
    undecodable: Undecodable | None = None
    form: RecordForm = RecordForm.STANDARD
    isolation: Isolation = Isolation.READ_COMMITTED
    reader: ReaderVersion | None = None
    """The version of the topic's subject as which values are read; None: that with which each was written."""


class ConsumerInstance:
    """One consumer instance. Its methods raise ProxyError for what the cluster or the state of the instance refuses."""

    def __init__(
        self,
        consumer: KafkaConsumer,
        topic_names: TopicNames,
        schemas: SchemaCache,
        request: InstanceRequest,
        settings: ProxySettings,
    ) -> None:
        self.embedded = request.embedded
        self._lock = asyncio.Lock()
        self._is_closed = False
        self._is_parking = False
        self._consumer = consumer
        self._topic_names = topic_names
        self._pattern: TopicPattern | None = None
        """The pattern of the subscription, if it is to one."""
        self._selected_from: tuple[str, ...] = ()
        """The names among which the pattern selected the topics of the subscription."""
        self._decoder = RecordDecoder(
            schemas, key=request.key, value=request.value, form=request.form, reader=request.reader
        )
        self._settings = settings
        self._commits_by_itself = settings.auto_commit if request.auto_commit is None else request.auto_commit
        self._timeout_ms = settings.request_timeout_ms if request.timeout_ms is None else request.timeout_ms
        self._undecodable = request.undecodable or settings.undecodable
        self._min_bytes = settings.fetch_min_bytes if request.min_bytes is None else request.min_bytes
        self._polled: set[TopicPartition] = set()
        """Partitions of records that were polled since the last commit."""
        self._reading: str | None = None
        """What the instance reads by: "topics", "pattern" or "partitions"; only one of them until it unsubscribes."""

    @property
    def is_busy(self) -> bool:
        """Whether a request is in progress."""
        return self._lock.locked() and not self._is_parking

    @property
    def has_client(self) -> bool:
        """Whether it has a Kafka client."""
        return not self._consumer.is_parked

    @property
    def is_parked(self) -> bool:
        """Whether it has left its group and holds no connection, or is about to."""
        return self._is_parking or self._consumer.is_parked

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that it is subscribed to."""
        return self._consumer.topics

    @property
    def assignment(self) -> tuple[TopicPartition, ...]:
        """The partitions that it reads."""
        return self._consumer.assignment

    async def subscribe(self, topics: Sequence[str]) -> None:
        """Subscribe to these topics instead of the previous ones; an empty list ends the subscription."""
        if not topics:
            await self.unsubscribe()
            return
        async with self._changing("topics"):
            await self._consumer.subscribe(topics)

    async def subscribe_to_pattern(self, pattern: str) -> None:
        """Subscribe to every topic whose whole name matches the regular expression."""
        compiled = TopicPattern(pattern)
        async with self._changing("pattern"):
            await self._topic_names.refresh()
            await self._select_topics(compiled)
            self._pattern = compiled

    async def assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Assign these partitions instead of the previous ones, without the group; an empty list unsubscribes."""
        if not partitions:
            await self.unsubscribe()
            return
        async with self._changing("partitions"):
            await self._consumer.assign(partitions)

    async def unsubscribe(self) -> None:
        """End the subscription or assignment."""
        async with self._alone():
            await self._consumer.unsubscribe()
            self._reading = self._pattern = None
            self._polled.clear()

    async def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Seek to these offsets, or to BEGINNING or END."""
        async with self._alone():
            self._check_assignment(positions)
            await self._consumer.seek(positions)

    async def seek_to_times(self, times: Mapping[TopicPartition, int]) -> None:
        """Seek to the first record at or after each time, in milliseconds since the epoch."""
        async with self._alone():
            self._check_assignment(times)
            await self._consumer.seek(await self._consumer.offsets_at(times))

    async def poll(
        self,
        *,
        timeout_ms: int | None,
        max_bytes: int | None,
        is_wanted: Callable[[], bool],
        rights: SubjectRights,
        undecodable: Undecodable | None = None,
    ) -> list[DecodedRecord]:
        """Return the next records, up to `max_bytes` of keys and values; none if `is_wanted` is false at the end.

        A limit of the request is strict, as in Confluent REST Proxy; with the limit of the service, a record that
        exceeds it is returned alone. `undecodable` is for records that cannot be decoded, None: as the instance says.
        One that is refused (40801) is returned again until the instance seeks past it.
        """
        wanted_ms = self._timeout_ms if timeout_ms is None else min(timeout_ms, MAX_TIMEOUT_MS)
        limit = min(max_bytes or self._settings.request_max_bytes, self._settings.request_max_bytes)
        min_bytes = float("inf") if self._min_bytes < 0 else self._min_bytes
        async with self._alone():
            if self._reading is None:
                raise errors.illegal_state(_NOTHING_TO_READ)
            records = await self._peek(wait=wanted_ms / 1000, min_bytes=min_bytes, max_bytes=limit, is_wanted=is_wanted)
            decoded = await self._decoder.decode_within(
                limit, records, rights, one_at_least=not max_bytes, undecodable=undecodable or self._undecodable
            )
            if not is_wanted():
                return []
            self._consumer.advance(len(decoded))
            if not self._commits_by_itself:
                self._polled.update(positions_after(record.record for record in decoded))
            return decoded

    async def commit(self) -> None:
        """Commit the offsets of all polled records."""
        async with self._alone():
            await self._consumer.commit()
            self._polled.clear()

    async def commit_offsets(self, offsets: Sequence[Committed]) -> None:
        """Commit these offsets."""
        async with self._alone():
            await self._consumer.commit_offsets(offsets)

    async def commit_with(self, write: Callable[[GroupProgress], Awaitable[T]]) -> T:
        """Have `write` commit the offsets of all polled records in its transaction; return what that returns.

        Raises 40903 for an instance that commits by itself, and 40923 where the group has taken partitions of polled
        records away.
        """
        async with self._alone():
            if self._commits_by_itself:
                raise errors.illegal_state(
                    "the instance commits its offsets by itself; create it with auto.commit.enable=false"
                )
            progress = await self._consumer.fetch_progress()
            polled, self._polled = self._polled, set()
            if polled - {committed.at for committed in progress.offsets}:
                raise rebalanced_error()
            written = await write(progress)
            self._polled = set()
            return written

    async def fetch_committed_offsets(self, partitions: Sequence[TopicPartition]) -> list[Committed]:
        """Return the committed offsets of the group; partitions without one are left out."""
        async with self._alone():
            return await self._consumer.fetch_committed_offsets(partitions)

    def tend(self) -> None:
        """Keep the membership between requests."""
        try:
            self._consumer.tend()
        except KafkaFailure as failure:
            logger.warning("Cannot keep the membership of a consumer instance: %s", failure.message)

    @property
    def reads_pattern(self) -> bool:
        """Whether it is subscribed to a pattern."""
        return self._pattern is not None

    @property
    def is_outdated(self) -> bool:
        """Whether its pattern may match other topics than it is subscribed to."""
        return self._pattern is not None and self._selected_from is not self._topic_names.names

    async def follow_topics(self) -> None:
        """Subscribe to the topics that its pattern matches now."""
        try:
            async with self._alone():
                await self._follow_topics()
        except ApiError as error:
            logger.warning("Cannot renew the subscription of a consumer instance to a pattern: %s", error.message)

    def start_parking(self) -> Coroutine[Any, Any, None]:
        """Return what leaves the group and closes the connections until the next request; it is parked from now on."""
        self._is_parking = True
        return self._park()

    async def _park(self) -> None:
        try:
            async with self._lock:
                if not self._is_closed:
                    await self._consumer.park()
        except KafkaFailure as failure:
            logger.warning("Cannot park a consumer instance: %s", failure.message)
        finally:
            self._is_parking = False

    async def close(self) -> None:
        """Leave the group after the request in progress; requests that wait get 40403."""
        async with self._alone():
            self._is_closed = True
            await self._consumer.close()

    async def _peek(
        self, *, wait: float, min_bytes: float, max_bytes: int, is_wanted: Callable[[], bool]
    ) -> list[ConsumedRecord]:
        """Return the next records of the consumer; a subscription to a pattern follows the topics meanwhile."""
        if self._pattern is None:
            return await self._consumer.peek(wait=wait, min_bytes=min_bytes, max_bytes=max_bytes, is_wanted=is_wanted)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        while True:
            await self._follow_topics()
            records = await self._consumer.peek(
                wait=max(deadline - loop.time(), 0),
                min_bytes=min_bytes,
                max_bytes=max_bytes,
                is_wanted=lambda: is_wanted() and not self.is_outdated,
            )
            if records or not self.is_outdated or not is_wanted():
                return records

    async def _follow_topics(self) -> None:
        if self._pattern is not None and self.is_outdated:
            await self._select_topics(self._pattern)

    async def _select_topics(self, pattern: TopicPattern) -> None:
        names = self._topic_names.names
        topics = await pattern.select(names)
        if topics != list(self._consumer.topics):
            await self._consumer.subscribe(topics)
        self._selected_from = names

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        async with self._lock:
            if self._is_closed:
                raise errors.consumer_not_found_error()
            with errors.translate_kafka_failures():
                yield

    @contextlib.asynccontextmanager
    async def _changing(self, reading: str) -> AsyncIterator[None]:
        async with self._alone():
            if self._reading not in {None, reading}:
                raise errors.illegal_state(_EXCLUSIVE)
            yield
            self._reading = reading

    def _check_assignment(self, partitions: Iterable[TopicPartition]) -> None:
        for at in partitions:
            if at not in self._consumer.assignment:
                raise errors.not_assigned_error(at)
