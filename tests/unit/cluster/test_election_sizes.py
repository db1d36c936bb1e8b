"""The number of nodes does not prolong an election (`benchmarks/election_sizes.py` with fewer nodes)."""

import pytest

from benchmarks.election_sizes import Simulation
from tests.unit.cluster.simulated_group import SESSION


@pytest.mark.slow
@pytest.mark.parametrize("nodes", [12, pytest.param(100, marks=pytest.mark.long)])
def test_no_write_waits_longer_than_a_session(nodes: int) -> None:
    calm, follower_leaves, primary_leaves, primary_killed, *_, joining = Simulation(nodes).measure()
    assert (calm.longest, calm.generations) < (0.1, 1)
    assert follower_leaves.longest < 0.1
    assert primary_leaves.longest < SESSION / 5
    assert SESSION / 2 < primary_killed.longest < SESSION * 1.2
    assert joining.longest < SESSION / 2
