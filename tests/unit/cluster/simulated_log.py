"""The schemas topic as one node writes it."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from karapace_like.kafka.epoch_fence.fenced_partition import FencedPartition
from karapace_like.kafka.epoch_fence.fencer import PartitionLimits
from karapace_like.kafka.epoch_fence.read_back import ReadBack
from karapace_like.leadership import DeposedError, Fencing, Takeover, Term
from karapace_like.records import LogEntry, take_plain
from karapace_like.registry.registry import MARK
from tests.partition_model import ModelRecord
from tests.unit.cluster.simulated_leader import SimulatedLeader

if TYPE_CHECKING:
    from tests.unit.cluster.simulated_node import Node


_ID = "simulated"
_MAX_BYTES = 1_000_000


class SimulatedLog:
    """One node's way to the topic; satisfies `registry.Log`."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._world = node.world
        self._epoch = 0
        self._term: Term | None = None
        self._fencing = self._world.fencing
        self.read_back = ReadBack(_ID)
        self.leader = SimulatedLeader(node)
        self.writer = self._world.make_writer(
            FencedPartition(
                leader=self.leader,
                read_back=self.read_back,
                noop_key=MARK,
                transactional_id=_ID,
                now=self._world.loop.time,
            ),
            fetch_limits=self._fetch_limits,
            timeout=30.0,
        )

    async def _fetch_limits(self) -> PartitionLimits:
        return PartitionLimits(_MAX_BYTES, self._world.partition.expiry, is_log_append_time=True)

    async def end(self) -> int:
        await self._world.hold()
        end = len(self._world.topic)
        await self._node.awake()
        return end

    async def take_over(self, term: Term) -> Takeover:
        if self._fencing is Fencing.EPOCH:
            return Takeover(await self.writer.take_over(term), is_fenced=True)
        await self._node.awake()
        await self._world.hold()
        self._world.epoch += 1
        epoch = self._world.epoch
        end = self._world.append(ModelRecord(MARK, None, 0, 0))
        await self._node.awake()
        self._epoch, self._term = epoch, term
        return Takeover(end, self._fencing is Fencing.TRANSACTION)

    async def append(self, batch: Sequence[LogEntry]) -> int:
        batch = take_plain(batch)
        if self._fencing is Fencing.EPOCH:
            return await self.writer.append(batch)
        if self._fencing is Fencing.OFF and not (self._term and self._term.has_lease()):
            raise DeposedError("uncertain")
        await self._node.awake()
        # What is sent is under way, whatever becomes of the sender.
        return await asyncio.shield(self._world.start(self._commit(batch, self._epoch)))

    async def _commit(self, batch: Sequence[tuple[bytes, bytes | None]], epoch: int) -> int:
        await self._world.hold()
        if self._fencing is Fencing.TRANSACTION and epoch != self._world.epoch:
            raise DeposedError("fenced")
        end = self._world.append(*(ModelRecord(key, value, 0, 0) for key, value in batch))
        await self._world.hold()
        await self._node.awake()
        return end

    def mark(self) -> None:
        if self._fencing is not Fencing.EPOCH:
            self._world.append(ModelRecord(MARK, None, 0, 0))
