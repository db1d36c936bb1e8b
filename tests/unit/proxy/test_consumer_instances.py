"""Consumer instances over a member in memory: what happens to records and members when things go wrong."""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence

import msgspec
import pytest

from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.ownership import Owner
from karapace_like.proxy.consumer_instance import ConsumerInstance, InstanceRequest
from karapace_like.proxy.consumers import ConsumerInstances
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import EmbeddedFormat, RecordPart
from karapace_like.proxy.internal import InternalResources
from karapace_like.proxy.ports import RegisteredSchema
from karapace_like.proxy.rights import ALL_SUBJECTS, SubjectRights
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import ProxySettings
from karapace_like.proxy.topic_patterns import TopicNames
from karapace_like.records import Committed, ConsumedRecord, GroupProgress, Isolation, TopicPartition
from karapace_like.schema.model import UnparsedSchema
from tests.waiting import until

AT = TopicPartition("t", 0)


class AbsentRegistry:
    """A registry that is not ready."""

    async def by_id(self, schema_id: int, subject: str, rights: SubjectRights) -> RegisteredSchema:
        raise ApiError(503, f"not ready for {schema_id} of {subject}, {rights}")

    async def by_guid(self, guid: uuid.UUID, rights: SubjectRights) -> RegisteredSchema:
        raise ApiError(503, f"not ready for {guid}, {rights}")

    async def by_metadata(
        self, subject: str, metadata: Mapping[str, str], rights: SubjectRights
    ) -> tuple[int, RegisteredSchema]:
        raise AssertionError((subject, metadata, rights))

    async def by_version(self, subject: str, version: int, rights: SubjectRights) -> tuple[int, RegisteredSchema]:
        raise ApiError(503, f"not ready for {subject} {version}, {rights}")

    async def version_of(self, subject: str, schema_id: int, rights: SubjectRights, *, registers: bool) -> int:
        raise ApiError(503, f"not ready for {subject} {schema_id}, {rights} {registers}")

    async def written_version(self, subject: str, schema_id: int, rights: SubjectRights) -> int:
        raise ApiError(503, f"not ready for {subject} {schema_id}, {rights}")

    async def versions_after(
        self, subject: str, first: int, last: int, rights: SubjectRights
    ) -> Sequence[RegisteredSchema]:
        raise AssertionError((subject, first, last, rights))

    def resolve_reference(self, subject: str, referrer: str) -> str:
        raise ApiError(503, f"not ready for {subject} of {referrer}")

    def get_associated_subjects(self, part: RecordPart, topic: str) -> None:
        """Nothing is known without asking."""

    async def fetch_associated_subjects(self, part: RecordPart, topic: str) -> Sequence[str]:
        raise ApiError(503, f"not ready for {topic} {part}")

    def cache_validity(self, subject: str) -> None:
        raise AssertionError(subject)

    async def register(self, subject: str, schema: UnparsedSchema, rights: SubjectRights) -> RegisteredSchema:
        raise ApiError(503, f"not ready for {subject} {schema}, {rights}")


class MemoryConsumer:
    """A group member whose records are in memory; `available` lets a poll answer, `failure` lets every call fail."""

    def __init__(self, *values: bytes) -> None:
        self.records = [ConsumedRecord(AT, at, None, value, 0, (), len(value)) for at, value in enumerate(values)]
        self.available = asyncio.Event()
        self.available.set()
        self.failure: KafkaFailure | None = None
        self.topics: tuple[str, ...] = ()
        self.assignment: tuple[TopicPartition, ...] = ()
        self.tended = 0
        self.closed = False

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def subscribe(self, topics: Sequence[str]) -> None:
        self._check()
        self.topics = tuple(topics)

    async def unsubscribe(self) -> None:
        self._check()
        self.topics, self.assignment = (), ()

    async def assign(self, partitions: Sequence[TopicPartition]) -> None:
        self._check()
        self.assignment = tuple(partitions)

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

    async def fetch_progress(self) -> GroupProgress:
        raise NotImplementedError

    async def commit_offsets(self, offsets: Sequence[Committed]) -> None:
        assert offsets
        self._check()

    async def fetch_committed_offsets(self, partitions: Sequence[TopicPartition]) -> list[Committed]:
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


class MemoryConsumers:
    """Gives out one member after the other."""

    def __init__(self, *members: MemoryConsumer) -> None:
        self.members = list(members)

    def create_consumer(
        self, *, group: str, auto_commit: bool, offset_reset: str, isolation: Isolation = Isolation.READ_COMMITTED
    ) -> MemoryConsumer:
        assert group
        assert isolation is Isolation.READ_COMMITTED
        assert isinstance(auto_commit, bool)
        assert offset_reset in {"earliest", "latest", "none"}
        return self.members.pop(0)


class MemoryTopics:
    """The names of a cluster's topics; counts how often they are listed."""

    def __init__(self, *names: str) -> None:
        self.existing = list(names)
        self.listed = 0

    async def list(self) -> list[str]:
        self.listed += 1
        await asyncio.sleep(0)
        return list(self.existing)


def instances_over(members: MemoryConsumers, topics: MemoryTopics, settings: ProxySettings) -> ConsumerInstances:
    internal = InternalResources(topics={"_schemas": "the schemas topic"})
    names = TopicNames(topics.list, internal, settings.topics_max_age)
    return ConsumerInstances(Owner.create(), members, names, SchemaCache(AbsentRegistry()), settings)


def instances_of(*members: MemoryConsumer) -> ConsumerInstances:
    return instances_over(MemoryConsumers(*members), MemoryTopics(), ProxySettings(idle_timeout=0))


async def instance_of(member: MemoryConsumer, embedded: EmbeddedFormat = EmbeddedFormat.JSON) -> ConsumerInstance:
    instances = instances_of(member)
    request = InstanceRequest(embedded=embedded, key=embedded, value=embedded)
    instance = instances.find("g", instances.create("g", request))
    await instance.assign([AT])
    return instance


async def values_of(instance: ConsumerInstance, max_bytes: int | None = None) -> list[bytes]:
    polled = await instance.poll(timeout_ms=None, max_bytes=max_bytes, rights=ALL_SUBJECTS, is_wanted=lambda: True)
    return [msgspec.json.encode(each.value) for each in polled]


async def test_a_poll_that_nobody_waits_for_takes_nothing() -> None:
    """Its records come again."""
    member = MemoryConsumer(b"1", b"2")
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
    instance = await instance_of(MemoryConsumer(b"1"))
    answers = iter((True, False))
    assert (
        await instance.poll(timeout_ms=None, max_bytes=None, rights=ALL_SUBJECTS, is_wanted=lambda: next(answers)) == []
    )
    assert await values_of(instance) == [b"1"]


async def test_polls_of_one_instance_share_the_records() -> None:
    """No record is answered twice."""
    instance = await instance_of(MemoryConsumer(b"1", b"2", b"3"))
    first, second = await asyncio.gather(values_of(instance, max_bytes=3), values_of(instance))
    assert (first, second) == ([b"1", b"2"], [b"3"])


async def test_an_absent_registry_takes_nothing() -> None:
    """503 is not the record's fault: the records come again."""
    member = MemoryConsumer(b"\0\0\0\0\1x")
    instance = await instance_of(member, EmbeddedFormat.AVRO)
    with pytest.raises(ApiError) as caught:
        await values_of(instance)
    assert caught.value.code == 503
    assert len(member.records) == 1


async def test_a_failure_of_kafka_is_an_error_of_the_api() -> None:
    member = MemoryConsumer()
    instance = await instance_of(member)
    member.failure = KafkaFailure("_TIMED_OUT", "too late", retriable=True)
    for call in (
        instance.seek({AT: 0}),
        instance.seek_to_times({AT: 0}),
        instance.poll(timeout_ms=1, max_bytes=None, rights=ALL_SUBJECTS, is_wanted=lambda: True),
        instance.commit(),
        instance.commit_offsets([Committed(AT, 1)]),
        instance.fetch_committed_offsets([AT]),
        instance.unsubscribe(),
    ):
        with pytest.raises(ProxyError, match="too late") as caught:
            await call
        assert caught.value.code == 50003
    instance.tend()


async def test_a_failed_change_leaves_the_instance_as_it_was() -> None:
    """What could not be subscribed to excludes nothing."""
    member = MemoryConsumer()
    instances = instances_of(member)
    instance = instances.find("g", instances.create("g", InstanceRequest()))
    member.failure = KafkaFailure("_FAIL", "no")
    with pytest.raises(ProxyError):
        await instance.subscribe(["a"])
    member.failure = None
    await instance.assign([AT])
    assert instance.assignment == (AT,)


async def test_who_waits_for_a_deleted_instance_is_told() -> None:
    """The deletion waits for the request that is being answered, and no other."""
    member = MemoryConsumer(b"1")
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


async def all_tended(members: Sequence[MemoryConsumer]) -> bool:
    return all(each.tended for each in members)


async def test_closing_closes_every_instance() -> None:
    """Idle ones are tended until then, where no time ends them."""
    made = [MemoryConsumer(), MemoryConsumer()]
    members = MemoryConsumers(*made)
    instances = instances_over(members, MemoryTopics(), ProxySettings(idle_timeout=0))
    instances.start()
    for _ in made:
        instances.create("g", InstanceRequest())
    await until(lambda: all_tended(made))
    await instances.close()
    assert [member.closed for member in made] == [True, True]


async def test_callers_who_subscribe_at_the_same_time_share_a_listing() -> None:
    """But for the first one, whose listing began before the others called and may lack what they know of."""
    topics = MemoryTopics("a1")
    names = TopicNames(topics.list, InternalResources(), 60)
    await asyncio.gather(*(names.refresh() for _ in range(50)))
    assert topics.listed == 2


@pytest.mark.slow
async def test_subscriptions_to_patterns_follow_the_topics() -> None:
    """Those of instances that nobody polls too; internal topics are none that a pattern can match."""
    topics = MemoryTopics("a1", "b1", "_schemas", "__consumer_offsets")
    members = [MemoryConsumer(b"1"), MemoryConsumer()]
    instances = instances_over(MemoryConsumers(*members), topics, ProxySettings(idle_timeout=0, topics_max_age=0))
    polled, idle = (instances.find("g", instances.create("g", InstanceRequest())) for _ in members)
    await polled.subscribe_to_pattern("a.")
    await idle.subscribe_to_pattern(".*")
    assert [member.topics for member in members] == [("a1",), ("a1", "b1")]
    topics.existing = ["a2", "b2", "_schemas", "other"]
    instances.start()
    await until(lambda: are_subscribed(members, ("a2",), ("a2", "b2", "other")))
    topics.existing = []
    await until(lambda: are_subscribed(members, (), ()))
    await instances.close()


async def are_subscribed(members: Sequence[MemoryConsumer], *topics: tuple[str, ...]) -> bool:
    return [member.topics for member in members] == list(topics)


async def test_a_poll_follows_the_topics_while_it_waits() -> None:
    """The consumer's wait ends when a listing has changed, and begins again with the new topics."""
    topics, member = MemoryTopics("a1"), EndlessConsumer()
    instances = instances_over(MemoryConsumers(member), topics, ProxySettings(idle_timeout=0, topics_max_age=0))
    instance = instances.find("g", instances.create("g", InstanceRequest()))
    await instance.subscribe_to_pattern("a.")
    instances.start()
    polling = asyncio.create_task(
        instance.poll(timeout_ms=100_000, max_bytes=None, rights=ALL_SUBJECTS, is_wanted=lambda: True)
    )
    topics.existing = ["a1", "a2"]
    await until(lambda: are_subscribed([member], ("a1", "a2")))
    polling.cancel()
    await instances.close()


class EndlessConsumer(MemoryConsumer):
    """A member without records, which waits as long as a poll wants them."""

    async def peek(
        self, *, wait: float, min_bytes: float, max_bytes: int, is_wanted: Callable[[], bool]
    ) -> list[ConsumedRecord]:
        assert min(wait, min_bytes, max_bytes) > 0
        while is_wanted():
            await asyncio.sleep(0.001)
        return []


class ParkableConsumer(MemoryConsumer):
    """A member that has a client from its first poll on, until it is parked; a stuck one cannot be parked."""

    def __init__(self) -> None:
        super().__init__()
        self.has_client = False
        self.is_stuck = False

    async def peek(
        self, *, wait: float, min_bytes: float, max_bytes: int, is_wanted: Callable[[], bool]
    ) -> list[ConsumedRecord]:
        self.has_client = True
        return await super().peek(wait=wait, min_bytes=min_bytes, max_bytes=max_bytes, is_wanted=is_wanted)

    @property
    def is_parked(self) -> bool:
        return not self.has_client

    async def park(self) -> None:
        self.has_client = self.is_stuck


async def poll_all(instances: ConsumerInstances, names: Sequence[str]) -> None:
    for name in names:
        instance = instances.find("g", name)
        await instance.assign([AT])
        await values_of(instance)
        await asyncio.sleep(0.001)  # those that are parked meanwhile


async def test_the_least_recently_used_instances_are_parked_where_too_many_are_active() -> None:
    """Twenty instances are polled in turn, and four have a client at a time, or more until one has left its group."""
    members = [ParkableConsumer() for _ in range(20)]
    settings = ProxySettings(idle_timeout=0, max_active_instances=4)
    instances = instances_over(MemoryConsumers(*members), MemoryTopics(), settings)
    names = [instances.create("g", InstanceRequest()) for _ in members]
    assert not any(member.has_client for member in members)
    for _ in range(2):
        for at, name in enumerate(names):
            await poll_all(instances, [name])
            assert sum(member.has_client for member in members) <= 4
            assert members[at].has_client
    assert [member.has_client for member in members] == [False] * 16 + [True] * 4


async def test_an_instance_beyond_those_that_cannot_be_parked_is_refused() -> None:
    members = [ParkableConsumer() for _ in range(20)]
    for member in members:
        member.is_stuck = True
    settings = ProxySettings(idle_timeout=0, max_active_instances=4)
    instances = instances_over(MemoryConsumers(*members), MemoryTopics(), settings)
    names = [instances.create("g", InstanceRequest()) for _ in members]
    with pytest.raises(ProxyError, match="too many active consumer instances") as caught:
        await poll_all(instances, names)
    assert caught.value.code == 42901
    assert sum(member.has_client for member in members) == 8
    await poll_all(instances, names[:8])
