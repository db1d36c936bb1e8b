"""The words that the Kafka room and its callers share: partitions, and records on their way in and out.

Bytes, topics and offsets only: what a key or value means is not known here. `KafkaFailure` is in `errors.py`.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from karapace_like.errors import KafkaFailure

MAX_PARTITION = 2**31 - 1
Headers = tuple[tuple[str, bytes | None], ...]
"""Record headers in order; a name may occur more than once."""


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        """As Kafka's own messages write it."""
        return f"{self.topic}-{self.partition}"


class OutgoingRecord(msgspec.Struct, frozen=True, gc=False):
    """A record to be written."""

    topic: str
    key: bytes | None
    value: bytes | None
    """None is a tombstone."""
    partition: int | None = None
    """None: by the key's hash (murmur2, as Java clients do it), or any if there is no key."""
    headers: Headers = ()
    timestamp: int | None = None
    """Milliseconds since the epoch; None is now."""


class ProducerOverrides(NamedTuple):
    """How a request's records are written where it is not the service's way; None is the service's."""

    acks: str | None = None
    compression: str | None = None
    partitioner: str | None = None
    """How a record without a partition finds one, by librdkafka's names."""
    delivery_timeout_ms: int | None = None
    """After which a record that could not be written is given up."""


NO_OVERRIDES = ProducerOverrides()


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """What became of one outgoing record: where it is, or why it is nowhere."""

    partition: int = -1
    offset: int = -1
    failure: KafkaFailure | None = None
    timestamp: int = 0
    """Milliseconds since the epoch."""


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
    """Bytes of key and value, and one at least: a record without any is a record, too."""


def positions_after(records: Iterable[ConsumedRecord]) -> dict[TopicPartition, int]:
    """The offset after the last of the records in each partition."""
    positions: dict[TopicPartition, int] = {}
    last: ConsumedRecord | None = None
    for record in records:
        if last is not None and record.at is not last.at:  # hashing is dear, and most records follow their neighbours
            positions[last.at] = last.offset + 1
        last = record
    if last is not None:
        positions[last.at] = last.offset + 1
    return positions


class Committed(NamedTuple):
    """A group's committed position in one partition."""

    at: TopicPartition
    offset: int
    """Of the next record to read."""
    metadata: str | None = None


class Replica(NamedTuple):
    """A partition's copy on one broker."""

    broker: int
    is_leader: bool
    is_in_sync: bool


class PartitionDescription(NamedTuple):
    """One partition as the cluster's metadata tell of it."""

    partition: int
    leader: int
    """-1: none at the moment."""
    replicas: tuple[Replica, ...]


class TopicDescription(NamedTuple):
    """One topic as the cluster's metadata tell of it."""

    name: str
    partitions: Mapping[int, PartitionDescription]
    is_internal: bool = False
    """Whether Kafka keeps it for itself."""
    operations: tuple[str, ...] = ()
    """What the asking service may do with it, if it wanted to know."""
