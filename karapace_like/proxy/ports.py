"""What the proxy needs from outside: a schema registry, and a Kafka cluster to write to, read from and manage.

`proxy/` may not import `kafka/` or `registry/` (contracts in `setup.cfg`), so what they provide is described here as
Protocols: the real clients satisfy them, the guards in `guarding.py`, and the fakes of the unit tests. Kafka's failures
are raised as KafkaFailure, the registry's as ApiError with the registry's own codes.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

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
    ReplicaSize,
    ShareGroupDescription,
)
from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.rights import SubjectRights
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
from karapace_like.schema.model import Dependencies, SchemaId, UnparsedSchema


@dataclass(frozen=True, slots=True)
class RegisteredSchema:
    """A schema with its id, and with the schemas that it refers to."""

    id: SchemaId
    schema: UnparsedSchema
    dependencies: Dependencies
    metadata: Mapping[str, Any] | None = None
    rule_set: Mapping[str, Any] | None = None


IsCurrent = Callable[[], bool]
"""Whether a cached response of the registry still holds: nothing that it was computed from has changed since."""


class Schemas(Protocol):
    """A schema registry, which every call reads with the rights of its caller.

    An id always means the same schema, so that its codec may be cached.
    """

    async def by_id(self, schema_id: int, subject: str, rights: SubjectRights) -> RegisteredSchema:
        """Return the schema in the context of `subject`.

        Raise ApiError (40403) if there is none, or if the rights allow no subject that has it to be read.
        """
        ...

    async def by_guid(self, guid: uuid.UUID, rights: SubjectRights) -> RegisteredSchema:
        """Return the schema with the GUID; raise ApiError (40403) as `by_id`."""
        ...

    async def by_version(self, subject: str, version: int, rights: SubjectRights) -> tuple[int, RegisteredSchema]:
        """Return (number, schema) of a live version, -1 for the latest; raise ApiError (403, 40401, 40402)."""
        ...

    async def by_metadata(
        self, subject: str, metadata: Mapping[str, str], rights: SubjectRights
    ) -> tuple[int, RegisteredSchema]:
        """Return (number, schema) of the latest live version whose metadata has these properties.

        Raise ApiError (403, 40401, 40403).
        """
        ...

    async def version_of(self, subject: str, schema_id: int, rights: SubjectRights, *, registers: bool) -> int:
        """Return the number of the subject's live version with this id; raise ApiError (403, 40401, 40403).

        `registers`: whether the right to register in the subject is needed, instead of that to read it.
        """
        ...

    async def written_version(self, subject: str, schema_id: int, rights: SubjectRights) -> int:
        """Return the number of the subject's version with this id, also of a deleted one; raise as `version_of`."""
        ...

    async def versions_after(
        self, subject: str, first: int, last: int, rights: SubjectRights
    ) -> Sequence[RegisteredSchema]:
        """Return the subject's versions after `first` up to `last`, also deleted ones, in their order.

        Raise ApiError (403).
        """
        ...

    async def register(self, subject: str, schema: UnparsedSchema, rights: SubjectRights) -> RegisteredSchema:
        """Return the subject's version with this schema, registered if need be; raise ApiError (403, 40901, 422..).

        The schema may refer to what the rights let read. Called for every request that has a schema as text: it must
        be quick for one that is registered.
        """
        ...

    def resolve_reference(self, subject: str, referrer: str) -> str:
        """Return the whole subject, with its context, that a reference in a schema of the subject `referrer` means."""
        ...

    def get_associated_subjects(self, part: RecordPart, topic: str) -> Sequence[str] | None:
        """Return the subjects that the keys or values of the topic are associated with.

        None where `fetch_associated_subjects` has to be awaited.
        """
        ...

    async def fetch_associated_subjects(self, part: RecordPart, topic: str) -> Sequence[str]:
        """Return the same; raise ApiError (5xx) where the registry fails."""
        ...

    def cache_validity(self, subject: str) -> IsCurrent | None:
        """Return the validity of cached responses about the subject and its schemas; None if it has no version."""
        ...


class Producer(Protocol):
    """Writes the records of many requests in shared batches."""

    def send(
        self, records: Sequence[OutgoingRecord], overrides: ProducerOverrides = NO_OVERRIDES
    ) -> Awaitable[list[Delivery]]:
        """Write the records and return one result for each, in order; a record that failed has its failure in it.

        Raises a retriable KafkaFailure if too many combinations of overrides are in use.
        """
        ...

    async def close(self) -> None:
        """Wait until every record that was sent is acknowledged or has failed."""
        ...


class KafkaConsumer(Protocol):
    """A Kafka consumer, the member of a group behind a consumer instance. One call at a time.

    All methods may raise KafkaFailure, the properties do not.
    """

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that it is subscribed to."""
        ...

    @property
    def assignment(self) -> tuple[TopicPartition, ...]:
        """The partitions that it reads."""
        ...

    async def subscribe(self, topics: Sequence[str]) -> None:
        """Subscribe to these topics: the group assigns their partitions. Without any, leave the group."""
        ...

    async def unsubscribe(self) -> None:
        """End the subscription or assignment."""
        ...

    async def assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Read these partitions, without the assignment of the group."""
        ...

    async def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Seek to these offsets in assigned partitions; -2 is the beginning, -1 the end."""
        ...

    async def offsets_at(self, times: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Return the first offset at or after each time, in milliseconds since the epoch; -1 (the end) if none is."""
        ...

    async def peek(
        self, *, wait: float, min_bytes: float, max_bytes: int, is_wanted: Callable[[], bool]
    ) -> list[ConsumedRecord]:
        """Return the next records once there are `min_bytes`, after `wait` seconds, or when `is_wanted` turns false.

        They may exceed `max_bytes`. The position stays: `peek` returns them again until `advance` is called.
        """
        ...

    def advance(self, count: int) -> None:
        """Move the position past the first `count` records of the last `peek`; the next commit includes them."""
        ...

    async def commit(self) -> None:
        """Commit the positions."""
        ...

    async def fetch_progress(self) -> GroupProgress:
        """Return what a transaction commits for this member: the positions after the delivered records."""
        ...

    async def commit_offsets(self, offsets: Sequence[Committed]) -> None:
        """Commit these offsets."""
        ...

    async def fetch_committed_offsets(self, partitions: Sequence[TopicPartition]) -> list[Committed]:
        """Return the committed offsets of the group; partitions without one are left out."""
        ...

    @property
    def is_parked(self) -> bool:
        """Whether it has left its group and holds no connection."""
        ...

    async def park(self) -> None:
        """Leave the group until the next call, which resumes at the same positions where they are known."""
        ...

    def tend(self) -> None:
        """Keep the membership between polls; called every second, does not block."""
        ...

    async def close(self) -> None:
        """Leave the group."""
        ...


class KafkaConsumers(Protocol):
    """Creates Kafka consumers."""

    def create_consumer(
        self, *, group: str, auto_commit: bool, offset_reset: str, isolation: Isolation = Isolation.READ_COMMITTED
    ) -> KafkaConsumer:
        """Create a member of the group; `offset_reset` is `earliest`, `latest` or `none`. Raises KafkaFailure."""
        ...


class ConfigAdmin(Protocol):
    """Configs of topics and brokers."""

    async def describe(self, owner: ConfigOwner) -> list[ConfigEntry]:
        """Return the configs of the owner with their effective values, by name."""
        ...

    async def describe_topics(self, names: Sequence[str]) -> dict[str, list[ConfigEntry]]:
        """Return the configs of each of these topics, without those that do not exist, in the order of the names."""
        ...

    async def alter(self, owner: ConfigOwner, changes: Sequence[ConfigChange], *, validate_only: bool = False) -> None:
        """Apply all changes or none; with `validate_only`, only check that they are possible."""
        ...


class GroupAdmin(Protocol):
    """Consumer groups."""

    async def names(self) -> list[str]:
        """Return the ids of all groups, sorted."""
        ...

    async def describe(self, group: str) -> GroupDescription | None:
        """Return the group; None if it does not exist."""
        ...

    async def fetch_offsets(self, group: str) -> dict[TopicPartition, int]:
        """Return the committed offsets of the group."""
        ...

    async def commit(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit these offsets for a group without members."""
        ...

    async def delete(self, group: str) -> None:
        """Delete a group without members, with its offsets."""
        ...


class ShareGroupAdmin(Protocol):
    """Share groups."""

    async def check_support(self) -> None:
        """Raise KafkaFailure, UNSUPPORTED_VERSION, where the cluster has no share groups."""
        ...

    async def names(self) -> list[str]:
        """Return the ids of all share groups, sorted."""
        ...

    async def describe(self, group: str) -> ShareGroupDescription | None:
        """Return the group; None if there is no share group of this name."""
        ...


class AclAdmin(Protocol):
    """Access control lists."""

    async def search(self, wanted: AclFilter) -> list[Acl]:
        """Return the ACLs that match, sorted."""
        ...

    async def create(self, acls: Sequence[Acl]) -> None:
        """Create them."""
        ...

    async def delete(self, wanted: AclFilter) -> list[Acl]:
        """Delete the ACLs that match, and return them."""
        ...


class Reader(Protocol):
    """Reads partitions outside of any group."""

    @property
    def is_at_end(self) -> bool:
        """Whether all records up to the end offsets, as last seen, have been read."""
        ...

    async def read(self, count: int, *, wait: float) -> list[ConsumedRecord]:
        """Return the next records, at most `count`; none at the end, or after `wait` seconds."""
        ...

    async def close(self) -> None:
        """Close the connections to the cluster."""
        ...


class ClusterAdmin(Protocol):
    """The management of a cluster, for both versions of the API. Every call may raise KafkaFailure."""

    @property
    def configs(self) -> ConfigAdmin:
        """Configs of topics and brokers."""
        ...

    @property
    def groups(self) -> GroupAdmin:
        """Consumer groups."""
        ...

    @property
    def share_groups(self) -> ShareGroupAdmin:
        """Share groups."""
        ...

    @property
    def acls(self) -> AclAdmin:
        """Access control lists."""
        ...

    async def list_reassignments(self, topic: str | None = None) -> list[Reassignment]:
        """Return every partition, or every one of a topic, whose replicas are moving, in order."""
        ...

    async def cluster(self) -> ClusterDescription:
        """Return the cluster with the brokers that are up."""
        ...

    def reader(
        self,
        positions: Mapping[TopicPartition, int],
        isolation: Isolation = Isolation.READ_COMMITTED,
        *,
        is_prompt: bool = False,
    ) -> Reader:
        """Create a reader of these partitions, which starts at these offsets.

        `is_prompt`: it waits in a thread, and returns a record as soon as it is there.
        """
        ...

    async def topic_names(self) -> list[str]:
        """Return the names of all topics, Kafka's own too, sorted."""
        ...

    async def describe_topics(self, names: Sequence[str]) -> list[TopicDescription]:
        """Return these topics without those that do not exist, in the order of the names."""
        ...

    async def topic(self, name: str, *, with_operations: bool = False) -> TopicDescription:
        """Return the partitions of a topic; `with_operations` adds what this service is allowed to do with it."""
        ...

    async def replica_sizes(self, name: str) -> list[ReplicaSize]:
        """Return the size of each replica of a topic, in order; none where the cluster does not say."""
        ...

    async def create_topic(self, wanted: NewTopic, *, validate_only: bool = False) -> None:
        """Create a topic; with `validate_only`, only check that it is possible."""
        ...

    async def add_partitions(self, topic: str, count: int) -> None:
        """Increase the partitions of the topic to `count`."""
        ...

    async def delete_topic(self, topic: str) -> None:
        """Delete a topic with its records."""
        ...

    async def ends(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the end offset of each partition; partitions without a leader are left out."""
        ...

    async def offset_at(self, at: TopicPartition, time: int) -> int | None:
        """Return the first offset at or after a time, in milliseconds since the epoch; None if there is none."""
        ...

    async def brokers(self) -> list[int]:
        """Return the ids of the brokers that are up, sorted."""
        ...

    async def topics(self) -> list[str]:
        """Return the names of all topics except Kafka's own, sorted."""
        ...

    async def topic_configs(self, name: str) -> dict[str, str | None]:
        """Return the configs of a topic with their effective values."""
        ...

    async def bounds(self, at: TopicPartition) -> tuple[int, int]:
        """Return (beginning offset, end offset) of a partition."""
        ...

    def close(self) -> None:
        """Close the connections to the cluster."""
        ...
