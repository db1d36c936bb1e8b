"""Records of any format are read as JSON with `format=auto`: each key and value is recognised by itself."""

import json
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.contracts.policing import GOOD, JSON_LIFT, LIFT, PROTO_LIFT, in_base64, offer, plain, put, register
from tests.contracts.producing import Part, frame
from tests.kafka.service_in_process import Node

JSON_V2 = {"Accept": "application/vnd.kafka.json.v2+json"}
CREATE = {"Content-Type": "application/vnd.kafka.v2+json"}


class Topic(NamedTuple):
    name: str
    values: list[Any]
    formats: list[Any]


@pytest.fixture
async def mixed(node: Node, topic: Callable[[], str]) -> Topic:
    """A topic with a value of each kind."""
    name = topic()
    ids = {
        kind: await register(node, f"{topic()}-value", schema, kind)
        for kind, schema in (("AVRO", LIFT), ("JSON", JSON_LIFT), ("PROTOBUF", PROTO_LIFT))
    }
    guid = uuid.UUID((await node.call("GET", f"/schemas/ids/{ids['AVRO']}"))[1]["guid"]).bytes
    written: list[tuple[Part, tuple[Any, ...], Any, tuple[str, int | None]]] = [
        (plain({"floor": 1.50}), (), {"floor": 1.5}, ("json", None)),
        (plain("no: json", "string"), (), "no: json", ("string", None)),
        (plain(in_base64(b"\xff\xfe"), "binary"), (), in_base64(b"\xff\xfe"), ("binary", None)),
        (plain(frame(2_000_000_000, b"\xff"), "binary"), (), frame(2_000_000_000, b"\xff"), ("binary", None)),
        (plain(frame(ids["AVRO"], b"\x0e\x00"), "binary"), (), {"floor": 7, "note": None}, ("avro", ids["AVRO"])),
        (plain(frame(ids["JSON"], b'{"floor":2}'), "binary"), (), {"floor": 2}, ("jsonschema", ids["JSON"])),
        (
            plain(frame(ids["PROTOBUF"], b"\x00\x08\x03"), "binary"),
            (),
            {"floor": 3, "note": ""},
            ("protobuf", ids["PROTOBUF"]),
        ),
        (
            plain(in_base64(b"\x0e\x02\x04up"), "binary"),
            (("__value_schema_id", b"\x01" + guid),),
            GOOD,
            ("avro", None),
        ),
        (plain(None), (), None, ("null", None)),
    ]
    for value, headers, *_ in written:
        assert (await offer(node, "v2 topic", name, value, *headers, key=Part("string", "k"))).code is None
    formats = [
        None
        if kind == "null"
        else {"format": kind, "schema_id": schema_id, "subject": f"{name}-value" if kind in SCHEMA_KINDS else None}
        for *_, (kind, schema_id) in written
    ]
    return Topic(name, [shown for _, _, shown, _ in written], formats)


SCHEMA_KINDS = {"avro", "jsonschema", "protobuf"}


def check(records: list[Any], mixed: Topic, *, shows_format: bool) -> None:
    assert [record["value"] for record in records] == mixed.values
    assert {record["key"] for record in records} == {"k"}
    if shows_format:
        assert [record.get("value_format") for record in records] == mixed.formats
        assert records[0]["key_format"] == {"format": "string", "schema_id": None, "subject": None}
    else:
        assert not any("value_format" in record for record in records)


@pytest.mark.parametrize("shows_format", [False, True])
async def test_a_partition_is_read(node: Node, mixed: Topic, shows_format: bool) -> None:  # noqa: FBT001
    query = {"format": "auto", "show_format": str(shows_format).lower()}
    path = f"/topics/{mixed.name}/partitions/0/records"
    status, records = await node.call("GET", path, params=query, headers=JSON_V2)
    assert status == 200, records
    check(records, mixed, shows_format=shows_format)


async def test_an_instance_is_polled(node: Node, mixed: Topic) -> None:
    group = f"group-of-{mixed.name}"
    body: dict[str, Any] = {"format": "auto", "auto.offset.reset": "earliest"}
    status, instance = await node.call("POST", f"/consumers/{group}", body, headers=CREATE)
    assert status == 200, instance
    path = f"/consumers/{group}/instances/{instance['instance_id']}"
    body = {"partitions": [{"topic": mixed.name, "partition": 0}]}
    async with node.session.post(f"{path}/assignments", json=body, headers=CREATE) as response:
        assert response.status == 204
    async with node.session.post(f"{path}/positions/beginning", json=body, headers=CREATE) as response:
        assert response.status == 204
    records: list[Any] = []
    while len(records) < len(mixed.values):
        status, polled = await node.call("GET", f"{path}/records?show_format=true", headers=JSON_V2)
        assert status == 200, polled
        records += polled
    check(records, mixed, shows_format=True)
    async with node.session.delete(path, headers=CREATE) as response:
        assert response.status == 204


async def test_a_topic_is_streamed(node: Node, mixed: Topic) -> None:
    path = f"/topics/{mixed.name}/records?from=earliest&format=auto&show_format=true"
    records: list[Any] = []
    async with node.session.get(path, headers={"Accept": "application/x-ndjson"}) as response:
        async for line in response.content:
            if b'"topic"' in line:
                records.append(json.loads(line))
            if len(records) == len(mixed.values):
                break
    check(records, mixed, shows_format=True)


async def test_what_a_schema_cannot_read_is_reported_alone(node: Node, topic: Callable[[], str]) -> None:
    name = topic()
    schema_id = await register(node, f"{name}-value", LIFT)
    for value in (plain(frame(schema_id, b"\x0e"), "binary"), plain({"floor": 1})):
        assert (await offer(node, "v2 topic", name, value)).code is None
    query = {"format": "auto", "undecodable": "report", "show_format": "true"}
    status, (bad, good) = await node.call("GET", f"/topics/{name}/partitions/0/records", params=query, headers=JSON_V2)
    assert (status, bad["error_code"], "value_format" in bad) == (200, 40801, False)
    assert (good["value"], good["value_format"]["format"]) == ({"floor": 1}, "json")


@pytest.mark.parametrize("mode", ["enforce", "observe"])
async def test_json_needs_no_format_where_a_policy_encodes_it(node: Node, topic: Callable[[], str], mode: str) -> None:
    """A policy that only observes leaves the format open. Reads name one, or have `auto`."""
    name = topic()
    schema_id = await register(node, f"{name}-value", LIFT)
    await put(node, name, {"mode": mode, "value": {"plain": "encode"}})
    accepted = {"Accept": "application/json"}
    status, report = await node.call("POST", f"/topics/{name}", {"records": [{"value": GOOD}]})
    assert status == (200 if mode == "enforce" else 415), report
    if mode == "enforce":
        assert report["value_schema_id"] == schema_id
        path = f"/topics/{name}/partitions/0/records"
        status, records = await node.call("GET", path, params={"format": "auto"}, headers=accepted)
        assert (status, records[0]["value"]) == (200, GOOD)
        status, refusal = await node.call("GET", path, headers=accepted)
        assert (status, "format=auto" in refusal["message"]) == (406, True)


@pytest.mark.parametrize("way", ["produce", "content type"])
async def test_requests_have_no_format_auto(node: Node, topic: Callable[[], str], way: str) -> None:
    body: dict[str, Any] = {"records": [{"value": 1}]}
    media_type = "application/vnd.kafka.auto.v2+json"
    if way == "produce":
        body["value_format"], media_type = "auto", "application/vnd.kafka.json.v2+json"
    status, _ = await node.call("POST", f"/topics/{topic()}", body, headers={"Content-Type": media_type})
    assert status == (422 if way == "produce" else 415)
