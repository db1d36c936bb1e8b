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
    api.registry.take(api.log.records, len(api.log.records))
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
