"""A producer whose clients are replaced when they fail, and which resends what a batch was refused for.

librdkafka batches what several requests send at the same time (`async_producer.py`). It knows no formats and schemas.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.admin.protocol import ProtocolClient
from karapace_like.kafka.async_producer import AsyncProducer
from karapace_like.kafka.blocking import call_in_thread
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.statistics import SharedStatistics
from karapace_like.records import Delivery, OutgoingRecord

_TOPICS = 1_000
"""How many topics a client may keep (28 kB of memory each) before it is checked that they still exist."""
_GONE = frozenset({"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerSettings:
    """How records are written."""

    acks: str = "all"
    """`all`, or a number as text; an idempotent producer needs `all`."""
    is_idempotent: bool = True
    """False for callers of their own rights: after one refused record an idempotent client could write nothing."""
    linger_ms: float = 1
    """How long a record waits for others. If that is short and brokers are slow, librdkafka's thread spins: a batch is
    due, and an idempotent producer has to wait for the acknowledgement of the partition's last one."""
    compression_type: str = "none"
    max_request_size: int = 1_048_576
    """Bytes of one record at most."""
    delivery_timeout: float = 15.0
    """Seconds after which a record that could not be written is given up."""
    partitioner: str = "murmur2_random"
    """How the partition of a record is chosen; the default agrees with Kafka's Java clients for keyed records."""
    metadata_timeout: float = 3.0
    """Seconds to wait for the metadata of an unknown topic or partition."""
    report_seconds: float = 0.001
    """How long a delivery report may wait for others; 0 for a thread that waits for them (`async_producer.py`)."""

    holds_back: bool = False
    """Whether requests wait until those before them, with records to the same topic, are acknowledged."""

    def client_options(self, kafka: KafkaSettings) -> dict[str, Any]:
        """Return the librdkafka configuration."""
        return kafka.client_options(
            acks=self.acks,
            enable_idempotence=self.is_idempotent and self.acks in {"all", "-1"},
            # Without idempotence a resent batch would follow the batches sent after it.
            max_in_flight_requests_per_connection=5 if self.is_idempotent else 1,
            linger_ms=self.linger_ms,
            compression_type=self.compression_type,
            message_max_bytes=self.max_request_size,
            message_timeout_ms=int(self.delivery_timeout * 1000),
            topic_metadata_propagation_max_ms=int(self.metadata_timeout * 1000),
            partitioner=self.partitioner,
        )


class RetryingProducer:
    """Writes records for many requests at once. Created and used on the event loop; `close` it at the end.

    One client batches the records of all requests. A second one, created when it is first needed, sends single records:
    those that a broker refused together with the others of their batch.
    """

    def __init__(
        self, kafka: KafkaSettings, settings: ProducerSettings, statistics: SharedStatistics | None = None
    ) -> None:
        """`statistics` receives those of the batching client. Raises KafkaFailure."""
        self._settings = settings
        self._options = settings.client_options(kafka)
        self._protocol = ProtocolClient(kafka, timeout=settings.metadata_timeout)
        self._background = kafka.background
        self._statistics = statistics or SharedStatistics()
        self.waiting = settings.linger_ms / 1000 + settings.report_seconds
        """How long a record and its report wait for others, at most, in seconds."""
        self._batching = self._create_client(self._statistics.create_options())
        self._single: AsyncProducer | None = None
        self._topic_limit = _TOPICS
        self._closing: set[asyncio.Task[None]] = set()
        kafka.renewal.add(self)

    async def send(self, records: Sequence[OutgoingRecord]) -> list[Delivery]:
        """Write the records; return one delivery for each, in order. Partial failure is a value, never an exception.

        Brokers refuse a whole batch for one of its records, or because it is too large, and a batch holds records of
        other requests too: refused records are sent again. Only they may lose their order.
        """
        if self._batching.is_broken or (self._single is not None and self._single.is_broken):
            self.renew()
        if len(self._batching.topics) > self._topic_limit:
            await self._limit_topics(self._batching)
        client = self._batching
        deliveries = await client.send(records)
        failed = {at: delivery.failure.name for at, delivery in enumerate(deliveries) if delivery.failure is not None}
        if not failed:
            return deliveries
        for at in (at for at, name in failed.items() if name == "_UNKNOWN_PARTITION"):
            deliveries[at] = await self._send_to_unknown_partition(records[at])
        gone = [at for at in failed if _is_topic_gone(deliveries[at]) and records[at].topic in client.written]
        if gone:  # deleted since: a new client has the brokers recreate the topics, where they do so
            self._replace(client)
            await _resend(self.send, records, gone, deliveries)
        # Invalid records of one request fail together, as with Confluent's REST proxy.
        resend_invalid = self._get_batching if len(records) > 1 else self._get_single
        for refusal, get_client in (("INVALID_RECORD", resend_invalid), ("MSG_SIZE_TOO_LARGE", self._get_single)):
            refused = [at for at, name in failed.items() if name == refusal]
            if refused:
                await _resend(get_client().send, records, refused, deliveries)
        return deliveries

    async def close(self) -> None:
        """Wait until every record is reported, and close the clients."""
        clients = (client for client in (self._batching, self._single) if client is not None)
        await asyncio.gather(*(client.close() for client in clients), *self._closing)

    def renew(self) -> None:
        """Send through new clients from now on; the old ones write what they have queued. Raises KafkaFailure."""
        self._replace(self._batching)
        single, self._single = self._single, None
        if single is not None:
            self._close_later(single)

    def _create_client(self, options: dict[str, Any]) -> AsyncProducer:
        return AsyncProducer(
            {**self._options, **options},
            self._protocol,
            self._background,
            report_seconds=self._settings.report_seconds,
            holds_back=self._settings.holds_back,
        )

    def _get_batching(self) -> AsyncProducer:
        return self._batching

    def _get_single(self) -> AsyncProducer:
        if self._single is None:
            self._single = self._create_client({"batch.num.messages": 1})
        return self._single

    async def _limit_topics(self, client: AsyncProducer) -> None:
        """Replace a client most of whose topics were deleted; let any other keep twice as many."""
        self._topic_limit = 2 * len(client.topics)
        with suppress(KafkaFailure):
            if len(await client.filter_existing(client.topics)) < len(client.topics) // 2:
                self._replace(client)

    def _replace(self, client: AsyncProducer) -> None:
        """Use a new batching client, which knows no topic, unless this one was replaced before."""
        if client is not self._batching:
            return
        self._batching, self._topic_limit = self._create_client(self._statistics.create_options()), _TOPICS
        self._close_later(client)

    def _close_later(self, client: AsyncProducer) -> None:
        closing = self._background.run_once("closing of a producer", client.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _send_to_unknown_partition(self, record: OutgoingRecord) -> Delivery:
        """Send the record if its partition exists by now: the client's metadata may be minutes old."""
        try:
            count = await call_in_thread(
                self._batching.fetch_partition_count, record.topic, self._settings.metadata_timeout
            )
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


async def _resend(
    send: Callable[[Sequence[OutgoingRecord]], Awaitable[list[Delivery]]],
    records: Sequence[OutgoingRecord],
    indexes: Sequence[int],
    deliveries: list[Delivery],
) -> None:
    """Send the records at these indexes again, and replace their deliveries."""
    resent = await send([records[at] for at in indexes])
    for at, delivery in zip(indexes, resent, strict=True):
        deliveries[at] = delivery


def _is_topic_gone(delivery: Delivery) -> bool:
    return delivery.failure is not None and delivery.failure.name in _GONE
