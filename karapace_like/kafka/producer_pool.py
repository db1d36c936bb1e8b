"""The producers of the REST proxy: four that all requests share, and one for each set of overrides in use.

A producer's configuration holds for all its records, so each set of overrides needs a producer of its own. Of the four
shared ones the immediate producer does not linger, the quick one hardly, the prompt one as configured, the patient one
longer: an idempotent client sends a partition's next batch once the last one is acknowledged, and spins while a batch
is due before. Under load, or with slow brokers, larger batches cost less CPU and arrive no later (ADR 13).
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.retrying_producer import ProducerSettings, RetryingProducer
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.statistics import SharedStatistics
from karapace_like.records import NO_OVERRIDES, Delivery, OutgoingRecord, ProducerOverrides

_MAX_SPECIAL: Final = 8
"""How many sets of overrides may have a producer at the same time: each has threads and connections of its own."""
_QUICK_LINGER_MS: Final = 0.15
"""How long a record of the quick producer waits for others. The client's thread looks again after a millisecond at the
earliest, unless it is woken (`async_producer.py`)."""
_QUICK_REPORT_SECONDS: Final = 0.00025
"""How long a delivery report of the quick producer waits for others: longer than a record does."""
_LONG_LINGER_MS: Final = 1
"""Whoever has configured a longer time wants batches: the quick producer is not used."""
_PATIENT_LINGER_MS: Final = 5
"""How long a record of the patient producer waits for others."""
_MANY_RECORDS: Final = 50
"""A request with so many records uses the patient producer, under load."""
_UNACKNOWLEDGED: Final = 5
"""Records that an idempotent client sends to a partition before any is acknowledged: so many need not linger."""
_LOAD: Final = 4
"""Load: more requests than these are in flight, on average, when another one arrives."""
_QUICK_SECONDS: Final = 0.003
"""Quick brokers: a request takes no longer than this, on average, waiting for others not counted."""
_CROWD: Final = 100
"""Where more requests are in flight, on average, their batches are large whatever they wait for."""
_SLOW_SECONDS: Final = 0.005
"""Slow brokers: a request takes more than this, on average, waiting for others not counted."""
_WEIGHT: Final = 1 / 32
"""Weight of the latest request in averages."""
_SLOW_WEIGHT: Final = 1 / 512
"""Its weight in the average of which few requests should change anything."""


@dataclass(slots=True)
class _OverriddenProducer:
    """A producer with overrides, and how many requests use it now."""

    producer: RetryingProducer
    users: int = 0


class ProducerPool:
    """Writes records for many requests at once. Created and used on the event loop; `close` it at the end."""

    def __init__(self, kafka: KafkaSettings, settings: ProducerSettings) -> None:
        self._kafka = kafka
        self._settings = settings
        self.statistics = SharedStatistics()
        """Those of all batching clients."""
        self._immediate = self._create_producer(replace(settings, linger_ms=0, report_seconds=0))
        self._quick: RetryingProducer | None = None
        """Created when it is first needed, and so are the next two."""
        self._prompt: RetryingProducer | None = None
        self._patient: RetryingProducer | None = None
        self._in_flight = 0
        """Requests in flight at the shared producers."""
        self._records_in_flight = 0
        """The records of these requests."""
        self._average_in_flight = 0.0
        """Moving average of the requests in flight at the arrival of another one."""
        self._usual_in_flight = 0.0
        """The same of more requests, so that a crowd does not come and go with each batch."""
        self._average_seconds = 0.0
        """Moving average of the seconds that requests with few records take, waiting for others not counted."""
        self._special: dict[ProducerOverrides, _OverriddenProducer] = {}
        """The least recently used is first."""
        self._closing: set[asyncio.Task[None]] = set()

    def send(
        self, records: Sequence[OutgoingRecord], overrides: ProducerOverrides = NO_OVERRIDES
    ) -> Awaitable[list[Delivery]]:
        """Write the records; return one delivery for each, in order. Partial failure is a value.

        Raises KafkaFailure, _QUEUE_FULL, where too many sets of overrides are in use.
        """
        if overrides is NO_OVERRIDES or overrides == NO_OVERRIDES:
            return self._send(records)
        return self._send_with_overrides(records, overrides)

    async def _send(self, records: Sequence[OutgoingRecord]) -> list[Delivery]:
        begun, count = monotonic(), len(records)
        self._average_in_flight += (self._in_flight - self._average_in_flight) * _WEIGHT
        self._usual_in_flight += (self._in_flight - self._usual_in_flight) * _SLOW_WEIGHT
        producer = self._choose_producer(count)
        self._in_flight += 1
        self._records_in_flight += count
        try:
            return await producer.send(records)
        finally:
            self._in_flight -= 1
            self._records_in_flight -= count
            if count < _MANY_RECORDS:
                self._average_seconds += (monotonic() - begun - producer.waiting - self._average_seconds) * _WEIGHT

    def _choose_producer(self, count: int) -> RetryingProducer:
        """Return the shared producer for a request with so many records, by what is in flight."""
        seconds, requests = self._average_seconds, self._average_in_flight
        if requests <= _LOAD and self._records_in_flight + count <= _UNACKNOWLEDGED:
            return self._immediate
        if count < _MANY_RECORDS and self._usual_in_flight <= _CROWD and seconds <= _QUICK_SECONDS:
            return self._get_quick()
        if requests > _LOAD and (count >= _MANY_RECORDS or seconds > _SLOW_SECONDS):
            return self._get_patient()
        return self._get_prompt()

    async def _send_with_overrides(
        self, records: Sequence[OutgoingRecord], overrides: ProducerOverrides
    ) -> list[Delivery]:
        special = self._special.pop(overrides, None) or self._create_special(overrides)
        self._special[overrides] = special
        special.users += 1
        try:
            return await special.producer.send(records)
        finally:
            special.users -= 1

    async def close(self) -> None:
        """Wait until every record is reported, and close the clients."""
        producers = {
            self._immediate,
            self._quick or self._immediate,
            self._prompt or self._immediate,
            self._patient or self._immediate,
            *(special.producer for special in self._special.values()),
        }
        await asyncio.gather(*(producer.close() for producer in producers), *self._closing)

    def _create_producer(self, settings: ProducerSettings) -> RetryingProducer:
        return RetryingProducer(self._kafka, settings, self.statistics)

    def _get_quick(self) -> RetryingProducer:
        """Return the quick producer: the prompt one where records linger for another time by configuration."""
        if not _QUICK_LINGER_MS < self._settings.linger_ms <= _LONG_LINGER_MS:
            return self._get_prompt()
        if self._quick is None:
            self._quick = self._create_producer(
                replace(
                    self._settings, linger_ms=_QUICK_LINGER_MS, report_seconds=_QUICK_REPORT_SECONDS, holds_back=True
                )
            )
        return self._quick

    def _get_prompt(self) -> RetryingProducer:
        if self._prompt is None:
            self._prompt = self._create_producer(self._settings)
        return self._prompt

    def _get_patient(self) -> RetryingProducer:
        """Return the patient producer: the prompt one where that lingers as long by configuration."""
        if self._settings.linger_ms >= _PATIENT_LINGER_MS:
            return self._get_prompt()
        if self._patient is None:
            self._patient = self._create_producer(replace(self._settings, linger_ms=_PATIENT_LINGER_MS))
        return self._patient

    def _create_special(self, overrides: ProducerOverrides) -> _OverriddenProducer:
        if len(self._special) >= _MAX_SPECIAL:
            self._close_idle()
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
        return _OverriddenProducer(self._create_producer(changed))

    def _close_idle(self) -> None:
        for overrides, special in self._special.items():
            if not special.users:
                del self._special[overrides]
                closing = self._kafka.background.run_once("closing of a producer", special.producer.close())
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)
                return
        raise KafkaFailure(
            "_QUEUE_FULL",
            f"All {_MAX_SPECIAL} producers for overrides are in use: retry, or use one of the combinations in use.",
            retriable=True,
        )
