"""What REST v3 needs of a Kafka cluster, beyond what `proxy.ports` names. Every call may raise KafkaFailure."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from karapace_like.administration import (
    Acl,
    AclFilter,
    ClusterDescription,
    ConfigChange,
    ConfigEntry,
    ConfigOwner,
    GroupDescription,
    NewTopic,
    Reassignment,
)
from karapace_like.proxy.ports import Admin
from karapace_like.records import ConsumedRecord, TopicDescription, TopicPartition


class ConfigAdmin(Protocol):
    """Configs of topics and brokers."""

    async def describe(self, owner: ConfigOwner) -> list[ConfigEntry]:
        """Everything that holds for the owner, by name."""
        ...

    async def alter(self, owner: ConfigOwner, changes: Sequence[ConfigChange], *, validate_only: bool = False) -> None:
        """Make all of the changes, or none; with `validate_only` say whether they could be made."""
        ...


class GroupAdmin(Protocol):
    """Consumer groups."""

    async def names(self) -> list[str]:
        """The ids of all groups, in order."""
        ...

    async def describe(self, group: str) -> GroupDescription | None:
        """The group; None if there is none."""
        ...

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """The group's committed offsets."""
        ...

    async def commit(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Let a group without members go on at these offsets."""
        ...

    async def delete(self, group: str) -> None:
        """Remove a group without members, with its offsets."""
        ...


class AclAdmin(Protocol):
    """Access control lists."""

    async def search(self, wanted: AclFilter) -> list[Acl]:
        """The ACLs that match, in order."""
        ...

    async def create(self, acls: Sequence[Acl]) -> None:
        """Add them."""
        ...

    async def delete(self, wanted: AclFilter) -> list[Acl]:
        """Remove the ACLs that match; they are returned."""
        ...


class Reader(Protocol):
    """Reads partitions outside of any group."""

    @property
    def is_at_end(self) -> bool:
        """Whether every record has been read that was there when this was last seen."""
        ...

    async def read(self, count: int, *, wait: float) -> list[ConsumedRecord]:
        """The next records, `count` at most; none when all is read or `wait` seconds are over."""
        ...

    async def close(self) -> None:
        """Let go of the cluster."""
        ...


class Reassignments(Protocol):
    """Replicas on their way to other brokers."""

    async def under_way(self, topic: str | None = None) -> list[Reassignment]:
        """Every partition, or every one of a topic, whose replicas are moving, in order."""
        ...


class ClusterAdmin(Admin, Protocol):
    """All of a cluster's management."""

    @property
    def configs(self) -> ConfigAdmin:
        """Configs of topics and brokers."""
        ...

    @property
    def groups(self) -> GroupAdmin:
        """Consumer groups."""
        ...

    @property
    def acls(self) -> AclAdmin:
        """Access control lists."""
        ...

    @property
    def reassignments(self) -> Reassignments:
        """Replicas on their way to other brokers."""
        ...

    async def cluster(self) -> ClusterDescription:
        """The cluster, with the brokers that are up."""
        ...

    def reader(self, positions: Mapping[TopicPartition, int]) -> Reader:
        """Reads these partitions from these offsets on."""
        ...

    async def all_topics(self) -> list[TopicDescription]:
        """Every topic, by name."""
        ...

    async def topic(self, name: str, *, with_operations: bool = False) -> TopicDescription:
        """One topic's partitions; `with_operations` asks what this service may do with it."""
        ...

    async def create_topic(self, wanted: NewTopic, *, validate_only: bool = False) -> None:
        """Make a topic; with `validate_only` say whether it could be made."""
        ...

    async def add_partitions(self, topic: str, count: int) -> None:
        """Let the topic have `count` partitions."""
        ...

    async def delete_topic(self, topic: str) -> None:
        """Remove a topic with its records."""
        ...

    async def ends(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset after the last record of each partition, without those that have no leader."""
        ...

    async def offset_at(self, at: TopicPartition, time: int) -> int | None:
        """The first offset at or after a time, in milliseconds since the epoch; None if there is none."""
        ...
