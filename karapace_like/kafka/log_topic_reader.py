"""The thread that reads the topic of a log, from its beginning or a position, for as long as the process runs.

Records reach the event loop in batches, each with the position up to which the topic is read. The position is the
consumer's, not the last record's offset: transaction markers and compaction leave gaps. A topic that is deleted,
recreated or truncated while it is read is given up: the state in memory exists nowhere else, and an operator has to
decide.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.blocking import call_in_thread
from karapace_like.kafka.client_log import client_logger
from karapace_like.kafka.log_topic_admin import LogTopicAdmin
from karapace_like.kafka.log_topic_writer import SILENCE_MS
from karapace_like.kafka.own_names import name_reader_group
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.statistics import Statistics
from karapace_like.records import LogPosition

logger = logging.getLogger(__name__)

_BATCH = 250
"""Records taken from the client in one call: a deletion of 250 versions takes 6 ms of the event loop."""
_BATCHES_AHEAD = 2
"""Batches that may wait for the event loop: a replayed topic must not be in memory twice."""
_PREFETCHED_KIB = 4_096
"""KiB that the client fetches ahead."""
_POLL_SECONDS = 0.5
"""How long the thread waits for a record before it checks whether it must stop."""
_CHECK_SECONDS = 2.0
"""How often the existence of a topic without new records is checked, and how long a check may take."""
_MISSED_CHECKS = 2
"""Checks in a row that must miss the topic: a broker may not know it for a moment."""
_NO_TOPIC = ""


class TopicRecord(msgspec.Struct, frozen=True, gc=False):
    """One record as it was read; a Struct because it is made four times as fast as a tuple with names."""

    key: bytes | None
    value: bytes | None
    timestamp: int
    """Milliseconds since the epoch."""
    offset: int
    headers: Sequence[tuple[str, bytes | None]] | None = None
    """The headers of a record without a value; the others' are not read."""


ApplyRecords = Callable[[Sequence[TopicRecord], int], None]
"""(records, position): called on the event loop, in the topic's order."""

GiveUp = Callable[[str], None]
"""(reason): called on the event loop when the topic is given up."""


class LogTopicReader:
    """Reads the topic in a thread; `start` it once, `stop` it at the end."""

    def __init__(
        self,
        kafka: KafkaSettings,
        topic: str,
        contents: str,
        admin: LogTopicAdmin,
        statistics: Statistics,
        *,
        begin: LogPosition | None = None,
        timeout: float,
    ) -> None:
        """`contents` names what the topic holds. `statistics` receives those of the client that reads.

        `begin` is where to begin; None for the beginning of the topic. `timeout` is in seconds, for the first request.
        """
        self.has_read = begin is not None
        """Whether a record has been read, now or before the position at which this began."""
        self.last_record = begin
        """The position after the last record that was handed over; None before the first, and where its epoch is
        unknown."""
        self._kafka = kafka
        self._topic = topic
        self._contents = contents
        self._admin = admin
        self._statistics = statistics
        self._timeout = timeout
        self._consumer: Consumer | None = None
        self._thread: threading.Thread | None = None
        self._topic_id: str | None = None
        """The id of the topic that is read; None where the brokers do not report it."""
        self._position = OFFSET_BEGINNING if begin is None else begin.offset
        """The offset up to which the topic is read."""
        self._next_check = 0.0
        self._missed = 0
        self._has_failed_to_apply = False
        self._stopping = threading.Event()
        self._room = threading.Semaphore(_BATCHES_AHEAD)
        self._is_stale = threading.Event()
        """Set when the clients' credentials have changed since they were created."""
        self._is_unsafe = False
        """Whether records that the client has returned may not have been handed over."""

    async def start(self, apply: ApplyRecords, give_up: GiveUp) -> None:
        """Begin to read. Raises KafkaFailure."""
        self._topic_id = await call_in_thread(self._find_topic_id)
        self._consumer = consumer = self._create_consumer()
        # Without it the consumer looks for the partition's leader only after half a second.
        with translate.failures():
            await call_in_thread(consumer.list_topics, self._topic, self._timeout)
            consumer.assign([TopicPartition(self._topic, 0, self._position)])
        self._thread = self._kafka.background.start_thread(
            f"reader of the {self._contents} topic",
            partial(self._run, asyncio.get_running_loop(), apply, give_up),
            self._stopping,
            is_critical=True,
        )

    def renew(self) -> None:
        """Read through new clients from the next batch on. Any thread may call it."""
        self._is_stale.set()

    async def end(self) -> None:
        """Stop the thread; what it has read is applied when this returns."""
        self._stopping.set()
        if self._thread is not None:
            await call_in_thread(self._thread.join)

    async def stop(self) -> None:
        """Stop the thread and close the client."""
        await self.end()
        if self._consumer is not None:
            with translate.failures():
                await call_in_thread(self._consumer.close)

    def _create_consumer(self) -> Consumer:
        options = self._kafka.client_options(
            group_id=name_reader_group(self._topic),
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
            return Consumer({**self._statistics.options, **options}, logger=client_logger)

    def _run(self, loop: asyncio.AbstractEventLoop, apply: ApplyRecords, give_up: GiveUp) -> None:
        """Read until `stop`, or until the topic is given up. It can be called again after any exception."""
        while not self._stopping.is_set():
            if not self._room.acquire(timeout=_POLL_SECONDS):
                continue
            is_handed_over = False
            try:
                if self._is_stale.is_set():
                    self._replace_stale_clients()
                # After a failure the client may have passed records that were never handed over.
                self._is_unsafe, was_unsafe = True, self._is_unsafe
                if was_unsafe:
                    self._replace_clients()
                messages = self._poll()
                records, position, is_truncated = _parse_messages(messages)
                # The end of the topic is reported after each record, too: the event loop need not wake for that.
                if position is not None and (records or position != self._position):
                    loop.call_soon_threadsafe(self._hand_over, apply, records, position)
                    self._position, is_handed_over = position, True
                    self._note_last_record(messages)
                if reason := self._find_reason_to_give_up(is_silent=not messages, is_truncated=is_truncated):
                    loop.call_soon_threadsafe(give_up, reason)
                    return
                self._is_unsafe = False
            finally:
                if not is_handed_over:
                    self._room.release()

    def _poll(self) -> list[Message]:
        assert self._consumer is not None
        with translate.failures():
            first = self._consumer.poll(_POLL_SECONDS)
            return [] if first is None else [first, *self._consumer.consume(_BATCH, 0)]

    def _note_last_record(self, messages: Sequence[Message]) -> None:
        last = next((message for message in reversed(messages) if message.error() is None), None)
        if last is not None:
            offset, epoch = last.offset(), last.leader_epoch()
            self.last_record = None if offset is None or epoch is None else LogPosition(offset + 1, epoch)

    def _replace_stale_clients(self) -> None:
        """Read through clients with the credentials of now; through the old ones where none can be created."""
        self._is_stale.clear()
        try:
            self._replace_clients()
        except KafkaFailure as failure:
            logger.error(  # noqa: TRY400 - the message says it all
                "The %s topic is read with the previous credentials, because a client with the new ones cannot be "
                "created: %s",
                self._contents,
                failure.message,
            )

    def _replace_clients(self) -> None:
        """Continue at the position through new clients. Raises KafkaFailure, and the old clients stay in use then."""
        consumer, admin_client = self._create_consumer(), self._admin.create_client()
        with translate.failures():
            consumer.assign([TopicPartition(self._topic, 0, self._position)])
        self._admin.replace_client(admin_client)
        previous, self._consumer = self._consumer, consumer
        if previous is not None:
            with suppress(KafkaFailure), translate.failures():
                previous.close()

    def _hand_over(self, apply: ApplyRecords, records: Sequence[TopicRecord], position: int) -> None:
        """Apply the records. Where that fails this process would serve less than others, and ends."""
        self._room.release()
        if self._has_failed_to_apply:
            return
        self.has_read = self.has_read or bool(records)
        try:
            apply(records, position)
        except Exception as error:  # noqa: BLE001 - whatever it is, such as too little memory
            self._has_failed_to_apply = True
            self._stopping.set()
            reason = f"Records of the {self._contents} topic before offset {position} could not be applied"
            self._kafka.background.end_process(f"{reason}: {type(error).__name__}: {error}", error)

    def _find_reason_to_give_up(self, *, is_silent: bool, is_truncated: bool) -> str | None:
        """Return why the topic is not the one any more that was read; None where it is, or the brokers do not say."""
        topic = self._topic
        if is_truncated:
            return f"The topic {topic} ends before the last offset read from it: it lost records, or was recreated."
        if not is_silent or time.monotonic() < self._next_check:
            return None
        topic_id = self._find_topic_id()
        self._next_check = time.monotonic() + _CHECK_SECONDS
        self._missed = self._missed + 1 if topic_id == _NO_TOPIC else 0
        if self._missed == _MISSED_CHECKS:
            return f"The topic {topic} was deleted."
        if topic_id not in {None, _NO_TOPIC, self._topic_id}:
            return f"The topic {topic} was deleted and recreated."
        return None

    def _find_topic_id(self) -> str | None:
        """Return the topic's id; `_NO_TOPIC` where it does not exist, None where the brokers do not say."""
        try:
            return self._admin.fetch_topic_id(_CHECK_SECONDS)
        except KafkaFailure as failure:
            return _NO_TOPIC if failure.name == "UNKNOWN_TOPIC_OR_PART" else None


def _parse_messages(messages: Sequence[Any]) -> tuple[list[TopicRecord], int | None, bool]:
    """Return (the records, the position after them, whether the topic ends before it).

    The position is None where the messages do not change it.
    """
    records: list[TopicRecord] = []
    position: int | None = None
    is_truncated = False
    for message in messages:
        error = message.error()
        if error is None:
            offset, value = message.offset(), message.value()
            headers = message.headers() if value is None else None
            records.append(TopicRecord(message.key(), value, message.timestamp()[1], offset, headers))
            position = offset + 1
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
            position = message.offset()
        else:
            is_truncated = is_truncated or error.code() == KafkaError._AUTO_OFFSET_RESET  # noqa: SLF001
            logger.warning("Error while reading the topic %s: %s", message.topic(), error.str())
    return records, position, is_truncated
