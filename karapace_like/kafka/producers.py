"""The producers of the REST proxy: two that all requests share, and one for each kind of overrides that is in use.

What a producer is told holds for all its records, so that requests with other wishes need another one. So do requests
that are better sent in larger batches: an idempotent client sends a partition's next batch once the last one is
acknowledged, and spins while a batch is due before. Where many records come, or brokers take long, it is cheaper, and
no later, to wait longer for others.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.producer import Producer, ProducerSettings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.statistics import SharedStatistics
from karapace_like.records import NO_OVERRIDES, Delivery, OutgoingRecord, ProducerOverrides

_MAX_SPECIAL: Final = 8
"""How many kinds of overrides have a producer at the same time: each has threads and connections of its own."""
_PATIENT_LINGER_MS: Final = 5
_MANY: Final = 50
"""Records of a request that go with others in larger batches."""
_OTHERS: Final = 4
"""How many requests have to be under way, on average, when one comes that is to wait for others."""
_SLOW_SECONDS: Final = 0.006
"""What a request takes beside lingering, on average, from which on brokers are slow."""
_WEIGHT: Final = 1 / 32
"""Of one request in that average."""


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
        self._time = asyncio.get_running_loop().time
        self.statistics = SharedStatistics()
        """Of all clients."""
        self._prompt = self._producer(settings)
        self._patient: Producer | None = None
        """Made when it is first needed."""
        self._under_way = 0
        """Requests to either of them."""
        self._others = 0.0
        """How many that were lately when another came."""
        self._pace = 0.0
        """Seconds that requests with few records took lately, beside lingering."""
        self._special: dict[ProducerOverrides, _Special] = {}
        """The one that was not used for longest is first."""
        self._closing: set[asyncio.Task[None]] = set()

    def send(
        self, records: Sequence[OutgoingRecord], overrides: ProducerOverrides = NO_OVERRIDES
    ) -> Awaitable[list[Delivery]]:
        """Write the records; one result for each, in order. KafkaFailure if too many kinds of overrides are in use."""
        if overrides is NO_OVERRIDES or overrides == NO_OVERRIDES:
            return self._send(records)
        return self._send_specially(records, overrides)

    async def _send(self, records: Sequence[OutgoingRecord]) -> list[Delivery]:
        begun, is_large = self._time(), len(records) >= _MANY
        self._others += (self._under_way - self._others) * _WEIGHT
        producer = self._prompt
        if self._others > _OTHERS and (is_large or self._pace > _SLOW_SECONDS):
            producer = self._patient = self._patient or self._made_patient()
        self._under_way += 1
        try:
            return await producer.send(records)
        finally:
            self._under_way -= 1
            if not is_large:
                self._pace += (self._time() - begun - producer.linger - self._pace) * _WEIGHT

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
        producers = {self._prompt, self._patient or self._prompt, *(each.producer for each in self._special.values())}
        await asyncio.gather(*(each.close() for each in producers), *self._closing)

    def _producer(self, settings: ProducerSettings) -> Producer:
        return Producer(self._kafka, settings, self.statistics)

    def _made_patient(self) -> Producer:
        """What lingers longer anyway needs no second client."""
        settings = self._settings
        if settings.linger_ms >= _PATIENT_LINGER_MS:
            return self._prompt
        return self._producer(replace(settings, linger_ms=_PATIENT_LINGER_MS))

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
        return _Special(self._producer(changed))

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
