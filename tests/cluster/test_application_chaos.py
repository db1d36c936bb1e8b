"""Queues, keys and atomic requests while workers and nodes are killed: a short form of `application_chaos`."""

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.cluster import application_chaos
from tests.cluster.faults import SESSION_MS, Faults
from tests.cluster.pair_history import PairHistory
from tests.cluster.registry_nodes import RegistryNodes

pytestmark = pytest.mark.long


@pytest.mark.kafka
async def test_what_clients_are_answered_is_true_while_workers_and_nodes_are_killed(kafka: Cluster) -> None:
    def cause_faults(faults: Faults) -> None:
        faults.kill_worker()
        faults.kill_primary()

    with RegistryNodes(kafka.bootstrap_servers, 2, workers=2, session_timeout_ms=SESSION_MS) as nodes:
        report = await application_chaos.run(kafka, nodes, cause_faults, seed=1)
    assert report.broken == []
    assert (bool(report.keyed.answers), bool(report.pairs.written), bool(report.queue.accepted)) == (True, True, True)


def test_half_of_a_pair_is_found_out() -> None:
    """And each other answer of an atomic request that the topics contradict."""
    history = PairHistory(written={"a", "b"}, refused={"c"}, unknown={"d", "e"})
    broken = list(history.find_violations(["a", "b", "c", "d", "f", "f"], ["a", "c", "d", "f", "f"]))
    assert broken == [
        "b is written to one topic without the other: [1, 0]",
        "b was answered, and is not written",
        "c was refused, and is written",
        "f is written [2, 2] times",
        "f is written, and nobody has sent it",
    ]
