"""A primary that cannot reach Kafka, and can be reached by its peers and clients."""

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.cluster import chaos
from tests.cluster.faults import SESSION_MS, Faults
from tests.cluster.registry_nodes import RegistryNodes
from tests.cluster.relays import Relays

pytestmark = pytest.mark.long


@pytest.mark.kafka
async def test_clients_see_no_broken_promise_while_the_primary_is_cut_off_from_kafka() -> None:
    """Another one is elected. What the first has sent arrives late, and is refused by the broker."""
    with (
        Relays(nodes=2, brokers=1) as relays,
        Cluster(listeners=relays.listeners, advertised=relays.advertised) as kafka,
    ):
        relays.lead_to(kafka)
        servers = [relay.servers for relay in relays.all]
        with RegistryNodes(servers, 2, session_timeout_ms=SESSION_MS) as nodes:
            report = await chaos.run(kafka, nodes, Faults.cut_primary_off, seed=1, relays=relays)
    assert report.broken == []
    assert len(report.takeovers) > 1
