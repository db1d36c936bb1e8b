"""Producing over HTTP: what reaches the topic, and what is refused before anything does."""

import base64
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from karapace_like.web.http.media_types import MESSAGE_PACK
from tests.web.proxy.conftest import KAFKA_V2, MAX_BODY_BYTES, ProxyApi, media_type

pytestmark = pytest.mark.asyncio(loop_scope="session")

Topics = Callable[..., str]

LIFT = msgspec.json.encode(
    {
        "type": "record",
        "name": "Lift",
        "fields": [
            {"name": "floor", "type": "int"},
            {"name": "note", "type": ["null", "string"], "default": None},
        ],
    }
).decode()
LIFT_JSON = '{"type":"object","properties":{"floor":{"type":"integer"}},"required":["floor"]}'
LIFT_PROTOBUF = 'syntax = "proto3"; message Lift { int32 floor = 1; string note = 2; }'
SCHEMAS = {"avro": LIFT, "jsonschema": LIFT_JSON, "protobuf": LIFT_PROTOBUF}


def done(*places: tuple[int, int]) -> list[dict[str, Any]]:
    return [{"partition": at, "offset": offset, "error_code": None, "error": None} for at, offset in places]


async def end_of(proxy: ProxyApi, topic: str, partition: int = 0) -> int:
    _, bounds = await proxy("GET", f"/topics/{topic}/partitions/{partition}/offsets")
    end: int = bounds["end_offset"]
    return end


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ('{"a": [1, 2.5]}', b'{"a":[1,2.5]}'),
        ('"text"', b'"text"'),
        ('"\u20ac"', '"\u20ac"'.encode()),
        ("0", b"0"),
        ("false", b"false"),
        ('""', b'""'),
        ("{}", b"{}"),
        ("[]", b"[]"),
        ("123456789012345678901234567890", b"123456789012345678901234567890"),
        ("0.10000000000000000000001", b"0.10000000000000000000001"),
        ("1e400", b"1e400"),
        ("null", None),
    ],
)
async def test_json_is_stored_as_it_was_sent(
    proxy: ProxyApi, topic_of: Topics, sent: str, stored: bytes | None
) -> None:
    """Numbers keep their value, empty values are themselves, and only null is a tombstone."""
    topic = topic_of()
    body = f'{{"records": [{{"key": {sent}, "value": {sent}}}]}}'.encode()
    status, report = await proxy("POST", f"/topics/{topic}", body, sent_as=media_type("json"))
    assert (status, report["offsets"]) == (200, done((0, 0)))
    [message] = proxy.stored(topic, 1)
    assert (message.key(), message.value()) == (stored, stored)


SPELLINGS = {
    b'{"n":"M\xc3\xbcller","x":1.0}': [
        '{"n": "M\u00fcller", "x": 1.0}',
        '{"n":"M\\u00fcller","x":1.00}',
        '{"\\u006e":"M\\u00FCller","x":1e0}',
    ],
    b'"a/\\u001F"': ['"a/\\u001f"', '"a\\/\\u001F"'],
}


@pytest.mark.parametrize("stored", SPELLINGS)
async def test_one_json_key_has_one_form_however_it_is_written(
    proxy: ProxyApi, topic_of: Topics, stored: bytes
) -> None:
    """In v2 with and without a schema, and in v3: one key, one partition. Values keep the digits of their numbers."""
    topic = topic_of()
    cluster = (await proxy("GET", "/v3/clusters"))[1]["data"][0]["cluster_id"]
    schemas = b'"key_schema": "{}", "value_schema": "true", '
    for text in SPELLINGS[stored]:
        record = f'{{"key": {text}, "value": [{text}, 1.00]}}'.encode()
        for embedded, schema in (("json", b""), ("jsonschema", schemas)):
            body = b'{%b"records": [%b]}' % (schema, record)
            status, report = await proxy("POST", f"/topics/{topic}", body, sent_as=media_type(embedded))
            assert (status, report["offsets"][0]["error"]) == (200, None), report
        v3 = f'{{"key": {{"type": "JSON", "data": {text}}}, "value": {{"type": "JSON", "data": [{text}, 1.00]}}}}'
        status, report = await proxy(
            "POST", f"/v3/clusters/{cluster}/topics/{topic}/records", v3.encode(), sent_as="application/json"
        )
        assert report["error_code"] == 200, report
    messages = proxy.stored(topic, 3 * len(SPELLINGS[stored]))
    assert {message.key()[-len(stored) :] for message in messages} == {stored}
    assert all(message.value().endswith(b",1.00]") for message in messages)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [("aGVsbG8=", b"hello"), ("aGVsbG8", b"hello"), ("", b""), (None, None), ("//79", b"\xff\xfe\xfd")],
)
async def test_binary_is_base64(proxy: ProxyApi, topic_of: Topics, sent: str | None, stored: bytes | None) -> None:
    """Padded or not; null is a tombstone. It is the format of a request that names none."""
    topic = topic_of()
    body = {"records": [{"key": sent, "value": sent}]}
    for embedded in (media_type("binary"), f"{media_type('binary')}; charset=utf-8", None):
        status, _ = await proxy("POST", f"/topics/{topic}", body, sent_as=embedded)
        assert status == 200
    assert [(each.key(), each.value()) for each in proxy.stored(topic, 3)] == [(stored, stored)] * 3


async def test_results_are_in_the_order_of_the_request(proxy: ProxyApi, topic_of: Topics) -> None:
    """Also for more records than are handed over in one go."""
    topic = topic_of()
    report = await proxy.produce(topic, *({"value": number} for number in range(1200)))
    assert report == {"offsets": done(*((0, at) for at in range(1200))), "key_schema_id": None, "value_schema_id": None}
    assert [each.value() for each in proxy.stored(topic, 1200)] == [b"%d" % number for number in range(1200)]


async def test_a_record_goes_to_its_partition(proxy: ProxyApi, topic_of: Topics) -> None:
    """The record's own, then the path's, then the one of its key's hash as Java clients compute it."""
    topic = topic_of(3)
    report = await proxy.produce(topic, {"partition": 2, "value": 1}, {"partition": "0", "value": 2})
    assert report["offsets"] == done((2, 0), (0, 0))
    status, report = await proxy(
        "POST",
        f"/topics/{topic}/partitions/1",
        {"records": [{"value": 3}, {"value": 4, "partition": 0}]},
        sent_as=media_type("json"),
    )
    assert (status, report["offsets"]) == (200, done((1, 0), (0, 1)))
    report = await proxy.produce(topic, {"key": base64.b64encode(b"alpha").decode(), "value": ""}, embedded="binary")
    assert report["offsets"] == done((1, 1))


async def test_headers_are_written(proxy: ProxyApi, topic_of: Topics) -> None:
    """In order, repeated ones too; a value is base64 or null."""
    topic = topic_of()
    headers = [{"key": "a", "value": "eA=="}, {"key": "a", "value": "eQ=="}, {"key": "b", "value": None}]
    await proxy.produce(topic, {"value": 1, "headers": headers}, {"value": 2, "headers": []})
    first, second = proxy.stored(topic, 2)
    assert first.headers() == [("a", b"x"), ("a", b"y"), ("b", None)]
    assert second.headers() is None


async def test_an_unknown_partition_fails_its_record_only(proxy: ProxyApi, topic_of: Topics) -> None:
    """And it is told at once, without waiting whether it will come."""
    topic = topic_of(3)
    status, report = await proxy(
        "POST",
        f"/topics/{topic}",
        {"records": [{"value": 1, "partition": 0}, {"value": 2, "partition": 9}, {"value": 3, "partition": 2}]},
        sent_as=media_type("json"),
    )
    refused = {
        "partition": None,
        "offset": None,
        "error_code": 50003,
        "error": f"Partition 9 of topic {topic} with partition count 3 is not present in metadata after 3000 ms.",
    }
    assert (status, report["offsets"]) == (200, [*done((0, 0)), refused, *done((2, 0))])


async def test_a_record_that_is_too_large_hurts_no_other(proxy: ProxyApi, topic_of: Topics) -> None:
    """Neither its neighbours in the request, nor later requests."""
    topic = topic_of(max_message_bytes="1000")
    records = [{"value": "a"}, {"value": "b" * 2000}, {"value": "c"}]
    for _ in range(2):
        status, report = await proxy("POST", f"/topics/{topic}", {"records": records}, sent_as=media_type("json"))
        assert status == 200
        assert [each["error_code"] for each in report["offsets"]] == [None, 50002, None]
    assert [each.value() for each in proxy.stored(topic, 4)] == [b'"a"', b'"c"', b'"a"', b'"c"']


async def test_records_may_be_larger_together_than_one_may_be(proxy: ProxyApi, topic_of: Topics) -> None:
    """The limit of a topic is for its batches; a request is no batch."""
    topic = topic_of(max_message_bytes="1000")
    report = await proxy.produce(topic, *({"value": str(number) * 300} for number in range(9)))
    assert sorted(each["offset"] for each in report["offsets"]) == list(range(9))


async def test_a_record_above_the_producer_s_limit_is_refused(proxy: ProxyApi, topic_of: Topics) -> None:
    """The record alone, without asking a broker."""
    topic = topic_of()
    value = base64.b64encode(b"x" * 1_100_000).decode()
    body = {"records": [{"value": value}, {"value": ""}]}
    status, report = await proxy("POST", f"/topics/{topic}", body, sent_as=media_type("binary"))
    assert status == 200
    assert [each["error_code"] for each in report["offsets"]] == [50002, None]
    assert await end_of(proxy, topic) == 1


async def test_a_body_above_the_service_s_limit_is_refused(proxy: ProxyApi, topic_of: Topics) -> None:
    topic = topic_of()
    body = {"records": [{"value": "x" * MAX_BODY_BYTES}]}
    status, answer = await proxy("POST", f"/topics/{topic}", body, sent_as=media_type("json"))
    assert (status, answer["error_code"]) == (413, 413)
    assert await end_of(proxy, topic) == 0


async def test_a_compacted_topic_needs_keys(proxy: ProxyApi, topic_of: Topics) -> None:
    """The broker's own rule, told record by record; requests after it are not hurt."""
    topic = topic_of(cleanup_policy="compact")
    status, report = await proxy("POST", f"/topics/{topic}", {"records": [{"value": 1}]}, sent_as=media_type("json"))
    assert (status, report["offsets"][0]["error_code"]) == (200, 50002)
    assert (await proxy.produce(topic, {"key": 1, "value": 1}))["offsets"] == done((0, 0))


async def test_an_unknown_topic_is_made_by_writing_to_it(proxy: ProxyApi, topic: Callable[[], str]) -> None:
    """If the brokers make topics by themselves, as the embedded one does."""
    name = topic()
    assert (await proxy.produce(name, {"value": 1}))["offsets"] == done((0, 0))


@pytest.mark.parametrize("embedded", SCHEMAS)
async def test_a_schema_is_registered_and_named_in_each_record(
    proxy: ProxyApi, topic_of: Topics, embedded: str
) -> None:
    """By text or by id; without a value there is a tombstone."""
    topic = topic_of()
    text = SCHEMAS[embedded]
    value = {"floor": 3, "note": None} if embedded == "avro" else {"floor": 3}
    report = await proxy.produce(
        topic, {"key": value, "value": value}, {"key": value}, embedded=embedded, key_schema=text, value_schema=text
    )
    schema_id = report["value_schema_id"]
    assert report["key_schema_id"] == schema_id > 0
    again = await proxy.produce(topic, {"value": value}, embedded=embedded, value_schema_id=schema_id)
    assert (again["key_schema_id"], again["value_schema_id"]) == (None, schema_id)
    first, second, third = proxy.stored(topic, 3)
    prefix = b"\0" + schema_id.to_bytes(4)
    assert first.key() == first.value() == second.key() == third.value()
    assert first.value().startswith(prefix)
    assert (second.value(), third.key()) == (None, None)


@pytest.mark.parametrize("embedded", SCHEMAS)
async def test_each_topic_has_its_own_subject(proxy: ProxyApi, topic_of: Topics, embedded: str) -> None:
    """A schema that is known from one topic is registered, and checked, for another."""
    first, second = topic_of(), topic_of()
    changed = {
        "avro": '{"type":"record","name":"Lift","fields":[{"name":"other","type":"string"}]}',
        "jsonschema": '{"type":"object","properties":{"floor":{"type":"string"}},"required":["floor"]}',
        "protobuf": 'syntax = "proto3"; message Lift { string floor = 1; }',
    }
    value = {"floor": 3, "note": None} if embedded == "avro" else {"floor": 3}
    known = await proxy.produce(first, {"value": value}, embedded=embedded, value_schema=SCHEMAS[embedded])
    body = {"value_schema_id": known["value_schema_id"], "records": [{"value": value}]}
    status, answer = await proxy("POST", f"/topics/{second}", body, sent_as=media_type(embedded))
    assert (status, answer["error_code"]) == (422, 42207)
    assert f"Subject '{second}-value' not found.; error code: 40401" in answer["message"]
    await proxy.produce(second, {"value": value}, embedded=embedded, value_schema=SCHEMAS[embedded])
    body = {"value_schema": changed[embedded], "records": [{"value": {"floor": "x", "other": "x"}}]}
    status, answer = await proxy("POST", f"/topics/{second}", body, sent_as=media_type(embedded))
    assert (status, answer["error_code"]) == (422, 42207)
    assert answer["message"].endswith("; error code: 40901")


@pytest.mark.parametrize(
    ("embedded", "schema", "value", "reason"),
    [
        ("binary", None, "***", 'data="***" is not a valid base64 string.'),
        ("binary", None, 5, "data=5 is not a base64 string."),
        ("avro", LIFT, {"floor": "x", "note": None}, "floor"),
        ("avro", LIFT, {"floor": 2**31, "note": None}, "floor"),
        ("avro", LIFT, None, "null"),
        ("jsonschema", LIFT_JSON, {"floor": "x"}, "floor"),
        ("jsonschema", LIFT_JSON, {}, "floor"),
        ("protobuf", LIFT_PROTOBUF, {"floor": "x"}, "floor"),
        ("protobuf", LIFT_PROTOBUF, {"nothing": 1}, "nothing"),
    ],
)
async def test_nothing_is_sent_if_one_record_does_not_fit(
    proxy: ProxyApi, topic_of: Topics, embedded: str, schema: str | None, value: object, reason: str
) -> None:
    """The answer names the record and the place in it."""
    topic = topic_of()
    good = "eA==" if schema is None else {"floor": 1} | ({"note": None} if embedded == "avro" else {})
    body: dict[str, Any] = {"records": [{"value": good}, {"value": value}]}
    if schema is not None:
        body["value_schema"] = schema
    status, answer = await proxy("POST", f"/topics/{topic}", body, sent_as=media_type(embedded))
    assert (status, answer["error_code"]) == (400, 400)
    assert answer["message"].startswith("Bad Request: ")
    assert reason.lower() in answer["message"].lower()
    assert answer["message"].endswith("(record 1)")
    assert await end_of(proxy, topic) == 0


MISSING_VALUE = (
    422,
    42202,
    (
        "Request includes values but does not include value schema: send value_schema or value_schema_id, or name in "
        "value_subject a subject that has one"
    ),
)
MISSING_KEY = (
    422,
    42201,
    (
        "Request includes keys but does not include key schema: send key_schema or key_schema_id, or name in "
        "key_subject a subject that has one"
    ),
)


@pytest.mark.parametrize(
    ("embedded", "body", "refusal"),
    [
        ("avro", {"records": [{"value": {}}]}, MISSING_VALUE),
        ("avro", {"value_schema": None, "records": [{"value": {}}]}, MISSING_VALUE),
        ("avro", {"value_schema": LIFT, "records": [{"key": 1, "value": {"floor": 1, "note": None}}]}, MISSING_KEY),
        ("protobuf", {"records": [{"value": {}}]}, MISSING_VALUE),
        (
            "avro",
            {"value_schema": "{nonsense", "records": [{"value": 1}]},
            (
                422,
                42205,
                "Invalid schema: Error when parsing raw schema. format = AVRO, schema = {nonsense: not valid JSON",
            ),
        ),
        (
            "jsonschema",
            {"value_schema": "{nonsense", "records": [{"value": 1}]},
            (
                422,
                42205,
                "Invalid schema: Error when parsing raw schema. format = JSONSCHEMA, schema = {nonsense: JSON",
            ),
        ),
        *(
            (
                "jsonschema",
                {"value_schema": schema, "records": [{"value": 1}]},
                (
                    422,
                    42207,
                    "Error serializing message. Error when registering schema. format = JSONSCHEMA, subject =",
                ),
            )
            for schema in ('{"type":"nothing"}', "", 5)
        ),
        (
            "protobuf",
            {"value_schema": 5, "records": [{"value": 1}]},
            (
                422,
                42205,
                "Invalid schema: Error when parsing raw schema. format = PROTOBUF, schema = 5: line 1, column 1",
            ),
        ),
        (
            "avro",
            {"value_schema_id": 999999, "records": [{"value": 1}]},
            (
                422,
                42207,
                (
                    "Error serializing message. Error when fetching schema by id. schemaId = 999999\n"
                    "Schema 999999 not found; error code: 40403"
                ),
            ),
        ),
        (
            "avro",
            {"value_schema": {"type": "int"}, "records": [{"value": 1}]},
            (400, 400, "value_schema is an object; expected a string that holds the text of the schema"),
        ),
        (
            "avro",
            {"key_schema": ["null", "int"], "records": [{"value": 1}]},
            (400, 400, "key_schema is an array; expected a string that holds the text of the schema"),
        ),
        (
            "avro",
            {"value_schema_id": "x", "records": [{"value": 1}]},
            (
                400,
                400,
                'value_schema_id must be an integer (was "x")',
            ),
        ),
        (
            "avro",
            {"value_schema_id": 1, "value_schema": LIFT, "records": [{"value": 1}]},
            (400, 400, "Bad Request: value_schema and value_schema_id exclude each other"),
        ),
    ],
)
async def test_schemas_are_needed_and_checked(
    proxy: ProxyApi, topic_of: Topics, embedded: str, body: dict[str, Any], refusal: tuple[int, int, str]
) -> None:
    topic = topic_of()
    status, answer = await proxy("POST", f"/topics/{topic}", body, sent_as=media_type(embedded))
    assert (status, answer["error_code"]) == refusal[:2]
    assert answer["message"].startswith(refusal[2]), answer
    assert await end_of(proxy, topic) == 0


EMPTY = (
    422,
    422,
    'records must not be empty: expected a list of at least one record, such as {"records": [{"value": 1}]}',
)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", (422, 422, "The request has no body; expected a JSON object with records")),
        (b"null", (422, 422, "The request has no body; expected a JSON object with records")),
        (b"{}", EMPTY),
        (b'{"records": []}', EMPTY),
        (b'{"records": null}', EMPTY),
        (b'{"records": [null]}', (422, 422, "records[0] must not be null (was null)")),
        (b'{"records": [{"value": 1}], "more": 1}', (422, 422, "Unrecognized field: more; expected one of records, ")),
        (
            b'{"record": [{"value": 1}]}',
            (422, 422, "Unrecognized field: record; did you mean records? expected one of records, key_format, "),
        ),
        (b'{"records": [{"value": 1, "more": 1}]}', (422, 422, "Unrecognized field: more")),
        (
            b'{"records": [{"value": 1, "partition": -1}]}',
            (422, 422, "records[0].partition must be greater than or equal to 0 (was -1)"),
        ),
        (
            b'{"records": [{"value": 1, "partition": "q"}]}',
            (
                400,
                400,
                'partition must be an integer (was "q")',
            ),
        ),
        (
            b'{"records": [{"value": 1, "headers": [{"key": "a", "value": "***"}]}]}',
            (422, 422, "Record header value contains invalid base64 encoding: the value of header 'a' must be base64"),
        ),
        (b'{"records": [{"value": 1, "headers": [{"key": "a", "more": 1}]}]}', (422, 422, "Unrecognized field: more")),
        (b'{"records": [{"value": nul}]}', (400, 400, None)),
        (b'{"records": [{"value": {"a":}}]}', (400, 400, None)),
        (b'{"records": [{"value": "\xff"}]}', (400, 400, None)),
        (b'{"records": [{"value": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}", (400, 400, None)),
        (b'{"records": {}}', (400, 400, None)),
        (b'{"records": ["x"]}', (400, 400, None)),
        (b"[]", (400, 400, None)),
        (b'"x"', (400, 400, None)),
        (b"{", (400, 400, None)),
        (b"\x00", (400, 400, None)),
    ],
)
async def test_bad_bodies_are_refused(
    proxy: ProxyApi, topic_of: Topics, body: bytes, refusal: tuple[int, int, str | None]
) -> None:
    """In the API's error shape, and with nothing written."""
    topic = topic_of()
    status, answer = await proxy("POST", f"/topics/{topic}", body, sent_as=media_type("json"))
    assert (status, answer["error_code"], len(answer)) == (*refusal[:2], 2), answer
    assert answer["message"].startswith(refusal[2] or ""), answer
    assert await end_of(proxy, topic) == 0


@pytest.mark.parametrize(
    "sent_as",
    [KAFKA_V2, "text/plain", "application/octet-stream", "application/vnd.kafka.string.v1+json"],
)
async def test_other_media_types_are_refused(proxy: ProxyApi, topic_of: Topics, sent_as: str) -> None:
    topic = topic_of()
    status, answer = await proxy("POST", f"/topics/{topic}", {"records": [{"value": "eA=="}]}, sent_as=sent_as)
    types = ", ".join(map(media_type, ("binary", "json", "avro", "jsonschema", "protobuf", "string")))
    expected = f"expected one of {types} or {MESSAGE_PACK}"
    message = f"HTTP 415 Unsupported Media Type: Content-Type is {sent_as!r}; {expected}"
    assert (status, answer) == (415, {"error_code": 415, "message": message})
    refused = await proxy.response("POST", f"/topics/{topic}", {"records": [{"value": "eA=="}]}, sent_as=sent_as)
    assert refused.headers["Accept-Post"] == f"{types}, {MESSAGE_PACK}"
    assert await end_of(proxy, topic) == 0


JSON_BODIES: list[tuple[str, dict[str, Any], bytes | None]] = [
    ("", {"value_format": "json", "records": [{"value": {"floor": 7}}]}, b'{"floor":7}'),
    ("", {"value_format": "string", "records": [{"value": "x", "key": None}]}, b"x"),
    ("?value_format=binary", {"records": [{"value": "eA=="}]}, b"x"),
    ("", {"records": [{"value": None}]}, None),
]


@pytest.mark.parametrize(("query", "body", "written"), JSON_BODIES)
async def test_json_is_taken_where_the_format_is_named(
    proxy: ProxyApi, topic_of: Topics, query: str, body: dict[str, Any], written: bytes | None
) -> None:
    topic = topic_of()
    for path in (f"/topics/{topic}", f"/topics/{topic}/partitions/0"):
        sent = await proxy.response("POST", path + query, body, sent_as="application/json", accept="application/json")
        assert (sent.status, sent.content_type) == (200, "application/json"), await sent.text()
    routed = {**body, "records": [record | {"topic": topic} for record in body["records"]]}
    status, report = await proxy("POST", f"/records{query}", routed, sent_as="application/json")
    assert (status, report["offsets"][0]["error"]) == (200, None)
    assert [message.value() for message in proxy.stored(topic, 3)] == [written] * 3


async def test_json_with_a_schema_id_is_of_the_schema_s_format(proxy: ProxyApi, topic_of: Topics) -> None:
    topic = topic_of()
    schema_id = (await proxy.produce(topic, {"value": 1}, embedded="avro", value_schema='"int"'))["value_schema_id"]
    body = {"value_schema_id": schema_id, "records": [{"value": 7}]}
    status, report = await proxy("POST", f"/topics/{topic}", body, sent_as="application/json; charset=utf-8")
    assert (status, report["value_schema_id"]) == (200, schema_id)
    assert proxy.stored(topic, 2)[1].value()[5:] == b"\x0e"
    refused = await proxy("POST", f"/topics/{topic}", body | {"value_schema_id": 999_999}, sent_as="application/json")
    assert refused[0] >= 400


@pytest.mark.parametrize("part", ["key", "value"])
async def test_json_without_a_format_is_refused(proxy: ProxyApi, topic_of: Topics, part: str) -> None:
    topic = topic_of()
    for _ in range(2):
        answer = await proxy.response("POST", f"/topics/{topic}", {"records": [{part: 1}]}, sent_as="application/json")
        refusal = await answer.json(content_type=None)
        assert (answer.status, refusal["error_code"]) == (415, 415)
        assert f"{part}_format" in refusal["message"]
        assert "application/vnd.kafka.json.v2+json" in refusal["message"]
        assert answer.headers["Accept-Post"].startswith("application/vnd.kafka.binary.v2+json, ")
    assert await end_of(proxy, topic) == 0


async def test_nothing_is_written_for_a_client_that_cannot_read_the_answer(proxy: ProxyApi, topic_of: Topics) -> None:
    topic = topic_of()
    body = {"records": [{"value": 1}]}
    status, answer = await proxy("POST", f"/topics/{topic}", body, sent_as=media_type("json"), accept="text/html")
    assert (status, answer["error_code"]) == (406, 406)
    assert await end_of(proxy, topic) == 0


@pytest.mark.parametrize(
    ("partition", "refusal"), [("-1", (404, 40402)), ("x", (404, 404)), ("99999999999", (404, 404))]
)
async def test_a_path_without_a_partition_is_refused(
    proxy: ProxyApi, topic_of: Topics, partition: str, refusal: tuple[int, int]
) -> None:
    body = {"records": [{"value": 1}]}
    path = f"/topics/{topic_of()}/partitions/{partition}"
    status, answer = await proxy("POST", path, body, sent_as=media_type("json"))
    assert (status, answer["error_code"]) == refusal


async def test_an_invalid_topic_name_is_refused(proxy: ProxyApi) -> None:
    """Each time, and before Kafka is asked."""
    for _ in range(2):
        body = {"records": [{"value": 1}]}
        status, refusal = await proxy("POST", "/topics/no%20topic", body, sent_as=media_type("json"))
        assert (status, refusal["error_code"]) == (400, 40002)
        assert "invalid topic" in refusal["message"]
