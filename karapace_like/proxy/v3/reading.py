"""Which partitions a request for records is about: reading them is the same for both APIs (`proxy/reading.py`)."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from karapace_like.proxy.reading import Followed, Limits, Page, Reading, Shown, Start
from karapace_like.proxy.v3.topics import Topics
from karapace_like.records import TopicPartition


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """What to read, and how to show it."""

    topic: str
    partition: int | None = None
    """None: all of them."""
    start: Start
    shown: Shown


class RecordReading:
    """Reads records; every call raises ProxyError: 404 for another cluster or no such partition, 40403."""

    def __init__(self, topics: Topics, reading: Reading) -> None:
        self._topics = topics
        self._reading = reading

    async def page(self, cluster: str, request: ReadRequest, limits: Limits, *, is_wanted: Callable[[], bool]) -> Page:
        """The next records, up to the limits."""
        partitions = await self._partitions(cluster, request)
        return await self._reading.read(partitions, request.start, request.shown, limits, is_wanted=is_wanted)

    async def following(self, cluster: str, request: ReadRequest) -> AbstractAsyncContextManager[Followed]:
        """The records as they come, for as long as somebody reads them."""
        partitions = await self._partitions(cluster, request)
        return self._reading.follow(partitions, request.start, request.shown)

    async def _partitions(self, cluster: str, request: ReadRequest) -> list[TopicPartition]:
        if request.partition is not None:
            at = TopicPartition(request.topic, request.partition)
            await self._topics.known_partition(cluster, at)
            return [at]
        described = await self._topics.one(cluster, request.topic)
        return [TopicPartition(request.topic, number) for number in sorted(described.partitions)]
