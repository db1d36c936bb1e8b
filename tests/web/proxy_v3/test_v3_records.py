"""Producing over HTTP: the stream, the batch, every type and every refusal."""

import asyncio
import base64
import gzip
import json
import socket
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import AddrInfoType, ClientSession, TCPConnector

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from tests.web.proxy.conftest import running
from tests.web.proxy_v3.conftest import JSON, V3Api, v3_api

pytestmark = pytest.mark.asyncio(loop_scope="session")

AVRO = '{"type":"record","name":"Lift","namespace":"house","fields":[{"name":"floor","type":"int"}]}'
JSON_SCHEMA = '{"type":"object","title":"Lift","properties":{"floor":{"type":"integer"}},"additionalProperties":false}'
PROTOBUF = 'syntax = "proto3"; package mill; message Lift { int32 floor = 1; }'
SCHEMAS = [("AVRO", AVRO, "house.Lift"), ("JSONSCHEMA", JSON_SCHEMA, "Lift"), ("PROTOBUF", PROTOBUF, "mill.Lift")]


def json_value(data: Any) -> dict[str, Any]:
    return {"value": {"type": "JSON", "data": data}}


async def test_a_record_s_result_tells_where_it_is(v3: V3Api, topic_of: Callable[..., str]) -> None:
    name = topic_of(2)
    headers = [{"name": "h", "value": base64.b64encode(b"\xff").decode()}, {"name": "none"}]
    record = {
        "partition_id": 1,
        "timestamp": "2026-02-03T04:05:06.789Z",
        "headers": headers,
        "key": {"type": "STRING", "data": "k"},
        "value": {"type": "BINARY", "data": "AAE="},
    }
    assert await v3.produce(name, record) == [
        {
            "error_code": 200,
            "cluster_id": v3.cluster,
            "topic_name": name,
            "partition_id": 1,
            "offset": 0,
            "timestamp": "2026-02-03T04:05:06.789Z",
            "key": {"type": "STRING", "size": 1},
            "value": {"type": "BINARY", "size": 2},
        }
    ]
    (stored,) = v3.api.stored(name, 1, 1)
    assert (stored.key(), stored.value()) == (b"k", b"\x00\x01")
    assert stored.headers() == [("h", b"\xff"), ("none", None)]


async def test_key_and_value_are_optional_and_null_is_a_tombstone(v3: V3Api, topic_of: Callable[..., str]) -> None:
    name = topic_of()
    results = await v3.produce(name, {}, {"key": {"type": "STRING", "data": "k"}, **json_value(None)})
    assert [each["error_code"] for each in results] == [200, 200]
    assert "key" not in results[0]
    assert results[1]["value"] == {"type": "JSON", "size": 0}
    assert [(each.key(), each.value()) for each in v3.api.stored(name, 2)] == [(None, None), (b"k", None)]


async def test_a_value_of_a_costly_schema_is_validated_by_another_process(
    v3: V3Api, topic_of: Callable[..., str]
) -> None:
    """Each record succeeds or fails alone."""
    schema = json.dumps({"items": {"enum": list(range(3_000))}})
    values = [[1] * 2_000, [1] * 2_000 + ["x"]]
    records = [{"value": {"type": "JSONSCHEMA", "schema": schema, "data": value}} for value in values]
    accepted, refused = await v3.produce(topic_of(), *records)
    assert (accepted["error_code"], refused["error_code"]) == (200, 400)
    assert refused["message"].startswith('Bad Request: [2000]: "x" is not one of 0, 1 or 2998 other candidates')


@pytest.mark.parametrize(("written_as", "schema", "record_name"), SCHEMAS)
async def test_a_schema_is_named_in_every_way(
    v3: V3Api, topic_of: Callable[..., str], written_as: str, schema: str, record_name: str
) -> None:
    """As text, by id, by version, as the latest one; under the topic's subject, a given one, or the record's name."""
    name, data = topic_of(), {"floor": 3}
    (first,) = await v3.produce(name, {"value": {"type": written_as, "schema": schema, "data": data}})
    described = first["value"]
    assert (described["subject"], described["schema_version"]) == (f"{name}-value", 1), first
    ways: list[dict[str, Any]] = [
        {"type": written_as, "schema": schema},
        {"schema_id": described["schema_id"]},
        {"schema_version": 1},
        {"subject": f"{name}-value"},
        {"subject": f"{name}-value", "schema_version": 1},
        {},
    ]
    again = await v3.produce(name, *({"value": {**way, "data": data}} for way in ways))
    assert [each["value"] for each in again] == [described] * len(ways)
    stored = [each.value() for each in v3.api.stored(name, 1 + len(ways))]
    assert len(set(stored)) == 1
    assert stored[0][:5] == b"\x00" + described["schema_id"].to_bytes(4)
    for strategy, subject in (
        ("TOPIC_NAME", f"{name}-key"),
        ("RECORD_NAME", record_name),
        ("TOPIC_RECORD_NAME", f"{name}-{record_name}"),
    ):
        way = {"type": written_as, "schema": schema, "subject_name_strategy": strategy, "data": data}
        (result,) = await v3.produce(name, {"key": way, **json_value(1)})
        assert result["key"]["subject"] == subject, result


@pytest.mark.parametrize(
    ("record", "code", "words"),
    [
        (json_value({}) | {"extra": 1}, 400, "Unrecognized field: extra; expected one of partition_id, headers, key,"),
        ({"value": {"type": "XML", "data": 1}}, 400, "type 'XML' is not one of the values accepted: [BINARY, AVRO,"),
        ({"value": {"type": "JSON"}}, 400, 'value has no data: send it as "data"'),
        ({"value": "x"}, 400, 'value must be a JSON object (was "x")'),
        ({"value": {"type": "BINARY", "data": "?"}}, 400, 'data="?" is not a valid base64 string.'),
        ({"value": {"type": "STRING", "data": 5}}, 400, "data=5 is not a string."),
        ({"value": {"data": 5}}, 422, "Error: 42207 : Error serializing message. Error when fetching latest schema"),
        ({"value": {"data": 5}}, 422, "The value has no type, so the latest schema of the subject is used."),
        ({"value": {"typ": "JSON", "data": 5}}, 400, "Unrecognized field: typ; did you mean type? expected one of"),
        ({"value": {"type": "AVRO", "schema": {}, "data": 5}}, 400, "schema is an object; expected a string"),
        ({"value": {"schema_id": 999999, "data": 5}}, 422, "Error when fetching schema by id. schemaId = 999999"),
        ({"value": {"schema_version": 9, "data": 5}}, 400, "Bad Request: Schema does not exist for subject: "),
        ({"value": {"type": "AVRO", "schema": "nonsense", "data": 5}}, 422, "Error: 42205 : Invalid schema"),
        ({"value": {"type": "AVRO", "schema": AVRO, "data": {"floor": "x"}}}, 400, "Bad Request: Field"),
        ({"value": {"type": "AVRO", "schema_id": 1, "data": 5}}, 400, "'schema_id=1' cannot be used with 'type=AVRO'"),
        ({"value": {"schema": AVRO, "data": 5}}, 400, "'schema' can only be used with"),
        ({"value": {"schema_id": 1, "schema_version": 1, "data": 5}}, 400, "cannot be used with"),
        ({"value": {"subject": "s", "subject_name_strategy": "TOPIC_NAME", "data": 5}}, 400, "cannot be used with"),
        ({"value": {"subject_name_strategy": "RECORD_NAME", "data": 5}}, 400, "without schema_id or schema"),
        ({"value": {"subject_name_strategy": "NONE", "data": 5}}, 400, "not one of the values accepted"),
        ({"partition_id": 77, **json_value(1)}, 50003, "Partition 77 of topic"),
        ({"partition_id": -1, **json_value(1)}, 400, "negative"),
        ({"partition_id": "x", **json_value(1)}, 400, 'partition_id must be an integer (was "x")'),
        ({"headers": [{"value": "AA=="}], **json_value(1)}, 400, "name is required in each header"),
        ({"headers": [{"name": "h", "value": "?"}], **json_value(1)}, 400, "base64"),
        ({"timestamp": "yesterday", **json_value(1)}, 400, 'timestamp "yesterday" is not a point in time'),
        ([], 400, "A record must be a JSON object (was [])"),
        (5, 400, "A record must be a JSON object (was 5)"),
        (None, 400, "A record must be a JSON object (was null)"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_one_record_is_its_result_and_the_others_are_written(
    v3: V3Api, topic_of: Callable[..., str], record: object, code: int, words: str
) -> None:
    name = topic_of()
    before, refused, after = await v3.produce(name, json_value(1), b" %b " % msgspec.json.encode(record), json_value(2))
    assert (refused["error_code"], words in refused["message"]) == (code, True), refused
    assert list(refused) == ["error_code", "message"]
    assert (before["offset"], after["offset"]) == (0, 1)


async def test_scalars_are_converted_as_clients_of_the_reference_expect(
    v3: V3Api, topic_of: Callable[..., str]
) -> None:
    (result,) = await v3.produce(topic_of(), {"partition_id": "0", "timestamp": 1, **json_value(1)})
    assert (result["error_code"], result["timestamp"]) == (200, "1970-01-01T00:00:00.001Z")


@pytest.mark.parametrize(
    ("end", "errors"),
    [(b"{broken", 2), (b"x", 1), (b"}", 1), (b'{"value":', 2), (b"[" * 600, 1), (b'{"value" {}}', 2)],
)
async def test_a_stream_ends_where_records_cannot_be_told_apart(
    v3: V3Api, topic_of: Callable[..., str], end: bytes, errors: int
) -> None:
    name = topic_of()
    results = await v3.produce(name, json_value(1), end, b"\n", json_value(2))
    assert [each["error_code"] for each in results] == [200, *[400] * errors]
    assert "Error processing message" in results[-1]["message"]


async def test_a_record_beyond_the_topic_s_limit_is_413(v3: V3Api, topic_of: Callable[..., str]) -> None:
    name = topic_of(max_message_bytes="2000")
    small, large, after = await v3.produce(name, json_value(1), json_value("x" * 5000), json_value(2))
    assert (small["error_code"], large["error_code"], after["error_code"]) == (200, 413, 200)


async def test_a_result_comes_while_the_request_is_still_open(v3: V3Api, topic_of: Callable[..., str]) -> None:
    name, answered = topic_of(), asyncio.Event()

    async def records() -> AsyncIterator[bytes]:
        yield msgspec.json.encode(json_value(1)) + b'{"value":{"ty'
        await asyncio.wait_for(answered.wait(), 120)
        yield b'pe":"JSON","data":2}}'

    url = f"/v3/clusters/{v3.cluster}/topics/{name}/records"
    async with v3.client.post(url, data=records(), headers={"Content-Type": JSON}) as answer:
        assert msgspec.json.decode(await answer.content.readline())["offset"] == 0
        answered.set()
        assert msgspec.json.decode(await answer.content.readline())["offset"] == 1
        assert await answer.content.read() == b""


@pytest.mark.long
async def test_a_client_that_reads_no_results_is_not_read_from(v3: V3Api, topic_of: Callable[..., str]) -> None:
    """Many results fill what the network buffers; the megabytes behind them wait until the results are read."""
    # 7 MB of results: a client with a small buffer leaves the kernel the 4 MB of the service's side at most.
    name, sent, total, refused = topic_of(), 0, 300, 100_000

    async def records() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b"5\n" * refused
        for _ in range(total):
            yield b" " * 2**18
            sent += 1

    url = f"/v3/clusters/{v3.cluster}/topics/{name}/records"
    async with (
        ClientSession(connector=TCPConnector(socket_factory=open_socket_with_small_buffer)) as client,
        client.post(v3.client.make_url(url), data=records(), headers={"Content-Type": JSON}) as answer,
    ):
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(2)
        assert sent < total
        results = 0
        while results < refused:
            results += (await answer.content.readany()).count(b"\n")
        assert await answer.content.read() == b""
    assert sent == total


def open_socket_with_small_buffer(address: AddrInfoType) -> socket.socket:
    family, kind, protocol, *_ = address
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    return opened


async def test_an_empty_stream_has_no_results(v3: V3Api, topic_of: Callable[..., str]) -> None:
    assert await v3.produce(topic_of()) == []


async def test_the_stream_is_json(v3: V3Api, topic_of: Callable[..., str]) -> None:
    path = f"/topics/{topic_of()}/records"
    assert (await v3.response("POST", path, json_value(1), sent_as="text/plain")).status == 415
    assert (await v3.response("POST", path, json_value(1), sent_as=None)).status == 400
    assert (await v3.response("GET", path)).status == 405


async def test_a_batch_tells_of_each_entry_by_its_id(v3: V3Api, topic_of: Callable[..., str]) -> None:
    name = topic_of()
    entries = [
        {"id": "1", **json_value({"x": 1})},
        {"id": "2", "value": {"type": "BINARY", "data": "???"}},
        {"id": "a-b_c", "partition_id": 0, "key": {"type": "STRING", "data": "k"}, **json_value(2)},
    ]
    status, told = await v3("POST", f"/topics/{name}/records:batch", {"entries": entries})
    assert status == 207
    assert [(each["id"], each["offset"]) for each in told["successes"]] == [("1", 0), ("a-b_c", 1)]
    assert "error_code" not in told["successes"][0]
    message = 'Bad Request: data="???" is not a valid base64 string.'
    assert told["failures"] == [{"error_code": 400, "message": message, "id": "2"}]


async def test_the_operator_sets_the_limits(kafka: Cluster, topic_of: Callable[..., str]) -> None:
    """How many entries a batch has, and how deep a record is nested, each up to the limit and one beyond it."""
    name, path = topic_of(), "/records:batch"
    async with running(kafka, ProxySettings(max_batch_entries=2, max_nesting=4)) as api:
        v3 = await v3_api(api)
        entries = [{"id": str(each), **json_value(each)} for each in range(3)]
        status, told = await v3("POST", f"/topics/{name}{path}", {"entries": entries[:2]})
        assert (status, len(told["successes"])) == (207, 2)
        status, error = await v3("POST", f"/topics/{name}{path}", {"entries": entries})
        assert (status, error["error_code"]) == (422, 42208)
        assert error["message"] == "Too many entries in batch: 3, maximum is 2."
        written, refused = await v3.produce(name, json_value([[1]]), json_value([[[1]]]))
        assert (written["error_code"], refused["error_code"]) == (200, 400)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, (422, 42206)),
        ({}, (422, 42208)),
        ({"entries": []}, (422, 42208)),
        ({"entries": [{"id": "1", **json_value(1)}] * 2}, (422, 42208)),
        ({"entries": [{"id": str(each), **json_value(1)} for each in range(11)]}, (422, 42208)),
        ({"entries": [json_value(1)]}, (400, 400)),
        *(({"entries": [{"id": name, **json_value(1)}]}, (422, 42208)) for name in ("no space", "", "x" * 81, 1)),
        ({"entries": "x"}, (400, 400)),
        ({"entries": [], "extra": 1}, (422, 422)),
    ],
)
async def test_a_batch_that_is_wrong_as_a_whole_writes_nothing(
    v3: V3Api, topic_of: Callable[..., str], body: object, expected: tuple[int, int]
) -> None:
    status, error = await v3("POST", f"/topics/{topic_of()}/records:batch", body)
    assert (status, error["error_code"]) == expected


async def stream(v3: V3Api, topic: str, body: bytes, encoding: str) -> tuple[int, list[Any]]:
    """Send the body chunked; the status, and what is answered line by line."""

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 7):
            yield body[at : at + 7]

    headers = {"Content-Type": JSON, "Content-Encoding": encoding}
    path = f"/v3/clusters/{v3.cluster}/topics/{topic}/records"
    async with v3.client.post(path, data=pieces(), headers=headers) as answer:
        return answer.status, [msgspec.json.decode(text) for text in (await answer.read()).splitlines()]


async def test_a_compressed_stream_is_read(v3: V3Api, topic_of: Callable[..., str]) -> None:
    name = topic_of()
    body = b"".join(msgspec.json.encode(json_value(number)) for number in range(3))
    for encoding, text in (("gzip", gzip.compress(body)), ("deflate", zlib.compress(body))):
        status, results = await stream(v3, name, text, encoding)
        assert (status, [each["error_code"] for each in results]) == (200, [200] * 3)


@pytest.mark.parametrize("end", [gzip.compress(b"", mtime=0)[:9], gzip.compress(b" ", mtime=0) + b"x"])
async def test_a_compressed_stream_that_is_not_whole_ends_with_an_error(
    v3: V3Api, topic_of: Callable[..., str], end: bytes
) -> None:
    status, results = await stream(v3, topic_of(), end, "gzip")
    assert (status, [each["error_code"] for each in results]) == (200, [400])
    assert "Content-Encoding is gzip" in results[0]["message"]


async def test_a_stream_of_another_encoding_is_refused(v3: V3Api, topic_of: Callable[..., str]) -> None:
    status, results = await stream(v3, topic_of(), b"{}", "br")
    assert (status, results[0]["error_code"]) == (415, 415)


@pytest.mark.parametrize(
    "timestamp", [2**63, 2**70, -1, True, "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z"]
)
async def test_a_time_that_no_record_can_have_is_refused(
    v3: V3Api, topic_of: Callable[..., str], timestamp: object
) -> None:
    (result,) = await v3.produce(topic_of(), {"timestamp": timestamp, **json_value(1)})
    assert result["error_code"] == 400
    assert "timestamp" in result["message"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
async def test_records_are_read_in_every_encoding_of_json(
    v3: V3Api, topic_of: Callable[..., str], encoding: str
) -> None:
    name, record = topic_of(), msgspec.json.encode(json_value("ü")).decode()
    (first, second) = await v3.produce(name, (record + record).encode(encoding))
    assert (first["error_code"], second["offset"]) == (200, 1)
    batch = msgspec.json.encode({"entries": [{"id": "1", **json_value("ü")}]}).decode().encode(encoding)
    answer = await v3.response("POST", f"/topics/{name}/records:batch", batch)
    assert [each["offset"] for each in (await answer.json())["successes"]] == [2]
    assert {each.value() for each in v3.api.stored(name, 3)} == {'"ü"'.encode()}


async def test_a_stream_ends_where_its_encoding_is_broken(v3: V3Api, topic_of: Callable[..., str]) -> None:
    whole = msgspec.json.encode(json_value(1)).decode().encode("utf-16")
    (broken,) = await v3.produce(topic_of(), whole + b"\x00\xd8\x20\x00")
    assert broken["error_code"] == 400
