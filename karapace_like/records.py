"""Types of records that the Kafka room and its callers share: partitions, offsets, records to write and as read.

They hold bytes, topics and offsets; the meaning of keys and values is the callers'. `KafkaFailure` is in `errors.py`.
"""

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, cast

import msgspec

from karapace_like.errors import KafkaFailure

MAX_PARTITION = 2**31 - 1
Headers = tuple[tuple[str, bytes | None], ...]
"""(name, value) of record headers, in order; a name may occur more than once."""


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        """Return `topic-partition`, as in Kafka's own messages."""
        return f"{self.topic}-{self.partition}"


class OutgoingRecord(msgspec.Struct, frozen=True, gc=False):
    """A record to write."""

    topic: str
    key: bytes | None
    value: bytes | None
    """None is a tombstone."""
    partition: int | None = None
    """None: by the key's hash (murmur2, as with Kafka's Java clients), or any without a key."""
    headers: Headers = ()
    timestamp: int | None = None
    """Milliseconds since the epoch; None is now."""


class ProducerOverrides(NamedTuple):
    """How one request's records are written; None stands for the service's setting."""

    acks: str | None = None
    compression: str | None = None
    partitioner: str | None = None
    """How the partition of a record is chosen, by librdkafka's names."""
    delivery_timeout_ms: int | None = None
    """Milliseconds after which a record that could not be written has failed."""


NO_OVERRIDES = ProducerOverrides()


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """The outcome of one outgoing record: its partition and offset, or a failure."""

    partition: int = -1
    offset: int = -1
    failure: KafkaFailure | None = None
    timestamp: int = 0
    """Milliseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class JointEntry:
    """A record of the log that is written in one transaction with records of other topics."""

    records: Sequence[OutgoingRecord]
    """Those of the other topics."""
    seal: Callable[[Sequence[Delivery]], tuple[bytes, bytes]]
    """Returns the key and value, once these records have their offsets. Called in a thread."""


LogEntry: TypeAlias = tuple[bytes, bytes | None] | JointEntry
"""A record to append: its key and value, or how they are made."""
Batch: TypeAlias = Sequence[tuple[bytes, bytes | None]]
"""(key, value) of each record; None is a tombstone."""


def take_plain(batch: Sequence[LogEntry]) -> Batch:
    """Return the batch of a log that is written alone."""
    assert not any(isinstance(entry, JointEntry) for entry in batch)
    return cast("Batch", batch)


class RefusedEntriesError(KafkaFailure):
    """Kafka does not take some records, or entries of a log; nothing of the transaction was written."""

    def __init__(self, failures: Mapping[int, KafkaFailure]) -> None:
        """`failures`: index of each of them -> why."""
        first = next(iter(failures.values()))
        super().__init__(first.name, first.message, retriable=first.retriable)
        self.failures = failures
        self.end = 0
        """The offset up to which a log has to be applied before its next batch."""


class ConsumedRecord(msgspec.Struct, frozen=True, gc=False):
    """A record as it was read."""

    at: TopicPartition
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    """Milliseconds since the epoch."""
    headers: Headers
    size: int
    """Bytes of key and value, but at least 1: a limit in bytes also limits the number of empty records."""


class LogPosition(NamedTuple):
    """How far a log is applied: up to which record, and under which leader of the partition that was written."""

    offset: int
    """The offset after the record."""
    leader_epoch: int
    """That of the record's batch (KIP-320)."""
    fence: bytes = b""
    """How the last primary before the offset has fenced its predecessors; empty where none has, or it is unknown."""


class LogDescription(NamedTuple):
    """What the cluster says of a log's topic."""

    cluster_id: str
    topic: str
    topic_id: str
    """Another one once the topic is deleted and recreated (KIP-516); empty where the brokers have none."""
    start: int
    """The offset of the first record that was never deleted from the beginning of the topic."""
    tombstone_seconds: float
    """How long compaction keeps a tombstone at least (`delete.retention.ms`)."""
    epoch_end: int
    """The offset at which the records of the leader epoch in question end, or those of the last one before it."""


class Isolation(enum.StrEnum):
    """Which records of transactions a reader sees (`isolation.level`)."""

    READ_COMMITTED = "read_committed"
    """Those of committed ones; it waits at the first record of one that is open."""
    READ_UNCOMMITTED = "read_uncommitted"
    """All, those of aborted ones too: the default of Kafka's Java consumer."""


class RecordPlace(NamedTuple):
    """Where a record is."""

    at: TopicPartition
    offset: int


class AcquiredRecord(NamedTuple):
    """A record that is locked for a member of a share group."""

    record: ConsumedRecord
    delivery_count: int
    """How often it was delivered, this time included."""


class Outcome(enum.StrEnum):
    """What a member of a share group says of a record that it was given (KIP-932)."""

    ACCEPT = "accept"
    """It is done, and not delivered again."""
    RELEASE = "release"
    """It is to be delivered again, to anybody."""
    REJECT = "reject"
    """It cannot be processed, and is not delivered again."""


def positions_after(records: Iterable[ConsumedRecord]) -> dict[TopicPartition, int]:
    """Return partition -> offset after the last of its records. Offsets ascend within a partition."""
    positions: dict[TopicPartition, int] = {}
    last: ConsumedRecord | None = None
    for record in records:
        if (
            last is not None and record.at is not last.at
        ):  # hashing is expensive, and most records follow others of their partition
            positions[last.at] = last.offset + 1
        last = record
    if last is not None:
        positions[last.at] = last.offset + 1
    return positions


class Committed(NamedTuple):
    """A group's committed offset in one partition."""

    at: TopicPartition
    offset: int
    """The offset of the next record to read."""
    metadata: str | None = None


class GroupProgress(NamedTuple):
    """What a transaction commits for a member of a group."""

    offsets: tuple[Committed, ...]
    member: object
    """The member and its generation, as the Kafka client knows them; another one's commit is refused."""


class Replica(NamedTuple):
    """A partition's copy on one broker."""

    broker: int
    is_leader: bool
    is_in_sync: bool


class PartitionDescription(NamedTuple):
    """One partition in the cluster's metadata."""

    partition: int
    leader: int
    """The id of a broker; -1 while there is no leader."""
    replicas: tuple[Replica, ...]


class TopicDescription(NamedTuple):
    """One topic in the cluster's metadata."""

    name: str
    partitions: Mapping[int, PartitionDescription]
    is_internal: bool = False
    """Whether it is one of Kafka's own topics."""
    operations: tuple[str, ...] = ()
    """The operations that this service is authorised for, if they were requested (KIP-430)."""
