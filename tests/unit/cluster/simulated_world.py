"""Nodes and their Kafka without clock or sockets: election, registry and forwarding are real, the rest a model.

Time is a number that moves when nothing else can. While requests to Kafka are held, each is held twice until the test
lets it go on: before it takes effect and before its answer arrives. So the test decides what happens in which order,
and what a paused or killed node had under way.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.epoch_fence.writer import EpochWriter
from karapace_like.leadership import Fencing
from karapace_like.replication.write_availability import WriteRole
from tests.partition_model import ModelRecord, PartitionModel
from tests.unit.cluster.simulated_group import Coordinator
from tests.unit.cluster.simulated_node import Node
from tests.unit.cluster.virtual_loop import VirtualLoop

if TYPE_CHECKING:
    from tests.cluster.history import Event

T = TypeVar("T")


class World:
    """The cluster: the group's coordinator, the schemas topic, and what is under way to them."""

    def __init__(self, *, fencing: Fencing, make_writer: type[EpochWriter] = EpochWriter, nodes: int = 3) -> None:
        self.loop = VirtualLoop()
        self.make_writer = make_writer
        self.partition = PartitionModel(self.loop.time, self._append_batch)
        self._gates: dict[tuple[int, str], asyncio.Future[None]] = {}
        self.fencing = fencing
        self.epoch = 0
        self.describes_producers = True
        """Whether the brokers are recent enough to tell which producers they remember."""
        self.topic: list[ModelRecord] = []
        self.is_holding = False
        self.held: list[asyncio.Future[None]] = []
        self.coordinator = Coordinator(self.loop)
        self.events: list[Event] = []
        self.nodes = [Node(self, number) for number in range(nodes)]
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _append_batch(self, records: Sequence[ModelRecord]) -> int:
        begun = len(self.topic)
        self.append(*records)
        return begun

    def block(self, node: int, name: str) -> None:
        """Keep this node's requests of a kind from taking effect."""
        self._gates[node, name] = self.loop.create_future()

    def unblock(self, node: int, name: str) -> None:
        self._gates.pop((node, name)).set_result(None)

    async def pass_gate(self, node: int, name: str) -> None:
        if (gate := self._gates.get((node, name))) is not None:
            await asyncio.shield(gate)

    def append(self, *records: ModelRecord) -> int:
        """The topic's end after it."""
        self.topic += [record._replace(offset=at) for at, record in enumerate(records, len(self.topic))]
        for node in self.nodes:
            node.grown.set()
        return len(self.topic)

    async def hold(self) -> None:
        if self.is_holding:
            future = self.loop.create_future()
            self.held.append(future)
            await future
        else:
            await asyncio.sleep(0.001)

    def release(self, place: int) -> None:
        future = self.held.pop(place % len(self.held))
        if not future.done():
            future.set_result(None)

    def lose(self, place: int, error: str) -> None:
        """A request is lost on its way, or its answer is; the error says what the node sees of that."""
        future = self.held.pop(place % len(self.held))
        if not future.done():
            future.set_exception(KafkaFailure(error, "lost", retriable=True))

    def drop_connections(self) -> None:
        """As a change of the partition's leader does, or a restart."""
        for node in self.nodes:
            node.leader.disconnect()

    def release_all(self) -> None:
        self.is_holding = False
        while self.held:
            self.release(0)

    def run(self, seconds: float = 0.0) -> None:
        """Let everything happen that can."""

        async def wait() -> None:
            for _ in range(12):
                await asyncio.sleep(0)
            await asyncio.sleep(seconds)

        self.loop.run_until_complete(wait())

    def settle(self) -> None:
        """Heal everything, and give it time."""
        self.release_all()
        for node in self.nodes:
            node.resume()
            if not node.is_running:
                node.start()
        for _ in range(400):
            self.run(0.5)
            positions = {node.registry.progress.position for node in self.nodes}
            roles = [node.registry.board.current.role for node in self.nodes]
            if positions == {len(self.topic)} and roles.count(WriteRole.PRIMARY) == 1 and not self._under_way():
                return
        raise AssertionError(f"not settled: {roles} at {positions} of {len(self.topic)}, {self._under_way()} under way")

    def _under_way(self) -> int:
        return sum(task.get_name() == "client" for task in self._tasks)

    def close(self) -> None:
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.wait(tasks))
        self.loop.close()
