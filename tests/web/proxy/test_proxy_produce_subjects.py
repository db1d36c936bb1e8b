"""Producing with schemas that the request does not bring along: the latest ones, other subjects, references."""

import secrets
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from karapace_like.proxy.subjects import SubjectNameStrategy
from tests.web.proxy.conftest import ProxyApi, media_type, running

pytestmark = pytest.mark.asyncio(loop_scope="session")

Topics = Callable[..., str]

FLOOR_JSON = '{"type":"object","properties":{"number":{"type":"integer"}},"required":["number"]}'
FLOOR_PROTOBUF = 'syntax = "proto3"; message Floor { int32 number = 1; }'
RECORD = {"value": {"number": 3}}


def record_schema(name: str) -> str:
    field = {"name": "number", "type": "int"}
    return msgspec.json.encode({"type": "record", "name": name, "fields": [field]}).decode()


def unique(name: str) -> str:
    return f"{name}{secrets.token_hex(4)}"


SCHEMAS = {"avro": record_schema("Floor"), "jsonschema": FLOOR_JSON, "protobuf": FLOOR_PROTOBUF}
MISSING_VALUE = (
    422,
    42202,
    (
        "Request includes values but does not include value schema: send value_schema or value_schema_id, or name in "
        "value_subject a subject that has one"
    ),
)


async def refusal(proxy: ProxyApi, topic: str, body: dict[str, Any], embedded: str = "avro") -> tuple[int, int, str]:
    status, answer = await proxy("POST", f"/topics/{topic}", body, sent_as=media_type(embedded))
    return status, answer["error_code"], answer["message"]


@pytest.mark.parametrize("embedded", SCHEMAS)
async def test_without_a_schema_the_subject_s_latest_is_used(proxy: ProxyApi, topic_of: Topics, embedded: str) -> None:
    """Once there is one; of the key's subject for keys."""
    topic = topic_of()
    assert await refusal(proxy, topic, {"records": [RECORD]}, embedded) == MISSING_VALUE
    named = await proxy.produce(topic, RECORD, embedded=embedded, value_schema=SCHEMAS[embedded])
    latest = await proxy.produce(topic, RECORD, embedded=embedded)
    assert latest["value_schema_id"] == named["value_schema_id"]
    first, second = proxy.stored(topic, 2)
    assert first.value() == second.value()
    both = {"records": [{"key": {"number": 1}, **RECORD}]}
    assert (await refusal(proxy, topic, both, embedded))[1] == 42201


async def test_a_null_stays_a_tombstone_where_no_schema_is_named(proxy: ProxyApi, topic_of: Topics) -> None:
    """And no schema is looked for, so that none is told of."""
    topic = topic_of()
    await proxy.produce(topic, RECORD, embedded="avro", value_schema=SCHEMAS["avro"])
    report = await proxy.produce(topic, {"value": None}, embedded="avro")
    assert report["value_schema_id"] is None
    assert proxy.stored(topic, 2)[1].value() is None


async def test_naming_a_schema_for_one_half_only_is_a_mistake(proxy: ProxyApi, topic_of: Topics) -> None:
    """As with the reference proxy, also where the other half's subject has a schema."""
    topic = topic_of()
    schema = SCHEMAS["avro"]
    both = {"key": {"number": 1}, "value": {"number": 1}}
    await proxy.produce(topic, both, embedded="avro", key_schema=schema, value_schema=schema)
    answer = await refusal(proxy, topic, {"records": [both], "value_schema": schema})
    assert answer == (
        422,
        42201,
        (
            "Request includes keys but does not include key schema: send key_schema or key_schema_id, or name in "
            "key_subject a subject that has one"
        ),
    )
    await proxy.produce(topic, both, embedded="avro", value_schema=schema, key_subject=f"{topic}-key")


async def test_the_latest_schema_must_be_of_the_format(proxy: ProxyApi, topic_of: Topics) -> None:
    topic = topic_of()
    await proxy.produce(topic, RECORD, embedded="avro", value_schema=SCHEMAS["avro"])
    status, _, message = await refusal(proxy, topic, {"records": [RECORD]}, "protobuf")
    assert (status, message.endswith("is of type AVRO, not PROTOBUF")) == (400, True)


async def test_a_request_names_its_subject(proxy: ProxyApi, topic_of: Topics) -> None:
    """For a schema that is registered, one that is named by id, and the latest."""
    topic, subject = topic_of(), unique("lifts-")
    named = await proxy.produce(topic, RECORD, embedded="avro", value_schema=SCHEMAS["avro"], value_subject=subject)
    schema_id = named["value_schema_id"]
    for schema in ({"value_schema_id": schema_id}, {}):
        report = await proxy.produce(topic_of(), RECORD, embedded="avro", value_subject=subject, **schema)
        assert report["value_schema_id"] == schema_id
    assert await refusal(proxy, topic, {"records": [RECORD]}) == MISSING_VALUE
    assert (await refusal(proxy, topic, {"records": [RECORD], "value_schema_id": schema_id}))[1] == 42207


@pytest.mark.parametrize(
    ("strategy", "subject"),
    [("RECORD_NAME", "{name}"), ("TOPIC_RECORD_NAME", "{topic}-{name}"), ("TOPIC_NAME", "{topic}-value")],
)
async def test_a_request_names_its_strategy(proxy: ProxyApi, topic_of: Topics, strategy: str, subject: str) -> None:
    topic, name = topic_of(), unique("Floor")
    chosen = {"value_subject_name_strategy": strategy}
    named = await proxy.produce(topic, RECORD, embedded="avro", value_schema=record_schema(name), **chosen)
    schema_id = named["value_schema_id"]
    await proxy.produce(topic, RECORD, embedded="avro", value_schema_id=schema_id, **chosen)
    found = subject.format(topic=topic, name=name)
    latest = await proxy.produce(topic, RECORD, embedded="avro", value_subject=found)
    assert latest["value_schema_id"] == schema_id


async def test_the_service_has_a_strategy(kafka: Cluster, topic: Callable[[], str]) -> None:
    """It holds for requests that name neither strategy nor subject."""
    name = unique("Floor")
    async with running(kafka, ProxySettings(name_strategy=SubjectNameStrategy.RECORD_NAME)) as proxy:
        first = proxy.create_topic(topic())
        named = await proxy.produce(first, RECORD, embedded="avro", value_schema=record_schema(name))
        latest = await proxy.produce(first, RECORD, embedded="avro", value_subject=name)
        assert latest["value_schema_id"] == named["value_schema_id"]
        assert await refusal(proxy, first, {"records": [RECORD]}) == MISSING_VALUE


@pytest.mark.parametrize(
    ("schema", "strategy", "expected"),
    [
        ('"int"', "RECORD_NAME", (400, 400, "Bad Request: The value schema has no name, which RECORD_NAME needs")),
        (
            "{nonsense",
            "RECORD_NAME",
            (
                422,
                42205,
                "Invalid schema: Error when parsing raw schema. format = AVRO, schema = {nonsense: not valid JSON",
            ),
        ),
        (
            '"int"',
            "ANY",
            (
                422,
                422,
                "value_subject_name_strategy must be one of TOPIC_NAME, RECORD_NAME, TOPIC_RECORD_NAME (was ANY)",
            ),
        ),
    ],
)
async def test_a_strategy_must_fit(
    proxy: ProxyApi, topic_of: Topics, schema: str, strategy: str, expected: tuple[int, int, str]
) -> None:
    body = {"records": [{"value": 1}], "value_schema": schema, "value_subject_name_strategy": strategy}
    status, code, message = await refusal(proxy, topic_of(), body)
    assert (status, code, message.startswith(expected[2])) == (*expected[:2], True), message


REFERRING = {
    "avro": (
        '{"type":"record","name":"Lift","fields":[{"name":"floor","type":"Floor"}]}',
        {"name": "Floor"},
    ),
    "jsonschema": (
        '{"type":"object","properties":{"floor":{"$ref":"floor.json"}},"required":["floor"]}',
        {"name": "floor.json"},
    ),
    "protobuf": (
        'syntax = "proto3"; import "floor.proto"; message Lift { Floor floor = 1; }',
        {"name": "floor.proto"},
    ),
}


@pytest.mark.parametrize(
    ("embedded", "strategy"),
    [
        ("avro", "TOPIC_NAME"),
        ("avro", "TOPIC_RECORD_NAME"),
        ("jsonschema", "TOPIC_NAME"),
        ("protobuf", "TOPIC_NAME"),
        ("protobuf", "TOPIC_RECORD_NAME"),
    ],
)
async def test_a_schema_refers_to_others(proxy: ProxyApi, topic_of: Topics, embedded: str, strategy: str) -> None:
    """Keys and values alike; a value that breaks the other schema does not fit."""
    topic, subject = topic_of(), unique("floors-")
    await proxy.produce(topic, RECORD, embedded=embedded, value_schema=SCHEMAS[embedded], value_subject=subject)
    text, reference = REFERRING[embedded]
    references = [{**reference, "subject": subject, "version": 1}]
    lift = {"floor": {"number": 3}}
    report = await proxy.produce(
        topic,
        {"key": lift, "value": lift},
        embedded=embedded,
        key_schema=text,
        key_references=references,
        value_schema=text,
        value_references=references,
        value_subject_name_strategy=strategy,
    )
    assert report["key_schema_id"] == report["value_schema_id"]
    body = {
        "records": [{"value": {"floor": {"number": "x"}}}],
        "value_schema": text,
        "value_references": references,
        "value_subject": unique("lifts-"),
    }
    assert (await refusal(proxy, topic, body, embedded))[0] == 400


async def test_a_reference_must_lead_to_a_version(proxy: ProxyApi, topic_of: Topics) -> None:
    text, reference = REFERRING["avro"]
    subject = unique("floors-")
    references = [{**reference, "subject": subject, "version": 1}]
    body = {"records": [{"value": {}}], "value_schema": text, "value_references": references}
    status, code, message = await refusal(proxy, topic_of(), body)
    assert (status, code) == (422, 42207)
    assert f"fetching schema by version. subject = {subject}, version = 1\n" in message


async def test_references_are_looked_up_in_the_context_of_the_subject(proxy: ProxyApi, topic_of: Topics) -> None:
    """What the schema refers to is there, and nowhere else."""
    topic, floors, context = topic_of(), unique("floors-"), f":.{unique('c')}:"
    await proxy.produce(topic, RECORD, embedded="avro", value_schema=SCHEMAS["avro"], value_subject=context + floors)
    text, reference = REFERRING["avro"]
    body = {
        "records": [{"value": {"floor": {"number": 3}}}],
        "value_schema": text,
        "value_references": [{**reference, "subject": floors, "version": 1}],
    }
    lifts = {"value_subject": f"{context}{unique('lifts-')}"}
    assert (await proxy.produce(topic, {"value": {"floor": {"number": 3}}}, embedded="avro", **{**body, **lifts}))[
        "value_schema_id"
    ] == 2
    assert (await refusal(proxy, topic, {**body, "value_subject": unique("lifts-")}))[:2] == (422, 42207)


@pytest.mark.parametrize("reference", [{}, {"name": "Floor"}, {"name": "Floor", "subject": "s", "version": "1"}, None])
async def test_a_reference_is_not_completed(proxy: ProxyApi, topic_of: Topics, reference: object) -> None:
    body = {"records": [{"value": {}}], "value_schema": REFERRING["avro"][0], "value_references": [reference]}
    status, _, message = await refusal(proxy, topic_of(), body)
    assert (status, "value_references[0]" in message) == (422, True)
