"""What may be registered is the operator's choice; what is stored is served, whatever today's parser thinks of it."""

import json
from collections.abc import Awaitable, Callable

import pytest

from karapace_like.registry.registration import Rules
from karapace_like.schema.model import SchemaType, Strictness
from tests.web.conftest import Api, TopicRecord

TWICE = {"schemaType": "PROTOBUF", "schema": 'syntax = "proto3"; message M { string a = 1; string b = 1; }'}


async def test_by_default_protoc_judges_and_the_reference_does_on_request(
    start: Callable[..., Awaitable[Api]],
) -> None:
    """A schema that Confluent took can be brought along by the one setting."""
    strict = await start()
    status, answer = await strict("POST", "/subjects/a/versions", TWICE)
    assert (status, answer["error_code"]) == (422, 42201)
    assert "line 1" in answer["message"]
    lax = await start(rules=Rules(strictness=Strictness.LAX))
    status, answer = await lax("POST", "/subjects/a/versions", TWICE)
    assert (status, answer["id"]) == (200, 1)
    assert (await lax("POST", "/subjects/a", TWICE))[0] == 200


@pytest.mark.parametrize("schema_type", SchemaType)
async def test_a_stored_schema_that_cannot_be_parsed_is_served_and_listed(api: Api, schema_type: SchemaType) -> None:
    """Only a comparison with it says that it cannot be read, and why."""
    key = {"keytype": "SCHEMA", "subject": "a", "version": 1, "magic": 1}
    value = {"subject": "a", "version": 1, "id": 7, "schemaType": schema_type, "schema": "{?", "deleted": False}
    api.log.records.append(TopicRecord(json.dumps(key).encode(), json.dumps(value).encode(), 1))
    api.registry.apply_batch(api.log.records, len(api.log.records))
    assert (await api("GET", "/schemas/ids/7"))[1]["schema"] == "{?"
    assert (await api("GET", "/subjects/a/versions/1"))[0] == 200
    assert [each["id"] for each in (await api("GET", "/schemas"))[1]] == [7]
    assert await api("GET", "/schemas/ids/7/versions") == (200, [{"subject": "a", "version": 1}])
    new = {
        SchemaType.AVRO: '"int"',
        SchemaType.JSON: "{}",
        SchemaType.PROTOBUF: 'syntax = "proto3"; message M { string a = 1; }',
    }[schema_type]
    body = {"schema": new, "schemaType": schema_type}
    status, verdict = await api("POST", "/compatibility/subjects/a/versions/latest?verbose=true", body)
    assert (status, verdict["is_compatible"]) == (200, False)
    assert "UNREADABLE_SCHEMA" in verdict["messages"][0]
    await api("PUT", "/config/a", {"compatibility": "NONE"})
    assert (await api("POST", "/subjects/a/versions", body))[1]["version"] == 2


async def test_karapace_s_spelling_of_avro_is_stored_and_found_in_every_other(
    start: Callable[..., Awaitable[Api]],
) -> None:
    """A Karapace that takes the topic back finds its own text, and so does every client that sends another one."""
    full = {
        "name": "shop.Order",
        "type": "record",
        "fields": [{"type": "int", "name": "a", "default": 0}],
        "aliases": [],
    }
    short = {
        "type": "record",
        "name": "Order",
        "namespace": "shop",
        "fields": [{"name": "a", "type": "int", "default": 0}],
    }
    api = await start(rules=Rules(strictness=Strictness.KARAPACE))
    assert (await api("POST", "/subjects/a/versions", {"schema": json.dumps(full)}))[1]["id"] == 1
    stored = json.dumps(full, sort_keys=True, separators=(",", ":"))
    assert (await api("GET", "/schemas/ids/1"))[1]["schema"] == stored
    for spelled in (full, dict(reversed(full.items())), short):
        body = {"schema": json.dumps(spelled)}
        assert (await api("POST", "/subjects/a", body))[1]["version"] == 1
        assert (await api("POST", "/subjects/a/versions", body))[1]["id"] == 1
        assert (await api("POST", "/subjects/b/versions", body))[1]["id"] == 1
    assert await api("GET", "/subjects/a/versions") == (200, [1])


@pytest.mark.parametrize(
    ("old", "new", "karapace", "confluent"),
    [
        ("true", "false", 200, 409),
        ("{}", "true", 200, 200),
        ('{"type":"object"}', "true", 200, 200),
        ('{"type":"string"}', "true", 409, 200),
        ('{"type":"string"}', "{}", 409, 200),
        ("false", '{"type":"object","additionalProperties":false}', 409, 200),
        ('{"type":"object"}', '{"type":"object","properties":{"a":{}}}', 409, 200),
        ('{"type":"object"}', '{"type":"object","properties":{"a":{"type":"string"}}}', 409, 409),
        ('{"type":"object","properties":{"a":{}}}', '{"type":"object"}', 200, 200),
    ],
)
async def test_what_a_json_schema_leaves_open_is_an_object_as_karapace_compares(
    start: Callable[..., Awaitable[Api]], old: str, new: str, karapace: int, confluent: int
) -> None:
    for strictness, status in ((Strictness.KARAPACE, karapace), (Strictness.LAX, confluent)):
        api = await start(rules=Rules(strictness=strictness))
        assert (await api("POST", "/subjects/a/versions", {"schemaType": "JSON", "schema": old}))[0] == 200
        body = {"schemaType": "JSON", "schema": new}
        verdict = (await api("POST", "/compatibility/subjects/a/versions/latest", body))[1]
        assert verdict["is_compatible"] is (status == 200)
        assert (await api("POST", "/subjects/a/versions", body))[0] == status


async def test_an_avro_default_of_another_type_is_accepted_as_karapace_accepts_it(
    start: Callable[..., Awaitable[Api]],
) -> None:
    """So a subject that came with such a default can evolve; nothing else is accepted than Confluent accepts."""
    schema = {"type": "record", "name": "R", "fields": [{"name": "a", "type": ["null", "int"], "default": "null"}]}
    for strictness, status in ((Strictness.STRICT, 422), (Strictness.LAX, 422), (Strictness.KARAPACE, 200)):
        api = await start(rules=Rules(strictness=strictness))
        assert (await api("POST", "/subjects/a/versions", {"schema": json.dumps(schema)}))[0] == status
        assert (await api("POST", "/subjects/b/versions", TWICE))[0] == (
            422 if strictness is Strictness.STRICT else 200
        )
    schema["fields"] = [*schema["fields"], {"name": "b", "type": "int"}]
    assert (await api("POST", "/subjects/a/versions", {"schema": json.dumps(schema)}))[0] == 409
    schema["fields"] = [{"name": "a", "type": ["null", "int"], "default": "null"}, {"name": "a b", "type": "int"}]
    assert (await api("POST", "/subjects/c/versions", {"schema": json.dumps(schema)}))[0] == 422
