"""Nodes of this release and of the one before it together, each as primary, under load."""

import time
from pathlib import Path

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.cluster import chaos
from tests.cluster.faults import SESSION_MS, Faults
from tests.cluster.registry_nodes import RegistryNodes
from tests.cluster.releases import PREVIOUS, THIS, install_wheel
from tests.service_process import ServiceProcess

_SECONDS_AS_PRIMARY = 3.0


@pytest.mark.long
@pytest.mark.slow
async def test_an_upgrade_and_its_return_break_no_promise(kafka: Cluster, tmp_path: Path) -> None:
    """Each release leads while the other one follows: the election prefers one node, whatever its release."""
    before = install_wheel(PREVIOUS, tmp_path)
    leaders: list[tuple[bool, bool]] = []
    with RegistryNodes(kafka.bootstrap_servers, 2, program=before, session_timeout_ms=SESSION_MS, workers=1) as nodes:

        def lead() -> None:
            """Note whether primary and follower are of this release, and let clients write for a while."""
            primary = nodes.primary()
            (follower,) = nodes.others(primary)
            leaders.append((_is_this(primary), _is_this(follower)))
            time.sleep(_SECONDS_AS_PRIMARY)

        def roll(faults: Faults) -> None:
            for program in (THIS, before):
                for number in range(2):
                    faults.change_node(number, program)
                    lead()

        report = await chaos.run(kafka, nodes, roll, seed=1)
    assert report.broken == []
    assert sorted(leaders) == [(False, False), (False, True), (True, False), (True, True)]


def _is_this(node: ServiceProcess) -> bool:
    return tuple(node.program) == THIS
