"""The producer that all requests share: idempotent, batching, its results in the order of the request.

librdkafka batches what several requests send at the same time. A thread serves its delivery reports and wakes the
event loop once for each batch of them, never once for each record. Left out here: formats and schemas.
"""

import asyncio
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Producer as Client

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.statistics import Statistics
from karapace_like.records import Delivery, OutgoingRecord

logger = logging.getLogger(__name__)

_SERVE_SECONDS = 0.1
"""How long the thread waits for delivery reports before it looks whether it should stop."""
_QUEUE_FULL_SECONDS = 0.005
_ANY_PARTITION = -1
_NOW = 0
_RECORDS_PER_TURN = 500
"""Records that are handed over before other requests get the event loop again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerSettings:
    """How records are written."""

    acks: str = "all"
    """`all`, or a number as text; idempotence needs `all`."""
    is_idempotent: bool = True
    """A client without the right to write anywhere could do nothing any more after it was refused that once."""
    linger_ms: float = 3
    """Longer than brokers usually take: librdkafka's thread spins while a record's time is up and the partition's last
    batch of an idempotent producer is not acknowledged."""
    compression_type: str = "none"
    max_request_size: int = 1_048_576
    """Bytes of one record."""
    delivery_timeout: float = 15.0
    """Seconds after which a record that could not be written is given up."""
    partitioner: str = "murmur2_random"
    """How a record without a partition finds one; this way is that of Java clients."""
    metadata_timeout: float = 3.0
    """Seconds that an unknown topic or partition is waited for."""

    def client_options(self, kafka: KafkaSettings) -> dict[str, Any]:
        """The librdkafka configuration."""
        return kafka.client_options(
            acks=self.acks,
            enable_idempotence=self.is_idempotent and self.acks in {"all", "-1"},
            # Otherwise what is sent again would come after what was sent later.
            max_in_flight_requests_per_connection=5 if self.is_idempotent else 1,
            linger_ms=self.linger_ms,
            compression_type=self.compression_type,
            message_max_bytes=self.max_request_size,
            message_timeout_ms=int(self.delivery_timeout * 1000),
            topic_metadata_propagation_max_ms=int(self.metadata_timeout * 1000),
            # Whether a topic is created by writing to it is the brokers' decision (auto.create.topics.enable).
            allow_auto_create_topics=True,
            partitioner=self.partitioner,
        )


class Producer:
    """Writes records for many requests at once. Made and used on the event loop; `close` it at the end."""

    def __init__(self, kafka: KafkaSettings, settings: ProducerSettings) -> None:
        self._settings = settings
        self._options = settings.client_options(kafka)
        self.statistics = Statistics()
        """Of the client that all records go through, but those that were refused once."""
        self._batching = _Channel({**self._options, **self.statistics.options})
        self._one_by_one: _Channel | None = None

    async def send(self, records: Sequence[OutgoingRecord]) -> list[Delivery]:
        """Write the records; one result for each, in order. Partial failure is a value, never an exception.

        The brokers refuse a whole batch for one of its records, or because together they are too large, and a batch
        holds records of other requests too: what was refused so is sent again. Only then is their order not kept.
        """
        deliveries = await self._batching.send(records)
        failed = {at: each.failure.name for at, each in enumerate(deliveries) if each.failure is not None}
        if not failed:
            return deliveries
        for at in (at for at, name in failed.items() if name == "_UNKNOWN_PARTITION"):
            deliveries[at] = await self._to_unknown_partition(records[at])
        # Records of one request that are invalid fail together, as with the reference proxy.
        invalid_channel = self._together if len(records) > 1 else self._alone
        for refusal, channel in (("INVALID_RECORD", invalid_channel), ("MSG_SIZE_TOO_LARGE", self._alone)):
            refused = [at for at, name in failed.items() if name == refusal]
            if refused:
                again = await channel().send([records[at] for at in refused])
                for at, delivery in zip(refused, again, strict=True):
                    deliveries[at] = delivery
        return deliveries

    async def close(self) -> None:
        """Wait until everything that was sent is reported, then let go of the cluster."""
        await asyncio.gather(*(each.close() for each in (self._batching, self._one_by_one) if each is not None))

    def _together(self) -> "_Channel":
        return self._batching

    def _alone(self) -> "_Channel":
        if self._one_by_one is None:
            self._one_by_one = _Channel({**self._options, "batch.num.messages": 1})
        return self._one_by_one

    async def _to_unknown_partition(self, record: OutgoingRecord) -> Delivery:
        """Look whether the partition exists by now: the client's metadata may be minutes old."""
        try:
            count = await asyncio.to_thread(self._batching.partition_count, record.topic, self._settings)
        except KafkaFailure as failure:
            return Delivery(failure=failure)
        assert record.partition is not None
        if record.partition < count:
            return (await self._batching.send([record]))[0]
        waited = int(self._settings.metadata_timeout * 1000)
        return Delivery(
            failure=KafkaFailure(
                "_UNKNOWN_PARTITION",
                f"Partition {record.partition} of topic {record.topic} with partition count {count} is not present in "
                f"metadata after {waited} ms.",
                retriable=True,
            )
        )


class _Call:
    """The records of one `send` and what has become of them so far.

    The delivery thread writes `deliveries` and `reported`, the event loop `sent`. Each looks at both after it has
    written, so that at least one sees that all is done.
    """

    __slots__ = ("deliveries", "done", "reported", "sent")

    def __init__(self, size: int) -> None:
        self.deliveries = [_UNREPORTED] * size
        self.reported = 0
        self.sent: int | None = None
        """How many reports to expect; None until all records are handed over."""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(self) -> None:
        """Wake the sender if all reports are in."""
        if self.reported == self.sent and not self.done.done():
            self.done.set_result(None)


_UNREPORTED = Delivery()


class _Channel:
    """One librdkafka producer and the thread that serves its delivery reports."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._client = Client(options, logger=logger)
        self._loop = asyncio.get_running_loop()
        self._complete: list[_Call] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="delivery-reports", daemon=True)
        self._thread.start()

    async def send(self, records: Sequence[OutgoingRecord]) -> list[Delivery]:
        """Hand the records over and wait for their reports."""
        call = _Call(len(records))
        sent = 0
        for at, record in enumerate(records):
            if at % _RECORDS_PER_TURN == _RECORDS_PER_TURN - 1:
                await asyncio.sleep(0)
            try:
                try:
                    self._hand_over(call, at, record)
                except BufferError:
                    await self._hand_over_later(call, at, record)
            except KafkaException as error:
                call.deliveries[at] = Delivery(failure=_refusal(error.args[0]))
            else:
                sent += 1
        call.sent = sent
        call.settle()
        await call.done
        return call.deliveries

    def partition_count(self, topic: str, settings: ProducerSettings) -> int:
        """How many partitions the topic has, asked from the brokers now. Blocks; raises KafkaFailure."""
        with translate.failures():
            found = self._client.list_topics(topic, timeout=settings.metadata_timeout).topics[topic]
        if found.error is not None:
            raise translate.failure(found.error)
        return len(found.partitions)

    async def close(self) -> None:
        """Wait for all reports; each comes within the delivery timeout."""
        self._stopping.set()
        await asyncio.to_thread(self._thread.join)
        self._client.close()

    def _hand_over(self, call: _Call, at: int, record: OutgoingRecord) -> None:
        """Give one record to the client; raises BufferError where its queue has no room, KafkaException if refused."""
        partition = _ANY_PARTITION if record.partition is None else record.partition
        report = partial(self._report, call, at)
        if record.headers or record.timestamp:
            self._client.produce(
                record.topic,
                record.value,
                record.key,
                partition,
                report,
                timestamp=record.timestamp or _NOW,
                headers=list(record.headers) or None,
            )
        else:  # arguments by name would double what the call costs
            self._client.produce(record.topic, record.value, record.key, partition, report)

    def _report(self, call: _Call, at: int, error: KafkaError | None, message: Any) -> None:
        """Note what became of a record of the call; in the thread that serves the reports."""
        call.deliveries[at] = (
            Delivery(message.partition(), message.offset(), None, message.timestamp()[1])
            if error is None
            else Delivery(failure=translate.failure(error))
        )
        call.reported += 1
        if call.reported == call.sent:
            self._complete.append(call)

    async def _hand_over_later(self, call: _Call, at: int, record: OutgoingRecord) -> None:
        """Give one record to the client once its queue has room."""
        while True:
            await asyncio.sleep(_QUEUE_FULL_SECONDS)
            with suppress(BufferError):
                return self._hand_over(call, at, record)

    def _serve(self) -> None:
        while not self._stopping.is_set() or len(self._client):
            self._client.poll(_SERVE_SECONDS)
            if self._complete:
                complete, self._complete = self._complete, []
                try:
                    self._loop.call_soon_threadsafe(_settle, complete)
                except RuntimeError:
                    return  # the loop is closed: nobody waits any more


def _settle(calls: list[_Call]) -> None:
    for call in calls:
        call.settle()


def _refusal(error: KafkaError) -> KafkaFailure:
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return KafkaFailure("RECORD_TOO_LARGE", "The record is larger than the producer's max.request.size allows.")
    return translate.failure(error)
