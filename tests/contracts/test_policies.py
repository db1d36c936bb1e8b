"""The resource /policies: what is set on one node is stored in a topic of its own, and known on every node."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.topic_log import read_topic
from tests.kafka import service_in_process
from tests.kafka.service_in_process import Node

JSON_SCHEMA = '{"type": "object", "properties": {"floor": {"type": "integer"}}}'
serving = partial(service_in_process.serving, topic_policies_enabled=True)
OBSERVE = {"mode": "observe", "value": {"plain": "refuse"}}


@pytest.fixture
async def node(kafka: Cluster, topic: Callable[[], str]) -> AsyncIterator[Node]:
    async with serving(kafka, topic()) as running:
        yield running


async def put(node: Node, name: str, policy: object, **query: str) -> tuple[int, Any]:
    return await node.call("PUT", f"/policies/{name}", policy, params=query)


async def test_a_policy_is_set_described_listed_and_deleted(node: Node) -> None:
    status, policy = await put(node, "lifts", OBSERVE)
    assert (status, policy["kind"], policy["name"], policy["source"]) == (200, "KafkaTopicPolicy", "lifts", "topic")
    assert (policy["mode"], policy["value"]["plain"], policy["key"]["plain"]) == ("observe", "refuse", "allow")
    assert policy["metadata"]["self"].endswith("/policies/lifts")
    assert policy["updated_at"].endswith("Z")
    assert (await node.call("GET", "/policies/lifts"))[1] == policy
    await put(node, "l*", {"value": {"plain": "allow"}})
    status, listed = await node.call("GET", "/policies")
    assert (listed["kind"], [entry["name"] for entry in listed["data"]]) == ("KafkaTopicPolicyList", ["l*", "lifts"])
    async with node.session.delete("/policies/lifts") as answer:
        assert answer.status == 204
    status, error = await node.call("GET", "/policies/lifts")
    assert (status, error["error_code"]) == (404, 404)
    assert "There is no policy with the name lifts" in error["message"]
    assert (await node.call("GET", "/policies/lifts?effective=true"))[1]["name"] == "l*"


async def test_the_longest_name_is_in_force(node: Node) -> None:
    for name in ("*", "metrics.*", "metrics.cpu.*", "metrics.cpu.load"):
        assert (await put(node, name, {}))[0] == 200
    effective = {
        topic: (await node.call("GET", f"/policies/{topic}?effective=true"))[1]["name"]
        for topic in ("orders", "metrics", "metrics.ram", "metrics.cpu.idle", "metrics.cpu.load", "metrics.cpu.loads")
    }
    assert effective == {
        "orders": "*",
        "metrics": "*",
        "metrics.ram": "metrics.*",
        "metrics.cpu.idle": "metrics.cpu.*",
        "metrics.cpu.load": "metrics.cpu.load",
        "metrics.cpu.loads": "metrics.cpu.*",
    }


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ([], "The policy: Expected `object`, got `array` (was [])."),
        ({"mod": "observe"}, "mod is no field of a policy; expected mode, key, value or dead_letter_topic."),
        ({"mode": "strict"}, 'mode: expected enforce or observe (was "strict").'),
        ({"value": {"plain": "no"}}, 'value.plain: expected allow, refuse, validate or encode (was "no").'),
        ({"key": {"schema": {"version": "new"}}}, 'expected "latest" or the number of a version (was "new").'),
        ({"key": {"schema": {"version": 0}}}, 'expected "latest" or the number of a version (was 0).'),
        ({"value": {"schema": {"version": 1, "metadata": {"a": "b"}}}}, "both version and metadata"),
        ({"value": {"versions": {"min": 3, "max": 2}}}, "value.versions is empty: max 2 is less than min 3."),
        ({"value": {"versions": {"min": 3}}}, 'value.versions needs value.framed to be "subject"'),
        ({"value": {"versions": {"": None}}}, "value.versions. is no field of a policy; expected min or max."),
        ({"value": {"invalid": "dead_letter"}}, 'value.invalid is "dead_letter", which needs a dead_letter_topic.'),
        ({"value": {"plain": "encode"}}, "no schema of subject none-value that the policy means"),
        ({"key": {"plain": "validate", "schema": {"subject": "unheard"}}}, "no schema of subject unheard"),
        ({"value": {"framed": "subject"}}, "no schema of subject none-value"),
        ({"dead_letter_topic": "none"}, "dead_letter_topic none is a topic that the policy none is for."),
        ({"dead_letter_topic": "a b"}, "dead_letter_topic 'a b' cannot be the name of a topic."),
        ({"dead_letter_topic": "__consumer_offsets"}, "is internal"),
        ({"dead_letter_topic": "unheard-of"}, "dead_letter_topic unheard-of does not exist. Create it first."),
    ],
)
async def test_a_policy_that_cannot_be_used_is_refused_with_its_fault(node: Node, policy: Any, message: str) -> None:
    for query in ({}, {"dryRun": "true"}):
        status, error = await put(node, "none", policy, **query)
        if message == "is internal":
            assert status in {403, 422}
        else:
            assert (status, error["error_code"]) == (422, 422), error
        assert message in error["message"]
    assert (await node.call("GET", "/policies"))[1]["data"] == []


async def test_the_services_own_topics_have_no_policy_and_hold_no_dead_letters(
    kafka: Cluster, topic: Callable[[], str]
) -> None:
    schemas = topic()
    async with serving(kafka, schemas, rest_internal_resources=True) as node:
        for name in (schemas, f"{schemas}_policies", "__transaction_state"):
            status, error = await put(node, name, OBSERVE)
            assert (status, "is internal" in error["message"]) == (422, True)
            policy = {"value": {"plain": "refuse", "invalid": "dead_letter"}, "dead_letter_topic": name}
            status, error = await put(node, "lifts", policy)
            assert (status, "is internal" in error["message"]) == (422, True)


@pytest.mark.parametrize("name", ["a%20b", "*a", "a*b", "%2E", "%2E%2E", "x" * 250])
async def test_a_name_that_no_topic_can_have_names_no_policy(node: Node, name: str) -> None:
    from yarl import URL

    async with node.session.put(URL(f"/policies/{name}", encoded=True), json=OBSERVE) as answer:
        error = await answer.json(content_type=None)
    assert answer.status in {404, 405, 422}, error


async def test_a_dry_run_sets_nothing(node: Node) -> None:
    status, policy = await put(node, "lifts", OBSERVE, dryRun="true")
    assert (status, policy["mode"]) == (200, "observe")
    assert (await node.call("GET", "/policies"))[1]["data"] == []


async def test_a_policy_that_validates_needs_a_schema_without_encryption(node: Node) -> None:
    rule = {"name": "e", "kind": "TRANSFORM", "mode": "WRITEREAD", "type": "ENCRYPT", "tags": ["PII"]}
    body = {"schema": '{"type": "string"}', "schemaType": "JSON", "ruleSet": {"domainRules": [rule]}}
    assert (await node.call("POST", "/subjects/lifts-value/versions", body))[0] == 200
    status, error = await put(node, "lifts", {"value": {"plain": "validate"}})
    assert (status, "has a rule that encrypts" in error["message"]) == (422, True)
    assert (await put(node, "lifts", {"value": {"plain": "encode"}}))[0] == 200


async def test_a_policy_by_schema_needs_one_of_its_kind(node: Node) -> None:
    await node.register("lifts-value", '"int"')
    status, error = await put(node, "lifts", {"value": {"plain": "validate"}})
    assert status == 422
    assert (
        'value.plain "validate" needs a JSON Schema, and version 1 of subject lifts-value is AVRO' in error["message"]
    )
    assert (await put(node, "lifts", {"value": {"plain": "encode"}}))[0] == 200
    status, error = await put(node, "lifts", {"value": {"framed": "subject", "versions": {"min": 2}}})
    assert (status, "lifts-value has versions up to 1" in error["message"]) == (422, True)
    status, error = await put(node, "lifts", {"value": {"plain": "encode", "schema": {"metadata": {"major": "2"}}}})
    assert (status, "no schema of subject lifts-value" in error["message"]) == (422, True)
    body = {"schema": '"long"', "metadata": {"properties": {"major": "2"}}}
    assert (await node.call("POST", "/subjects/lifts-value/versions", body))[0] == 200
    assert (await put(node, "lifts", {"value": {"plain": "encode", "schema": {"metadata": {"major": "2"}}}}))[0] == 200


async def test_a_change_of_key_bytes_needs_force(node: Node) -> None:
    await node.register("lifts-key", '"string"')
    encode = {"key": {"plain": "encode"}}
    for name in ("lifts", "l*"):
        policy = {"key": {"plain": "encode", "schema": {"subject": "lifts-key"}}}
        status, error = await put(node, name, policy)
        assert (status, "Send force=true" in error["message"]) == (422, True)
    assert (await put(node, "lifts", encode, dryRun="true"))[0] == 422
    assert (await put(node, "lifts", {**encode, "mode": "observe"}))[0] == 200  # observing changes no bytes
    assert (await put(node, "lifts", encode))[0] == 422
    assert (await put(node, "lifts", encode, force="true"))[0] == 200
    assert (await put(node, "lifts", encode))[0] == 200  # nothing changes
    status, error = await node.call("DELETE", "/policies/lifts")
    assert (status, "partitions" in error["message"]) == (422, True)
    async with node.session.delete("/policies/lifts?force=true") as answer:
        assert answer.status == 204


async def test_the_topic_is_compacted_and_holds_the_policies(kafka: Cluster, topic: Callable[[], str]) -> None:
    schemas = topic()
    async with serving(kafka, schemas) as node:
        await put(node, "lifts", OBSERVE)
        await put(node, "stairs", {})
        assert (await node.call("DELETE", "/policies/stairs"))[0] == 204
    records = await asyncio.to_thread(
        read_topic, KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), f"{schemas}_policies"
    )
    held = [(json.loads(record.key or b""), record.value) for record in records]
    policies = [(key["name"], value and json.loads(value)) for key, value in held if key["keytype"] == "POLICY"]
    assert policies == [("lifts", OBSERVE), ("stairs", {}), ("stairs", None)]


async def test_policies_outlive_a_restart(kafka: Cluster, topic: Callable[[], str]) -> None:
    schemas = topic()
    async with serving(kafka, schemas) as node:
        await put(node, "lifts", OBSERVE)
    async with serving(kafka, schemas) as node:
        assert (await node.call("GET", "/policies/lifts"))[1]["mode"] == "observe"


async def test_every_node_knows_a_policy_that_any_node_has_set(kafka: Cluster, topic: Callable[[], str]) -> None:
    schemas = topic()
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(serving(kafka, schemas)) for _ in range(2)]
        for at, node in enumerate(nodes):
            status, policy = await put(node, f"lifts-{at}", OBSERVE)
            assert status == 200, policy
            # The node that was asked knows it at once, the others soon.
            assert (await node.call("GET", f"/policies/lifts-{at}"))[0] == 200
            async with asyncio.timeout(120):
                while [(await other.call("GET", f"/policies/lifts-{at}"))[0] for other in nodes] != [200, 200]:
                    await asyncio.sleep(0.02)


async def test_a_file_has_policies_that_requests_do_not_change(
    kafka: Cluster, topic: Callable[[], str], tmp_path: Any
) -> None:
    file = tmp_path / "policies.json"
    file.write_text(json.dumps({"lifts": OBSERVE, "stairs.*": {}}))
    async with serving(kafka, topic(), topic_policies=str(file)) as node:
        listed = (await node.call("GET", "/policies"))[1]["data"]
        assert [(entry["name"], entry["source"], entry["updated_at"]) for entry in listed] == [
            ("lifts", "file", None),
            ("stairs.*", "file", None),
        ]
        for status, error in (await put(node, "lifts", {}), await node.call("DELETE", "/policies/lifts")):
            assert (status, "is in the file of the setting topic_policies" in error["message"]) == (409, True)
        assert (await put(node, "others", {}))[0] == 200
        file.write_text(json.dumps({"lifts": {}}))
        async with asyncio.timeout(120):
            while (await node.call("GET", "/policies/lifts"))[1]["mode"] != "enforce":
                await asyncio.sleep(0.05)
        assert [entry["name"] for entry in (await node.call("GET", "/policies"))[1]["data"]] == ["lifts", "others"]


async def test_without_the_topic_only_the_file_has_policies(
    kafka: Cluster, topic: Callable[[], str], tmp_path: Any
) -> None:
    file, schemas = tmp_path / "policies.json", topic()
    file.write_text(json.dumps({"lifts": OBSERVE}))
    async with serving(kafka, schemas, topic_policies=str(file), topic_policies_enabled=False) as node:
        assert (await node.call("GET", "/policies/lifts"))[1]["mode"] == "observe"
        status, error = await put(node, "stairs", {})
        assert (status, "topic_policies_enabled is false" in error["message"]) == (409, True)
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
        assert f"{schemas}_policies" not in admin.list_topics(timeout=10).topics
