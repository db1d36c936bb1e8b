"""The producers of the REST proxy: one that all requests share, and one for each kind of overrides that is in use.

What a producer is told holds for all its records, so that requests with other wishes need another one.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.producer import Producer, ProducerSettings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.records import NO_OVERRIDES, Delivery, OutgoingRecord, ProducerOverrides

_MAX_SPECIAL: Final = 8
"""How many kinds of overrides have a producer at the same time: each has threads and connections of its own."""


@dataclass(slots=True)
class _Special:
    """A producer and how many requests are using it."""

    producer: Producer
    users: int = 0


class Producers:
    """Writes records for many requests at once. Made and used on the event loop; `close` it at the end."""

    def __init__(self, kafka: KafkaSettings, settings: ProducerSettings) -> None:
        self._kafka = kafka
        self._settings = settings
        self._shared = Producer(kafka, settings)
        self.statistics = self._shared.statistics
        self._special: dict[ProducerOverrides, _Special] = {}
        """The one that was not used for longest is first."""
        self._closing: set[asyncio.Task[None]] = set()

    def send(
        self, records: Sequence[OutgoingRecord], overrides: ProducerOverrides = NO_OVERRIDES
    ) -> Awaitable[list[Delivery]]:
        """Write the records; one result for each, in order. KafkaFailure if too many kinds of overrides are in use."""
        if overrides is NO_OVERRIDES or overrides == NO_OVERRIDES:
            return self._shared.send(records)
        return self._send_specially(records, overrides)

    async def _send_specially(self, records: Sequence[OutgoingRecord], overrides: ProducerOverrides) -> list[Delivery]:
        special = self._special.pop(overrides, None) or self._new(overrides)
        self._special[overrides] = special
        special.users += 1
        try:
            return await special.producer.send(records)
        finally:
            special.users -= 1

    async def close(self) -> None:
        """Wait until everything that was sent is reported, then let go of the cluster."""
        producers = [self._shared, *(each.producer for each in self._special.values())]
        await asyncio.gather(*(each.close() for each in producers), *self._closing)

    def _new(self, overrides: ProducerOverrides) -> _Special:
        if len(self._special) >= _MAX_SPECIAL:
            self._let_one_go()
        changed = replace(
            self._settings,
            acks=overrides.acks or self._settings.acks,
            compression_type=overrides.compression or self._settings.compression_type,
            partitioner=overrides.partitioner or self._settings.partitioner,
            delivery_timeout=(
                self._settings.delivery_timeout
                if overrides.delivery_timeout_ms is None
                else overrides.delivery_timeout_ms / 1000
            ),
        )
        return _Special(Producer(self._kafka, changed))

    def _let_one_go(self) -> None:
        for overrides, special in self._special.items():
            if not special.users:
                del self._special[overrides]
                closing = asyncio.create_task(special.producer.close())
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)
                return
        raise KafkaFailure(
            "_QUEUE_FULL", f"{_MAX_SPECIAL} other kinds of producer overrides are in use", retriable=True
        )
