"""One librdkafka producer, whose delivery reports are served in batches on the event loop, or in a thread.

A thread takes Python's interpreter lock for each report, and delays the event loop. Two kinds of clients have one all
the same: those for few records at a time, because a timer serves a report some time after it has come, and those that
fetch tokens (SASL/OAUTHBEARER), in the same call, for which the issuer may take long.

librdkafka refreshes the metadata of every topic that a client ever wrote to, until the client is closed. A client with
`allow.auto.create.topics` would so recreate deleted topics; these clients have it off. Instead a metadata request of
its own precedes the first record to a topic, at which brokers with `auto.create.topics.enable` create it.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, TypeAlias

from aiokafka.protocol.metadata import MetadataRequest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Producer as Client

from karapace_like.background import BackgroundTasks
from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.admin.protocol import ProtocolClient
from karapace_like.kafka.client_log import client_logger
from karapace_like.kafka.fine_timer import RepeatingTimer, create_timer
from karapace_like.kafka.nagle import Nagle
from karapace_like.records import Delivery, OutgoingRecord

logger = logging.getLogger(__name__)

_IDLE_SECONDS = 0.1
"""How often the client is polled while nothing is being sent: for errors and statistics."""
_QUEUE_FULL_SECONDS = 0.005
_TASK = "delivery reports"
_ANY_PARTITION = -1
_NOW = 0
_RECORDS_PER_TURN = 500
"""Records queued before other requests get the event loop again."""

_topic_of = attrgetter("topic")
_Report: TypeAlias = Callable[[KafkaError | None, Any], None]
"""librdkafka's delivery callback: (error, message)."""


class _SendCall:
    """The records of one `send`, and their deliveries, completed by reports.

    The thread that serves reports writes `deliveries` and `reported`, the event loop `sent`. Each compares both after
    it has written, so that at least one of them sees the call complete.
    """

    __slots__ = ("deliveries", "done", "is_complete", "queued", "records", "refused", "reported", "sent", "topic")

    def __init__(self, records: Sequence[OutgoingRecord], done: asyncio.Future[None]) -> None:
        """`done` wakes the sender."""
        self.records = records
        self.deliveries = [_UNREPORTED] * len(records)
        self.queued = 0
        """How many records the client has got or refused."""
        self.refused = 0
        self.reported = 0
        self.sent: int | None = None
        """How many reports to expect; None until all records are queued."""
        self.is_complete = False
        self.topic = records[0].topic if records else None
        self.done = done


_UNREPORTED = Delivery()


class AsyncProducer:
    """One librdkafka producer, used on the event loop; `close` it at the end."""

    def __init__(
        self,
        options: dict[str, Any],
        protocol: ProtocolClient,
        background: BackgroundTasks,
        *,
        report_seconds: float,
        holds_back: bool = False,
    ) -> None:
        """`options` are librdkafka's, `protocol` queries topics, `background` counts failures to serve reports.

        `report_seconds`: how long a report may wait for others, so that they are served together; 0 for a thread that
        serves them as they come. `holds_back`: whether calls wait for those before them (`nagle.py`).
        Raises KafkaFailure for options that the client rejects.
        """
        self.topics: set[str] = set()
        """Those that the client keeps metadata of."""
        self.written: set[str] = set()
        """Those to which a record was written, so that they existed."""
        self._protocol = protocol
        self._background = background
        self._sending = 0
        self.is_broken = False
        """Whether the client has met a fatal error of idempotence, after which it can write nothing."""
        with translate.failures():
            self._client = Client(
                {**options, "error_cb": translate.callback(self._on_client_error)}, logger=client_logger
            )
        self._loop = asyncio.get_running_loop()
        self._complete: list[_SendCall] = []
        self._stopping = threading.Event()
        self._ended = asyncio.Event()
        self._report_seconds = report_seconds
        self._timer: RepeatingTimer | None = None
        """None where a thread serves the reports."""
        self._is_idle = True
        """Whether the timer is slow, because nothing is being sent."""
        has_thread = not report_seconds or "oauth_cb" in options
        self._nagle = Nagle(is_ticking=not has_thread) if holds_back else None
        self._has_queued = False
        """Whether records were queued since the last poll, so that they may still linger."""
        if has_thread:
            # The event is never set: the thread ends by itself once everything is reported after `close`.
            background.start_thread(_TASK, self._serve_in_thread, threading.Event())
        else:
            self._timer = create_timer(self._serve)
            self._timer.repeat(_IDLE_SECONDS)

    async def send(self, records: Sequence[OutgoingRecord]) -> list[Delivery]:
        """Write the records; return one delivery for each, in order, once all are reported. A failure is a value."""
        self._sending += 1
        if self._is_idle and self._timer is not None:
            self._is_idle = False
            self._timer.repeat(self._report_seconds)
        try:
            if self.written.issuperset(map(_topic_of, records)):
                return await self._send(records)
            refused = await self._prepare_topics({record.topic for record in records} - self.written)
            sent = iter(await self._send([record for record in records if record.topic not in refused]))
            deliveries = [refused.get(record.topic) or next(sent) for record in records]
            self.written.update(
                record.topic for record, delivery in zip(records, deliveries, strict=True) if delivery.failure is None
            )
            return deliveries
        finally:
            self._sending -= 1

    async def filter_existing(self, topics: Collection[str]) -> set[str]:
        """Return those of the topics that exist. Raises KafkaFailure."""
        return {name for name, error in (await self._fetch_topic_errors(topics)).items() if not error}

    async def _prepare_topics(self, topics: set[str]) -> dict[str, Delivery]:
        """Have the brokers create missing topics, if they do; return topic -> failure for the topics they refuse.

        Without this the client would remember a refusal for some time, and report each reason as an unknown topic.
        """
        failures = {name: failure for name in topics if (failure := _find_name_failure(name)) is not None}
        try:
            errors = await self._fetch_topic_errors(topics - failures.keys(), allow_creation=True)
        except KafkaFailure:
            errors = {}  # the reports of the records will name the failure
        failures |= {name: translate.error_code(error) for name, error in errors.items() if error}
        refused = {name: Delivery(failure=failure) for name, failure in failures.items() if not failure.retriable}
        self.topics |= topics - refused.keys()
        return refused

    async def _fetch_topic_errors(self, topics: Collection[str], *, allow_creation: bool = False) -> dict[str, int]:
        """Return topic -> error code of a Metadata response (Kafka protocol guide, key 3). Raises KafkaFailure."""
        answer = await self._protocol.ask(MetadataRequest(list(topics), allow_auto_topic_creation=allow_creation))
        return {name: error for error, name, *_ in answer.topics}

    async def _send(self, records: Sequence[OutgoingRecord]) -> list[Delivery]:
        call = _SendCall(records, self._loop.create_future())
        if self._nagle is None or call.topic is None:
            self._queue(call)
        else:
            self._nagle.enter(call.topic, partial(self._queue, call))
        await call.done
        return call.deliveries

    def _queue(self, call: _SendCall) -> None:
        """Queue the records of the call at the client: so many in this turn of the event loop, the rest in later ones.

        All of them where the sender still waits; those that the client refuses have their deliveries then.
        """
        if call.done.cancelled():
            call.records = call.records[: call.queued]
        produce, report, records, first = self._client.produce, self._report, call.records, call.queued
        last = min(first + _RECORDS_PER_TURN, len(records))
        self._has_queued = True
        for at in range(first, last):
            record, reporting = records[at], partial(report, call, at)
            try:
                if record.headers or record.timestamp:
                    self._queue_whole(record, reporting)
                else:  # inline and with positional arguments: either would add half to the cost of the call
                    partition = _ANY_PARTITION if record.partition is None else record.partition
                    produce(record.topic, record.value, record.key, partition, reporting)
            except BufferError:  # once there is room
                call.queued = at
                self._loop.call_later(_QUEUE_FULL_SECONDS, self._queue, call)
                return
            except (KafkaException, KafkaFailure, ValueError, OverflowError, TypeError, RuntimeError) as error:
                call.deliveries[at] = Delivery(failure=_translate_refusal(error))
                call.refused += 1
        call.queued = last
        if last < len(records):
            self._loop.call_soon(self._queue, call)
        else:
            call.sent = last - call.refused
            self._finish(call)

    def _finish(self, call: _SendCall) -> None:
        """Wake the sender if every report has arrived."""
        if call.reported == call.sent and not call.is_complete:
            call.is_complete = True
            if not call.done.cancelled():
                call.done.set_result(None)
            if self._nagle is not None and call.topic is not None:
                self._nagle.leave(call.topic)

    def fetch_partition_count(self, topic: str, timeout: float) -> int:
        """Return how many partitions the topic has now. `timeout` is in seconds. Blocks; raises KafkaFailure."""
        with translate.failures():
            topics = self._client.list_topics(topic, timeout=timeout).topics
        metadata = topics[topic]
        if metadata.error is not None:
            raise translate.failure(metadata.error)
        return len(metadata.partitions)

    async def close(self) -> None:
        """Wait for calls of `send` and their reports, within the delivery timeout, and close the client."""
        self._stopping.set()
        await self._ended.wait()
        with translate.failures():
            self._client.close()

    def _queue_whole(self, record: OutgoingRecord, report: _Report) -> None:
        """Queue one record, with its headers and time, at the client.

        Raises BufferError for a full queue, KafkaException for a record that the client refuses, and KafkaFailure for a
        header's name that the client could not write.
        """
        translate.check_texts(*(name for name, _ in record.headers))
        self._client.produce(
            record.topic,
            record.value,
            record.key,
            _ANY_PARTITION if record.partition is None else record.partition,
            report,
            timestamp=record.timestamp or _NOW,
            headers=list(record.headers) or None,
        )

    def _report(self, call: _SendCall, at: int, error: KafkaError | None, message: Any) -> None:
        """Note the delivery of the record at index `at` of the call."""
        call.deliveries[at] = (
            Delivery(message.partition(), message.offset(), None, message.timestamp()[1])
            if error is None
            else Delivery(failure=translate.failure(error))
        )
        call.reported += 1
        if call.reported == call.sent:
            self._complete.append(call)

    def _on_client_error(self, error: KafkaError) -> None:
        """Note an error of the client; called where it is polled, or where a record is queued."""
        if error.fatal():
            self._record_breakdown(error.str())
        else:
            logger.debug("%s", error.str())  # the client itself logs what operators need

    def _record_breakdown(self, reason: str) -> None:
        if not self.is_broken:
            self.is_broken = True
            logger.error("The Kafka producer has failed and is replaced: %s", reason)

    def _serve(self) -> None:
        """Serve the reports that have arrived; called by the timer, which has the next call even after a failure."""
        assert self._timer is not None
        try:
            self._settle(self._poll(0))
            if self._nagle is not None:
                self._nagle.tick()
        except Exception as error:  # noqa: BLE001 - whatever a callback raises
            self._background.report(_TASK, error)
        if self._is_at_end:
            self._timer.close()
            self._timer = None  # it refers to this object
            self._ended.set()
        elif not self._sending and not self._is_idle:
            self._is_idle = True
            self._timer.repeat(_IDLE_SECONDS)

    def _settle(self, calls: list[_SendCall]) -> None:
        for call in calls:
            self._finish(call)

    def _serve_in_thread(self) -> None:
        """Serve reports in this thread as they arrive."""
        while not self._is_at_end:
            if complete := self._poll(_IDLE_SECONDS):
                self._loop.call_soon_threadsafe(self._settle, complete)
        self._loop.call_soon_threadsafe(self._ended.set)

    @property
    def _is_at_end(self) -> bool:
        return self._stopping.is_set() and not self._sending and not len(self._client)

    def _poll(self, seconds: float) -> list[_SendCall]:
        """Serve the reports that arrive within `seconds`; return the calls whose reports are complete."""
        try:
            with translate.failures():
                if self._has_queued and self._nagle:  # polls, too, and wakes the threads whose records linger
                    self._has_queued = False
                    self._client.flush(_NOW)
                else:
                    self._client.poll(seconds)
        except KafkaFailure as failure:
            if (
                failure.name == "_INVALID_ARG"
            ):  # raised by a callback: the call itself has no argument that could be wrong
                self._background.report(_TASK, failure)
            else:  # only a fatal error is raised here; reports still arrive
                self._record_breakdown(failure.message)
        complete, self._complete = self._complete, []
        return complete


def _find_name_failure(topic: str) -> KafkaFailure | None:
    try:
        translate.check_texts(topic)
    except KafkaFailure as failure:
        return failure
    return None


def _translate_refusal(error: Exception) -> KafkaFailure:
    """Return why the client has refused a record."""
    if isinstance(error, KafkaFailure):
        return error
    if isinstance(error, RuntimeError):
        return KafkaFailure("_DESTROY", str(error), retriable=True)
    if not isinstance(error, KafkaException):
        return translate.invalid_argument(error)
    reason: KafkaError = error.args[0]
    if reason.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return KafkaFailure(
            "RECORD_TOO_LARGE",
            "The record is larger than producer_max_request_size allows: send a smaller one, or raise the setting.",
        )
    return translate.failure(reason)
