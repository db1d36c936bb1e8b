"""Thousands of interleavings of elections, writes, pauses and crashes, none of which may break a promise."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from karapace_like.leadership import Fencing
from karapace_like.replication.write_availability import WriteRole
from tests.cluster.history import Action, Outcome, violations
from tests.forms import count_examples
from tests.partition_model import Producer
from tests.unit.cluster.simulated_group import SESSION
from tests.unit.cluster.simulated_node import Node
from tests.unit.cluster.simulated_world import World

EXPIRY = 60.0
"""Seconds after which the partition forgets a producer."""
NODES = st.integers(0, 2)
SUBJECTS = st.sampled_from("ab")
_EXAMPLES = count_examples(150, "SIMULATION_EXAMPLES")
_EPOCH_SETTINGS = settings(
    max_examples=_EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
_FEW_SETTINGS = settings(_EPOCH_SETTINGS, max_examples=_EXAMPLES // 3)


class Cluster(RuleBasedStateMachine):
    """What can happen to three nodes."""

    fencing = Fencing.EPOCH
    describes_producers = True

    def __init__(self) -> None:
        super().__init__()
        self._world = World(fencing=self.fencing)
        self._world.partition.expiry = EXPIRY
        self._world.describes_producers = self.describes_producers
        self._texts = 0
        for node in self._world.nodes:
            node.start()
        self._world.settle()

    @rule(node=NODES, subject=SUBJECTS)
    def register(self, node: int, subject: str) -> None:
        """A new schema."""
        self._texts += 1
        self._register(node, subject)

    @precondition(lambda self: self._texts)
    @rule(node=NODES, subject=SUBJECTS)
    def register_again(self, node: int, subject: str) -> None:
        """What somebody has registered last, for this subject or for another."""
        self._register(node, subject)

    def _register(self, node: int, subject: str) -> None:
        self._node(node).register(subject, f'{{"type":"fixed","name":"t{self._texts}","size":4}}')
        self._world.run()

    @rule(node=NODES, place=st.integers(0, 1000))
    def delete(self, node: int, place: int) -> None:
        """A version that was acknowledged."""
        known = [
            each
            for each in self._world.events
            if each.action is Action.REGISTER and each.outcome is Outcome.ACKNOWLEDGED and each.version is not None
        ]
        if known:
            found = known[place % len(known)]
            self._node(node).delete(found.subject, found.text, found.version or 0)
            self._world.run()

    @precondition(lambda self: self._world.held)
    @rule(place=st.integers(0, 100))
    def let_go(self, place: int) -> None:
        """One request or answer arrives, in any order."""
        self._world.release(place)
        self._world.run()

    @precondition(lambda self: self._world.held and self.fencing is Fencing.EPOCH)
    @rule(place=st.integers(0, 100), error=st.sampled_from(["_TRANSPORT", "NOT_LEADER_FOR_PARTITION"]))
    def lose(self, place: int, error: str) -> None:
        """One request or answer never arrives; or the leader moves, before it has appended the batch or after it."""
        self._world.lose(place, error)
        self._world.run()

    @rule()
    def drop_connections(self) -> None:
        self._world.drop_connections()

    @rule()
    def hold(self) -> None:
        """From now on every request to Kafka waits to be let go."""
        self._world.is_holding = True

    @rule()
    def let_all_go(self) -> None:
        self._world.release_all()
        self._world.run(0.1)

    @rule(seconds=st.sampled_from([0.01, 1.0, 12.0]))
    def wait(self, seconds: float) -> None:
        self._world.run(seconds)

    @rule(back=st.integers(0, 3))
    def lose_epochs(self, back: int) -> None:
        """The coordinator has lost the end of its log, and gives epochs a second time."""
        producer = self._world.partition.coordinator
        self._world.partition.coordinator = producer._replace(epoch=max(-1, producer.epoch - back))

    @rule()
    def give_another_id(self) -> None:
        """The coordinator has forgotten the transactional id."""
        self._world.partition.coordinator = Producer(self._world.partition.coordinator.id + 1, -1)

    @rule(node=NODES)
    def pause(self, node: int) -> None:
        self._node(node).pause()

    @rule(node=NODES)
    def resume(self, node: int) -> None:
        self._node(node).resume()
        self._world.run()

    @rule(node=NODES)
    def kill(self, node: int) -> None:
        self._node(node).kill()
        self._world.run()

    @rule(node=NODES)
    def start(self, node: int) -> None:
        if not self._node(node).is_running:
            self._node(node).start()
            self._world.run(0.1)

    def _node(self, number: int) -> Node:
        return self._world.nodes[number]

    def teardown(self) -> None:
        try:
            self._world.settle()
            holdings = {node.url: node.holding() for node in self._world.nodes}
            assert not any(node.registry.read().context("").mixed for node in self._world.nodes)
            assert violations(self._world.events, holdings) == []
        finally:
            self._world.close()


class ClusterOfOldBrokers(Cluster):
    """The same with brokers that do not tell what they remember: epochs are renewed."""

    describes_producers = False


class ClusterInTransactions(Cluster):
    """The same with the form that fences by transactions."""

    fencing = Fencing.TRANSACTION


@pytest.mark.slow
@pytest.mark.drawn
@pytest.mark.parametrize("machine", [Cluster, ClusterOfOldBrokers, ClusterInTransactions])
def test_no_order_of_events_breaks_a_promise(machine: type[Cluster]) -> None:
    """Passes if no assertion of the state machine fails."""
    run_state_machine_as_test(machine, settings=_EPOCH_SETTINGS if machine is Cluster else _FEW_SETTINGS)


@pytest.mark.parametrize(
    ("fencing", "broken"), [(Fencing.EPOCH, False), (Fencing.TRANSACTION, False), (Fencing.OFF, True)]
)
def test_only_fencing_keeps_a_primary_that_slept_from_giving_an_id_twice(*, fencing: Fencing, broken: bool) -> None:
    """So the checker, and with it the simulation, can find the fault at all."""
    world = World(fencing=fencing)
    try:
        for node in world.nodes:
            node.start()
        world.settle()
        sleeper = next(node for node in world.nodes if node.registry.board.current.role is WriteRole.PRIMARY)
        other = next(node for node in world.nodes if node is not sleeper)
        world.is_holding = True
        sleeper.register("a", '"int"')
        world.run(0.1)
        world.release(0)  # it learns of the topic's end and plans; what it sends stays under way
        world.run(0.1)
        held, world.held = world.held, []
        world.release_all()
        sleeper.pause()
        world.run(3 * SESSION)
        other.register("b", '"long"')
        world.run(1.0)
        world.held = held
        world.settle()
        assert bool(violations(world.events, {node.url: node.holding() for node in world.nodes})) is broken
    finally:
        world.close()
