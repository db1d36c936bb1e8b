"""The partitions assigned to a group consumer, the records fetched from them, and the consumer's position in each.

Pure: `active_consumer.py` fetches, `consumer.py` delivers. Only one thread at a time changes an object.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.parked_position import ParkedPosition
from karapace_like.records import ConsumedRecord, TopicPartition, positions_after


class FetchedRecords:
    """Records between the client that fetches them and the caller to whom they are delivered."""

    __slots__ = ("_ends", "_failure", "_records", "assigned", "delivered", "size")

    def __init__(self, assigned: tuple[TopicPartition, ...] = ()) -> None:
        self.assigned = assigned
        """The partitions that the caller or the group assigned last."""
        self.delivered: dict[TopicPartition, int] = {}
        """Partition -> offset after the last delivered record, or the offset of a seek: what a commit includes."""
        self.size = 0
        """Bytes of the undelivered records."""
        self._records: list[ConsumedRecord] = []
        self._failure: KafkaFailure | None = None
        self._ends: dict[TopicPartition, int] = {}
        """Partition -> end offset, where the client reached the end before it delivered a record."""

    @property
    def records(self) -> list[ConsumedRecord]:
        """A copy of the undelivered records, in the order in which they are delivered."""
        return list(self._records)

    @property
    def has_failed(self) -> bool:
        """Whether the client has met an error that it does not recover from by itself."""
        return self._failure is not None

    @property
    def positions(self) -> dict[TopicPartition, int]:
        """Partition -> offset of the next record for the caller, without the partitions where it is not known yet."""
        undelivered = {record.at: record.offset for record in reversed(self._records)}
        return {**self._ends, **undelivered, **self.delivered}

    @property
    def has_all_positions(self) -> bool:
        """Whether the position is known in every assigned partition."""
        return self.positions.keys() >= set(self.assigned)

    def add(self, records: Sequence[ConsumedRecord]) -> None:
        """Append records that the client has fetched."""
        self._records += records
        self.size += _count_bytes(records)

    def add_end(self, at: TopicPartition, offset: int) -> None:
        """Note that the client has reached the end of the partition."""
        self._ends[at] = offset

    def set_failure(self, failure: KafkaFailure) -> None:
        """Have the next poll that finds no record raise the failure."""
        self._failure = failure

    def deliver(self, count: int) -> dict[TopicPartition, int]:
        """Remove the first records; return the new position in each of their partitions."""
        records = self._records[:count]
        del self._records[:count]
        self.size -= _count_bytes(records)
        positions = positions_after(records)
        self.delivered.update(positions)
        return positions

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Drop what was fetched from these partitions; a negative offset (start, end) is no known position."""
        self._records = [record for record in self._records if record.at not in positions]
        self.size = _count_bytes(self._records)
        for at, offset in positions.items():
            self._ends.pop(at, None)
            self.delivered.pop(at, None)
            if offset >= 0:
                self.delivered[at] = offset

    def reassign(self, partitions: Iterable[TopicPartition]) -> None:
        """Replace the assignment. Undelivered records are dropped: this or another member of the group reads them."""
        self.assigned = tuple(partitions)
        self._records.clear()
        self.size = 0
        self.delivered.clear()
        self._ends.clear()

    def resume(self, partitions: Collection[TopicPartition], position: ParkedPosition) -> None:
        """Replace the assignment, and go back to the position where it has one of the partitions."""
        self.reassign(partitions)
        self.delivered = dict(position.restrict_to(set(partitions)).delivered)
        self._ends = {at: position.positions[at] for at in partitions if at in position.positions}

    def raise_failure(self) -> None:
        """Raise the failure, once, where no record is left to deliver before it."""
        if self._failure is not None and not self._records:
            failure, self._failure = self._failure, None
            raise failure


def _count_bytes(records: Sequence[ConsumedRecord]) -> int:
    return sum([record.size for record in records])  # a list is counted faster than a generator
