"""The election's group: the coordinator as brokers run it, and one node's membership."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.group import Generation, GroupSettings

if TYPE_CHECKING:
    from tests.unit.cluster.simulated_node import Node

SESSION = 10.0
"""Seconds without a heartbeat after which a member is out."""


class Coordinator:
    """The group protocol as brokers run it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._members: dict[str, bytes] = {}
        self._heard: dict[str, float] = {}
        self._joining: dict[str, asyncio.Future[Generation]] = {}
        self._syncing: dict[str, asyncio.Future[bytes]] = {}
        self.generation = 0
        """The number of the group's generation."""
        self._assigned: Mapping[str, bytes] | None = None
        self._ever = 0

    def join(self, member_id: str, metadata: bytes) -> asyncio.Future[Generation]:
        if member_id not in self._members:
            self._ever += 1
            member_id = f"member-{self._ever}"
        self._members[member_id] = metadata
        self._hear(member_id)
        self._joining[member_id] = future = self._loop.create_future()
        self._end_syncs()
        self._complete()
        return future

    def sync(self, generation: Generation, assignments: Mapping[str, bytes]) -> asyncio.Future[bytes]:
        self._check(generation)
        self._syncing[generation.member_id] = future = self._loop.create_future()
        if generation.members is not None:
            self._assigned = assignments
        if self._assigned is not None:
            for member_id, each in self._syncing.items():
                if not each.done():
                    each.set_result(self._assigned.get(member_id, b"{}"))
        return future

    def heartbeat(self, generation: Generation) -> None:
        self._check(generation)

    def leave(self, member_id: str) -> None:
        if self._members.pop(member_id, None) is not None:
            self._joining.pop(member_id, None)
            self._rebalance()

    def members(self) -> list[bytes]:
        return list(self._members.values())

    def _check(self, generation: Generation) -> None:
        if generation.member_id not in self._members:
            raise KafkaFailure("UNKNOWN_MEMBER_ID", "expired")
        self._hear(generation.member_id)
        if self._joining:
            raise KafkaFailure("REBALANCE_IN_PROGRESS", "rebalance")
        if generation.number != self.generation:
            raise KafkaFailure("ILLEGAL_GENERATION", "an earlier generation")

    def _hear(self, member_id: str) -> None:
        now = self._loop.time()
        self._heard[member_id] = now
        self._loop.call_at(now + SESSION, self._expire, member_id, now)

    def _expire(self, member_id: str, heard: float) -> None:
        # Who waits for the others to join is alive.
        if self._heard.get(member_id) == heard and member_id not in self._joining:
            self.leave(member_id)

    def _rebalance(self) -> None:
        """A member is gone: the rest has to join again, which they learn by their heartbeats."""
        self._end_syncs()
        if self._members and not self._joining:
            self.generation += 1
            self._assigned = None
        self._complete()

    def _end_syncs(self) -> None:
        for each in self._syncing.values():
            if not each.done():
                each.set_exception(KafkaFailure("REBALANCE_IN_PROGRESS", "rebalance"))
        self._syncing.clear()

    def _complete(self) -> None:
        if not self._joining or self._joining.keys() != self._members.keys():
            return
        self.generation += 1
        self._assigned = None
        leader = min(self._members)
        for member_id, future in self._joining.items():
            members = dict(self._members) if member_id == leader else None
            if not future.done():
                future.set_result(Generation(self.generation, member_id, members))
            self._hear(member_id)
        self._joining.clear()


class SimulatedGroup:
    """One node's membership; satisfies `election.Membership`."""

    settings = GroupSettings(session_timeout_ms=int(SESSION * 1000))

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._member_id = ""

    async def join(self, metadata: bytes) -> Generation:
        await self._node.awake()
        generation = await self._node.world.coordinator.join(self._member_id, metadata)
        await self._node.awake()
        self._member_id = generation.member_id
        return generation

    async def sync(self, generation: Generation, assignments: Mapping[str, bytes]) -> bytes:
        await self._node.awake()
        assigned = await self._node.world.coordinator.sync(generation, assignments)
        await self._node.awake()
        return assigned

    async def heartbeat(self, generation: Generation) -> None:
        await self._node.awake()
        self._node.world.coordinator.heartbeat(generation)

    async def fetch_members(self) -> list[bytes]:
        return self._node.world.coordinator.members()

    async def leave(self) -> None:
        """A killed process cannot."""
        if self._node.is_running:
            self._node.world.coordinator.leave(self._member_id)
