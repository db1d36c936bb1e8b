"""The queues of this process: receive and acknowledge, within the bounds of members and waiting receivers."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from karapace_like.administration import ConfigOwner, OwnerKind
from karapace_like.background import BackgroundTasks
from karapace_like.errors import ApiError
from karapace_like.ownership import Owner
from karapace_like.proxy import errors
from karapace_like.proxy.decode import DecodedRecord, RecordDecoder
from karapace_like.proxy.ports import ClusterAdmin
from karapace_like.proxy.queues.acknowledging import Acknowledging
from karapace_like.proxy.queues.management import QueueManagement
from karapace_like.proxy.queues.ports import ShareMember, ShareMembers
from karapace_like.proxy.queues.queue import HeldRecord, Queue, release
from karapace_like.proxy.queues.receipts import Acknowledgement, Receipts
from karapace_like.proxy.queues.usage import QueueUsage
from karapace_like.proxy.reading import RecordFormats
from karapace_like.proxy.rights import SubjectRights
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import MAX_TIMEOUT_MS, ProxySettings, Undecodable

MAX_TOPICS = 100
"""Topics of one queue."""
MAX_RECORDS = 10_000
"""Records of one response."""
_ANY_SIZE = 2**63
_LOCK = "share.record.lock.duration.ms"
_LOCK_AGE_SECONDS = 10.0
"""For so long a group's lock duration is not asked for again; brokers allow locks of 15 s at least by default."""
_POLL_RECORDS = 500
"""Records of one poll of a member, unless a batch of a producer has more."""


class ReceivedRecord(NamedTuple):
    """A record as a receiver gets it."""

    decoded: DecodedRecord
    delivery_count: int
    receipt: str
    locked_until: int
    """Milliseconds since the epoch."""


class ReceiveRequest(NamedTuple):
    """What a receiver asks for."""

    group: str
    topics: tuple[str, ...]
    """Sorted, each once."""
    max_records: int
    wait_ms: int
    formats: RecordFormats


class Queues:
    """Serves receivers of share groups. Every call raises ProxyError for what the cluster refuses."""

    def __init__(
        self,
        owner: Owner,
        members: ShareMembers,
        admin: ClusterAdmin,
        schemas: SchemaCache,
        acknowledging: Acknowledging,
        settings: ProxySettings,
        usage: QueueUsage,
        background: BackgroundTasks,
    ) -> None:
        self.owner = owner
        """This process, which its receipts name."""
        self._members = members
        self._admin = admin
        self._schemas = schemas
        self._acknowledging = acknowledging
        self._settings = settings
        self._background = background
        self._queues: dict[tuple[str, tuple[str, ...]], Queue] = {}
        self._lock_seconds: dict[str, tuple[float, float]] = {}
        """Group -> (lock duration, when it was read)."""
        self._usage = usage
        self.management = QueueManagement(admin)

    def __len__(self) -> int:
        """The number of open leases: with one, these queues must not be closed for being idle."""
        return sum(len(queue.leases) for queue in self._queues.values())

    async def receive(
        self, request: ReceiveRequest, rights: SubjectRights, user: str, *, is_wanted: Callable[[], bool]
    ) -> list[ReceivedRecord]:
        """Return the next records of the topics, locked for the holder of their receipts; none after the wait.

        `user` is under whose bounds the call falls.

        Raises 40403 for a topic that does not exist, 42901 beyond the bounds.
        """
        begun, holders = time.perf_counter(), self._usage.holders
        if holders.count_of(user) >= holders.at_most_of_user:
            raise errors.too_many("open leases of this caller, whose records are not acknowledged,")
        with self._usage.receivers.hold(user):
            queue = await self._open_queue(request.group, request.topics)
            wait = min(request.wait_ms, MAX_TIMEOUT_MS) / 1000
            held = await queue.receive(user, request.max_records, self._settings.request_max_bytes, wait, is_wanted)
            if not held:
                return []
            self._usage.seconds.observe(time.perf_counter() - begun)
            self._usage.received += len(held)
            return await self._decode(queue, held, request.formats, rights)

    async def acknowledge(self, group: str, acknowledgements: Sequence[Acknowledgement]) -> list[ApiError | None]:
        """Acknowledge records of leases of this process; return for each why it was refused, None where it was not."""
        queues = [queue for (name, _), queue in self._queues.items() if name == group]
        return await self._acknowledging.acknowledge(queues, acknowledgements)

    async def close(self) -> None:
        """Leave all groups."""
        await asyncio.gather(*(queue.close() for queue in list(self._queues.values())), return_exceptions=True)

    async def _open_queue(self, group: str, topics: tuple[str, ...]) -> Queue:
        for key in [key for key, queue in self._queues.items() if queue.is_unused]:
            del self._queues[key]
        key = (group, topics)
        queue = self._queues.get(key)
        if queue is None:
            with errors.translate_kafka_failures():
                await asyncio.gather(*map(self._admin.topic, topics))  # a member would wait for topics that are missing
            queue = self._queues.setdefault(key, self._create_queue(group, topics))
        return queue

    def _create_queue(self, group: str, topics: tuple[str, ...]) -> Queue:
        def create_member() -> ShareMember:
            return self._members.create_member(group, topics, max_records=_POLL_RECORDS)

        return Queue(create_member, lambda: self.fetch_lock_seconds(group), self._usage, self._background)

    async def fetch_lock_seconds(self, group: str) -> float:
        """Return how long the group locks a record, as it was some seconds ago at most; raises KafkaFailure."""
        now = asyncio.get_running_loop().time()
        seconds, read = self._lock_seconds.get(group, (0.0, float("-inf")))
        if now - read > _LOCK_AGE_SECONDS:
            entries = await self._admin.configs.describe(ConfigOwner(OwnerKind.GROUP, group))
            seconds = next(int(entry.value or 0) for entry in entries if entry.name == _LOCK) / 1000
            self._lock_seconds = {name: known for name, known in self._lock_seconds.items() if now - known[1] < 60}
            self._lock_seconds[group] = (seconds, now)
        return seconds

    async def _decode(
        self, queue: Queue, held: Collection[HeldRecord], formats: RecordFormats, rights: SubjectRights
    ) -> list[ReceivedRecord]:
        """Return the records as the receiver gets them; where the registry fails, release them and raise ApiError."""
        decoder = RecordDecoder(self._schemas, key=formats.key, value=formats.value)
        try:
            return await self._describe(decoder, held, rights)
        except ApiError:
            lease = next(iter(held)).lease
            membership = queue.find(lease.token)
            if membership is not None:
                with errors.translate_kafka_failures():
                    await release(membership, lease, [lease_record.place for lease_record in held])
            raise

    async def _describe(
        self, decoder: RecordDecoder, held: Collection[HeldRecord], rights: SubjectRights
    ) -> list[ReceivedRecord]:
        """Return the records, all of one lease, with their receipts."""
        lease = next(iter(held)).lease
        acquired = [lease.records[place] for _, place in held]
        records = await decoder.decode_within(
            _ANY_SIZE,
            [record for record, _ in acquired],
            rights,
            one_at_least=True,
            undecodable=Undecodable.REPORT,
        )
        locked_until = int((time.time() + lease.ends - asyncio.get_running_loop().time()) * 1000)
        receipts = Receipts(self.owner, lease.token)
        return [
            ReceivedRecord(decoded, count, receipts.name(place), locked_until)
            for decoded, (_, count), (_, place) in zip(records, acquired, held, strict=True)
        ]
