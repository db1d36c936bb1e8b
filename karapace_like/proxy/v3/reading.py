"""Choose the partitions of a request to read records; `proxy/reading.py` reads them for both versions of the API."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from karapace_like.proxy.reading import FollowedRecords, Limits, Reading, RecordFormats, RecordPage, Start
from karapace_like.proxy.rights import SubjectRights
from karapace_like.proxy.v3.topics import Topics
from karapace_like.records import TopicPartition


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """Which records to read, and in which formats."""

    topic: str
    partition: int | None = None
    """None: all partitions of the topic."""
    start: Start
    formats: RecordFormats


class RecordReading:
    """Reads records. Every call raises ProxyError: 404 for another cluster or an unknown partition, 40403."""

    def __init__(self, topics: Topics, reading: Reading) -> None:
        self._topics = topics
        self._reading = reading

    async def read_page(
        self,
        cluster: str,
        request: ReadRequest,
        limits: Limits,
        rights: SubjectRights,
        *,
        is_wanted: Callable[[], bool],
    ) -> RecordPage:
        """Return the next records, up to the limits."""
        partitions = await self._partitions(cluster, request)
        return await self._reading.read(partitions, request.start, request.formats, limits, rights, is_wanted=is_wanted)

    async def follow(
        self, cluster: str, request: ReadRequest, rights: SubjectRights
    ) -> AbstractAsyncContextManager[FollowedRecords]:
        """Follow the records, until the caller leaves the context."""
        partitions = await self._partitions(cluster, request)
        return self._reading.follow(partitions, request.start, request.formats, rights)

    async def _partitions(self, cluster: str, request: ReadRequest) -> list[TopicPartition]:
        if request.partition is not None:
            at = TopicPartition(request.topic, request.partition)
            await self._topics.known_partition(cluster, at)
            return [at]
        described = await self._topics.one(cluster, request.topic)
        return [TopicPartition(request.topic, number) for number in sorted(described.partitions)]
