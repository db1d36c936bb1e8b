"""Consumer instances: named members of consumer groups that live between requests, until deleted or idle too long.

One instance does one thing at a time; requests that meet at an instance wait for each other. A task looks after all
instances once a second: it keeps them in their groups, parks those that nobody uses, and closes those that nobody used
for too long.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.ownership import Owner
from karapace_like.proxy import errors
from karapace_like.proxy.decode import DecodedRecord, RecordDecoder
from karapace_like.proxy.formats import EmbeddedFormat
from karapace_like.proxy.ports import Member, Members
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import MAX_TIMEOUT_MS, OffsetReset, ProxySettings, Undecodable
from karapace_like.recent import Recent
from karapace_like.records import Committed, TopicPartition

logger = logging.getLogger(__name__)

BEGINNING = -2
END = -1
"""Offsets to seek to: the first record there is, and after the last."""

_TEND_SECONDS = 1.0
_CLOSE_SECONDS = 15.0
"""How long a deletion waits until the group has been left."""
_REMEMBERED = 10_000
_EXCLUSIVE = "Subscription to topics, partitions and pattern are mutually exclusive"
_NOTHING_TO_READ = "Consumer is not subscribed to any topics or assigned any partitions"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRequest:
    """What a new instance is asked to be; None is the service's default."""

    name: str | None = None
    embedded: EmbeddedFormat = EmbeddedFormat.BINARY
    """What its polls ask for by their media type."""
    key: EmbeddedFormat = EmbeddedFormat.BINARY
    value: EmbeddedFormat = EmbeddedFormat.BINARY
    offset_reset: OffsetReset | None = None
    auto_commit: bool | None = None
    min_bytes: int | None = None
    timeout_ms: int | None = None
    undecodable: Undecodable | None = None


class ConsumerInstance:
    """One instance. Every call raises ProxyError for what the cluster or the instance's state refuses."""

    def __init__(self, member: Member, schemas: SchemaCache, request: InstanceRequest, settings: ProxySettings) -> None:
        self.embedded = request.embedded
        self._lock = asyncio.Lock()
        self._is_closed = False
        self._is_parking = False
        self._member = member
        self._decoder = RecordDecoder(schemas, key=request.key, value=request.value)
        self._settings = settings
        self._timeout_ms = settings.request_timeout_ms if request.timeout_ms is None else request.timeout_ms
        self._undecodable = request.undecodable or settings.undecodable
        self._min_bytes = settings.fetch_min_bytes if request.min_bytes is None else request.min_bytes
        self._reading: str | None = None
        """How the instance says what it reads: topics, pattern or partitions; only one of them until unsubscribed."""

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered."""
        return self._lock.locked() and not self._is_parking

    @property
    def is_parked(self) -> bool:
        """Whether it is in no group at the moment, and costs nothing."""
        return self._is_parking or self._member.is_parked

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics subscribed to."""
        return self._member.topics

    @property
    def assigned(self) -> tuple[TopicPartition, ...]:
        """The partitions that are read."""
        return self._member.assigned

    async def subscribe(self, topics: Sequence[str]) -> None:
        """Read these topics in place of those before; none ends the subscription."""
        if not topics:
            await self.unsubscribe()
            return
        async with self._changing("topics"):
            await self._member.subscribe(topics)

    async def subscribe_to_pattern(self, pattern: str) -> None:
        """Read every topic whose whole name matches the regular expression."""
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise errors.invalid_topic_pattern(str(error)) from error
        async with self._changing("pattern"):
            await self._member.subscribe_to_pattern(pattern)

    async def assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Read these partitions in place of those before, outside of the group's assignment."""
        if not partitions:
            await self.unsubscribe()
            return
        async with self._changing("partitions"):
            await self._member.assign(partitions)

    async def unsubscribe(self) -> None:
        """Read nothing any more."""
        async with self._alone():
            await self._member.unsubscribe()
            self._reading = None

    async def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Go on reading at these offsets, or at BEGINNING or END."""
        async with self._alone():
            self._check_assigned(positions)
            await self._member.seek(positions)

    async def seek_to_times(self, times: Mapping[TopicPartition, int]) -> None:
        """Go on reading at the first record at or after each time, in milliseconds since the epoch."""
        async with self._alone():
            self._check_assigned(times)
            await self._member.seek(await self._member.offsets_at(times))

    async def poll(
        self,
        *,
        timeout_ms: int | None,
        max_bytes: int | None,
        is_wanted: Callable[[], bool],
        undecodable: Undecodable | None = None,
    ) -> list[DecodedRecord]:
        """The next records; those beyond `max_bytes` stay for the next poll, and all do if they are not wanted.

        A limit that the request sets is kept strictly, as in the reference; under the service's own limit a record
        that is larger comes alone. What becomes of a record that cannot be decoded `undecodable` says, or else the
        instance; one that is refused stays until the instance seeks past it.
        """
        wanted_ms = self._timeout_ms if timeout_ms is None else min(timeout_ms, MAX_TIMEOUT_MS)
        limit = min(max_bytes or self._settings.request_max_bytes, self._settings.request_max_bytes)
        min_bytes = float("inf") if self._min_bytes < 0 else self._min_bytes
        async with self._alone():
            if self._reading is None:
                raise errors.illegal_state(_NOTHING_TO_READ)
            records = await self._member.peek(
                wait=wanted_ms / 1000, min_bytes=min_bytes, max_bytes=limit, is_wanted=is_wanted
            )
            decoded = await self._decoder.decode_within(
                limit, records, one_at_least=not max_bytes, undecodable=undecodable or self._undecodable
            )
            if not is_wanted():
                return []
            self._member.advance(len(decoded))
            return decoded

    async def commit(self) -> None:
        """Commit all that was polled."""
        async with self._alone():
            await self._member.commit()

    async def commit_offsets(self, offsets: Sequence[Committed]) -> None:
        """Commit these positions."""
        async with self._alone():
            await self._member.commit_offsets(offsets)

    async def committed(self, partitions: Sequence[TopicPartition]) -> list[Committed]:
        """The group's committed positions, without the partitions that have none."""
        async with self._alone():
            return await self._member.committed(partitions)

    def tend(self) -> None:
        """Keep the membership while no request is being answered."""
        try:
            self._member.tend()
        except KafkaFailure as failure:
            logger.warning("Looking after a consumer instance: %s", failure.message)

    async def park(self) -> None:
        """Cost nothing until the next request."""
        self._is_parking = True
        try:
            async with self._lock:
                if not self._is_closed:
                    await self._member.park()
        except KafkaFailure as failure:
            logger.warning("Parking a consumer instance: %s", failure.message)
        finally:
            self._is_parking = False

    async def close(self) -> None:
        """Leave the group, after the request that is being answered; those that wait find no instance any more."""
        async with self._alone():
            self._is_closed = True
            await self._member.close()

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        async with self._lock:
            if self._is_closed:
                raise errors.consumer_not_found()
            with errors.kafka_failures():
                yield

    @contextlib.asynccontextmanager
    async def _changing(self, reading: str) -> AsyncIterator[None]:
        async with self._alone():
            if self._reading not in {None, reading}:
                raise errors.illegal_state(_EXCLUSIVE)
            yield
            self._reading = reading

    def _check_assigned(self, partitions: Iterable[TopicPartition]) -> None:
        for at in partitions:
            if at not in self._member.assigned:
                raise errors.not_assigned(at)


@dataclass(slots=True)
class _Kept:
    """An instance, whose it is, and when it was asked for last."""

    instance: ConsumerInstance
    user: str | None
    used: float


class ConsumerInstances:
    """Every instance of this process, by group and name. `start` it, and `close` it at the end."""

    def __init__(self, owner: Owner, members: Members, schemas: SchemaCache, settings: ProxySettings) -> None:
        """`owner` is this process."""
        self._owner = owner
        self._members = members
        self._schemas = schemas
        self._settings = settings
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._expired: Recent[tuple[str, str], bool] = Recent(_REMEMBERED)
        """Instances that were closed because nobody used them, so that their users are told why they are gone."""
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._kept)

    def start(self) -> None:
        """Begin to look after the instances."""
        self._run(self._look_after())

    def create(self, group: str, request: InstanceRequest, user: str | None = None) -> str:
        """Make an instance and answer its name; 40902: the group has one of that name; 42901: there are too many.

        `user` is whose it is; None: everybody's, where nobody says who he is.
        """
        name = request.name or self._owner.new_id()
        if (group, name) in self._kept:
            raise errors.consumer_exists()
        if len(self._kept) >= self._settings.max_instances:
            raise errors.too_many("consumer instances")
        if user is not None and self._count_of(user) >= self._settings.max_instances_of_user:
            raise errors.too_many("consumer instances of this user")
        auto_commit = self._settings.auto_commit if request.auto_commit is None else request.auto_commit
        with errors.kafka_failures():
            member = self._members.member(
                group=group,
                auto_commit=auto_commit,
                offset_reset=request.offset_reset or self._settings.auto_offset_reset,
            )
        instance = ConsumerInstance(member, self._schemas, request, self._settings)
        self._kept[group, name] = _Kept(instance, user, asyncio.get_running_loop().time())
        return name

    def has(self, group: str, name: str) -> bool:
        """Whether there is such an instance in this process."""
        return (group, name) in self._kept

    def find(self, group: str, name: str, user: str | None = None) -> ConsumerInstance:
        """The instance, which counts as used now; 40403 if there is none, or it is another user's."""
        kept = self._kept.get((group, name))
        if kept is None:
            if self._expired.get((group, name)):
                raise errors.consumer_expired(self._settings.idle_timeout)
            raise errors.consumer_not_found()
        if kept.user != user:
            raise errors.consumer_of_another_user()
        kept.used = asyncio.get_running_loop().time()
        return kept.instance

    async def delete(self, group: str, name: str, user: str | None = None) -> None:
        """Close and forget the instance; 40403 if there is none, or it is another user's."""
        instance = self.find(group, name, user)
        del self._kept[group, name]
        self._expired.keep((group, name), False)
        # The group is left also when the client does not wait for the answer, or the brokers do not answer in time.
        await asyncio.wait({self._run(_closed(name, instance))}, timeout=_CLOSE_SECONDS)

    async def close(self) -> None:
        """Close all instances."""
        for task in self._tasks:
            task.cancel()
        instances = [kept.instance for kept in self._kept.values()]
        self._kept.clear()
        await asyncio.gather(*(each.close() for each in instances), return_exceptions=True)
        self._members.close()

    def _count_of(self, user: str) -> int:
        return sum(kept.user == user for kept in self._kept.values())

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(_TEND_SECONDS)
            self._tend_all()

    def _tend_all(self) -> None:
        """A call of its own, so that nothing holds on to the last instance."""
        now = asyncio.get_running_loop().time()
        for (group, name), kept in list(self._kept.items()):
            if kept.instance.is_busy:
                kept.used = now
            elif 0 < self._settings.idle_timeout < now - kept.used:
                logger.info("Closing the consumer instance %s of group %s, which was idle for long", name, group)
                del self._kept[group, name]
                self._expired.keep((group, name), True)
                self._run(_closed(name, kept.instance))
            elif kept.instance.is_parked:
                continue
            else:
                kept.instance.tend()  # before it is parked, too: it is not until it has learned where it reads
                if 0 < self._settings.park_after < now - kept.used:
                    self._run(kept.instance.park())


async def _closed(name: str, instance: ConsumerInstance) -> None:
    try:
        await instance.close()
    except ApiError as error:
        logger.warning("Closing the consumer instance %s: %s", name, error.message)
