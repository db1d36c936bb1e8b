"""Producing with keys and values in formats of their own."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.serde.test_json_schema_cost import doubling
from tests.web.proxy.conftest import ProxyApi, media_type

pytestmark = pytest.mark.asyncio(loop_scope="session")

Topics = Callable[..., str]

FLOOR = '{"type":"record","name":"Floor","fields":[{"name":"number","type":"int"}]}'
FLOOR_JSON = '{"type":"object","properties":{"number":{"type":"integer"}}}'
FLOOR_PROTOBUF = 'syntax = "proto3"; message Floor { int32 number = 1; }'


@pytest.mark.parametrize(
    ("sent_as", "query", "body", "stored"),
    [
        ("json", "", {"key_format": "string"}, (b"lift", b'"bGlmdA=="')),
        ("json", "", {"value_format": "binary"}, (b'"lift"', b"lift")),
        ("binary", "", {"key_format": "string", "value_format": "json"}, (b"lift", b'"bGlmdA=="')),
        ("json", "?key_format=string", {}, (b"lift", b'"bGlmdA=="')),
        ("json", "?key_format=json&value_format=BINARY", {"key_format": "string"}, (b"lift", b"lift")),
        ("json", "", {"key_format": "STRING", "value_format": None}, (b"lift", b'"bGlmdA=="')),
        ("string", "", {}, (b"lift", b"bGlmdA==")),
    ],
)
async def test_the_body_s_format_wins_over_the_query_s_and_the_media_type_s(
    proxy: ProxyApi, topic_of: Topics, sent_as: str, query: str, body: dict[str, Any], stored: tuple[bytes, bytes]
) -> None:
    topic = topic_of()
    wanted = {"records": [{"key": "lift", "value": "bGlmdA=="}], **body}
    status, _ = await proxy("POST", f"/topics/{topic}{query}", wanted, sent_as=media_type(sent_as))
    assert status == 200
    [message] = proxy.stored(topic, 1)
    assert (message.key(), message.value()) == stored


@pytest.mark.parametrize(
    ("value_format", "schema"), [("avro", FLOOR), ("jsonschema", FLOOR_JSON), ("protobuf", FLOOR_PROTOBUF)]
)
async def test_a_key_needs_no_schema_where_the_value_has_one(
    proxy: ProxyApi, topic_of: Topics, value_format: str, schema: str
) -> None:
    """The usual record: a text as key, and a value that its schema describes."""
    topic = topic_of()
    report = await proxy.produce(
        topic,
        {"key": "lift", "value": {"number": 3}},
        {"key": "lift"},
        embedded=value_format,
        key_format="string",
        value_schema=schema,
    )
    assert (report["key_schema_id"], report["value_schema_id"] > 0) == (None, True)
    first, second = proxy.stored(topic, 2)
    assert first.value().startswith(b"\0" + report["value_schema_id"].to_bytes(4))
    assert (first.key(), second.key(), second.value()) == (b"lift", b"lift", None)


@pytest.mark.parametrize(("query", "body"), [("?key_format=xml", {}), ("", {"value_format": "xml"})])
async def test_an_unknown_format_is_refused(
    proxy: ProxyApi, topic_of: Topics, query: str, body: dict[str, Any]
) -> None:
    """The message names the field, its value and what is accepted."""
    wanted = {"records": [{"value": 1}], **body}
    answer = await proxy("POST", f"/topics/{topic_of()}{query}", wanted, sent_as=media_type("json"))
    field = "key_format" if query else "value_format"
    message = (
        f"Invalid format type. {field} is 'xml'; expected one of binary, json, avro, jsonschema, protobuf or string"
    )
    assert answer == (422, {"error_code": 422, "message": message})


@pytest.mark.long
async def test_values_of_costly_schemas_are_validated_by_another_process(proxy: ProxyApi, topic_of: Topics) -> None:
    """Which has bounds of its own; here one verdict has an explanation, and one would need gigabytes for it."""
    pairs = [{"items": {"enum": list(range(3_000))}}, doubling(21)]
    for schema, fits, fails, message in (
        (
            pairs[0],
            [1] * 2_000,
            [1] * 2_000 + ["x"],
            'Bad Request: [2000]: "x" is not one of 0, 1 or 2998 other candidates',
        ),
        (pairs[1], None, 1, "Bad Request: the value does not match its schema. To find the place that does not takes"),
    ):
        topic, text = topic_of(), json.dumps(schema)
        sent_as = media_type("jsonschema")
        if fits is not None:
            records = [{"value": fits}, {"value": [2]}]
            await proxy.produce(topic, *records, embedded="jsonschema", value_schema=text)
            assert [json.loads(each.value()[5:]) for each in proxy.stored(topic, 2)] == [fits, [2]]
        status, refusal = await proxy(
            "POST", f"/topics/{topic}", {"records": [{"value": fails}], "value_schema": text}, sent_as=sent_as
        )
        assert (status, refusal["error_code"]) == (400, 400)
        assert refusal["message"].startswith(message)
