"""Subscriptions to topics: each has a position of its own, and takes what is written as it can."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from karapace_like.background import BackgroundTasks
from karapace_like.proxy import errors
from karapace_like.proxy.decode import DecodedRecord, RecordDecoder
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.ports import ClusterAdmin
from karapace_like.proxy.push.hub import TopicHub
from karapace_like.proxy.reading import Limits, Reading, RecordFormats, Start
from karapace_like.proxy.rights import SubjectRights
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.shares import Shares
from karapace_like.records import ConsumedRecord, TopicPartition

_BATCH = 200
_PAGE_BYTES = 1024 * 1024


class PushUsage:
    """What the connections of one process use, and may use at most, whoever their callers are."""

    def __init__(
        self, *, max_connections: int = 1_000, max_connections_of_user: int = 500, max_topics: int = 50
    ) -> None:
        self.connections = Shares("WebSocket connections", max_connections, max_connections_of_user)
        self.max_topics = max_topics
        """Topics that are followed, each with a Kafka client."""
        self.topics = 0
        self.pushed = 0
        """Records that were sent."""


class Wanted(NamedTuple):
    """What a subscriber asks for."""

    topic: str
    start: Start
    group: str | None
    """Its committed offsets go before the start, and acknowledgements are committed for it."""
    formats: RecordFormats


class Subscriptions:
    """Serves subscribers. Every call raises ApiError for what the cluster refuses."""

    def __init__(
        self,
        admin: ClusterAdmin,
        reading: Reading,
        schemas: SchemaCache,
        usage: PushUsage,
        background: BackgroundTasks,
    ) -> None:
        """`usage` is shared by the proxies of all callers."""
        self.usage = usage
        self._admin = admin
        self._reading = reading
        self._schemas = schemas
        self._background = background
        self._hubs: dict[str, TopicHub] = {}

    def __len__(self) -> int:
        """The number of subscribers."""
        return sum(hub.subscribers for hub in self._hubs.values())

    async def subscribe(self, wanted: Wanted) -> "Subscription":
        """Return a subscription, to be closed; 40403 for a topic that does not exist, 42901 for too many topics."""
        hub = self._find_hub(wanted.topic)
        hub.subscribers += 1
        try:
            await hub.open()
            with errors.translate_kafka_failures():
                described = await self._admin.topic(wanted.topic)
            partitions = [TopicPartition(wanted.topic, number) for number in described.partitions]
            starts = await self._reading.find_positions(partitions, wanted.start)
            committed = {} if wanted.group is None else await self._fetch_committed_offsets(wanted.group)
            positions = {at.partition: committed.get(at, offset) for at, offset in starts.items()}
        except BaseException:
            hub.subscribers -= 1
            raise
        return Subscription(hub, wanted, positions, self._reading, self._schemas)

    async def acknowledge(self, subscription: "Subscription", positions: Mapping[int, int]) -> None:
        """Commit offsets for the group of the subscription, which must have no members.

        Raises 422 without a group, and for offsets that were not reached.
        """
        wanted = subscription.wanted
        if wanted.group is None:
            raise errors.violation("ack", "needs a subscription with a group", "none")
        for partition, offset in positions.items():
            if not 0 <= offset <= subscription.positions.get(partition, -1):
                raise errors.violation(
                    "ack", "must be the id of a record of this subscription", f"{partition}:{offset}"
                )
        with errors.translate_kafka_failures():
            offsets = {TopicPartition(wanted.topic, partition): offset for partition, offset in positions.items()}
            await self._admin.groups.commit(wanted.group, offsets)

    async def close(self) -> None:
        """Stop reading."""
        for hub in self._hubs.values():
            await hub.close()
        self.usage.topics -= len(self._hubs)

    async def _fetch_committed_offsets(self, group: str) -> Mapping[TopicPartition, int]:
        with errors.translate_kafka_failures():
            return await self._admin.groups.fetch_offsets(group)

    def _find_hub(self, topic: str) -> TopicHub:
        hub = self._hubs.get(topic)
        if hub is None:
            for unused in [name for name, known in self._hubs.items() if known.is_closed and not known.subscribers]:
                del self._hubs[unused]
                self.usage.topics -= 1
            if self.usage.topics >= self.usage.max_topics:
                raise errors.too_many("topics of WebSocket connections")
            hub = self._hubs[topic] = TopicHub(topic, self._admin, self._background)
            self.usage.topics += 1
        return hub


class Subscription:
    """One subscriber. One call at a time; each raises ApiError."""

    def __init__(
        self,
        hub: TopicHub,
        wanted: Wanted,
        positions: dict[int, int],
        reading: Reading,
        schemas: SchemaCache,
    ) -> None:
        self.wanted = wanted
        self.positions = positions
        """Partition -> offset of its next record."""
        self._hub = hub
        self._reading = reading
        self._schemas = schemas
        self._sequence: int | None = None
        """Of the next record in the hub; None while the subscription is further behind."""

    async def next_records(
        self, count: int, wait: float, rights: SubjectRights, is_wanted: Callable[[], bool]
    ) -> list[DecodedRecord]:
        """Return the next records, `count` at most; none where none comes within `wait` seconds."""
        if self._sequence is None:
            self._sequence = self._hub.find_sequence(self.positions)
        if self._sequence is None:
            return await self._read_page(min(count, _BATCH), rights, is_wanted)
        records = self._take(count)
        if not records and self._sequence is not None:
            await self._hub.open()  # unless it still reads
            await self._hub.wait(wait)
            records = self._take(count)
        decoder = RecordDecoder(self._schemas, key=self.wanted.formats.key, value=self.wanted.formats.value)
        return [await decoder.decode(record, rights) for record in records]

    def close(self) -> None:
        """End the subscription."""
        self._hub.subscribers -= 1

    def note(self, decoded: DecodedRecord) -> None:
        """Move the position past a record that was sent."""
        self.positions[decoded.record.at.partition] = decoded.record.offset + 1

    def _take(self, count: int) -> list[ConsumedRecord]:
        assert self._sequence is not None
        taken = self._hub.take(self._sequence, min(count, _BATCH))
        if taken is None:
            self._sequence = None
            return []
        self._sequence += len(taken)
        return [record for record in taken if record.offset >= self.positions.get(record.at.partition, 0)]

    async def _read_page(self, count: int, rights: SubjectRights, is_wanted: Callable[[], bool]) -> list[DecodedRecord]:
        """Return records from Kafka, to catch up with the hub."""
        starts = self._hub.starts
        behind = {
            TopicPartition(self.wanted.topic, partition): self.positions.get(partition, 0)
            for partition, start in starts.items()
            if self.positions.get(partition, 0) < start
        }
        page = await self._reading.read(
            list(behind),
            Start(positions={at.partition: offset for at, offset in behind.items()}),
            self.wanted.formats,
            Limits(count=count, max_bytes=_PAGE_BYTES, timeout_ms=0),
            rights,
            is_wanted=is_wanted,
        )
        if page.following is None and not page.records:
            for at in behind:  # what is left before the hub's records are gaps
                self.positions[at.partition] = max(self.positions.get(at.partition, 0), starts[at.partition])
        return list(page.records)


def no_subscription_error() -> ProxyError:
    """Return the 422 for a message that needs a subscription."""
    return ProxyError(422, 'This connection has no subscription; send {"subscribe": {}} before.')
