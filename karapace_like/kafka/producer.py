"""The producer that all requests share: idempotent, batching, its results in the order of the request.

librdkafka batches what several requests send at the same time (`channel.py`). Left out here: formats and schemas.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.admin.protocol import Protocol
from karapace_like.kafka.channel import Channel
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.statistics import SharedStatistics
from karapace_like.records import Delivery, OutgoingRecord

_TOPICS = 1_000
"""How many topics a client may keep, which takes 28 kB each, before it is looked whether they are still there."""
_GONE = frozenset({"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerSettings:
    """How records are written."""

    acks: str = "all"
    """`all`, or a number as text; idempotence needs `all`."""
    is_idempotent: bool = True
    """A client without the right to write anywhere could do nothing any more after it was refused that once."""
    linger_ms: float = 1
    """librdkafka's thread spins while a record's time is up and the partition's last batch of an idempotent producer is
    not acknowledged."""
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
            partitioner=self.partitioner,
        )


class Producer:
    """Writes records for many requests at once. Made and used on the event loop; `close` it at the end."""

    def __init__(
        self, kafka: KafkaSettings, settings: ProducerSettings, statistics: SharedStatistics | None = None
    ) -> None:
        """`statistics` are told of the client that all records go through, but those that were refused once."""
        self._settings = settings
        self._options = settings.client_options(kafka)
        self._protocol = Protocol(kafka, timeout=settings.metadata_timeout)
        self._statistics = statistics or SharedStatistics()
        self.linger = settings.linger_ms / 1000
        """Seconds."""
        self._batching = self._new_channel(self._statistics.options())
        self._one_by_one: Channel | None = None
        self._room = _TOPICS
        self._closing: set[asyncio.Task[None]] = set()
        kafka.renewal.tell(self)

    async def send(self, records: Sequence[OutgoingRecord]) -> list[Delivery]:
        """Write the records; one result for each, in order. Partial failure is a value, never an exception.

        The brokers refuse a whole batch for one of its records, or because together they are too large, and a batch
        holds records of other requests too: what was refused so is sent again. Only then is their order not kept.
        """
        if self._batching.is_broken or (self._one_by_one is not None and self._one_by_one.is_broken):
            self.renew()
        if len(self._batching.topics) > self._room:
            await self._make_room(self._batching)
        client = self._batching
        deliveries = await client.send(records)
        failed = {at: each.failure.name for at, each in enumerate(deliveries) if each.failure is not None}
        if not failed:
            return deliveries
        for at in (at for at, name in failed.items() if name == "_UNKNOWN_PARTITION"):
            deliveries[at] = await self._to_unknown_partition(records[at])
        gone = [at for at in failed if _is_gone(deliveries[at]) and records[at].topic in client.written]
        if gone:  # deleted since: for a client that knows nothing of them the brokers create them anew, if they do so
            self._let_go(client)
            again = await self.send([records[at] for at in gone])
            for at, delivery in zip(gone, again, strict=True):
                deliveries[at] = delivery
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
        channels = (each for each in (self._batching, self._one_by_one) if each is not None)
        await asyncio.gather(*(each.close() for each in channels), *self._closing)

    def renew(self) -> None:
        """Send by new clients from now on; what was handed over is written by those before. Raises KafkaFailure."""
        self._let_go(self._batching)
        alone, self._one_by_one = self._one_by_one, None
        if alone is not None:
            self._close_later(alone)

    def _new_channel(self, options: dict[str, Any]) -> Channel:
        return Channel({**self._options, **options}, self._protocol)

    def _together(self) -> Channel:
        return self._batching

    def _alone(self) -> Channel:
        if self._one_by_one is None:
            self._one_by_one = self._new_channel({"batch.num.messages": 1})
        return self._one_by_one

    async def _make_room(self, channel: Channel) -> None:
        """Use another client where most topics are gone that this one keeps; else let it keep more."""
        self._room = 2 * len(channel.topics)
        with suppress(KafkaFailure):
            if len(await channel.existing(channel.topics)) < len(channel.topics) // 2:
                self._let_go(channel)

    def _let_go(self, channel: Channel) -> None:
        """Go on with another client, which knows no topic, unless that was done already."""
        if channel is not self._batching:
            return
        self._batching, self._room = self._new_channel(self._statistics.options()), _TOPICS
        self._close_later(channel)

    def _close_later(self, channel: Channel) -> None:
        closing = asyncio.create_task(channel.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _to_unknown_partition(self, record: OutgoingRecord) -> Delivery:
        """Look whether the partition exists by now: the client's metadata may be minutes old."""
        try:
            count = await asyncio.to_thread(
                self._batching.partition_count, record.topic, self._settings.metadata_timeout
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


def _is_gone(delivery: Delivery) -> bool:
    return delivery.failure is not None and delivery.failure.name in _GONE
