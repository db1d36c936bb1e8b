"""What operators see of topic policies: tests of records, and counts of what was refused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from karapace_like.kafka.cluster import Cluster
from karapace_like.policies.policy import Mode
from karapace_like.proxy.contracts.violation_log import OTHER_TOPICS, ViolationLog
from karapace_like.proxy.contracts.violations import Reason, Violation
from karapace_like.proxy.formats import RecordPart
from tests.calling import call
from tests.contracts.policing import LIFT, offer, put, register
from tests.contracts.producing import Part
from tests.kafka.service_in_process import Node
from tests.service_process import ServiceProcess

REFUSE = {"value": {"plain": "refuse"}}


def value(data: Any, kind: str = "JSON", **more: Any) -> dict[str, Any]:
    return {"value": {"type": kind, "data": data, **more}}


async def test_records_are_judged_and_not_written(node: Node, topic: Callable[[], str]) -> None:
    name = topic()
    schema_id = await register(node, f"{name}-value", LIFT)
    policy = {"mode": "observe", "value": {"plain": "encode"}}
    await put(node, name, policy)
    records = [
        value({"floor": 7, "note": None}),
        value({"floor": "secret", "note": None}),
        {"value": {"schema_id": schema_id, "data": {"floor": 7, "note": None}}},
        {"key": {"type": "STRING", "data": "k"}},
        {"value": {"type": "JSON"}},
        {"value": {"type": "AVRO", "schema": '"int"', "data": 1}},
        {"values": 1},
    ]
    status, answer = await node.call("POST", f"/policies/{name}:test", {"records": records})
    assert (status, answer["kind"], answer["topic"]) == (200, "KafkaTopicPolicyTest", name), answer
    accepted, refused, framed, keyed, *faulty = answer["results"]
    assert accepted["is_accepted"]
    assert accepted["value"] == {
        "type": "AVRO",
        "subject": f"{name}-value",
        "schema_id": schema_id,
        "schema_version": 1,
        "size": 7,
    }
    assert (refused["is_accepted"], refused["error_code"], refused["reason"]) == (False, 422, "invalid")
    assert "at floor is a string that does not fit; expected int" in refused["message"]
    assert (framed["value"], keyed["value"]) == (accepted["value"], None)
    assert [result["error_code"] for result in faulty] == [400, 400, 400]
    assert (await node.call("GET", f"/policies/{name}/violations"))[1]["counts"] == []
    assert (await node.call("GET", f"/topics/{name}"))[0] == 404  # nothing has created the topic


async def test_a_policy_is_tried_before_it_is_set(node: Node, topic: Callable[[], str]) -> None:
    name = topic()
    body = {"policy": REFUSE, "records": [value(1)]}
    status, answer = await node.call("POST", f"/policies/{name}:test", body)
    assert (status, answer["results"][0]["reason"]) == (200, "plain")
    status, answer = await node.call("POST", f"/policies/{name[:9]}*:test", {**body, "topic": name})
    assert (status, answer["topic"], answer["results"][0]["reason"]) == (200, name, "plain"), answer
    assert (await node.call("GET", f"/policies/{name}"))[0] == 404


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({}, 400, "records"),
        ({"records": []}, 400, "records has 0 records; expected 1 to 100."),
        ({"records": [{}] * 101}, 400, "records has 101 records"),
        ({"records": [{}], "topic": "other"}, 400, "topic must name a topic that the policy"),
        ({"records": [{}], "policy": {"mod": "x"}}, 422, "mod is no field of a policy"),
        ({"records": [{}], "policy": {"value": {"plain": "encode"}}}, 422, "the registry has no schema"),
        ({"records": [{}]}, 404, "There is no policy with the name"),
        ([], 400, "The body is no test of a policy"),
    ],
)
async def test_a_test_that_cannot_be_made_is_refused(
    node: Node,
    topic: Callable[[], str],
    body: Any,
    code: int,
    message: str,
) -> None:
    status, error = await node.call("POST", f"/policies/{topic()}:test", body)
    assert (status, error["error_code"], message in error["message"]) == (code, code, True), error


@pytest.fixture
async def fresh_node(kafka: Cluster) -> AsyncIterator[Node]:
    """A node that names the topics of this test in its metrics: it names so many only."""
    with ServiceProcess(kafka.bootstrap_servers) as service:
        async with aiohttp.ClientSession(service.url) as session:
            yield Node(session, asyncio.create_task(asyncio.sleep(0)))


@pytest.mark.parametrize("mode", ["observe", "enforce"])
async def test_violations_are_counted_without_their_values(
    fresh_node: Node,
    topic: Callable[[], str],
    mode: str,
) -> None:
    node = fresh_node
    name = topic()
    await register(node, f"{name}-value", LIFT)
    policy = {"mode": mode, "value": {"plain": "encode"}, "key": {"plain": "refuse"}}
    await put(node, name, policy)
    for data, key in (({"floor": "secret", "note": None}, None), ("secret", None), ({"floor": 1, "note": None}, "k")):
        await offer(node, "v3 batch", name, Part("json", data), key=None if key is None else Part("json", key))
    status, answer = await node.call("GET", f"/policies/{name}/violations")
    assert (status, answer["kind"], answer["name"]) == (200, "KafkaTopicPolicyViolations", name)
    assert answer["metadata"]["self"].endswith(f"/policies/{name}/violations")
    assert answer["counts"] == [
        {"mode": mode, "part": "value", "reason": "invalid", "count": 2},
        {"mode": mode, "part": "key", "reason": "plain", "count": 1},
    ]
    latest, _, first = answer["examples"]
    assert (latest["part"], latest["reason"], latest["path"]) == ("key", "plain", "")
    assert (first["subject"], first["version"], first["path"]) == (f"{name}-value", 1, "floor")
    assert first["found_type"] == "string"
    assert "secret" not in str(answer)
    assert (await node.call("GET", f"/policies/{name[:-1]}*/violations"))[1]["counts"] == answer["counts"]
    async with node.session.get("/metrics") as metrics:
        counted = {
            (sample.labels["topic"], sample.labels["reason"]): sample.value
            for family in text_string_to_metric_families(await metrics.text())
            for sample in family.samples
            if sample.name == "karapace_like_policy_violations_total" and sample.labels["mode"] == mode
        }
    assert (counted[name, "invalid"], counted[name, "plain"]) == (2, 1)


@pytest.mark.long
def test_every_worker_answers_with_the_violations_of_all(kafka: Cluster, topic: Callable[[], str]) -> None:
    name, count = topic(), 20
    with ServiceProcess(kafka.bootstrap_servers, workers=2) as service:
        call(service.url, "PUT", f"/policies/{name}", {"mode": "observe", **REFUSE})
        body = {"records": [{"value": 1}]}
        for _ in range(count):
            call(service.url, "POST", f"/topics/{name}", body, content_type="application/vnd.kafka.json.v2+json")
        for _ in range(5):
            (counted,) = call(service.url, "GET", f"/policies/{name}/violations")["counts"]
            assert counted["count"] == count


def test_metrics_name_a_bounded_number_of_topics() -> None:
    log = ViolationLog()
    for at in range(1_500):
        violation = Violation(
            topic=f"topic-{at}",
            policy="*",
            role=RecordPart.VALUE,
            reason=Reason.PLAIN,
            rule="value.plain=refuse",
            detail="it names no schema",
        )
        log.add(violation, Mode.OBSERVE)
    counted = log.count()
    assert len(counted) == 101
    assert counted[OTHER_TOPICS, "observe", "plain"] == 1_400
    assert sum(count.count for count in log.report("topic-*").counts) == 1_000
    assert len(log.report("topic-*").examples) == 20
