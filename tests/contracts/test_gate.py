"""Topic policies are applied to what is produced, alike on every way into a topic."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.contracts.policing import (
    GOOD,
    JSON_LIFT,
    LIFT,
    PROTO_LIFT,
    frame_bytes,
    in_base64,
    offer,
    plain,
    put,
    register,
)
from tests.contracts.producing import WAYS, WITHOUT_IDS, Part, Verdict, frame, read_all
from tests.kafka.service_in_process import Node


@pytest.mark.parametrize("way", WAYS)
async def test_plain_values_are_refused_with_what_would_be_accepted(
    kafka: Cluster, node: Node, topic: Callable[[], str], way: str
) -> None:
    name = topic()
    schema_id = await register(node, f"{name}-value", LIFT)
    await put(node, name, {"value": {"plain": "refuse"}})
    for value in (plain({"floor": "secret"}), plain("secret", "string"), plain(in_base64("secret"), "binary")):
        code, message, *_ = await offer(node, way, name, value)
        assert code == 422
        assert f"Topic {name} does not accept this value (policy {name}): it is {value.format} and names no" in message
        assert f"subject {name}-value, such as value_schema_id {schema_id} (version 1)" in message
        assert 'application/vnd.kafka.avro.v2+json (in REST v3: "type": "AVRO")' in message
        assert "secret" not in message
    assert (await offer(node, way, name, Part("avro", GOOD, schema_id))).code is None
    assert (await offer(node, way, name, plain(frame(schema_id, b"\x0e\x00"), "binary"))).code is None
    assert (await offer(node, way, name, plain(None), key=plain("k"))).code is None  # a tombstone
    assert [record.value for record in read_all(kafka, name)] == [
        frame_bytes(schema_id, b"\x0e\x02\x04up"),
        frame_bytes(schema_id, b"\x0e\x00"),
        None,
    ]


@pytest.mark.parametrize("way", WAYS)
async def test_plain_json_is_validated_and_stored_as_it_is(
    kafka: Cluster, node: Node, topic: Callable[[], str], way: str
) -> None:
    name = topic()
    await register(node, f"{name}-value", JSON_LIFT, "JSON")
    await put(node, name, {"value": {"plain": "validate"}})
    for good in (plain({"floor": 7}), plain('{"floor": 7}', "string"), plain(in_base64('{"floor":7}'), "binary")):
        verdict = await offer(node, way, name, good)
        assert verdict == Verdict(None), verdict
    assert [record.value for record in read_all(kafka, name)] == [b'{"floor":7}', b'{"floor": 7}', b'{"floor":7}']
    for bad, fault in (
        (
            plain({"floor": "secret"}),
            'at floor is a string that does not fit; expected what "type" at #/properties/floor',
        ),
        (plain({}), 'the whole is an object that does not fit; expected what "required" at #'),
        (plain({"floor": 1, "rooms": "secret"}), 'expected what "additionalProperties" at #'),
        (plain(["secret"]), "the whole is an array that does not fit"),
        (plain("secret", "string"), "it is no JSON"),
        (plain(in_base64("secret"), "binary"), "it is no JSON"),
    ):
        code, message, *_ = await offer(node, way, name, bad)
        assert (code, fault in message) == (422, True), message
        assert f"version 1 of subject {name}-value (JSON)" in message
        assert "application/vnd.kafka.jsonschema.v2+json" in message
        assert "secret" not in message
    assert len(read_all(kafka, name)) == 3


@pytest.mark.parametrize("way", WAYS)
async def test_validated_json_is_never_encrypted(
    kafka: Cluster, node: Node, topic: Callable[[], str], way: str
) -> None:
    """It is stored without the id of its schema, by which a reader finds the key: so nothing is stored."""
    name = topic()
    rule = {"name": "e", "kind": "TRANSFORM", "mode": "WRITEREAD", "type": "ENCRYPT", "tags": ["PII"]}
    body = {"schema": json.dumps(JSON_LIFT), "schemaType": "JSON", "ruleSet": {"domainRules": [rule]}}
    await register(node, f"{name}-value", JSON_LIFT, "JSON")
    await put(node, name, {"value": {"plain": "validate"}})
    assert (await offer(node, way, name, plain({"floor": 7}))).code is None
    assert (await node.call("POST", f"/subjects/{name}-value/versions", body))[0] == 200
    code, message, *_ = await offer(node, way, name, plain({"floor": 7}))
    assert (code, "has a rule that encrypts" in message) == (503, True), message
    assert len(read_all(kafka, name)) == 1


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_made_of_a_record_follows_the_subject_and_the_policy(
    kafka: Cluster, node: Node, topic: Callable[[], str], way: str
) -> None:
    """The verdict of one request serves later ones, for as long as neither changes."""
    name = topic()
    first = await register(node, f"{name}-value", {"type": "string"}, "JSON")
    foreign = await register(node, topic(), {"type": "number"}, "JSON")
    encode = {"plain": "encode", "framed": "subject"}
    await put(node, name, {"value": encode})
    for _ in range(2):
        assert (await offer(node, way, name, plain("lift"))).code is None
        assert (await offer(node, way, name, Part("jsonschema", "lift", first))).code is None
        assert (await offer(node, way, name, Part("jsonschema", 7, foreign))).code in {422, 42207}
    second = await register(node, f"{name}-value", {"type": ["string", "null"]}, "JSON")
    assert (await offer(node, way, name, plain("lift"))).code is None
    await put(node, name, {"value": {**encode, "versions": {"min": 2}}})
    assert (await offer(node, way, name, Part("jsonschema", "lift", first))).code == 422
    assert (await offer(node, way, name, Part("jsonschema", "lift", second))).code is None
    await put(node, name, {"value": {"plain": "refuse"}})
    assert (await offer(node, way, name, plain("lift"))).code == 422
    written = [record.value for record in read_all(kafka, name)]
    assert written == [frame_bytes(used, b'"lift"') for used in (first, first, first, first, second, second)]
    assert (await node.call("DELETE", f"/subjects/{name}-value/versions/1"))[0] == 200
    await put(node, name, {"value": encode})
    assert (await offer(node, way, name, Part("jsonschema", "lift", first))).code in {422, 42207}
    assert (await offer(node, way, name, plain("lift"))).code is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("kind", "schema", "good", "payload", "bad", "fault"),
    [
        (
            "AVRO",
            LIFT,
            GOOD,
            b"\x0e\x02\x04up",
            {"floor": "secret", "note": None},
            "at floor is a string that does not fit; expected int.",
        ),
        (
            "PROTOBUF",
            PROTO_LIFT,
            {"floor": 7, "note": "up"},
            b"\x00\x08\x07\x12\x02up",
            {"floor": "secret"},
            "at floor is a string that does not fit; expected int32.",
        ),
        (
            "JSON",
            JSON_LIFT,
            {"floor": 7, "speed": 2},
            b'{"floor":7,"speed":2}',
            {"floor": "secret"},
            "at floor is a string that does not fit",
        ),
    ],
)
async def test_plain_json_is_encoded_by_the_subject(
    kafka: Cluster,
    node: Node,
    topic: Callable[[], str],
    way: str,
    kind: str,
    schema: Any,
    good: Any,
    payload: bytes,
    bad: Any,
    fault: str,
) -> None:
    name = topic()
    schema_id = await register(node, f"{name}-value", schema, kind)
    await put(node, name, {"value": {"plain": "encode"}})
    for value in (plain(good), plain(json.dumps(good), "string"), plain(in_base64(json.dumps(good)), "binary")):
        verdict = await offer(node, way, name, value)
        assert (verdict.code, verdict.value_schema_id) == (None, None if way in WITHOUT_IDS else schema_id), verdict
    stored = [record.value for record in read_all(kafka, name)]
    assert {record[:5] for record in stored if record} == {frame_bytes(schema_id, b"")}
    assert [json.loads(record[5:]) if kind == "JSON" else record[5:] for record in stored if record] == [
        json.loads(payload) if kind == "JSON" else payload
    ] * 3
    code, message, *_ = await offer(node, way, name, plain(bad))
    assert (code, fault in message, "secret" in message) == (422, True, False), message


@pytest.mark.parametrize("way", WAYS)
async def test_only_schemas_of_the_subject_may_be_named(node: Node, topic: Callable[[], str], way: str) -> None:
    name = topic()
    first = await register(node, f"{name}-value", '"int"')
    second = await register(node, f"{name}-value", '"long"')
    other = await register(node, f"{topic()}-value", '"string"')
    await put(node, name, {"value": {"framed": "subject", "versions": {"min": 2}}})
    guid = {
        schema_id: uuid.UUID((await node.call("GET", f"/schemas/ids/{schema_id}"))[1]["guid"]).bytes
        for schema_id in (first, second, other)
    }
    named = {
        schema_id: (
            (plain(frame(schema_id, b"\x02"), "binary"), ()),
            (plain(in_base64(b"\x02"), "binary"), (("__value_schema_id", b"\x01" + guid[schema_id]),)),
        )
        for schema_id in (first, second, other)
    }
    for value, headers in named[second]:
        assert (await offer(node, way, name, value, *headers)).code is None
    for value, headers in named[first]:
        code, message, *_ = await offer(node, way, name, value, *headers)
        assert (code, f"names version 1 of subject {name}-value. Versions 2 or later" in message) == (422, True), (
            message
        )
    for value, headers in named[other]:
        code, message, *_ = await offer(node, way, name, value, *headers)
        assert (code, f"subject {name}-value has no such schema" in message) == (422, True), message
    assert (await offer(node, way, name, Part("avro", 1, second))).code is None
    assert (await offer(node, way, name, Part("avro", 1, first))).code == 422
    code, message, *_ = await offer(node, way, name, plain(1), ("__value_schema_id", b"\x01short"))
    assert (code, "its header __value_schema_id cannot be used" in message) == (422, True), message
    assert (await offer(node, way, name, plain(1))).code is None  # names none, and plain is allowed


async def test_bytes_that_look_like_a_frame_are_plain_unless_there_is_such_a_schema(
    node: Node, topic: Callable[[], str]
) -> None:
    name = topic()
    await put(node, name, {"value": {"plain": "refuse"}})
    for value, headers in (
        (plain(frame(2_000_000_000, b"x"), "binary"), ()),
        (plain("\0\0\0\0\x7f", "string"), ()),
        (plain(1), (("__value_schema_id", b"\x01" + uuid.uuid4().bytes),)),
    ):
        assert (await offer(node, "v2 topic", name, value, *headers)).code == 422


@pytest.mark.parametrize("way", WAYS)
async def test_keys_have_a_policy_of_their_own(kafka: Cluster, node: Node, topic: Callable[[], str], way: str) -> None:
    name = topic()
    schema_id = await register(node, f"{name}-key", '"string"')
    await put(node, name, {"key": {"plain": "encode"}}, force="true")
    verdict = await offer(node, way, name, plain({"any": "value"}), key=plain("lift"))
    assert verdict.code is None
    assert verdict[2:] == (None if way in WITHOUT_IDS else schema_id, None)
    code, message, *_ = await offer(node, way, name, plain(1), key=plain(7))
    assert (code, "does not accept this key" in message) == (422, True)
    assert read_all(kafka, name)[0][:2] == (frame_bytes(schema_id, b"\x08lift"), b'{"any":"value"}')


@pytest.mark.parametrize("way", WAYS)
async def test_observe_writes_everything_as_it_was_sent(
    kafka: Cluster, node: Node, topic: Callable[[], str], way: str
) -> None:
    name = topic()
    await register(node, f"{name}-value", LIFT)
    await put(node, name, {"mode": "observe", "value": {"plain": "encode", "framed": "subject"}})
    for value in (plain({"floor": "x"}), plain(GOOD), plain("text", "string"), plain(frame(77_777), "binary")):
        assert await offer(node, way, name, value) == Verdict(None)
    assert [record.value for record in read_all(kafka, name)] == [
        b'{"floor":"x"}',
        b'{"floor":7,"note":{"string":"up"}}',
        b"text",
        frame_bytes(77_777, b""),
    ]


@pytest.mark.parametrize("way", WAYS)
async def test_without_its_schema_a_policy_accepts_nothing(
    kafka: Cluster, node: Node, topic: Callable[[], str], way: str
) -> None:
    """The subject is deleted after the policy was set: nothing is written, unless it only observes."""
    name = topic()
    await register(node, f"{name}-value", LIFT)
    policy: dict[str, Any] = {"value": {"plain": "encode"}}
    await put(node, name, {"mode": "observe", **policy})
    assert (await offer(node, way, name, plain({"floor": 1}))).code is None
    await put(node, name, policy)
    assert (await node.call("DELETE", f"/subjects/{name}-value"))[0] == 200
    code, message, *_ = await offer(node, way, name, plain(GOOD))
    assert (code, f"The policy {name} cannot be applied to topic {name}" in message) == (503, True), message
    assert len(read_all(kafka, name)) == 1
    policy["mode"] = "observe"
    await register(node, f"{name}-value", LIFT)
    await put(node, name, policy)
    assert (await node.call("DELETE", f"/subjects/{name}-value"))[0] == 200
    assert (await offer(node, way, name, plain(GOOD))).code is None


async def test_a_v2_request_with_a_refused_record_writes_none(
    kafka: Cluster, node: Node, topic: Callable[[], str]
) -> None:
    name = topic()
    await register(node, f"{name}-value", JSON_LIFT, "JSON")
    await put(node, name, {"value": {"plain": "validate"}})
    await offer(node, "v2 topic", name, plain({"floor": 0}))
    body = {"records": [{"value": {"floor": 1}}, {"value": {"floor": "x"}}, {"value": {"floor": 2}}]}
    headers = {"Content-Type": "application/vnd.kafka.json.v2+json"}
    status, error = await node.call("POST", f"/topics/{name}", body, headers=headers)
    assert (status, error["error_code"], error["message"].endswith("(record 1)")) == (422, 422, True), error
    assert len(read_all(kafka, name)) == 1


async def test_v3_refuses_each_record_alone(kafka: Cluster, node: Node, topic: Callable[[], str]) -> None:
    name = topic()
    await register(node, f"{name}-value", JSON_LIFT, "JSON")
    await put(node, name, {"value": {"plain": "validate"}})
    (cluster,) = (await node.call("GET", "/v3/clusters"))[1]["data"]
    floors = (1, "x", 2)
    entries = [{"id": str(at), "value": {"type": "JSON", "data": {"floor": it}}} for at, it in enumerate(floors)]
    path = f"/v3/clusters/{cluster['cluster_id']}/topics/{name}/records:batch"
    status, answer = await node.call("POST", path, {"entries": entries})
    assert status == 207
    assert [entry["id"] for entry in answer["successes"]] == ["0", "2"]
    assert [(entry["id"], entry["error_code"]) for entry in answer["failures"]] == [("1", 422)]
    assert [record.value for record in read_all(kafka, name)] == [b'{"floor":1}', b'{"floor":2}']


async def test_records_to_several_topics_follow_the_policy_of_each(
    kafka: Cluster, node: Node, topic: Callable[[], str]
) -> None:
    encoded, free = topic(), topic()
    schema_id = await register(node, f"{encoded}-value", '"int"')
    await put(node, f"{encoded[:-3]}*", {"value": {"plain": "encode"}})
    body = {"records": [{"topic": encoded, "value": 1}, {"topic": free, "value": 1}]}
    headers = {"Content-Type": "application/vnd.kafka.json.v2+json"}
    status, answer = await node.call("POST", "/records", body, headers=headers)
    assert (status, [entry["value_schema_id"] for entry in answer["offsets"]]) == (200, [schema_id, None]), answer
    assert (read_all(kafka, encoded)[0].value, read_all(kafka, free)[0].value) == (
        frame_bytes(schema_id, b"\x02"),
        b"1",
    )


async def test_another_version_or_subject_may_be_chosen(node: Node, topic: Callable[[], str]) -> None:
    name, subject = topic(), topic()
    ids = [await register(node, subject, f'"{kind}"') for kind in ("int", "long", "float")]
    for choice, at in (({"version": 2}, 1), ({}, 2), ({"version": 1}, 0)):
        await put(node, name, {"value": {"plain": "encode", "schema": {"subject": subject, **choice}}})
        assert (await offer(node, "v2 topic", name, plain(1))).value_schema_id == ids[at]
    latest = await register(node, subject, '"double"')
    await put(node, name, {"value": {"plain": "encode", "schema": {"subject": subject}}})
    assert (await offer(node, "v2 topic", name, plain(1))).value_schema_id == latest
    newest = await register(node, subject, '["double", "string"]')
    assert (await offer(node, "v3 stream", name, plain("text"))).value_schema_id == newest
