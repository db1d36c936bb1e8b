"""How long writes wait for the election, by the number of nodes: the simulation of the tests with hundreds of them.

    python -m benchmarks.election_sizes [--nodes 3 30 100 300]

Elections, registries and forwarding are real; Kafka and the network are models whose answers take a millisecond, and
time is virtual (`tests/unit/cluster`). So it shows what the protocol makes nodes wait for, and nothing of CPU. Every
tenth of a second a client registers a schema at one of the nodes, which forwards it. The table has the longest
registration while the event took place, and how many generations the group went through.
"""

import argparse
import logging
import random
from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple

from karapace_like.leadership import Fencing
from karapace_like.replication.write_availability import WriteRole
from tests.cluster.history import Outcome
from tests.unit.cluster.simulated_group import SESSION
from tests.unit.cluster.simulated_node import Node
from tests.unit.cluster.simulated_world import World

_TICK = 0.1
"""Virtual seconds between two registrations."""
_RESTARTED = 20
"""Nodes of a rolling restart, one a second."""
_COLUMNS = ("calm", "a follower leaves", "the primary leaves", "the primary is killed", "a rolling restart", "{n} join")


class Wait(NamedTuple):
    """What one event did to writes."""

    longest: float
    """Virtual seconds that the slowest registration took."""
    failures: int
    """Registrations that were not acknowledged."""
    generations: int
    """Of the group."""

    def __str__(self) -> str:
        failures = f", {self.failures} not acknowledged" if self.failures else ""
        return f"{self.longest:.2f} s, {self.generations} generations{failures}"


class Simulation:
    """One cluster, and the client."""

    def __init__(self, nodes: int) -> None:
        self._world = World(fencing=Fencing.EPOCH, nodes=nodes)
        self._random = random.Random(nodes)
        self._texts = count()

    def measure(self) -> Iterator[Wait]:
        """Yield a wait for each of the columns."""
        for node in self._world.nodes:
            node.start()
        self._world.settle()
        yield self._watch(lambda _: None, 10)
        yield self._watch(self._once(self._followers()[0].stop), 10)
        self._world.settle()
        yield self._watch(self._once(self._primary().stop), 10)
        self._world.settle()
        yield self._watch(self._once(self._primary().kill), 3 * SESSION)
        self._world.settle()
        yield self._watch(self._restart_one_each_second, min(_RESTARTED, len(self._world.nodes)) + 5)
        self._world.settle()
        stopped = self._followers()
        for node in stopped:
            node.stop()
        self._world.run(2 * SESSION)
        yield self._watch(lambda tick: stopped[tick].start() if tick < len(stopped) else None, _TICK * len(stopped) + 5)
        self._world.close()

    def _watch(self, act: Callable[[int], None], seconds: float) -> Wait:
        """Register one schema each tick, after the action of that tick."""
        self._world.events.clear()
        begun = self._generation()
        for tick in range(int(seconds / _TICK)):
            act(tick)
            self._register()
            self._world.run(_TICK)
        self._world.run(3 * SESSION)
        events = self._world.events
        longest = max(event.ended - event.begun for event in events)
        failures = sum(event.outcome is not Outcome.ACKNOWLEDGED for event in events)
        return Wait(longest, failures, self._generation() - begun)

    def _register(self) -> None:
        serving = [node for node in self._world.nodes if node.is_running and not node.is_leaving]
        node = self._random.choice(serving)
        number = next(self._texts)
        node.register(f"subject-{number}", f'{{"type":"fixed","name":"t{number}","size":4}}')

    def _restart_one_each_second(self, tick: int) -> None:
        at, rest = divmod(tick, round(1 / _TICK))
        if at < min(_RESTARTED, len(self._world.nodes)) and rest == 0:
            self._world.nodes[at].stop()
        if at < min(_RESTARTED, len(self._world.nodes)) and rest == 5:
            self._world.nodes[at].start()

    def _once(self, act: Callable[[], None]) -> Callable[[int], None]:
        return lambda tick: act() if tick == 0 else None

    def _primary(self) -> Node:
        return next(node for node in self._world.nodes if self._is_primary(node))

    def _followers(self) -> list[Node]:
        return [node for node in self._world.nodes if not self._is_primary(node)]

    def _is_primary(self, node: Node) -> bool:
        return node.is_running and not node.is_leaving and node.registry.board.current.role is WriteRole.PRIMARY

    def _generation(self) -> int:
        return self._world.coordinator.generation


def main() -> None:
    """Print a table with a row for each number of nodes."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--nodes", type=int, nargs="*", default=[3, 30, 100, 300])
    logging.disable(logging.WARNING)
    for nodes in arguments.parse_args().nodes:
        for name, wait in zip(_COLUMNS, Simulation(nodes).measure(), strict=True):
            print(f"{nodes:4} nodes  {name.format(n=nodes - 1):24}{wait}", flush=True)


if __name__ == "__main__":
    main()
