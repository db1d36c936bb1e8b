"""Clusters, topics, partitions and replicas over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.waiting import until
from tests.web.proxy_v3.conftest import V3Api

pytestmark = pytest.mark.asyncio(loop_scope="session")

NO_SUCH_TOPIC = (404, 40403, "This server does not host this topic-partition.")


def refusal(answer: tuple[int, Any]) -> tuple[int, int, str]:
    status, error = answer
    assert list(error) == ["error_code", "message"]
    return status, error["error_code"], error["message"]


async def test_the_cluster_tells_where_all_else_is(v3: V3Api) -> None:
    status, cluster = await v3("GET", "")
    assert status == 200
    assert cluster["kind"] == "KafkaCluster"
    assert cluster["metadata"] == {"self": v3.url, "resource_name": f"crn:///kafka={v3.cluster}"}
    links = [each["related"] for each in cluster.values() if isinstance(each, dict) and "related" in each]
    assert len(links) == 7
    for link in links:
        if not link.endswith("/acls"):
            assert (await v3("GET", link.removeprefix(v3.url)))[0] == 200, link


async def test_a_topic_is_created_found_enlarged_and_deleted(v3: V3Api, topic: Callable[[], str]) -> None:
    name = topic()
    wanted = {
        "partitions_count": 2,
        "replication_factor": 1,
        "configs": [{"name": "cleanup.policy", "value": "compact"}],
    }
    made = await v3.create_topic(name, **wanted)
    url = f"{v3.url}/topics/{name}"
    assert made == {
        "kind": "KafkaTopic",
        "metadata": {"self": url, "resource_name": f"crn:///kafka={v3.cluster}/topic={name}"},
        "cluster_id": v3.cluster,
        "topic_name": name,
        "is_internal": False,
        "replication_factor": 1,
        "partitions_count": 2,
        "partitions": {"related": f"{url}/partitions"},
        "configs": {"related": f"{url}/configs"},
        "partition_reassignments": {"related": f"{url}/partitions/-/reassignment"},
        "authorized_operations": [],
    }
    assert await v3("GET", f"/topics/{name}") == (200, made)
    assert made in (await v3("GET", "/topics"))[1]["data"]
    assert (await v3("GET", f"/topics/{name}/configs/cleanup.policy"))[1]["value"] == "compact"
    assert await v3("PATCH", f"/topics/{name}", {"partitions_count": 3}) == (200, made | {"partitions_count": 3})
    for count in (3, 1, 0, -1, 200_000, 2**31 - 1):
        assert refusal(await v3("PATCH", f"/topics/{name}", {"partitions_count": count}))[:2] == (400, 40002)
    assert await v3("DELETE", f"/topics/{name}") == (204, None)
    assert refusal(await v3("DELETE", f"/topics/{name}")) == NO_SUCH_TOPIC


async def test_a_topic_that_is_only_validated_is_not_made(v3: V3Api, topic: Callable[[], str]) -> None:
    name = topic()
    wanted = {"topic_name": name, "partitions_count": 4, "replication_factor": 1, "validate_only": True}
    status, planned = await v3("POST", "/topics", wanted)
    assert (status, planned["partitions_count"]) == (200, 4)
    assert refusal(await v3("GET", f"/topics/{name}")) == NO_SUCH_TOPIC
    assert refusal(await v3("POST", "/topics", wanted | {"replication_factor": 9}))[:2] == (400, 40002)


async def test_replicas_may_be_assigned(v3: V3Api, topic: Callable[[], str]) -> None:
    made = await v3.create_topic(topic(), replicas_assignments={"0": [1], "1": [1]})
    assert (made["partitions_count"], made["replication_factor"]) == (2, 1)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (None, 42206),
        ({}, 400),
        ([], 400),
        ({"topic_name": "t", "nonsense": 1}, 422),
        ({"topic_name": "t", "partitions_count": "many"}, 400),
        ({"topic_name": "t", "partitions_count": 0}, 40002),
        ({"topic_name": "t", "partitions_count": -5}, 40002),
        ({"topic_name": "t", "partitions_count": 200_000}, 40002),
        ({"topic_name": "t", "replication_factor": -5}, 40002),
        ({"topic_name": "t", "replicas_assignments": {"0": []}}, 40002),
        ({"topic_name": "no/topic"}, 42206),
        ({"topic_name": ""}, 42206),
        ({"topic_name": "t", "replicas_assignments": [{"partition_id": 0, "broker_ids": [1]}]}, 400),
        ({"topic_name": "t", "replicas_assignments": {"1": [1]}}, 40002),
        ({"topic_name": "t", "replicas_assignments": {"0": [99]}}, 40002),
        ({"topic_name": "t", "configs": [{"name": "no.such.config", "value": "1"}]}, 40002),
        ({"topic_name": "t", "configs": [{"value": "1"}]}, 400),
    ],
)
async def test_a_topic_that_cannot_be_is_refused(v3: V3Api, body: object, code: int) -> None:
    assert refusal(await v3("POST", "/topics", body))[1] == code


async def test_what_this_service_may_do_is_told_on_request(v3: V3Api, topic_of: Callable[..., str]) -> None:
    _, described = await v3("GET", f"/topics/{topic_of()}?include_authorized_operations=true")
    assert {"READ", "WRITE", "ALTER_CONFIGS"} <= set(described["authorized_operations"])


async def test_a_partition_shows_leader_replicas_and_offsets(v3: V3Api, topic_of: Callable[..., str]) -> None:
    name = topic_of(2)
    await v3.produce(name, *({"partition_id": 1, "value": {"type": "JSON", "data": each}} for each in range(3)))
    _, listed = await v3("GET", f"/topics/{name}/partitions")
    assert [each["partition_id"] for each in listed["data"]] == [0, 1]
    url = f"{v3.url}/topics/{name}/partitions/1"
    assert (await v3("GET", f"/topics/{name}/partitions/1"))[1] == listed["data"][1]
    assert listed["data"][1]["leader"] == {"related": f"{url}/replicas/1"}
    _, replicas = await v3("GET", f"/topics/{name}/partitions/1/replicas")
    assert [(each["broker_id"], each["is_leader"], each["is_in_sync"]) for each in replicas["data"]] == [
        (1, True, True)
    ]
    assert (await v3("GET", f"/topics/{name}/partitions/1/replicas/1"))[1] == replicas["data"][0]
    _, on_broker = await v3("GET", "/brokers/1/partition-replicas")
    assert replicas["data"][0] in on_broker["data"]
    for query in ("", "?offset_type=earliest_and_latest"):
        _, offsets = await v3("GET", f"/topics/{name}/partitions/1/offset{query}")
        assert offsets["kind"] == "KafkaPartitionWithOffsets"
        assert (offsets["earliest_offset"], offsets["latest_offset"]) == (0, 3)
    status, error = await v3("GET", f"/topics/{name}/partitions/1/offset?offset_type=latest")
    assert (status, error["error_code"]) == (400, 400)
    status, error = await v3("GET", f"/topics/{name}/partitions/7/offset")
    assert (status, error["error_code"]) == (404, 40402)


async def test_no_replica_is_on_its_way_to_another_broker(v3: V3Api, topic_of: Callable[..., str]) -> None:
    name = topic_of()
    for path in ("/topics/-/partitions/-/reassignment", f"/topics/{name}/partitions/-/reassignment"):
        status, listed = await v3("GET", path)
        assert (status, listed["kind"], listed["data"]) == (200, "KafkaReassignmentList", [])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/topics/{topic}-missing", NO_SUCH_TOPIC),
        ("/topics/{topic}-missing/partitions", NO_SUCH_TOPIC),
        ("/topics/{topic}-missing/configs", NO_SUCH_TOPIC),
        (
            "/topics/{topic}/partitions/8",
            (404, 404, "Partition 8 of topic {topic} could not be found on cluster {cluster}."),
        ),
        ("/topics/{topic}/partitions/x", (404, 404, "HTTP 404 Not Found: 'x' is not an integer")),
        (
            "/topics/{topic}/partitions/0/replicas/99",
            (404, 404, "HTTP 404 Not Found: partition {topic}-0 has no replica on broker 99"),
        ),
        (
            "/topics/{topic}/partitions/0/reassignment",
            (404, 404, "HTTP 404 Not Found: no replica of partition {topic}-0 is being reassigned"),
        ),
        ("/topics/{topic}/configs/nope", (404, 404, "HTTP 404 Not Found: TOPIC {topic} has no config nope")),
        ("/brokers/99", (404, 404, "Broker 99 could not be found.")),
        ("/brokers/x", (404, 404, "HTTP 404 Not Found: 'x' is not an integer")),
        ("/brokers/99/partition-replicas", (404, 404, "Broker 99 could not be found.")),
        ("/consumer-groups/nobody", (404, 404, "Consumer Group nobody could not be found.")),
    ],
)
async def test_what_is_not_there_is_not_found(
    v3: V3Api, topic_of: Callable[..., str], path: str, expected: tuple[int, int, str]
) -> None:
    topic = topic_of()
    message = expected[2].format(topic=topic, cluster=v3.cluster)
    assert refusal(await v3("GET", path.format(topic=topic))) == (*expected[:2], message)


async def test_another_cluster_is_not_found(v3: V3Api) -> None:
    elsewhere = V3Api(v3.api, "elsewhere")
    assert refusal(await elsewhere("GET", "")) == (404, 404, "Cluster elsewhere cannot be found.")
    assert refusal(await elsewhere("GET", "/topics")) == (404, 404, "Cluster elsewhere cannot be found.")
    assert refusal(await elsewhere("GET", "/brokers")) == (404, 404, "Cluster elsewhere cannot be found.")
    assert refusal(await elsewhere("GET", "/broker-configs")) == (404, 404, "Cluster elsewhere cannot be found.")
    assert refusal(await elsewhere("GET", "/consumer-groups")) == (404, 404, "Cluster elsewhere could not be found.")


async def test_lists_come_page_by_page_when_asked_for(v3: V3Api, topic_of: Callable[..., str]) -> None:
    name = topic_of(5)
    _, whole = await v3("GET", f"/topics/{name}/partitions")
    assert whole["metadata"]["next"] is None
    seen, following = [], f"{v3.url}/topics/{name}/partitions?page_size=2"
    while following:
        _, page = await v3("GET", following.removeprefix(v3.url))
        assert len(page["data"]) <= 2
        seen += page["data"]
        following = page["metadata"]["next"]
    assert seen == whole["data"]
    assert refusal(await v3("GET", f"/topics/{name}/partitions?page_size=few"))[:2] == (400, 400)


async def test_a_cluster_without_an_authorizer_says_so(v3: V3Api) -> None:
    status, error = await v3("GET", "/acls")
    assert (status, error["error_code"]) == (400, 40002)


async def test_the_size_of_each_replica_grows_with_its_records(v3: V3Api, topic: Callable[[], str]) -> None:
    name = topic()
    await v3.create_topic(name, partitions_count=2)
    path = f"/topics/{name}/replica-sizes"

    async def list_sizes() -> list[Any]:
        status, answer = await v3("GET", path)
        assert (status, answer["kind"]) == (200, "KafkaReplicaSizeList")
        return list(answer["data"]) if len(answer["data"]) == 2 else []

    empty = await until(list_sizes)  # the broker creates the logs of a new topic after its answer
    assert [(each["partition_id"], each["size_bytes"]) for each in empty] == [(0, 0), (1, 0)]
    await v3.produce(name, {"partition_id": 1, "value": {"type": "STRING", "data": "x" * 1_000}})
    sizes = (await v3("GET", path))[1]["data"]
    assert sizes[0]["size_bytes"] == 0
    assert 1_000 < sizes[1]["size_bytes"] < 2_000
    assert sizes[1]["metadata"]["self"] == f"{v3.url}/topics/{name}/partitions/1/replicas/{sizes[1]['broker_id']}"
    assert refusal(await v3("GET", f"/topics/{topic()}/replica-sizes")) == NO_SUCH_TOPIC
