"""Guards around the clients of the cluster: no call uses an internal topic or group, whichever handler makes it.

They wrap every port, so that a new call cannot bypass them. Descriptions pass; see `internal.py`.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from operator import attrgetter

from karapace_like.administration import (
    Acl,
    AclFilter,
    ClusterDescription,
    ConfigChange,
    ConfigEntry,
    ConfigOwner,
    GroupDescription,
    NewTopic,
    OwnerKind,
    Reassignment,
    ReplicaSize,
)
from karapace_like.proxy import bounds, errors
from karapace_like.proxy.internal import InternalResources
from karapace_like.proxy.ports import (
    AclAdmin,
    ClusterAdmin,
    ConfigAdmin,
    GroupAdmin,
    KafkaConsumer,
    KafkaConsumers,
    Producer,
    Reader,
    ShareGroupAdmin,
)
from karapace_like.records import (
    NO_OVERRIDES,
    Committed,
    ConsumedRecord,
    Delivery,
    GroupProgress,
    Isolation,
    OutgoingRecord,
    ProducerOverrides,
    TopicDescription,
    TopicPartition,
)

_KEPT_TOPICS = 10_000
_topic_of = attrgetter("topic")


class GuardedProducer:
    """A `Producer` that raises ProxyError, and writes no record, if a record is for an internal topic."""

    def __init__(self, producer: Producer, internal: InternalResources) -> None:
        self._producer = producer
        self._internal = internal
        self._checked: set[str] = set()
        """Topics that have passed the check, which are most of those that come."""

    def send(
        self, records: Sequence[OutgoingRecord], overrides: ProducerOverrides = NO_OVERRIDES
    ) -> Awaitable[list[Delivery]]:
        """Write the records; see `Producer.send`."""
        if not self._checked.issuperset(map(_topic_of, records)):
            self._check_topics(set(map(_topic_of, records)))
        return self._producer.send(records, overrides)

    def _check_topics(self, topics: set[str]) -> None:
        self._internal.check_topics(topics)
        if len(self._checked) > _KEPT_TOPICS:
            self._checked.clear()
        self._checked |= topics

    async def close(self) -> None:
        """Close the wrapped producer."""
        await self._producer.close()


class GuardedConsumers:
    """A `KafkaConsumers` that raises ProxyError for internal groups."""

    def __init__(self, consumers: KafkaConsumers, internal: InternalResources) -> None:
        self._consumers = consumers
        self._internal = internal

    def create_consumer(
        self, *, group: str, auto_commit: bool, offset_reset: str, isolation: Isolation = Isolation.READ_COMMITTED
    ) -> "GuardedConsumer":
        """Create a member of the group."""
        self._internal.check_group(group)
        consumer = self._consumers.create_consumer(
            group=group, auto_commit=auto_commit, offset_reset=offset_reset, isolation=isolation
        )
        return GuardedConsumer(consumer, self._internal)


class GuardedConsumer:
    """A `KafkaConsumer` that raises ProxyError for internal topics."""

    def __init__(self, consumer: KafkaConsumer, internal: InternalResources) -> None:
        self._consumer = consumer
        self._internal = internal
        self._checked: tuple[TopicPartition, ...] = ()
        """The last assignment that was checked, and has no internal topic."""

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that it is subscribed to."""
        return self._consumer.topics

    @property
    def assignment(self) -> tuple[TopicPartition, ...]:
        """The partitions that it reads."""
        return self._consumer.assignment

    @property
    def is_parked(self) -> bool:
        """Whether it has left its group and holds no connection."""
        return self._consumer.is_parked

    async def subscribe(self, topics: Sequence[str]) -> None:
        """Subscribe to these topics."""
        self._internal.check_topics(topics)
        await self._consumer.subscribe(topics)

    async def unsubscribe(self) -> None:
        """End the subscription or assignment."""
        await self._consumer.unsubscribe()

    async def assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Assign these partitions."""
        self._check(partitions)
        await self._consumer.assign(partitions)

    async def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Seek to these offsets."""
        self._check(positions)
        await self._consumer.seek(positions)

    async def offsets_at(self, times: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Return the first offset at or after each time."""
        self._check(times)
        return await self._consumer.offsets_at(times)

    async def peek(
        self, *, wait: float, min_bytes: float, max_bytes: int, is_wanted: Callable[[], bool]
    ) -> list[ConsumedRecord]:
        """Return the next records; the leader of the group, any client, could have assigned an internal topic."""
        records = await self._consumer.peek(wait=wait, min_bytes=min_bytes, max_bytes=max_bytes, is_wanted=is_wanted)
        assigned = self._consumer.assignment
        if assigned is not self._checked:
            self._check(assigned)
            self._checked = assigned
        return records

    def advance(self, count: int) -> None:
        """Move the position past the first records of the last `peek`."""
        self._consumer.advance(count)

    async def commit(self) -> None:
        """Commit the positions."""
        await self._consumer.commit()

    async def fetch_progress(self) -> GroupProgress:
        """Return what a transaction commits for this member."""
        progress = await self._consumer.fetch_progress()
        self._check([committed.at for committed in progress.offsets])
        return progress

    async def commit_offsets(self, offsets: Sequence[Committed]) -> None:
        """Commit these offsets."""
        self._check(committed.at for committed in offsets)
        await self._consumer.commit_offsets(offsets)

    async def fetch_committed_offsets(self, partitions: Sequence[TopicPartition]) -> list[Committed]:
        """Return the committed offsets of the group."""
        self._check(partitions)
        return await self._consumer.fetch_committed_offsets(partitions)

    async def park(self) -> None:
        """Leave the group until the next call."""
        await self._consumer.park()

    def tend(self) -> None:
        """Keep the membership."""
        self._consumer.tend()

    async def close(self) -> None:
        """Leave the group."""
        await self._consumer.close()

    def _check(self, partitions: Iterable[TopicPartition]) -> None:
        self._internal.check_topics({at.topic for at in partitions})


class GuardedAdmin:
    """A `ClusterAdmin` that describes internal topics and groups, and raises ProxyError for every other use of them."""

    def __init__(self, admin: ClusterAdmin, internal: InternalResources) -> None:
        self._admin = admin
        self._internal = internal
        self.configs: ConfigAdmin = _GuardedConfigs(admin.configs, internal)
        self.groups: GroupAdmin = _GuardedGroups(admin.groups, internal)
        self.share_groups: ShareGroupAdmin = admin.share_groups  # it only describes
        self.acls: AclAdmin = _GuardedAcls(admin.acls, internal)

    async def list_reassignments(self, topic: str | None = None) -> list[Reassignment]:
        """Return the partitions whose replicas are moving."""
        if topic is not None:
            bounds.check_topic(topic)
        return await self._admin.list_reassignments(topic)

    async def cluster(self) -> ClusterDescription:
        """Return the cluster."""
        return await self._admin.cluster()

    async def brokers(self) -> list[int]:
        """Return the ids of the brokers."""
        return await self._admin.brokers()

    async def topics(self) -> list[str]:
        """Return the names of the topics."""
        return await self._admin.topics()

    async def topic_names(self) -> list[str]:
        """Return the names of all topics."""
        return await self._admin.topic_names()

    async def describe_topics(self, names: Sequence[str]) -> list[TopicDescription]:
        """Return these topics."""
        return await self._admin.describe_topics(names)

    async def topic(self, name: str, *, with_operations: bool = False) -> TopicDescription:
        """Return the partitions of a topic."""
        bounds.check_topic(name)
        return await self._admin.topic(name, with_operations=with_operations)

    async def replica_sizes(self, name: str) -> list[ReplicaSize]:
        """Return the sizes of a topic's replicas."""
        bounds.check_topic(name)
        return await self._admin.replica_sizes(name)

    async def topic_configs(self, name: str) -> dict[str, str | None]:
        """Return the configs of a topic."""
        bounds.check_topic(name)
        return await self._admin.topic_configs(name)

    async def create_topic(self, wanted: NewTopic, *, validate_only: bool = False) -> None:
        """Create a topic."""
        self._internal.check_topics([wanted.name])
        for name, value in wanted.configs.items():
            bounds.check_text("The name of a config", name)
            bounds.check_text(f"The value of {errors.quote(name)}", value or "")
        await self._admin.create_topic(wanted, validate_only=validate_only)

    async def add_partitions(self, topic: str, count: int) -> None:
        """Increase the partitions of the topic to `count`."""
        self._internal.check_topics([topic])
        await self._admin.add_partitions(topic, count)

    async def delete_topic(self, topic: str) -> None:
        """Delete a topic."""
        self._internal.check_topics([topic])
        await self._admin.delete_topic(topic)

    async def bounds(self, at: TopicPartition) -> tuple[int, int]:
        """Return (beginning offset, end offset) of a partition."""
        self._internal.check_topics([at.topic])
        return await self._admin.bounds(at)

    async def ends(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the end offsets of partitions, without those of internal topics."""
        return await self._admin.ends(_without_internal(partitions, self._internal))

    async def offset_at(self, at: TopicPartition, time: int) -> int | None:
        """Return the first offset at or after a time."""
        self._internal.check_topics([at.topic])
        return await self._admin.offset_at(at, time)

    def reader(
        self,
        positions: Mapping[TopicPartition, int],
        isolation: Isolation = Isolation.READ_COMMITTED,
        *,
        is_prompt: bool = False,
    ) -> Reader:
        """Create a reader of these partitions."""
        self._internal.check_topics({at.topic for at in positions})
        return self._admin.reader(positions, isolation, is_prompt=is_prompt)

    def close(self) -> None:
        """Close the connections to the cluster."""
        self._admin.close()


class _GuardedConfigs:
    def __init__(self, configs: ConfigAdmin, internal: InternalResources) -> None:
        self._configs = configs
        self._internal = internal

    async def describe(self, owner: ConfigOwner) -> list[ConfigEntry]:
        if owner.kind is OwnerKind.TOPIC:
            bounds.check_topic(owner.name)
        return await self._configs.describe(owner)

    async def describe_topics(self, names: Sequence[str]) -> dict[str, list[ConfigEntry]]:
        return await self._configs.describe_topics(names)

    async def alter(self, owner: ConfigOwner, changes: Sequence[ConfigChange], *, validate_only: bool = False) -> None:
        if owner.kind is OwnerKind.TOPIC:
            self._internal.check_topics([owner.name])
        if owner.kind is OwnerKind.GROUP:
            self._internal.check_group(owner.name)
        for change in changes:
            bounds.check_text("The name of a config", change.name)
            bounds.check_text(f"The value of {errors.quote(change.name)}", change.value or "")
        await self._configs.alter(owner, changes, validate_only=validate_only)


class _GuardedGroups:
    def __init__(self, groups: GroupAdmin, internal: InternalResources) -> None:
        self._groups = groups
        self._internal = internal

    async def names(self) -> list[str]:
        return await self._groups.names()

    async def describe(self, group: str) -> GroupDescription | None:
        bounds.check_group(group)
        return await self._groups.describe(group)

    async def fetch_offsets(self, group: str) -> dict[TopicPartition, int]:
        """Return the committed offsets of an ordinary group, without those in internal topics."""
        self._internal.check_group(group)
        offsets = await self._groups.fetch_offsets(group)
        return {at: offsets[at] for at in _without_internal(list(offsets), self._internal)}

    async def commit(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        self._internal.check_group(group)
        self._internal.check_topics({at.topic for at in offsets})
        await self._groups.commit(group, offsets)

    async def delete(self, group: str) -> None:
        self._internal.check_group(group)
        await self._groups.delete(group)


class _GuardedAcls:
    def __init__(self, acls: AclAdmin, internal: InternalResources) -> None:
        self._acls = acls
        self._internal = internal

    async def search(self, wanted: AclFilter) -> list[Acl]:
        _check_texts(wanted)
        return await self._acls.search(wanted)

    async def create(self, acls: Sequence[Acl]) -> None:
        for acl in acls:
            self._internal.check_acl(acl)
            _check_texts(acl)
        await self._acls.create(acls)

    async def delete(self, wanted: AclFilter) -> list[Acl]:
        """Delete the ACLs that match, or none if one of them is about internal resources."""
        self._internal.check_acl(wanted)
        _check_texts(wanted)
        if not self._internal.is_allowed:
            for acl in await self._acls.search(wanted):
                self._internal.check_acl(acl)
        return await self._acls.delete(wanted)


def _check_texts(acl: Acl | AclFilter) -> None:
    """Raise ProxyError, 40002, for an ACL that the protocol cannot hold."""
    for place in ("resource_name", "principal", "host"):
        bounds.check_text(place, getattr(acl, place) or "")


def _without_internal(partitions: Sequence[TopicPartition], internal: InternalResources) -> list[TopicPartition]:
    return [
        partition for partition in partitions if internal.is_allowed or not internal.is_internal_topic(partition.topic)
    ]
