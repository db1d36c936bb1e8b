"""The latest records of one topic, from which all subscriptions to it in this process take.

A Kafka client for each subscriber would cost megabytes and threads. One reader follows the end of the topic, and keeps
a bounded number of its latest records; who is further behind reads from Kafka until it has caught up.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress

from karapace_like.background import BackgroundTasks
from karapace_like.proxy.ports import ClusterAdmin
from karapace_like.proxy.topic_tail import TopicTail
from karapace_like.records import ConsumedRecord, TopicPartition

_MOST_RECORDS = 2_000
_MOST_BYTES = 2 * 1024 * 1024
"""Of keys and values that are kept; the latest record is kept whatever its size."""


class TopicHub:
    """Records have sequence numbers, from 0, in the order in which they came."""

    def __init__(self, name: str, admin: ClusterAdmin, background: BackgroundTasks) -> None:
        self.subscribers = 0
        self._tail = TopicTail(name, admin, self._add, lambda: self.subscribers > 0, background)
        self._records: deque[ConsumedRecord] = deque()
        self._base = 0
        """The sequence number of the first record that is kept."""
        self._bytes = 0
        self._starts: dict[int, int] = {}
        """Partition -> the offset from which on every record is kept."""
        self._arrival = asyncio.Event()
        """Set, and replaced, when a record comes."""

    @property
    def is_closed(self) -> bool:
        """Whether nothing is read."""
        return self._tail.is_closed

    @property
    def starts(self) -> Mapping[int, int]:
        """Partition -> the offset from which on every record is kept, now."""
        return dict(self._starts)

    async def open(self) -> None:
        """Follow the topic, unless that has begun. Raises ProxyError, 40403."""
        await self._tail.open(self._begin)

    async def close(self) -> None:
        """Stop reading."""
        await self._tail.close()

    def find_sequence(self, positions: Mapping[int, int]) -> int | None:
        """Return the number of the first record at or after these offsets; None where some of them are not kept."""
        if any(positions.get(partition, 0) < start for partition, start in self._starts.items()):
            return None
        for place, record in enumerate(self._records):
            if record.offset >= positions.get(record.at.partition, 0):
                return self._base + place
        return self._base + len(self._records)

    def take(self, sequence: int, count: int) -> Sequence[ConsumedRecord] | None:
        """Return up to `count` records from this number on; None where they are not kept any more."""
        if sequence < self._base:
            return None
        first = sequence - self._base
        return [self._records[place] for place in range(first, min(first + count, len(self._records)))]

    async def wait(self, seconds: float) -> None:
        """Return when a record has come, or after so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._arrival.wait()

    def _begin(self, ends: Mapping[TopicPartition, int]) -> None:
        self._base += len(self._records)
        self._records.clear()
        self._bytes = 0
        self._starts = {at.partition: end for at, end in ends.items()}

    def _add(self, record: ConsumedRecord) -> None:
        self._records.append(record)
        self._bytes += record.size
        self._starts.setdefault(record.at.partition, 0)
        while len(self._records) > 1 and (len(self._records) > _MOST_RECORDS or self._bytes > _MOST_BYTES):
            dropped = self._records.popleft()
            self._base += 1
            self._bytes -= dropped.size
            self._starts[dropped.at.partition] = dropped.offset + 1
        arrival, self._arrival = self._arrival, asyncio.Event()
        arrival.set()
