"""The schemas topic: one compacted partition, read from its beginning for ever; `schemas_writer.py` appends to it.

It knows bytes and offsets only. A thread of its own reads; what it has read reaches the event loop in batches, each
with the offset up to which the topic is read then. That offset is the consumer's position, not the last record's:
transaction markers and compaction leave gaps. A topic that is deleted, made anew or cut while it is read is given up:
what is in memory is then nowhere else, and an operator has to look. Left out here: who may write (`election.py`).
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.schemas_writer import SILENCE_MS, Batch, SchemasWriter
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.statistics import Statistics
from karapace_like.leadership import Fencing, Takeover, Term

logger = logging.getLogger(__name__)

_BATCH = 500
"""Records taken from the client in one go."""
_BATCHES_AHEAD = 2
"""How many batches may wait for the event loop: a topic that is replayed is not to be in memory twice."""
_PREFETCHED_KIB = 4_096
"""What the client may fetch ahead."""
_POLL_SECONDS = 0.5
"""How long the reader waits for a record before it looks whether it should stop."""

_CHECK_SECONDS = 2.0
"""How often a topic in which nothing new comes is looked for, and how long that may take."""
_MISSED_CHECKS = 2
"""After how many checks in a row a topic that is not found is given up: a broker may not know it for a moment."""

_LEADER_SECONDS = 0.02
"""How long to wait before asking again for the leader of a new topic."""

_NO_TOPIC = ""


class TopicRecord(NamedTuple):
    """One record as it was read."""

    key: bytes | None
    value: bytes | None
    timestamp: int
    """Milliseconds since the epoch."""


Lost = Callable[[str], None]
"""(reason): called on the event loop when the topic is given up."""

Take = Callable[[Sequence[TopicRecord], int], None]
"""(records, position): called on the event loop, in the topic's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemasTopicSettings:
    """What the topic is called and how it is made if it is missing."""

    name: str = "_schemas"
    replication_factor: int = 1
    timeout: float = 30.0
    """Seconds that one request to the cluster may take."""
    max_record_bytes: int = 1_048_576
    group_id: str = "schema-registry"
    """The group whose primary writes."""
    fencing: Fencing = Fencing.AUTO
    mark: bytes = b""
    """The key of the record that says nothing."""


class SchemasTopic:
    """The topic of one registry; `open` it before anything else, `close` it at the end."""

    def __init__(self, kafka: KafkaSettings, settings: SchemasTopicSettings) -> None:
        self._kafka = kafka
        self._settings = settings
        self._admin: AdminClient | None = None
        self._consumer: Consumer | None = None
        self._writer: SchemasWriter | None = None
        self._reader: threading.Thread | None = None
        self._topic_id: str | None = None
        self._next_check = 0.0
        self._missed = 0
        self.cluster_id: str | None = None
        """Kafka's own; None before the topic is open."""
        self.statistics = Statistics()
        """Of the client that reads."""
        self._stopping = threading.Event()
        self._room = threading.Semaphore(_BATCHES_AHEAD)
        self._is_old = threading.Event()
        """Whether the clients that read and ask are to be made anew."""
        self._position = OFFSET_BEGINNING
        """Up to where the topic is read."""
        self._before: AdminClient | None = None
        """Through which questions may still be asked."""

    async def open(self, take: Take, lost: Lost) -> int:
        """Make or check the topic, begin to read it, and answer where it ends now; raises KafkaFailure."""
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._prepare)
        end = await self.end()
        self._consumer = self._new_consumer()
        self._writer = SchemasWriter(
            self._kafka,
            topic=self._settings.name,
            group_id=self._settings.group_id,
            mark=self._settings.mark,
            fencing=self._settings.fencing,
            timeout=self._settings.timeout,
            max_record_bytes=self._settings.max_record_bytes,
        )
        # Without it the consumer looks for the partition's leader only after half a second.
        with translate.failures():
            await asyncio.to_thread(self._consumer.list_topics, self._settings.name, self._settings.timeout)
        self._consumer.assign([TopicPartition(self._settings.name, 0, self._position)])
        self._kafka.renewal.tell(self)
        self._reader = threading.Thread(
            target=self._read, args=(loop, take, lost), name="schemas-topic-reader", daemon=True
        )
        self._reader.start()
        return end

    def renew(self) -> None:
        """Read, ask and write through new clients from now on."""
        assert self._writer is not None
        self._is_old.set()
        self._writer.renew()

    @property
    def name(self) -> str:
        """The topic's."""
        return self._settings.name

    async def end(self) -> int:
        """The offset after the last readable record; raises KafkaFailure."""
        return await asyncio.to_thread(self._end)

    async def take_over(self, term: Term) -> Takeover:
        """Become the only writer; raises KafkaFailure."""
        assert self._writer is not None
        return await asyncio.to_thread(self._writer.take_over, term)

    async def append(self, batch: Batch) -> int:
        """Write the records in order; the offset after the last once all replicas have it; raises KafkaFailure."""
        assert self._writer is not None
        return await asyncio.to_thread(self._writer.append, batch)

    def mark(self) -> None:
        """Send a record that says nothing after what was appended and read back; not waited for."""
        assert self._writer is not None
        self._writer.mark()

    async def close(self) -> None:
        """Stop reading and let go of the clients; what was appended is safe already."""
        self._stopping.set()
        if self._reader is not None:
            await asyncio.to_thread(self._reader.join)
        if self._consumer is not None:
            await asyncio.to_thread(self._consumer.close)
        if self._writer is not None:
            await asyncio.to_thread(self._writer.close)

    def _new_consumer(self) -> Consumer:
        options = self._kafka.client_options(
            group_id=f"{self._settings.name}-reader",
            enable_auto_commit=False,
            enable_partition_eof=True,
            isolation_level="read_committed",
            fetch_wait_max_ms=500,
            fetch_queue_backoff_ms=10,
            queued_max_messages_kbytes=_PREFETCHED_KIB,
            auto_offset_reset="error",
            socket_timeout_ms=SILENCE_MS,
        )
        with translate.failures():
            return Consumer({**self.statistics.options, **options})

    def _new_admin(self) -> AdminClient:
        with translate.failures():
            return AdminClient(self._kafka.client_options(socket_timeout_ms=SILENCE_MS), logger=logger)

    def _prepare(self) -> None:
        self._admin = admin = self._new_admin()
        name = self._settings.name
        with translate.failures():
            cluster = admin.list_topics(name, timeout=self._settings.timeout)
            self.cluster_id = cluster.cluster_id
            found = cluster.topics.get(name)
            if found is None or found.error is not None:
                self._create(admin)
                self._await_leader(admin)
            elif len(found.partitions) != 1:
                raise KafkaFailure(
                    "INVALID_PARTITIONS",
                    f"The topic {name} has {len(found.partitions)} partitions; a schemas topic has exactly one.",
                )
            policy = self._cleanup_policy(admin)
            self._topic_id = self._found_id()
        if policy != "compact":
            raise KafkaFailure(
                "POLICY_VIOLATION",
                f"The topic {name} has cleanup.policy={policy}, under which schemas would be lost; set it to compact.",
            )

    def _create(self, admin: AdminClient) -> None:
        logger.info("Creating the topic %s", self._settings.name)
        topic = NewTopic(
            self._settings.name,
            num_partitions=1,
            replication_factor=self._settings.replication_factor,
            config={"cleanup.policy": "compact"},
        )
        future = admin.create_topics([topic], operation_timeout=self._settings.timeout)[self._settings.name]
        try:
            future.result(self._settings.timeout)
        except KafkaException as error:
            found: KafkaError = error.args[0]
            if found.code() == KafkaError.INVALID_REPLICATION_FACTOR:
                # Brokers that are being started, or too busy to say that they are there, do not count.
                raise KafkaFailure(found.name(), found.str(), retriable=True) from error
            if found.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise

    def _await_leader(self, admin: AdminClient) -> None:
        """A new topic can be used once the brokers tell of its leader."""
        give_up = time.monotonic() + self._settings.timeout
        while time.monotonic() < give_up:
            found = admin.list_topics(self._settings.name, timeout=self._settings.timeout).topics[self._settings.name]
            if found.error is None and found.partitions and found.partitions[0].leader >= 0:
                return
            time.sleep(_LEADER_SECONDS)
        raise KafkaFailure("LEADER_NOT_AVAILABLE", f"The new topic {self._settings.name} has no leader", retriable=True)

    def _cleanup_policy(self, admin: AdminClient) -> str:
        resource = ConfigResource(ResourceType.TOPIC, self._settings.name)
        configs = admin.describe_configs([resource])[resource].result(self._settings.timeout)
        return str(configs["cleanup.policy"].value)

    def _end(self) -> int:
        assert self._admin is not None
        partition = TopicPartition(self._settings.name, 0)
        with translate.failures():
            asked = self._admin.list_offsets(
                {partition: OffsetSpec.latest()},  # type: ignore[no-untyped-call]
                isolation_level=IsolationLevel.READ_COMMITTED,
                request_timeout=SILENCE_MS / 1000,
            )
            end = int(asked[partition].result(self._settings.timeout).offset)
        if end < 0:  # what the client answers for a leader that does not
            raise KafkaFailure("LEADER_NOT_AVAILABLE", "the end of the schemas topic is not known", retriable=True)
        return end

    def _read(self, loop: asyncio.AbstractEventLoop, take: Take, lost: Lost) -> None:
        assert self._consumer is not None
        with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            while not self._stopping.is_set():
                if not self._room.acquire(timeout=_POLL_SECONDS):
                    continue
                if self._is_old.is_set():
                    self._go_on_with_new_clients()
                first = self._consumer.poll(_POLL_SECONDS)
                messages = [] if first is None else [first, *self._consumer.consume(_BATCH, 0)]
                records, position = _sorted_out(messages)
                if position is None:
                    self._room.release()
                else:
                    self._position = position
                    loop.call_soon_threadsafe(self._hand_over, take, records, position)
                if reason := self._reason_to_give_up(messages):
                    loop.call_soon_threadsafe(lost, reason)
                    return

    def _go_on_with_new_clients(self) -> None:
        assert self._consumer is not None
        self._is_old.clear()
        try:
            consumer, admin = self._new_consumer(), self._new_admin()
        except KafkaFailure as failure:
            logger.error("The schemas topic is read as before: %s", failure.message)  # noqa: TRY400 - no trace
            return
        consumer.assign([TopicPartition(self._settings.name, 0, self._position)])
        self._before, self._admin = self._admin, admin
        before, self._consumer = self._consumer, consumer
        before.close()

    def _hand_over(self, take: Take, records: Sequence[TopicRecord], position: int) -> None:
        self._room.release()
        take(records, position)

    def _reason_to_give_up(self, messages: Sequence[Any]) -> str | None:
        """Why the topic is not the one any more that was read; None if it is, or nobody can tell."""
        name = self._settings.name
        if any(_is_cut(each) for each in messages):
            return f"The topic {name} ends before what was read from it: records were lost, or it was made anew."
        if messages or time.monotonic() < self._next_check:
            return None
        found = self._found_id()
        self._next_check = time.monotonic() + _CHECK_SECONDS
        self._missed = self._missed + 1 if found == _NO_TOPIC else 0
        if self._missed == _MISSED_CHECKS:
            return f"The topic {name} was deleted."
        if found not in {None, _NO_TOPIC, self._topic_id}:
            return f"The topic {name} was deleted and made anew."
        return None

    def _found_id(self) -> str | None:
        """The id of the topic by its name; `_NO_TOPIC` if there is none, None if nobody can tell."""
        assert self._admin is not None
        try:
            topics = TopicCollection([self._settings.name])
            asked = self._admin.describe_topics(topics, request_timeout=_CHECK_SECONDS)
            return str(asked[self._settings.name].result(_CHECK_SECONDS).topic_id)
        except KafkaException as error:
            return _NO_TOPIC if error.args[0].name() == "UNKNOWN_TOPIC_OR_PART" else None
        except TimeoutError:
            return None


def _is_cut(message: Any) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError._AUTO_OFFSET_RESET  # noqa: SLF001 - its public name


def _sorted_out(messages: Sequence[Any]) -> tuple[list[TopicRecord], int | None]:
    """The records among what the client gave, and the offset up to which the topic is read after them."""
    records: list[TopicRecord] = []
    position: int | None = None
    for message in messages:
        error = message.error()
        if error is None:
            records.append(TopicRecord(message.key(), message.value(), message.timestamp()[1]))
            position = message.offset() + 1
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
            position = message.offset()
        else:
            logger.warning("Reading the schemas topic: %s", error.str())
    return records, position
