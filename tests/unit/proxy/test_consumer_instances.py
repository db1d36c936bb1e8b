"""Consumer instances over a member in memory: what happens to records and members when things go wrong."""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence

import msgspec
import pytest

from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.ownership import Owner
from karapace_like.proxy.consumers import ConsumerInstance, ConsumerInstances, InstanceRequest
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import EmbeddedFormat
from karapace_like.proxy.ports import RegisteredSchema
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import ProxySettings
from karapace_like.records import Committed, ConsumedRecord, TopicPartition
from karapace_like.schema.model import UnparsedSchema
from tests.waiting import until

AT = TopicPartition("t", 0)


class AbsentRegistry:
    """A registry that is not ready."""

    async def by_id(self, schema_id: int, subject: str) -> RegisteredSchema:
        raise ApiError(503, f"not ready for {schema_id} of {subject}")

    async def by_guid(self, guid: uuid.UUID) -> RegisteredSchema:
        raise ApiError(503, f"not ready for {guid}")

    async def by_version(self, subject: str, version: int) -> tuple[int, RegisteredSchema]:
        raise ApiError(503, f"not ready for {subject} {version}")

    async def version_of(self, subject: str, schema_id: int) -> int:
        raise ApiError(503, f"not ready for {subject} {schema_id}")

    def basis(self, subject: str) -> None:
        raise AssertionError(subject)

    async def register(self, subject: str, schema: UnparsedSchema) -> RegisteredSchema:
        raise ApiError(503, f"not ready for {subject} {schema}")


class MemoryMember:
    """A group member whose records are in memory; `available` lets a poll answer, `failure` lets every call fail."""

    def __init__(self, *values: bytes) -> None:
        self.records = [ConsumedRecord(AT, at, None, value, 0, (), len(value)) for at, value in enumerate(values)]
        self.available = asyncio.Event()
        self.available.set()
        self.failure: KafkaFailure | None = None
        self.topics: tuple[str, ...] = ()
        self.assigned: tuple[TopicPartition, ...] = ()
        self.tended = 0
        self.closed = False

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def subscribe(self, topics: Sequence[str]) -> None:
        self._check()
        self.topics = tuple(topics)

    async def subscribe_to_pattern(self, pattern: str) -> None:
        self._check()
        self.topics = (pattern,)

    async def unsubscribe(self) -> None:
        self._check()
        self.topics, self.assigned = (), ()

    async def assign(self, partitions: Sequence[TopicPartition]) -> None:
        self._check()
        self.assigned = tuple(partitions)

    async def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        self._check()
        self.records = [each for each in self.records if each.offset >= positions.get(each.at, 0)]

    async def offsets_at(self, times: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        self._check()
        return dict(times)

    async def peek(
        self, *, wait: float, min_bytes: float, max_bytes: int, is_wanted: Callable[[], bool]
    ) -> list[ConsumedRecord]:
        assert is_wanted()
        assert wait >= 0 <= min_bytes
        assert max_bytes > 0
        self._check()
        await self.available.wait()
        return list(self.records)

    def advance(self, count: int) -> None:
        del self.records[:count]

    async def commit(self) -> None:
        self._check()

    async def commit_offsets(self, offsets: Sequence[Committed]) -> None:
        assert offsets
        self._check()

    async def committed(self, partitions: Sequence[TopicPartition]) -> list[Committed]:
        self._check()
        return [Committed(each, 0) for each in partitions]

    def tend(self) -> None:
        self.tended += 1
        self._check()

    @property
    def is_parked(self) -> bool:
        return False

    async def park(self) -> None:
        raise AssertionError("nothing here is idle for so long")

    async def close(self) -> None:
        self.closed = True


class MemoryMembers:
    """Gives out one member after the other."""

    def __init__(self, *members: MemoryMember) -> None:
        self.members = list(members)
        self.closed = False

    def member(self, *, group: str, auto_commit: bool, offset_reset: str) -> MemoryMember:
        assert group
        assert isinstance(auto_commit, bool)
        assert offset_reset in {"earliest", "latest", "none"}
        return self.members.pop(0)

    def close(self) -> None:
        self.closed = True


def instances_of(*members: MemoryMember) -> ConsumerInstances:
    return ConsumerInstances(
        Owner.drawn(), MemoryMembers(*members), SchemaCache(AbsentRegistry()), ProxySettings(idle_timeout=0)
    )


async def instance_of(member: MemoryMember, embedded: EmbeddedFormat = EmbeddedFormat.JSON) -> ConsumerInstance:
    instances = instances_of(member)
    request = InstanceRequest(embedded=embedded, key=embedded, value=embedded)
    instance = instances.find("g", instances.create("g", request))
    await instance.assign([AT])
    return instance


async def values_of(instance: ConsumerInstance, max_bytes: int | None = None) -> list[bytes]:
    polled = await instance.poll(timeout_ms=None, max_bytes=max_bytes, is_wanted=lambda: True)
    return [msgspec.json.encode(each.value) for each in polled]


async def test_a_poll_that_nobody_waits_for_takes_nothing() -> None:
    """Its records come again."""
    member = MemoryMember(b"1", b"2")
    member.available.clear()
    instance = await instance_of(member)
    left = asyncio.create_task(values_of(instance))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    member.available.set()
    assert await values_of(instance) == [b"1", b"2"]


async def test_a_client_that_left_takes_nothing() -> None:
    """Its records are for the next poll."""
    instance = await instance_of(MemoryMember(b"1"))
    answers = iter((True, False))
    assert await instance.poll(timeout_ms=None, max_bytes=None, is_wanted=lambda: next(answers)) == []
    assert await values_of(instance) == [b"1"]


async def test_polls_of_one_instance_share_the_records() -> None:
    """No record is answered twice."""
    instance = await instance_of(MemoryMember(b"1", b"2", b"3"))
    first, second = await asyncio.gather(values_of(instance, max_bytes=3), values_of(instance))
    assert (first, second) == ([b"1", b"2"], [b"3"])


async def test_an_absent_registry_takes_nothing() -> None:
    """503 is not the record's fault: the records come again."""
    member = MemoryMember(b"\0\0\0\0\1x")
    instance = await instance_of(member, EmbeddedFormat.AVRO)
    with pytest.raises(ApiError) as caught:
        await values_of(instance)
    assert caught.value.code == 503
    assert len(member.records) == 1


async def test_a_failure_of_kafka_is_an_error_of_the_api() -> None:
    member = MemoryMember()
    instance = await instance_of(member)
    member.failure = KafkaFailure("_TIMED_OUT", "too late", retriable=True)
    for call in (
        instance.seek({AT: 0}),
        instance.seek_to_times({AT: 0}),
        instance.poll(timeout_ms=1, max_bytes=None, is_wanted=lambda: True),
        instance.commit(),
        instance.commit_offsets([Committed(AT, 1)]),
        instance.committed([AT]),
        instance.unsubscribe(),
    ):
        with pytest.raises(ProxyError, match="too late") as caught:
            await call
        assert caught.value.code == 50003
    instance.tend()


async def test_a_failed_change_leaves_the_instance_as_it_was() -> None:
    """What could not be subscribed to excludes nothing."""
    member = MemoryMember()
    instances = instances_of(member)
    instance = instances.find("g", instances.create("g", InstanceRequest()))
    member.failure = KafkaFailure("_FAIL", "no")
    with pytest.raises(ProxyError):
        await instance.subscribe(["a"])
    member.failure = None
    await instance.assign([AT])
    assert instance.assigned == (AT,)


async def test_who_waits_for_a_deleted_instance_is_told() -> None:
    """The deletion waits for the request that is being answered, and no other."""
    member = MemoryMember(b"1")
    member.available.clear()
    instances = instances_of(member)
    instance = instances.find("g", instances.create("g", InstanceRequest(name="c", value=EmbeddedFormat.JSON)))
    await instance.assign([AT])
    answered = asyncio.create_task(values_of(instance))
    await asyncio.sleep(0)
    deletion = asyncio.create_task(instances.delete("g", "c"))
    await asyncio.sleep(0)
    late = asyncio.create_task(instance.commit())
    await asyncio.sleep(0)
    member.available.set()
    assert await answered == [b"1"]
    await deletion
    with pytest.raises(ProxyError) as caught:
        await late
    assert (caught.value.code, member.closed) == (40403, True)


async def all_tended(members: Sequence[MemoryMember]) -> bool:
    return all(each.tended for each in members)


async def test_closing_closes_every_instance_and_what_they_share() -> None:
    """Idle ones are tended until then, where no time ends them."""
    made = [MemoryMember(), MemoryMember()]
    members = MemoryMembers(*made)
    instances = ConsumerInstances(Owner.drawn(), members, SchemaCache(AbsentRegistry()), ProxySettings(idle_timeout=0))
    instances.start()
    for _ in made:
        instances.create("g", InstanceRequest())
    await until(lambda: all_tended(made))
    await instances.close()
    assert [member.closed for member in made] == [True, True]
    assert members.closed
