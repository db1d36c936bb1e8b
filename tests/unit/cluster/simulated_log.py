"""The schemas topic as one node writes it."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from karapace_like.leadership import DeposedError, Takeover, Term
from karapace_like.registry.registry import MARK

if TYPE_CHECKING:
    from tests.unit.cluster.simulated_node import Node


class Record(NamedTuple):
    key: bytes
    value: bytes | None
    timestamp: int


class SimulatedLog:
    """One node's way to the topic; satisfies `registry.Log`."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._world = node.world
        self._epoch = 0
        self._term: Term | None = None

    async def end(self) -> int:
        await self._world.hold()
        end = len(self._world.topic)
        await self._node.awake()
        return end

    async def take_over(self, term: Term) -> Takeover:
        await self._node.awake()
        await self._world.hold()
        self._world.epoch += 1
        epoch = self._world.epoch
        end = self._world.append(Record(MARK, None, 0))
        await self._node.awake()
        self._epoch, self._term = epoch, term
        return Takeover(end, self._world.fencing)

    async def append(self, batch: Sequence[tuple[bytes, bytes | None]]) -> int:
        if not self._world.fencing and not (self._term and self._term.is_certain()):
            raise DeposedError("uncertain")
        await self._node.awake()
        # What is sent is under way, whatever becomes of the sender.
        return await asyncio.shield(self._world.start(self._commit(batch, self._epoch)))

    async def _commit(self, batch: Sequence[tuple[bytes, bytes | None]], epoch: int) -> int:
        await self._world.hold()
        if self._world.fencing and epoch != self._world.epoch:
            raise DeposedError("fenced")
        end = self._world.append(*(Record(key, value, 0) for key, value in batch))
        await self._world.hold()
        await self._node.awake()
        return end

    def mark(self) -> None:
        self._world.append(Record(MARK, None, 0))
