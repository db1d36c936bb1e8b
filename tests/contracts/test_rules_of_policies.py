"""A rule of the schema that a policy encodes with: what becomes of a record follows the rule's action, on every way."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.contracts.policing import LIFT, PROTO_LIFT, offer, plain, put, register
from tests.contracts.producing import WAYS, Part, read_all
from tests.contracts.test_dead_letters import DEAD, create
from tests.kafka.service_in_process import Node

UPWARDS = {"name": "upwards", "kind": "CONDITION", "type": "CEL", "mode": "WRITE", "expr": "message.floor > 0"}
DOWN = {"floor": -1}


async def register_rule(node: Node, subject: str, **rule: Any) -> None:
    body = {"schema": json.dumps(LIFT), "ruleSet": {"domainRules": [{**UPWARDS, **rule}]}}
    status, answer = await node.call("POST", f"/subjects/{subject}/versions", body)
    assert status == 200, answer


def encode(dead: str | None = None, **more: Any) -> dict[str, Any]:
    part = {"plain": "encode", "lenient_json": True}
    if dead is None:
        return {"value": part, **more}
    return {"value": {**part, "invalid": "dead_letter"}, "dead_letter_topic": dead, **more}


async def count_reasons(node: Node, topic: str) -> dict[str, int]:
    _, report = await node.call("GET", f"/policies/{topic}/violations")
    return {f"{count['mode']} {count['reason']}": count["count"] for count in report["counts"]}


@pytest.mark.parametrize("way", WAYS)
async def test_the_action_of_the_rule_decides(kafka: Cluster, node: Node, topic: Callable[[], str], way: str) -> None:
    name, of_rule, of_policy = topic(), topic(), topic()
    for created in (name, of_rule, of_policy):
        await create(node, created)
    await node.call("PUT", f"/config/{name}-value", {"compatibility": "NONE"})

    await register_rule(node, f"{name}-value", onFailure="NONE")
    await put(node, name, encode(of_policy))
    assert (await offer(node, way, name, plain(DOWN))).code is None

    await register_rule(node, f"{name}-value", onFailure="DLQ", params={"dlq.topic": of_rule})
    code, message, *_ = await offer(node, way, name, plain(DOWN))
    assert (code in {422, 42230}, "Rule failed: upwards" in message) == (True, True), message
    assert f"The record is in the dead-letter topic {of_rule}." in message
    (letter,) = read_all(kafka, of_rule)
    assert (json.loads(letter.value or b""), letter.headers["__rule.name"]) == ({**DOWN, "note": None}, b"upwards")

    await register_rule(node, f"{name}-value", onFailure="ERROR")
    code, message, *_ = await offer(node, way, name, plain(DOWN))
    assert (code, f"It is in the dead-letter topic {of_policy}: partition 0, offset 0." in message) == (422, True)
    (letter,) = read_all(kafka, of_policy)
    assert (letter.value, letter.headers[DEAD + "reason"]) == (b'{"floor":-1}', b"rule")
    assert b"Rule failed: upwards: " in letter.headers[DEAD + "message"]

    await put(node, name, encode())
    code, message, *_ = await offer(node, way, name, plain(DOWN))
    assert ("42230" in f"{code} {message}", "dead-letter" in message) == (True, False), message
    assert await count_reasons(node, name) == {"enforce rule": 3}
    assert len(read_all(kafka, name)) == 1


async def test_observe_counts_what_rules_would_refuse(kafka: Cluster, node: Node, topic: Callable[[], str]) -> None:
    name, dead = topic(), topic()
    for created in (name, dead):
        await create(node, created)
    await register_rule(node, f"{name}-value", onFailure="DLQ", params={"dlq.topic": dead})
    await put(node, name, encode(dead, mode="observe"))
    assert (await offer(node, "v2 topic", name, plain(DOWN))).code is None
    assert await count_reasons(node, name) == {"observe rule": 1}
    assert (len(read_all(kafka, name)), read_all(kafka, dead)) == (1, [])


async def test_a_trial_names_the_rule(node: Node, topic: Callable[[], str]) -> None:
    name = topic()
    await register_rule(node, f"{name}-value")
    await put(node, name, encode())
    body = {"records": [{"value": {"type": "JSON", "data": DOWN}}]}
    (result,) = (await node.call("POST", f"/policies/{name}:test", body))[1]["results"]
    assert (result["is_accepted"], result["reason"]) == (False, "rule")
    assert "Rule failed: upwards" in result["message"]


@pytest.mark.parametrize("way", WAYS)
async def test_a_dead_letter_that_cannot_be_encoded_fails_alone(
    kafka: Cluster, node: Node, topic: Callable[[], str], way: str
) -> None:
    """The policy refuses the key, and the value fits no schema: it could not be written without a policy either."""
    name, dead = topic(), topic()
    for created in (name, dead):
        await create(node, created)
    schema_id = await register(node, f"{name}-value", PROTO_LIFT, "PROTOBUF")
    await put(node, name, {"key": {"plain": "refuse", "invalid": "dead_letter"}, "dead_letter_topic": dead})
    code, message, *_ = await offer(
        node, way, name, Part("protobuf", {"floor": "attic"}, schema_id), key=Part("json", 1)
    )
    assert (code in {400, 422, 42203, 40001}, "floor" in message) == (True, True), (code, message)
    assert read_all(kafka, name) == read_all(kafka, dead) == []
