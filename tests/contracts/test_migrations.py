"""A reader chooses the version of the subject as which records are read: the migration rules between are executed."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from tests.contracts.producing import frame
from tests.contracts.ruled_service import RuledService, connect
from tests.service_process import ServiceProcess
from tests.waiting import until

KINDS = {"avro": "AVRO", "jsonschema": "JSON", "protobuf": "PROTOBUF"}


def make_schema(embedded: str, field: str) -> str:
    """A schema of records with one text, whose name is the field."""
    if embedded == "protobuf":
        return f'syntax = "proto3"; message M {{ string {field} = {ord(field)}; }}'
    if embedded == "jsonschema":
        return json.dumps({"type": "object", "properties": {field: {"type": "string"}}, "additionalProperties": False})
    return json.dumps({"type": "record", "name": "M", "fields": [{"name": field, "type": "string"}]})


def rename(old: str, new: str) -> list[dict[str, str]]:
    """Rules of a version in which the field has a new name, and a mark for each way."""
    return [
        {"name": "up", "mode": "UPGRADE", "type": "JSONATA", "expr": f"{{'{new}': {old} & '{new}'}}"},
        {"name": "down", "mode": "DOWNGRADE", "type": "JSONATA", "expr": f"{{'{old}': {new} & '{old}'}}"},
    ]


@pytest.fixture
async def ruled(service: ServiceProcess) -> AsyncIterator[RuledService]:
    async with connect(service) as client:
        yield client


async def register(ruled: RuledService, subject: str, embedded: str, schema: str, **more: Any) -> int:
    await ruled.call("PUT", f"/config/{subject}", {"compatibility": "NONE"}, Content_Type="application/json")
    body = {"schema": schema, "schemaType": KINDS[embedded], **more}
    status, answer = await ruled.call("POST", f"/subjects/{subject}/versions", body, Content_Type="application/json")
    assert status == 200, answer
    return int(answer["id"])


async def write_as_each(ruled: RuledService, name: str, embedded: str) -> None:
    """Register three versions with migrations between, and write a record with each; then delete the second one."""
    greeting = {"name": "greet", "mode": "READ", "type": "CEL_FIELD", "expr": "'Dear ' + value"}
    rule_sets: list[Mapping[str, Any]] = [
        {},
        {"migrationRules": rename("a", "b")},
        {"migrationRules": rename("b", "c"), "domainRules": [greeting]},
    ]
    for field, rule_set in zip("abc", rule_sets, strict=True):
        metadata = {"properties": {"major": field}}
        schema = make_schema(embedded, field)
        await register(ruled, f"{name}-value", embedded, schema, metadata=metadata, ruleSet=rule_set)
        status, answer = await ruled.produce(name, embedded, {"value": {field: "Ann"}})
        assert status == 200, answer
    await ruled.call("DELETE", f"/subjects/{name}-value/versions/2")


@pytest.mark.parametrize("embedded", KINDS)
async def test_records_are_migrated_to_the_version_of_the_reader(
    ruled: RuledService, topic: Callable[[], str], embedded: str
) -> None:
    name = topic()
    await write_as_each(ruled, name, embedded)
    written = [{"a": "Ann"}, {"b": "Ann"}, {"c": "Dear Ann"}]
    upgraded = [{"c": "Dear Annbc"}, {"c": "Dear Annc"}, {"c": "Dear Ann"}]
    downgraded = [{"a": "Ann"}, {"a": "Anna"}, {"a": "Annba"}]
    for query, expected in (
        ({}, written),
        ({"reader_version": "latest"}, upgraded),
        ({"reader_version": "3"}, upgraded),
        ({"reader_metadata": "major=c"}, upgraded),
        ({"reader_version": "1"}, downgraded),
        ({"reader_metadata": "major=a"}, downgraded),
    ):
        status, body = await ruled.read(name, embedded, **query)
        assert (status, [record["value"] for record in body]) == (200, expected), query
    status, body = await ruled.read(name, embedded, reader_version="1", format="auto", show_format="true")
    assert [(record["value"], record["value_format"]["format"]) for record in body] == [
        (value, embedded) for value in downgraded
    ]


async def test_every_way_of_reading_has_readers(ruled: RuledService, topic: Callable[[], str]) -> None:
    name = topic()
    await write_as_each(ruled, name, "avro")
    downgraded = [{"a": "Ann"}, {"a": "Anna"}, {"a": "Annba"}]
    json_v2 = {"Content_Type": "application/vnd.kafka.v2+json"}

    wanted = {"format": "avro", "auto.offset.reset": "earliest", "reader.version": 1}
    status, instance = await ruled.call("POST", f"/consumers/{name}", wanted, **json_v2)
    assert status == 200, instance
    path = f"/consumers/{name}/instances/{instance['instance_id']}"
    await ruled.call("POST", f"{path}/subscription", {"topics": [name]}, **json_v2)

    async def poll() -> Any:
        status, body = await ruled.call("GET", f"{path}/records", Accept="application/vnd.kafka.avro.v2+json")
        assert status == 200, body
        return body

    assert [record["value"] for record in await until(poll)] == downgraded
    await ruled.call("DELETE", path)

    cluster = (await ruled.call("GET", "/v3/clusters"))[1]["data"][0]["cluster_id"]
    query = "offset=earliest&type=AVRO&reader_version=1"
    for of_partition in ("", "/partitions/0"):
        _, page = await ruled.call("GET", f"/v3/clusters/{cluster}/topics/{name}{of_partition}/records?{query}")
        assert [record["value"]["data"] for record in page["data"]] == downgraded

    headers = {"Accept": "application/x-ndjson"}
    path = f"/topics/{name}/records?from=earliest&format=avro&reader_version=1"
    async with ruled.session.get(path, headers=headers) as stream:
        lines = [json.loads(await stream.content.readline()) for _ in downgraded]
    assert [line["value"] for line in lines] == downgraded


WIDER = {
    "type": "record",
    "name": "Room",
    "aliases": ["M"],
    "fields": [
        {"name": "name", "type": ["null", "string"], "default": None, "aliases": ["a"]},
        {"name": "floor", "type": {"type": "long", "logicalType": "timestamp-millis"}, "default": 3},
    ],
}


@pytest.mark.parametrize(
    ("embedded", "reader", "expected"),
    [
        ("avro", json.dumps(WIDER), {"name": {"string": "Ann"}, "floor": 3}),
        ("protobuf", f'syntax = "proto3"; message M {{ int32 floor = 1; string name = {ord("a")}; }}', {"name": "Ann"}),
        ("jsonschema", '{"type": "object", "properties": {"floor": {"type": "integer"}}}', {"a": "Ann"}),
    ],
)
async def test_without_migration_rules_the_formats_resolve(
    ruled: RuledService, topic: Callable[[], str], embedded: str, reader: str, expected: object
) -> None:
    name = topic()
    await register(ruled, f"{name}-value", embedded, make_schema(embedded, "a"))
    assert (await ruled.produce(name, embedded, {"value": {"a": "Ann"}}))[0] == 200
    await register(ruled, f"{name}-value", embedded, reader)
    _, body = await ruled.read(name, embedded, reader_version="latest", undecodable="report")
    value = body[0].get("value")
    if embedded == "protobuf":
        assert value.pop("floor") == 0
    assert value == expected, body


async def test_a_record_that_cannot_be_migrated_is_undecodable(ruled: RuledService, topic: Callable[[], str]) -> None:
    name = topic()
    await register(ruled, f"{name}-value", "avro", make_schema("avro", "a"))
    for value in ("Ann", "Bob"):
        assert (await ruled.produce(name, "avro", {"value": {"a": value}}))[0] == 200
    failing = {"name": "no-bob", "kind": "CONDITION", "mode": "UPGRADE", "type": "CEL", "expr": "message.a != 'Bob'"}
    rules = [failing, *rename("a", "x")]
    await register(ruled, f"{name}-value", "avro", make_schema("avro", "b"), ruleSet={"migrationRules": rules})
    foreign = await register(ruled, topic(), "avro", '"int"')
    assert (await ruled.produce(name, "binary", {"value": frame(foreign, b"\x02")}))[0] == 200
    _, body = await ruled.read(name, "avro", reader_version="latest", undecodable="report")
    misfit, refused, unknown = (record["message"] for record in body)
    assert {record["error_code"] for record in body} == {40801}
    assert "what the migration makes of the value does not fit the reader's schema: " in misfit
    assert "Rule failed: no-bob: the condition does not hold: message.a != 'Bob'" in refused
    assert f"schema {foreign} is of no version of subject {name}-value, so it cannot be read as version 2" in unknown
    for query, reason in (
        ({"reader_version": "9"}, f"subject {name}-value has no version 9, as which it is to be read"),
        ({"reader_metadata": "major=9"}, f"subject {name}-value has no version with the metadata major=9"),
    ):
        status, error = await ruled.read(name, "avro", **query)
        assert (status, error["error_code"], reason in error["message"]) == (408, 40801, True), error


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"reader_version": "0"}, "reader_version must be latest or the number of a version (was 0)"),
        ({"reader_version": "newest"}, "reader_version must be latest or the number of a version (was newest)"),
        (
            {"reader_metadata": "major"},
            "reader_metadata must be 1 to 20 properties such as major=2,region=eu (was major)",
        ),
        ({"reader_metadata": "a=1,=2"}, "reader_metadata must be 1 to 20 properties"),
        (
            {"reader_version": "1", "reader_metadata": "a=1"},
            "reader_version cannot be used together with reader_metadata",
        ),
        (
            {"reader_version": "1", "format": "json"},
            "reader_version needs values of a format with schemas (avro, jsonschema, protobuf) or auto, not json",
        ),
    ],
)
async def test_a_reader_that_cannot_be_is_refused(
    ruled: RuledService, topic: Callable[[], str], query: dict[str, str], reason: str
) -> None:
    name = topic()
    status, error = await ruled.read(name, "avro", **query)
    assert (status, reason in error["message"]) == (422, True), error
    fields = {name.replace("_", "."): text for name, text in query.items()}
    json_v2 = {"Content_Type": "application/vnd.kafka.v2+json"}
    status, error = await ruled.call("POST", f"/consumers/{name}", {"format": "avro", **fields}, **json_v2)
    assert (status, error["error_code"]) == (422, 422)
    words = reason.replace("reader_", "reader.")
    assert (status, words in error["message"]) == (422, True), error
