"""Prototype (b): members that are librdkafka clients, as the service has them, with and without lighter settings."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer

from benchmarks.members.measures import Idle, read_usage
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.statistics import SharedStatistics

_TEND_SECONDS = 1.0
_JOIN_CHECK_SECONDS = 0.05
_SETTLING_SECONDS = 5.0
_SERVED_EVERY = 20
"""Clients that are created before the others are served again."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Settings of clients."""

    pushes_metrics: bool = False
    emits_statistics: bool = True
    heartbeat_ms: int = 3_000


KINDS = {
    "metrics push and statistics": Kind(pushes_metrics=True),
    "statistics": Kind(),
    "neither": Kind(emits_statistics=False),
    "neither, heartbeats of 15 s": Kind(emits_statistics=False, heartbeat_ms=15_000),
}
"""The first is the service's before the lighter settings, the second its default now."""


class Members:
    """Clients that are subscribed and paused, each in a group of its own."""

    def __init__(self, bootstrap: str, kind: Kind) -> None:
        self._kafka = KafkaSettings(bootstrap_servers=bootstrap, enable_metrics_push=kind.pushes_metrics)
        self._kind = kind
        self._statistics = SharedStatistics()
        self._clients: list[Consumer] = []
        self._assigned = 0
        self._tag = time.time_ns()

    def add(self, number: int) -> None:
        """Create and subscribe one more."""
        options = self._kafka.client_options(
            group_id=f"{self._tag}-{number}",
            heartbeat_interval_ms=self._kind.heartbeat_ms,
            queued_max_messages_kbytes=256,
            fetch_message_max_bytes=256 * 1024,
        )
        client = Consumer(options | (self._statistics.create_options() if self._kind.emits_statistics else {}))
        client.subscribe([f"idle-{number % 10}"], on_assign=self._pause)
        self._clients.append(client)

    def _pause(self, client: Consumer, partitions: list[Any]) -> None:
        client.assign(partitions)
        client.pause(partitions)
        self._assigned += 1

    @property
    def has_joined(self) -> bool:
        """Whether all have their assignment."""
        return self._assigned >= len(self._clients)

    def serve(self) -> None:
        """Have all take part in rebalances, as `Consumer.tend` does."""
        for client in self._clients:
            client.consume(1, 0)

    async def tend(self, seconds: float) -> None:
        """Serve all each second, for so long."""
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            self.serve()
            await asyncio.sleep(_TEND_SECONDS)


async def measure(bootstrap: str, count: int, seconds: float, kind: Kind) -> Idle:
    """Join so many groups, and keep the members idle for so long."""
    before, begun = read_usage(), time.perf_counter()
    members = Members(bootstrap, kind)
    for number in range(count):
        members.add(number)
        if number % _SERVED_EVERY == 0:
            members.serve()
    while not members.has_joined:
        members.serve()
        await asyncio.sleep(_JOIN_CHECK_SECONDS)
    joined, at_join = time.perf_counter() - begun, read_usage()
    await members.tend(_SETTLING_SECONDS)
    start, started = read_usage(), time.perf_counter()
    await members.tend(seconds)
    end, watched = read_usage(), time.perf_counter() - started
    return Idle(
        (end.resident_kb - before.resident_kb) / count,
        (end.threads - before.threads) / count,
        (end.cpu_seconds - start.cpu_seconds) / watched,
        joined,
        (at_join.cpu_seconds - before.cpu_seconds) / count * 1000,
    )
