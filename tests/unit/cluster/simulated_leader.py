"""One node's way to the partition's leader and the coordinator, of which `partition_model` is the broker's side."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.epoch_fence.read_back import ProducerEpoch
from tests.partition_model import Producer

if TYPE_CHECKING:
    from tests.unit.cluster.simulated_node import Node

T = TypeVar("T")


class SimulatedLeader:
    """Satisfies `writer.Leader`."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._world = node.world
        self.is_connected = False

    async def connect(self) -> None:
        await self._node.awake()
        self.is_connected = True

    def disconnect(self) -> None:
        self.is_connected = False

    async def append(self, batch: bytes) -> int:
        error_code, offset = await self._ask("append", lambda: self._world.partition.append(batch))
        _check(error_code)
        return offset

    async def fetch_end(self) -> int:
        return await self._ask("end", lambda: len(self._world.topic))

    async def fetch_epoch(self, producer_id: int) -> int | None:
        if not self._world.describes_producers:
            raise KafkaFailure("UNSUPPORTED_VERSION", "an old broker")
        producers = await self._ask("describe", self._world.partition.describe)
        return next((each.epoch for each in producers if each.id == producer_id), None)

    async def take_epoch(self, current: ProducerEpoch | None = None) -> ProducerEpoch:
        known = None if current is None else Producer(*current)
        error_code, producer = await self._ask("init", lambda: self._world.partition.init_producer_id(known))
        _check(error_code)
        return ProducerEpoch(*producer)

    async def _ask(self, name: str, do: Callable[[], T]) -> T:
        await self._node.awake()
        # What is sent is under way, whatever becomes of the sender.
        try:
            return await asyncio.shield(self._world.start(self._carry_out(name, do)))
        except KafkaFailure:
            self.is_connected = False
            raise

    async def _carry_out(self, name: str, do: Callable[[], T]) -> T:
        await self._world.hold()
        await self._world.pass_gate(self._node.number, name)
        answer = do()
        await self._world.hold()
        await self._node.awake()
        return answer


def _check(error_code: int) -> None:
    if error_code:
        raise translate.error_code(error_code)
