"""What the proxy needs from outside: schemas from a registry, and a Kafka cluster to write to, read from and ask.

Whoever composes the service gives objects that fit: the registry in this process or another one, the Kafka room's
clients or a test's. Kafka's failures are raised as KafkaFailure, the registry's as ApiError with its own codes.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from karapace_like.records import (
    NO_OVERRIDES,
    Committed,
    ConsumedRecord,
    Delivery,
    OutgoingRecord,
    ProducerOverrides,
    TopicDescription,
    TopicPartition,
)
from karapace_like.schema.model import Dependencies, SchemaId, UnparsedSchema


@dataclass(frozen=True, slots=True)
class RegisteredSchema:
    """A schema with its id, and all that is needed to parse it."""

    id: SchemaId
    schema: UnparsedSchema
    dependencies: Dependencies


class Basis(Protocol):
    """What an answer of the registry follows from."""

    def holds(self) -> bool:
        """Whether nothing has changed from which it follows."""
        ...


class Schemas(Protocol):
    """A schema registry. An id means the same schema for ever, so that what is made of it may be cached."""

    async def by_id(self, schema_id: int, subject: str) -> RegisteredSchema:
        """The schema; `subject` is where it is expected, and decides between contexts. Raises ApiError (40403)."""
        ...

    async def by_guid(self, guid: uuid.UUID) -> RegisteredSchema:
        """The schema that the guid names; raises ApiError (40403)."""
        ...

    async def by_version(self, subject: str, version: int) -> tuple[int, RegisteredSchema]:
        """(number, schema) of a live version, -1 for the latest; raises ApiError (40401, 40402)."""
        ...

    async def version_of(self, subject: str, schema_id: int) -> int:
        """The number of the subject's live version with this id; raises ApiError (40401, 40403) if it has none."""
        ...

    async def register(self, subject: str, schema: UnparsedSchema) -> RegisteredSchema:
        """The subject's version with this schema, which is made if there is none; raises ApiError (40901, 422..).

        Asked for every request that brings a schema as text: it must be quick for one that is there.
        """
        ...

    def basis(self, subject: str) -> Basis | None:
        """What answers about the subject, or about a schema that it has, follow from; None if it has no version."""
        ...


class Producer(Protocol):
    """Writes records for many requests at once."""

    def send(
        self, records: Sequence[OutgoingRecord], overrides: ProducerOverrides = NO_OVERRIDES
    ) -> Awaitable[list[Delivery]]:
        """Write the records; one result for each, in order. Partial failure is a value.

        Raises KafkaFailure, a retriable one, where too many kinds of overrides are in use.
        """
        ...

    async def close(self) -> None:
        """Wait until everything that was sent is reported."""
        ...


class Member(Protocol):
    """One member of a consumer group; one call at a time. All but the properties may raise KafkaFailure."""

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics subscribed to."""
        ...

    @property
    def assigned(self) -> tuple[TopicPartition, ...]:
        """The partitions that are read."""
        ...

    async def subscribe(self, topics: Sequence[str]) -> None:
        """Read these topics, as the group assigns their partitions."""
        ...

    async def subscribe_to_pattern(self, pattern: str) -> None:
        """Read every topic whose whole name matches."""
        ...

    async def unsubscribe(self) -> None:
        """Read nothing any more."""
        ...

    async def assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Read these partitions, without the group's assignment."""
        ...

    async def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Go on at these offsets, of assigned partitions; -2 is the first record there is, -1 the end."""
        ...

    async def offsets_at(self, times: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """The first offset at or after each time in milliseconds since the epoch; -1, the end, if there is none."""
        ...

    async def peek(
        self, *, wait: float, min_bytes: float, max_bytes: int, is_wanted: Callable[[], bool]
    ) -> list[ConsumedRecord]:
        """The next records: as soon as there are `min_bytes`, after `wait` seconds, or once they are not wanted.

        There may be more than `max_bytes` of them. They come again until `advance` takes them.
        """
        ...

    def advance(self, count: int) -> None:
        """Take the first records of the last `peek`: they are committed from now on, and not read again."""
        ...

    async def commit(self) -> None:
        """Commit what was taken."""
        ...

    async def commit_offsets(self, offsets: Sequence[Committed]) -> None:
        """Commit these positions."""
        ...

    async def committed(self, partitions: Sequence[TopicPartition]) -> list[Committed]:
        """The group's committed positions, without the partitions that have none."""
        ...

    @property
    def is_parked(self) -> bool:
        """Whether it costs nothing at the moment."""
        ...

    async def park(self) -> None:
        """Leave the group, but go on at the same place with the next call, if it is known where that is."""
        ...

    def tend(self) -> None:
        """Keep the membership while nobody polls; called every second, never waits."""
        ...

    async def close(self) -> None:
        """Leave the group."""
        ...


class Members(Protocol):
    """Makes group members."""

    def member(self, *, group: str, auto_commit: bool, offset_reset: str) -> Member:
        """A new member of the group; `offset_reset` is `earliest`, `latest` or `none`. Raises KafkaFailure."""
        ...

    def close(self) -> None:
        """Let go of what the members share."""
        ...


class Admin(Protocol):
    """Answers questions about the cluster; raises KafkaFailure."""

    async def brokers(self) -> list[int]:
        """The ids of the brokers that are up, in order."""
        ...

    async def topics(self) -> list[str]:
        """The names of all topics but Kafka's own, in order."""
        ...

    async def topic(self, name: str) -> TopicDescription:
        """One topic's partitions."""
        ...

    async def topic_configs(self, name: str) -> dict[str, str | None]:
        """One topic's configs, with the defaults that hold for it."""
        ...

    async def bounds(self, at: TopicPartition) -> tuple[int, int]:
        """(offset of the first record, offset after the last) of a partition."""
        ...

    def close(self) -> None:
        """Let go of the cluster."""
        ...
