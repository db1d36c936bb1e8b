"""Three nodes and their Kafka without clock or sockets: election, registry and forwarding are real, the rest a model.

Time is a number that moves when nothing else can. While requests to Kafka are held, each is held twice until the test
lets it go on: before it takes effect and before its answer arrives. So the test decides what happens in which order,
and what a paused or killed node had under way.
"""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from karapace_like.registry.standing import Role
from tests.unit.cluster.simulated_group import Coordinator
from tests.unit.cluster.simulated_log import Record
from tests.unit.cluster.simulated_node import Node
from tests.unit.cluster.virtual_loop import VirtualLoop

if TYPE_CHECKING:
    from tests.cluster.history import Event

T = TypeVar("T")


class World:
    """The cluster: the group's coordinator, the schemas topic, and what is under way to them."""

    def __init__(self, *, fencing: bool) -> None:
        self.loop = VirtualLoop()
        self.fencing = fencing
        self.epoch = 0
        self.topic: list[Record] = []
        self.is_holding = False
        self.held: list[asyncio.Future[None]] = []
        self.coordinator = Coordinator(self.loop)
        self.events: list[Event] = []
        self.nodes = [Node(self, number) for number in range(3)]
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def append(self, *records: Record) -> int:
        """The topic's end after it."""
        self.topic += records
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
            if positions == {len(self.topic)} and roles.count(Role.PRIMARY) == 1 and not self._under_way():
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
