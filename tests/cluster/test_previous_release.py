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

_SECONDS_AS_PRIMARY = 2.0
_ROUNDS = 3
"""At most: which node of two is elected is for the election to say."""
_EACH_BESIDE_EACH = {(False, False), (False, True), (True, False), (True, True)}
"""Whether the primary and whether the follower is of this release."""


@pytest.mark.long
@pytest.mark.slow
async def test_an_upgrade_and_its_return_break_no_promise(kafka: Cluster, tmp_path: Path) -> None:
    """Each release leads while the other one follows."""
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
            for _ in range(_ROUNDS):
                for program in (THIS, before):
                    for number in range(2):
                        faults.change_node(number, program)
                        lead()
                        faults.stop_primary()
                        lead()
                if set(leaders) == _EACH_BESIDE_EACH:
                    return

        report = await chaos.run(kafka, nodes, roll, seed=1)
    assert report.broken == []
    assert set(leaders) == _EACH_BESIDE_EACH


def _is_this(node: ServiceProcess) -> bool:
    return tuple(node.program) == THIS
