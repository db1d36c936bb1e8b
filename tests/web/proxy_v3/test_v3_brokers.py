"""What is told while brokers come and go: three of them, of which one is stopped."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
import pytest_asyncio
from aiokafka.protocol.admin import AlterPartitionReassignmentsRequest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from karapace_like.kafka.admin.protocol import ProtocolClient
from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.proxy.settings import ProxySettings
from tests.waiting import until
from tests.web.proxy.conftest import running
from tests.web.proxy_v3.conftest import V3Api, v3_api

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def v3(three_brokers: Cluster) -> AsyncIterator[V3Api]:
    async with running(three_brokers, ProxySettings()) as api:
        yield await v3_api(api)


async def test_a_replica_on_its_way_to_another_broker_is_told(
    v3: V3Api, three_brokers: Cluster, topic: Callable[[], str]
) -> None:
    """The move is held up by a throttle that lets nothing through as long as somebody looks."""
    name = topic()
    await v3.create_topic(name, replicas_assignments={"0": [1]}, configs=[
        {"name": "leader.replication.throttled.replicas", "value": "*"},
        {"name": "follower.replication.throttled.replicas", "value": "*"},
    ])  # fmt: skip
    for broker in ("1", "2"):
        throttled = [
            ConfigEntry(f"{side}.replication.throttled.rate", "1", incremental_operation=AlterConfigOpType.SET)
            for side in ("leader", "follower")
        ]
        resource = ConfigResource(ResourceType.BROKER, broker, incremental_configs=throttled)
        v3.api.admin.incremental_alter_configs([resource])[resource].result()
    await v3.produce(name, *({"value": {"type": "STRING", "data": "x" * 100_000}} for _ in range(20)))
    protocol = ProtocolClient(KafkaSettings(bootstrap_servers=three_brokers.bootstrap_servers), timeout=10)
    await protocol.ask(reassignment(name, [2]))
    status, listed = await v3("GET", f"/topics/{name}/partitions/-/reassignment")
    assert status == 200
    (moving,) = listed["data"]
    url = f"{v3.url}/topics/{name}/partitions/0"
    assert moving == {
        "kind": "KafkaReassignment",
        "metadata": {
            "self": f"{url}/reassignment",
            "resource_name": f"crn:///kafka={v3.cluster}/topic={name}/partition=0/reassignment",
        },
        "cluster_id": v3.cluster,
        "topic_name": name,
        "partition_id": 0,
        "adding_replicas": [2],
        "removing_replicas": [1],
        "replicas": {"related": f"{url}/replicas"},
    }
    assert await v3("GET", f"/topics/{name}/partitions/0/reassignment") == (200, moving)
    assert moving in (await v3("GET", "/topics/-/partitions/-/reassignment"))[1]["data"]
    await protocol.ask(reassignment(name, None))
    assert (await v3("GET", f"/topics/{name}/partitions/0/reassignment"))[0] == 404


def reassignment(topic: str, brokers: Sequence[int] | None) -> AlterPartitionReassignmentsRequest:
    """Move the only partition; None ends the move."""
    return AlterPartitionReassignmentsRequest(10_000, [(topic, [(0, brokers, {})], {})], {})


async def test_every_call_is_answered_while_a_broker_is_down(
    v3: V3Api, three_brokers: Cluster, topic: Callable[[], str]
) -> None:
    """The state of replicas is told as it is, and what only the broker itself knows is refused at once."""
    replicated, alone = topic(), topic()
    await v3.create_topic(replicated, partitions_count=3, replication_factor=3)
    await v3.create_topic(alone, replicas_assignments={"0": [3]})
    offsets = {"data": [{"topic_name": each, "partition_id": 0, "offset": 0} for each in (replicated, alone)]}
    group = await group_on(v3, 3, offsets, topic)
    broker = three_brokers.brokers[2]
    broker.kill()
    try:
        await until(lambda: is_under_replicated(v3, replicated, 3))
        for path, expected in {
            "/brokers": 200,
            "/brokers/3": 404,
            "/brokers/3/configs": 500,
            "/brokers/3/partition-replicas": 200,
            "/brokers/-/configs": 200,
            "/topics": 200,
            f"/topics/{alone}": 200,
            f"/topics/{alone}/partitions": 200,
            f"/topics/{alone}/configs": 200,
            "/topics/-/partitions/-/reassignment": 200,
            "/broker-configs": 200,
            "/consumer-groups": 200,
            f"/consumer-groups/{group}/lags": 200,
        }.items():
            async with asyncio.timeout(120):
                status, answer = await v3("GET", path)
            assert (path, status) == (path, expected), answer
        _, brokers = await v3("GET", "/brokers")
        assert [each["broker_id"] for each in brokers["data"]] == [1, 2]
        _, partition = await v3("GET", f"/topics/{alone}/partitions/0")
        assert partition["leader"] is None
        _, lags = await v3("GET", f"/consumer-groups/{group}/lags")
        assert [each["topic_name"] for each in lags["data"]] == [replicated]
        (result,) = await v3.produce(replicated, {"value": {"type": "JSON", "data": 1}})
        assert result["error_code"] == 200
        assert await v3("POST", f"/consumer-groups/{group}/offsets:alter", offsets) == (204, None)
        assert await v3("DELETE", f"/consumer-groups/{group}/offsets") == (204, None)
        assert (await v3("GET", f"/consumer-groups/{group}"))[0] == 404
    finally:
        broker.start()


async def group_on(v3: V3Api, broker: int, offsets: object, name: Callable[[], str]) -> str:
    """A group with these offsets that the broker coordinates."""
    while True:
        group = name()
        assert await v3("POST", f"/consumer-groups/{group}/offsets:alter", offsets) == (204, None)
        _, found = await v3("GET", f"/consumer-groups/{group}")
        if found["coordinator"]["related"].endswith(f"/brokers/{broker}"):
            return group


async def is_under_replicated(v3: V3Api, topic: str, broker: int) -> bool:
    """Whether the broker is no longer told of, its replicas are out of sync, and another leads each partition."""
    _, listed = await v3("GET", f"/brokers/{broker}/partition-replicas")
    ours = [each for each in listed["data"] if each["topic_name"] == topic]
    noticed = not any(each["is_in_sync"] or each["is_leader"] for each in ours)
    return len(ours) == 3 and noticed and (await v3("GET", f"/brokers/{broker}"))[0] == 404
