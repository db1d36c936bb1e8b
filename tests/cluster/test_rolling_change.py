"""From the last release that fenced by transactions to this one, and back, node by node and under load."""

import os
from pathlib import Path

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.cluster import chaos
from tests.cluster.faults import SESSION_MS, Faults
from tests.cluster.registry_nodes import RegistryNodes
from tests.cluster.releases import LAST_IN_TRANSACTIONS, THIS, extract

_BY_EPOCH = "Fencing by epoch"


@pytest.mark.long
@pytest.mark.skipif("CHAOS_SECONDS" not in os.environ, reason="takes minutes: `make chaos` runs it")
@pytest.mark.slow
async def test_clients_see_no_broken_promise_while_a_release_is_rolled_out_and_back(
    kafka: Cluster, tmp_path: Path
) -> None:
    """While a node of the earlier release is there, transactions are used; then epochs; then transactions again."""
    before = extract(LAST_IN_TRANSACTIONS, tmp_path)
    with RegistryNodes(kafka.bootstrap_servers, 2, program=before, session_timeout_ms=SESSION_MS, workers=1) as nodes:

        def roll(faults: Faults) -> None:
            faults.change_program(THIS)
            assert any(_BY_EPOCH in line for line in nodes.primary().lines)
            faults.pause_primary()
            faults.change_program(before)
            faults.kill_primary()

        report = await chaos.run(kafka, nodes, roll, seed=1)
    assert report.broken == []
    assert [name for name, _ in report.faults].count("change program") == 4
