"""Queues on a cluster without share groups: each call is refused, with the reason."""

import aiohttp
import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

pytestmark = [pytest.mark.kafka, pytest.mark.long]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/queues", None),
        ("GET", "/queues/workers", None),
        ("PUT", "/queues/workers/config", {"start": "earliest"}),
        ("POST", "/queues/workers/receive", {"topics": ["lifts"], "wait_ms": 30_000}),
        ("DELETE", "/queues/workers", None),
    ],
)
async def test_a_cluster_without_share_groups_is_named(method: str, path: str, body: object) -> None:
    with Cluster(features={"share.version": 0}) as kafka, ServiceProcess(kafka.bootstrap_servers) as service:
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
        admin.create_topics([NewTopic("lifts", 1, 1)])["lifts"].result()
        async with (
            aiohttp.ClientSession(service.url) as session,
            session.request(method, path, json=body) as answer,
        ):
            told = await answer.json(content_type=None)
    assert (answer.status, told["error_code"]) == (400, 40002), told
    assert "This cluster has no share groups: they need Kafka 4.2 with" in told["message"]
    assert "share.version=1" in told["message"]
