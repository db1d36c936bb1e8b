"""JSON that lacks fields, or has too many: refused, completed or cut, as the policy or the request says."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.contracts.policing import frame_bytes, offer, plain, put, register
from tests.contracts.producing import WAYS, Part, read_all
from tests.kafka.service_in_process import Node

ROOM = {"type": "record", "name": "Room", "fields": [{"name": "no", "type": "int", "default": 3}]}
LIFT = {
    "type": "record",
    "name": "Lift",
    "fields": [
        {"name": "floor", "type": "int"},
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "room", "type": ROOM, "default": {}},
        {"name": "load", "type": ["double", "null"], "default": 0.5, "aliases": ["weight"]},
    ],
}
JSON_LIFT = {
    "type": "object",
    "properties": {
        "floor": {"type": "number"},
        "room": {"type": "object", "properties": {"no": {}}, "additionalProperties": False},
        "rooms": {
            "type": "array",
            "items": {"type": "object", "properties": {"no": {}}, "unevaluatedProperties": False},
        },
    },
    "additionalProperties": False,
    "$schema": "https://json-schema.org/draft/2020-12/schema",
}
PROTO_LIFT = 'syntax = "proto3"; message Lift { int32 floor = 1; Room room = 2; message Room { int32 no = 1; } }'
HALF = b"\0\0\0\0\0\0\xe0\x3f"
WHOLE = b"\x0e\x00\x06\x00" + HALF


@pytest.mark.parametrize("way", WAYS)
async def test_a_policy_fills_in_defaults_of_avro(
    kafka: Cluster, node: Node, topic: Callable[[], str], way: str
) -> None:
    name = topic()
    schema_id = await register(node, f"{name}-value", LIFT)
    await put(node, name, {"value": {"plain": "encode"}})
    code, message, *_ = await offer(node, way, name, plain({"floor": 7}))
    assert (code, "at note is nothing that does not fit; expected union" in message) == (422, True), message
    await put(node, name, {"value": {"plain": "encode", "lenient_json": True}})
    sent: tuple[dict[str, Any], ...] = ({"floor": 7}, {"floor": 7, "note": None, "room": {"no": 3}, "weight": 0.5})
    for data in sent:
        assert (await offer(node, way, name, plain(data))).code is None
    assert (await offer(node, way, name, plain({"note": "x", "floor": 7, "room": {}}))).code is None
    assert (await offer(node, way, name, plain({"note": {"string": "x"}, "floor": 7}))).code is None
    note = b"\x0e\x02\x02x\x06\x00" + HALF
    stored = [record.value for record in read_all(kafka, name)]
    assert stored == [frame_bytes(schema_id, data) for data in (WHOLE, WHOLE, note, note)]
    for bad, fault in (({"note": None}, "at floor is nothing"), ({"floor": 7, "rooms": 1}, "no fields but those of")):
        code, message, *_ = await offer(node, way, name, plain(bad))
        assert (code, fault in message) == (422, True), message


@pytest.mark.parametrize("way", WAYS)
async def test_a_request_fills_in_defaults_of_avro(
    kafka: Cluster, node: Node, topic: Callable[[], str], way: str
) -> None:
    name = topic()
    schema_id = await register(node, f"{name}-value", LIFT)
    value = Part("avro", {"floor": 7}, schema_id)
    assert (await offer(node, way, name, value)).code in {400, 422}
    assert (await WAYS[way](node, name, value, None, (), query="?lenient_json=true")).code is None
    assert [record.value for record in read_all(kafka, name)] == [frame_bytes(schema_id, WHOLE)]


async def test_a_value_that_several_branches_take_is_refused(node: Node, topic: Callable[[], str]) -> None:
    name = topic()
    rooms = [{**ROOM, "name": name} for name in ("Room", "Hall")]
    await register(node, f"{name}-value", ["null", "string", "bytes", *rooms])
    await put(node, name, {"value": {"plain": "encode", "lenient_json": True}})
    for data, code in ((None, None), ({"string": "x"}, None), ({"Hall": {}}, None), ("x", 422), ({"no": 1}, 422)):
        verdict = await offer(node, "v2 topic", name, plain(data))
        assert verdict.code == code, verdict
        if code is not None:
            assert "of the union (null, string, bytes, Room, Hall)" in verdict.message


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("kind", "schema", "sent", "kept"),
    [
        ("AVRO", LIFT, {"x": 1, "floor": 7, "note": None, "room": {"no": 3, "y": 1}, "load": 0.5, "z": {}}, WHOLE),
        ("PROTOBUF", PROTO_LIFT, {"x": 1, "floor": 7, "room": {"no": 3, "y": {}}}, b"\x00\x08\x07\x12\x02\x08\x03"),
        (
            "JSON",
            JSON_LIFT,
            '{"x":1,"floor":7.10,"room":{"y":1,"no":1e2},"rooms":[{"no":1,"y":2}]}',
            b'{"floor":7.10,"room":{"no":1e2},"rooms":[{"no":1}]}',
        ),
    ],
)
async def test_unknown_fields_are_refused_or_dropped(
    kafka: Cluster,
    node: Node,
    topic: Callable[[], str],
    way: str,
    kind: str,
    schema: Any,
    sent: Any,
    kept: bytes,
) -> None:
    name = topic()
    schema_id = await register(node, f"{name}-value", schema, kind)
    value = plain(sent if isinstance(sent, str) else json.dumps(sent), "string")
    await put(node, name, {"value": {"plain": "encode"}})
    assert (await offer(node, way, name, value)).code == 422
    await put(node, name, {"value": {"plain": "encode", "unknown_fields": "drop"}})
    assert (await offer(node, way, name, value)).code is None
    assert [record.value for record in read_all(kafka, name)] == [frame_bytes(schema_id, kept)]
    counts = (await node.call("GET", f"/policies/{name}/violations"))[1]["counts"]
    dropped = {"AVRO": 3, "PROTOBUF": 2, "JSON": 3}[kind]
    assert {"mode": "enforce", "part": "value", "reason": "dropped_fields", "count": dropped} in counts
    if kind == "JSON":
        await put(node, name, {"value": {"plain": "validate", "unknown_fields": "drop"}})
        assert (await offer(node, way, name, value)).code is None
        assert read_all(kafka, name)[1].value == kept


async def test_dropping_fields_of_keys_needs_force(node: Node, topic: Callable[[], str]) -> None:
    name = topic()
    await register(node, f"{name}-key", JSON_LIFT, "JSON")
    await put(node, name, {"key": {"plain": "validate"}})
    dropping = {"key": {"plain": "validate", "unknown_fields": "drop"}}
    assert (await node.call("PUT", f"/policies/{name}", dropping))[0] == 422
    await put(node, name, dropping, force="true")
