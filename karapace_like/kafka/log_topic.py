"""The topic of a replicated log: compacted, with one partition, as keys, values and offsets.

`log_topic_reader.py` reads it, `log_topic_admin.py` creates and checks it. Two writers append to it: `epoch_fence/`
where the cluster fences by epoch, else `log_topic_writer.py`. `election.py` decides which node may write.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.blocking import call_in_thread
from karapace_like.kafka.epoch_fence.fenced_partition import FencedPartition
from karapace_like.kafka.epoch_fence.fencer import FenceUnavailableError
from karapace_like.kafka.epoch_fence.partition import PartitionLeader
from karapace_like.kafka.epoch_fence.read_back import ReadBack
from karapace_like.kafka.epoch_fence.writer import EpochWriter
from karapace_like.kafka.joint_writer import JointWriter
from karapace_like.kafka.log_topic_admin import LogTopicAdmin
from karapace_like.kafka.log_topic_reader import ApplyRecords, GiveUp, LogTopicReader, TopicRecord
from karapace_like.kafka.log_topic_writer import LogTopicWriter
from karapace_like.kafka.own_names import name_transactional_id
from karapace_like.kafka.past_records import PastRecords
from karapace_like.kafka.retrying_producer import ProducerSettings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.statistics import Statistics
from karapace_like.leadership import Fencing, Takeover, Term
from karapace_like.records import LogDescription, LogEntry, LogPosition, take_plain

logger = logging.getLogger(__name__)

_NO_ID = "AAAAAAAAAAAAAAAAAAAAAA"
"""The topic id of brokers that have none."""
FindBegin = Callable[[], Awaitable[LogPosition | None]]
"""Called once the topic is known, before it is read."""
_FIRST_RECORD_SECONDS = 1.0
"""How long an elected primary is given, which has taken its epoch, to append its first record."""
_FIRST_RECORD_CHECKS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTopicSettings:
    """The topic's name, how it is created where it is missing, and how it is written."""

    name: str = "_schemas"
    contents: str = "schemas"
    """What the topic holds, in messages."""
    replication_factor: int = 1
    timeout: float = 30.0
    """Seconds that one request to the cluster may take."""
    max_record_bytes: int = 1_048_576
    group_id: str = "schema-registry"
    """The group that elects the primary."""
    fencing: Fencing = Fencing.AUTO
    mark: bytes = b""
    """The key of the mark: a record that changes nothing, written to move the readers' position."""
    is_as_old_as_group: bool = True
    """Whether every member of the group has read the topic, so that members are a sign that it existed."""
    joint_records: ProducerSettings | None = None
    """How records of other topics are written in one transaction with those of the log; None: it is written alone."""
    is_optional: bool = False
    """Whether the service does without the topic where it may not read it: `open` then fails, and is not retried by the
    client that reads."""


class LogTopic:
    """The topic of one log; `open` it before anything else, `close` it at the end."""

    def __init__(self, kafka: KafkaSettings, settings: LogTopicSettings) -> None:
        self.cluster_id: str | None = None
        """The Kafka cluster's; None before the topic is open."""
        self.statistics = Statistics()
        """Those of the client that reads."""
        self.warnings: list[str] = []
        """Sentences for operators: the topic was recreated, or has lost its records."""
        self._kafka = kafka
        self._settings = settings
        self._past = PastRecords(kafka, group_id=settings.group_id, topic=settings.name)
        self._admin: LogTopicAdmin | None = None
        self._reader: LogTopicReader | None = None
        self._writer: LogTopicWriter | None = None
        self._epochs: EpochWriter | None = None
        self._read_back: ReadBack | None = None
        self._is_by_epoch = False
        """Whether the term of now writes by epoch."""
        self._keeping: asyncio.Task[None] | None = None

    async def open(self, apply: ApplyRecords, give_up: GiveUp, find_begin: FindBegin | None = None) -> int:
        """Create or check the topic, start to read it, and return its end offset. Raises KafkaFailure.

        Until `close`, `apply` is called on the event loop for each batch of records, and `give_up` at most once.
        `find_begin` may describe the topic, and returns where to begin; None is the beginning.
        """
        settings = self._settings
        self._admin = admin = await call_in_thread(
            LogTopicAdmin, self._kafka, settings.name, settings.contents, timeout=settings.timeout
        )
        self.cluster_id, exists = await call_in_thread(admin.find_topic)
        if not exists:
            await self._create(admin)
        await call_in_thread(admin.check_cleanup_policy)
        if settings.is_optional:
            await call_in_thread(admin.require_reading)
        end = await self.end()
        begin = None if find_begin is None else await find_begin()
        self._reader = LogTopicReader(
            self._kafka,
            settings.name,
            settings.contents,
            admin,
            self.statistics,
            begin=begin,
            timeout=settings.timeout,
        )
        self._writer = self._create_writer()
        if settings.fencing.tries_epoch and settings.joint_records is None:
            apply = self._create_epoch_writer(admin, apply, begin)
        await self._reader.start(apply, give_up)
        if self._epochs is not None:
            self._keeping = self._kafka.background.start(
                f"upkeep of the fence of the {settings.contents} topic", self._epochs.keep
            )
        self._kafka.renewal.add(self)
        self._kafka.polls.add(self)
        return end

    @property
    def is_missing(self) -> bool:
        """Whether the cluster has said, at the last attempt to open the topic, that it does not exist."""
        return self._admin is not None and self._admin.is_missing

    async def check_emptiness(self) -> None:
        """Add a warning where the whole replay found no record, although this service has written before."""
        has_read = self._reader is not None and self._reader.has_read
        if has_read or self.warnings or (reason := await self._past.find_writes()) is None:
            return
        if not await self._is_being_written():
            self._warn(f"{self._title} holds no record, although {reason}")

    def poll(self) -> None:
        """Have the clients that ask and write log what they have queued."""
        assert self._admin is not None
        assert self._writer is not None
        self._admin.poll()
        self._writer.poll()

    def renew(self) -> None:
        """Use new clients for reading, questions and writing from now on."""
        assert self._reader is not None
        assert self._writer is not None
        self._reader.renew()
        self._writer.renew()
        if self._epochs is not None:
            self._epochs.renew()

    @property
    def name(self) -> str:
        """The topic's name."""
        return self._settings.name

    @property
    def _title(self) -> str:
        return f"The {self._settings.contents} topic {self.name}"

    async def end(self) -> int:
        """Return the offset after the last readable record. Raises KafkaFailure."""
        assert self._admin is not None
        return await call_in_thread(self._admin.fetch_end)

    async def describe(self, leader_epoch: int) -> LogDescription:
        """Return what the cluster says of the topic and this leader epoch. Raises KafkaFailure."""
        admin, name = self._admin, self.name
        assert admin is not None
        leader = PartitionLeader(self._kafka, topic=name, transactional_id="")
        try:
            await leader.connect()
            epoch_end = await leader.fetch_epoch_end(leader_epoch)
        finally:
            leader.disconnect()
        topic_id = await call_in_thread(admin.fetch_topic_id, self._settings.timeout)
        return LogDescription(
            self.cluster_id or "",
            name,
            "" if topic_id == _NO_ID else topic_id,
            await call_in_thread(admin.fetch_start),
            await call_in_thread(admin.fetch_tombstone_seconds),
            epoch_end,
        )

    async def end_reading(self) -> LogPosition | None:
        """Read no more, and return the position after the last record, which is applied; None where it is unknown."""
        if self._reader is None:
            return None
        await self._reader.end()
        position = self._reader.last_record
        if position is None or self._read_back is None:
            return position
        return position._replace(fence=self._read_back.fence)

    async def take_over(self, term: Term) -> Takeover:
        """Become the only writer. Raises KafkaFailure."""
        assert self._writer is not None
        self._is_by_epoch = False
        if self._epochs is not None:
            try:
                return await self._take_over_by_epoch(self._epochs, term)
            except FenceUnavailableError as unavailable:
                if self._settings.fencing is Fencing.EPOCH:
                    raise
                logger.warning("The fence by epoch cannot be used: %s", unavailable.message)
                if unavailable.has_transactions or self._settings.fencing.is_required:
                    return await call_in_thread(self._writer.take_over, term)
                return await call_in_thread(partial(self._writer.take_over, term, may_fence=False))
        return await call_in_thread(self._writer.take_over, term)

    async def append(self, batch: Sequence[LogEntry]) -> int:
        """Write the records in order; return the offset after the last one, once all in-sync replicas have it.

        Raises KafkaFailure, RefusedEntriesError among them, and DeposedError where another primary has taken over.
        """
        assert self._writer is not None
        if self._is_by_epoch:
            assert self._epochs is not None
            return await self._epochs.append(take_plain(batch))
        return await call_in_thread(self._writer.append, batch)

    def mark(self) -> None:
        """Send the mark after records that were appended and read back, without waiting; by epoch none is needed."""
        assert self._writer is not None
        if not self._is_by_epoch:
            self._writer.mark()

    async def close(self) -> None:
        """Stop reading and close the clients; appended records are safe already."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self._epochs is not None:
            self._epochs.close()
        if self._reader is not None:
            await self._reader.stop()
        if self._writer is not None:
            await call_in_thread(self._writer.close)

    def _create_writer(self) -> LogTopicWriter:
        settings = self._settings
        options: dict[str, Any] = {
            "topic": settings.name,
            "group_id": settings.group_id,
            "mark": settings.mark,
            "max_record_bytes": settings.max_record_bytes,
        }
        if settings.joint_records is not None:
            return JointWriter(self._kafka, settings.joint_records, **options)
        return LogTopicWriter(self._kafka, **options, fencing=settings.fencing, timeout=settings.timeout)

    def _create_epoch_writer(
        self, admin: LogTopicAdmin, apply: ApplyRecords, begin: LogPosition | None
    ) -> ApplyRecords:
        """Create the writer; return `apply` with a note of what was read, which begins at that position."""
        settings = self._settings
        transactional_id = name_transactional_id(settings.group_id, settings.name)
        self._read_back = read_back = ReadBack(transactional_id)
        if begin is not None:
            read_back.begin(begin)
        partition = FencedPartition(
            leader=PartitionLeader(self._kafka, topic=settings.name, transactional_id=transactional_id),
            read_back=read_back,
            noop_key=settings.mark,
            transactional_id=transactional_id,
        )
        self._epochs = EpochWriter(
            partition,
            fetch_limits=lambda: call_in_thread(admin.fetch_limits),
            timeout=settings.timeout,
        )

        def apply_and_note(records: Sequence[TopicRecord], position: int) -> None:
            apply(records, position)
            read_back.note(records, position)

        return apply_and_note

    async def _take_over_by_epoch(self, epochs: EpochWriter, term: Term) -> Takeover:
        if term.earlier and self._settings.fencing is not Fencing.EPOCH:
            raise FenceUnavailableError(
                f"these members of the group run a release that does not know it: {', '.join(term.earlier)}"
            )
        try:
            end = await epochs.take_over(term)
        except FenceUnavailableError:
            raise
        except KafkaFailure as failure:
            if failure.retriable and await self._has_no_transactions():
                message = f"the cluster has no transactions, and writes are not fenced: {failure.message}"
                raise FenceUnavailableError(message, has_transactions=False) from failure
            raise
        self._is_by_epoch = True
        # Members of another product are not fenced: each batch is planned at the topic's end, as without a fence.
        return Takeover(end, is_fenced=not term.foreign)

    async def _has_no_transactions(self) -> bool:
        assert self._writer is not None
        return await call_in_thread(self._writer.has_no_transactions)

    async def _is_being_written(self) -> bool:
        """Whether a primary that has just been elected writes its first record."""
        for _ in range(_FIRST_RECORD_CHECKS):
            if await self.end():
                return True
            await asyncio.sleep(_FIRST_RECORD_SECONDS / _FIRST_RECORD_CHECKS)
        return False

    async def _create(self, admin: LogTopicAdmin) -> None:
        """Create the topic; warn where it existed before, in the one process that created it."""
        members = await self._past.find_members() if self._settings.is_as_old_as_group else None
        reason = members or await self._past.find_writes()
        if await call_in_thread(admin.create_topic, self._settings.replication_factor) and reason is not None:
            self._warn(f"{self._title} was missing and has been recreated, although {reason}")
        await call_in_thread(admin.wait_for_leader)

    def _warn(self, sentence: str) -> None:
        lost = f"its {self._settings.contents} are lost"
        self.warnings.append(f"{sentence}: {lost}. Restore them from a backup, or register them again.")
        logger.warning("%s", self.warnings[-1])
