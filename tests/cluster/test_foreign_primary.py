"""Clients write through our nodes while a primary of another product comes and goes: nothing that was said is lost."""

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.cluster import chaos
from tests.cluster.faults import SESSION_MS, Faults
from tests.cluster.foreign_products import FOREIGN_PRODUCTS, ForeignProduct
from tests.cluster.registry_nodes import RegistryNodes


@pytest.mark.long
async def test_the_primary_may_be_of_another_product_for_a_while(kafka: Cluster) -> None:
    """Registrations, look-ups, deletions and configs by each; all give ids, and each reads the others' texts."""

    lent: list[dict[ForeignProduct, int]] = []

    def lend_twice(faults: Faults) -> None:
        for _ in range(2):
            faults.lend_to_karapace()
            faults.lend_to_confluent()
            lent.append(dict(faults.lent))

    with RegistryNodes(kafka.bootstrap_servers, 2, session_timeout_ms=SESSION_MS) as nodes:
        report = await chaos.run(kafka, nodes, lend_twice, seed=1)
        assert report.broken == []
    assert all(0 < lent[0][product] < lent[1][product] for product in FOREIGN_PRODUCTS)
