"""Prototype (a): members that are heartbeats (KIP-848) over a few shared connections; no thread and no client each.

It joins, keeps the sessions, takes assignments and leaves. It handles no error but by an assertion: what is missing for
production is listed in docs/adr/0034-many-members.md.
"""

import asyncio
import time
import uuid
from typing import Any

from aiokafka.conn import AIOKafkaConnection

from benchmarks.members.measures import Idle, read_usage
from benchmarks.members.requests import Heartbeat
from karapace_like.kafka.admin.protocol import SingleVersionRequest
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.wire import connect, request_group_coordinator

_JOIN_EPOCH, _LEAVE_EPOCH = 0, -1
_REBALANCE_MS = 60_000
_JOIN_RETRY_SECONDS = 0.02
_SETTLING_SECONDS = 5.0


class Member:
    """One member of a group: an epoch, an assignment, and a timer."""

    __slots__ = ("_beating", "_connection", "_epoch", "_group", "_id", "_interval", "_timer", "_topics", "assigned")

    def __init__(self, connection: AIOKafkaConnection, group: str, topics: list[str]) -> None:
        self._connection = connection
        self._group = group
        self._topics = topics
        self._id = str(uuid.uuid4())
        self._epoch = _JOIN_EPOCH
        self._interval = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._beating: asyncio.Task[None] | None = None
        self.assigned: list[tuple[int, int, list[int]]] = []
        """(the halves of the topic's id, partitions)."""

    async def join(self) -> None:
        """Join, take the assignment, and acknowledge it."""
        await self._beat([], self._topics)
        while not self.assigned:
            await asyncio.sleep(_JOIN_RETRY_SECONDS)
            await self._beat(None)
        await self._beat(self.assigned)
        self._schedule()

    async def leave(self) -> None:
        """Leave the group, after a heartbeat under way."""
        if self._beating is not None:
            await self._beating
        if self._timer is not None:
            self._timer.cancel()
        self._epoch = _LEAVE_EPOCH
        await self._beat(None)

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._start_beat)

    def _start_beat(self) -> None:
        self._beating = asyncio.ensure_future(self._stay())

    async def _stay(self) -> None:
        await self._beat(None)
        self._beating = None
        self._schedule()

    async def _beat(self, owned: list[tuple[int, int, list[int]]] | None, topics: list[str] | None = None) -> None:
        timeout = -1 if topics is None else _REBALANCE_MS
        partitions: list[Any] | None = None if owned is None else [(*topic, {}) for topic in owned]
        request: tuple[Any, ...] = (
            self._group,
            self._id,
            self._epoch,
            None,
            None,
            timeout,
            topics,
            None,
            None,
            partitions,
            {},
        )
        response = await self._connection.send(SingleVersionRequest(Heartbeat, *request))
        assert response.error_code == 0, response
        self._epoch = response.member_epoch
        self._interval = response.heartbeat_interval_ms / 1000
        if response.assignment is not None:
            self.assigned = [(high, low, partitions) for high, low, partitions, _ in response.assignment]


async def measure(bootstrap: str, count: int, seconds: float, connections: int) -> Idle:
    """Join so many groups, keep the members idle for so long, and leave."""
    kafka = KafkaSettings(bootstrap_servers=bootstrap)
    first = await connect(kafka, bootstrap, timeout_ms=60_000)
    coordinator = await first.send(request_group_coordinator("any"))
    address = f"{coordinator.host}:{coordinator.port}"  # one broker coordinates all groups here
    shared = [await connect(kafka, address, timeout_ms=60_000) for _ in range(connections)]
    before, begun = read_usage(), time.perf_counter()
    tag = time.time_ns()
    members = [
        Member(shared[number % connections], f"{tag}-{number}", [f"idle-{number % 10}"]) for number in range(count)
    ]
    await asyncio.gather(*(member.join() for member in members))
    joined, at_join = time.perf_counter() - begun, read_usage()
    await asyncio.sleep(_SETTLING_SECONDS)
    start, started = read_usage(), time.perf_counter()
    await asyncio.sleep(seconds)
    end, watched = read_usage(), time.perf_counter() - started
    await asyncio.gather(*(member.leave() for member in members))
    for connection in (first, *shared):
        connection.close()
    return Idle(
        (end.resident_kb - before.resident_kb) / count,
        (end.threads - before.threads) / count,
        (end.cpu_seconds - start.cpu_seconds) / watched,
        joined,
        (at_join.cpu_seconds - before.cpu_seconds) / count * 1000,
    )
