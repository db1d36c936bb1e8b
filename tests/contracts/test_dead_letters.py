"""Records that a policy refuses are written to a dead-letter topic, as they were sent and with the reason."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.contracts.policing import JSON_LIFT, offer, plain, put, register
from tests.contracts.producing import AS_BYTES, WAYS, Part, read_all
from tests.kafka.service_in_process import Node, serving

DEAD = "dead_letter."


async def create(node: Node, name: str, **configs: str) -> None:
    (cluster,) = (await node.call("GET", "/v3/clusters"))[1]["data"]
    listed = [{"name": config.replace("_", "."), "value": value} for config, value in configs.items()]
    body = {"topic_name": name, "partitions_count": 1, "replication_factor": 1, "configs": listed}
    status, answer = await node.call("POST", f"/v3/clusters/{cluster['cluster_id']}/topics", body)
    assert status == 201, answer


@pytest.fixture
async def lifts(node: Node, topic: Callable[[], str]) -> tuple[str, str]:
    """A topic whose invalid values go to another one: (topic, dead-letter topic)."""
    name, dead = topic(), topic()
    await create(node, dead)
    await create(node, name)
    await register(node, f"{name}-value", JSON_LIFT, "JSON")
    await put(node, name, dead_letters_at(dead))
    return name, dead


def dead_letters_at(topic: str, **more: str) -> dict[str, Any]:
    return {"value": {"plain": "validate", "invalid": "dead_letter"}, "dead_letter_topic": topic, **more}


@pytest.mark.parametrize("way", [*WAYS, *AS_BYTES])
async def test_an_invalid_record_goes_to_the_dead_letter_topic(
    kafka: Cluster, node: Node, lifts: tuple[str, str], way: str
) -> None:
    name, dead = lifts
    key = Part("string", "lift 1")
    assert (await offer(node, way, name, plain({"floor": 1}), key=key)).code is None
    code, message, *_ = await offer(node, way, name, plain({"floor": "attic"}), ("trace", b"\x01"), key=key)
    assert (code, "attic" in message) == (422, False)
    assert message.endswith(f"It is in the dead-letter topic {dead}: partition 0, offset 0.")
    code, message, *_ = await offer(node, way, name, plain("no json", "string"), key=key)
    assert (code, message.endswith(f"{dead}: partition 0, offset 1.")) == (422, True)
    assert [record.value for record in read_all(kafka, name)] == [b'{"floor":1}']
    first, second = read_all(kafka, dead)
    assert first[:2] == (b"lift 1", b'{"floor":"attic"}')
    assert second[:2] == (b"lift 1", b"no json")
    headers = {
        header.removeprefix(DEAD): value.decode("latin-1")
        for header, value in first.headers.items()
        if not header.startswith("kafka_")
    }
    assert "partition" not in headers or (way, headers.pop("partition")) == ("v2 partition", "0")
    message = headers.pop("message")
    assert (message.startswith(f"Topic {name} does not accept this value"), "attic" in message) == (True, False)
    assert headers == {
        "trace": "\x01",
        "topic": name,
        "policy": name,
        "rule": "value.plain=validate",
        "part": "value",
        "reason": "invalid",
        "subject": f"{name}-value",
        "version": "1",
        "path": "floor",
    }


async def test_what_cannot_be_encrypted_is_in_no_dead_letter(
    kafka: Cluster, node: Node, lifts: tuple[str, str]
) -> None:
    """It would hold the plaintext."""
    name, dead = lifts
    policy = dead_letters_at(dead)
    await put(node, name, policy | {"value": policy["value"] | {"plain": "encode"}})
    rule = {"name": "e", "kind": "TRANSFORM", "mode": "WRITEREAD", "type": "ENCRYPT"}
    body = {"schema": json.dumps(JSON_LIFT), "schemaType": "JSON", "ruleSet": {"domainRules": [rule]}}
    assert (await node.call("POST", f"/subjects/{name}-value/versions", body))[0] == 200
    code, message, *_ = await offer(node, "v2 topic", name, plain({"floor": 1}))
    assert (code, dead in message) == (42230, False)
    assert (read_all(kafka, name), read_all(kafka, dead)) == ([], [])


async def test_the_other_records_of_a_request_are_written(kafka: Cluster, node: Node, lifts: tuple[str, str]) -> None:
    name, dead = lifts
    body = {"records": [{"value": {"floor": floor}} for floor in (1, "x", 2, "y")]}
    headers = {"Content-Type": "application/vnd.kafka.json.v2+json"}
    status, answer = await node.call("POST", f"/topics/{name}", body, headers=headers)
    results = [(result["offset"], result["error_code"]) for result in answer["offsets"]]
    assert (status, results) == (200, [(0, None), (None, 422), (1, None), (None, 422)])
    status, answer = await node.call("POST", f"/topics/{name}?strict=true", body, headers=headers)
    assert (status, [result["offset"] for result in answer["offsets"]]) == (422, [2, None, 3, None])
    assert [record.value for record in read_all(kafka, name)] == [b'{"floor":1}', b'{"floor":2}'] * 2
    assert [record.value for record in read_all(kafka, dead)] == [b'{"floor":"x"}', b'{"floor":"y"}'] * 2


@pytest.mark.parametrize("way", WAYS)
async def test_a_record_whose_dead_letter_is_not_written_fails(
    kafka: Cluster, node: Node, topic: Callable[[], str], way: str
) -> None:
    name, dead = topic(), topic()
    await create(node, dead, max_message_bytes="100")
    await create(node, name)
    await register(node, f"{name}-value", JSON_LIFT, "JSON")
    await put(node, name, dead_letters_at(dead))
    code, message, *_ = await offer(node, way, name, plain({"floor": "attic"}))
    assert (code, f"It could not be written to the dead-letter topic {dead}: " in message) == (50002, True), message
    assert read_all(kafka, name) == read_all(kafka, dead) == []


async def test_observe_writes_no_dead_letters(kafka: Cluster, node: Node, lifts: tuple[str, str]) -> None:
    name, dead = lifts
    await put(node, name, dead_letters_at(dead, mode="observe"))
    assert (await offer(node, "v2 topic", name, plain({"floor": "attic"}))).code is None
    assert (len(read_all(kafka, name)), read_all(kafka, dead)) == (1, [])


async def test_a_trial_names_the_dead_letter_topic(kafka: Cluster, node: Node, lifts: tuple[str, str]) -> None:
    name, dead = lifts
    body = {"records": [{"value": {"type": "JSON", "data": {"floor": "attic"}}}]}
    (result,) = (await node.call("POST", f"/policies/{name}:test", body))[1]["results"]
    assert (result["reason"], result["dead_letter_topic"]) == ("invalid", dead)
    assert read_all(kafka, dead) == []


async def test_an_internal_topic_of_a_file_holds_no_dead_letters(
    kafka: Cluster, topic: Callable[[], str], tmp_path: Path
) -> None:
    """Requests cannot set such a policy; one of the file is not applied, and its topics accept nothing."""
    schemas, name = topic(), topic()
    file = tmp_path / "policies.json"
    file.write_text(json.dumps({name: {**dead_letters_at(schemas), "value": {"plain": "refuse"}}}))
    async with serving(kafka, schemas, topic_policies=str(file), rest_internal_resources=True) as node:
        body = {"records": [{"value": 1}], "value_format": "json"}
        headers = {"Content-Type": "application/vnd.kafka.json.v2+json"}
        status, error = await node.call("POST", f"/topics/{name}", body, headers=headers)
        assert (status, f"its dead_letter_topic {schemas} is internal" in error["message"]) == (503, True), error


async def test_an_atomic_request_has_no_dead_letters(kafka: Cluster, node: Node, lifts: tuple[str, str]) -> None:
    """One refused record refuses all, and nothing is written anywhere."""
    name, dead = lifts
    headers = {"Content-Type": "application/vnd.kafka.json.v2+json"}
    body = {"records": [{"value": {"floor": 1}}, {"value": {"floor": "attic"}}]}
    status, answer = await node.call("POST", f"/topics/{name}?atomic=true", body, headers=headers)
    assert (status, answer["error_code"], "offsets" in answer) == (422, 422, False)
    assert (read_all(kafka, name), read_all(kafka, dead)) == ([], [])
    body["records"].pop()
    status, answer = await node.call("POST", f"/topics/{name}?atomic=true", body, headers=headers)
    assert (status, answer["offsets"][0]["offset"]) == (200, 0)


async def test_dead_letters_of_a_queue_pass_the_policy_of_their_topic(
    node: Node, lifts: tuple[str, str], topic: Callable[[], str]
) -> None:
    """A record that the dead-letter topic does not accept is not rejected, and stays locked."""
    source, (strict, _) = topic(), lifts
    await create(node, source)
    assert (await offer(node, "v2 topic", source, plain({"floor": "attic"}))).code is None
    assert (await node.call("PUT", f"/queues/{source}/config", {"start": "earliest"}))[0] == 204
    received = {"topics": [source], "wait_ms": 60_000}
    ((record,),) = ((await node.call("POST", f"/queues/{source}/receive", received))[1]["records"],)
    rejection = {"receipt": record["receipt"], "outcome": "reject", "dead_letter_topic": strict}
    status, (result,) = await node.call("POST", f"/queues/{source}/acknowledge", [rejection])
    assert (status, result["error_code"]) == (200, 422)
    accepted = [{"receipt": record["receipt"], "outcome": "accept"}]
    status, (result,) = await node.call("POST", f"/queues/{source}/acknowledge", accepted)
    assert (status, result["error_code"]) == (200, None)
