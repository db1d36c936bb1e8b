"""Policies, schemas and records for the tests of policies, on a node that tests share."""

import base64
import json
from typing import Any

from tests.contracts.producing import AS_BYTES, TOGETHER, WAYS, Part, Verdict, frame
from tests.kafka.service_in_process import Node

LIFT = {
    "type": "record",
    "name": "Lift",
    "fields": [{"name": "floor", "type": "int"}, {"name": "note", "type": ["null", "string"], "default": None}],
}
JSON_LIFT = {
    "type": "object",
    "properties": {"floor": {"type": "integer"}, "speed": {"type": "number", "default": 1}},
    "required": ["floor"],
    "additionalProperties": False,
}
PROTO_LIFT = 'syntax = "proto3"; message Lift { int32 floor = 1; string note = 2; }'
GOOD = {"floor": 7, "note": {"string": "up"}}


async def register(node: Node, subject: str, schema: object, kind: str = "AVRO") -> int:
    body = {"schema": schema if isinstance(schema, str) else json.dumps(schema), "schemaType": kind}
    status, answer = await node.call("POST", f"/subjects/{subject}/versions", body)
    assert status == 200, answer
    return int(answer["id"])


async def put(node: Node, name: str, policy: object, **query: str) -> None:
    status, answer = await node.call("PUT", f"/policies/{name}", policy, params=query)
    assert status == 200, answer


async def offer(node: Node, way: str, topic: str, value: Part, *headers: Any, key: Part | None = None) -> Verdict:
    verdict: Verdict = await {**WAYS, **TOGETHER, **AS_BYTES}[way](node, topic, value, key, headers)
    return verdict


def plain(data: Any, format_name: str = "json") -> Part:
    return Part(format_name, data)


def in_base64(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def frame_bytes(schema_id: int, payload: bytes) -> bytes:
    return base64.b64decode(frame(schema_id, payload))
