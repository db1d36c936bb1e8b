"""Records in MessagePack: what is written and read, and what is refused, with its sentence."""

import asyncio
import re
import sys
from collections.abc import Callable
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from karapace_like.errors import ApiError
from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.produce import ProduceRequest, TopicsRequest
from karapace_like.proxy.settings import ProxySettings
from karapace_like.web.http.media_types import MESSAGE_PACK
from karapace_like.web.proxy.message_pack import parse_message_pack
from tests.markdown_examples import PAGES
from tests.web.proxy.conftest import KAFKA_V2, ProxyApi, media_type, running

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.kafka]

BYTES = bytes(range(256))
LARGE = BYTES * 20


def pack(*records: dict[str, Any]) -> bytes:
    """The body with another encoder than the service's decoder."""
    packed: bytes = msgpack.packb({"records": list(records)})
    return packed


async def read_packed(proxy: ProxyApi, path: str, accept: str = MESSAGE_PACK) -> Any:
    answer = await proxy.response("GET", path, accept=accept)
    assert (answer.status, answer.content_type) == (200, MESSAGE_PACK), await answer.text()
    return msgpack.unpackb(await answer.read())


async def test_every_field_is_written_and_read_back(proxy: ProxyApi, topic_of: Callable[..., str]) -> None:
    topic = topic_of(2)
    body = pack(
        {"key": BYTES, "value": LARGE, "partition": 1, "headers": [{"key": "größe", "value": b"\xff"}, {"key": "n"}]},
        {"value": b"", "partition": 1},
        {"key": b"null", "value": None, "partition": 1},
        {"partition": 1},
    )
    status, answer = await proxy("POST", f"/topics/{topic}", body, sent_as=MESSAGE_PACK)
    assert status == 200, answer
    assert [(result["partition"], result["offset"]) for result in answer["offsets"]] == [(1, at) for at in range(4)]
    assert [(it.key(), it.value(), it.headers()) for it in proxy.stored(topic, 4, 1)] == [
        (BYTES, LARGE, [("größe", b"\xff"), ("n", None)]),
        (None, b"", None),
        (b"null", None, None),
        (None, None, None),
    ]
    records = await read_packed(proxy, f"/topics/{topic}/partitions/1/records")
    at = {"topic": topic, "partition": 1}
    assert records == [
        {
            **at,
            "offset": 0,
            "key": BYTES,
            "value": LARGE,
            "headers": [{"key": "größe", "value": b"\xff"}, {"key": "n", "value": None}],
        },
        {**at, "offset": 1, "key": None, "value": b""},
        {**at, "offset": 2, "key": b"null", "value": None},
        {**at, "offset": 3, "key": None, "value": None},
    ]


async def test_it_writes_what_base64_in_json_writes(proxy: ProxyApi, topic_of: Callable[..., str]) -> None:
    topic = topic_of(4)
    keys = [b"a", b"north", b"south", BYTES, b""]
    packed = pack(*({"key": key, "value": key} for key in keys))
    in_json = {"records": [{"key": key, "value": key} for key in keys]}
    answers = [
        (await proxy("POST", f"/topics/{topic}", body, sent_as=sent_as))[1]
        for body, sent_as in (
            (packed, MESSAGE_PACK),
            (msgspec.json.encode(in_json), media_type("binary")),
            (packed, f"{MESSAGE_PACK.upper()}; v=1"),
        )
    ]
    partitions = [[result["partition"] for result in answer["offsets"]] for answer in answers]
    assert partitions[0] == partitions[1] == partitions[2], "the key chooses the partition"
    assert all(result["error_code"] is None for answer in answers for result in answer["offsets"])


async def test_each_call_of_v2_takes_it(proxy: ProxyApi, topic_of: Callable[..., str], group: str) -> None:
    topic = topic_of()
    value = {"value": b"x"}
    for path, body in (
        (f"/topics/{topic}", pack(value)),
        (f"/topics/{topic}/partitions/0", pack(value)),
        ("/records", pack({**value, "topic": topic})),
        (f"/topics/{topic}?atomic=true", pack(value, value)),
    ):
        status, answer = await proxy("POST", path, body, sent_as=MESSAGE_PACK)
        assert status == 200, (path, answer)
        assert {result["error_code"] for result in answer["offsets"]} == {None}
    instance = await proxy.consumer(group, format="binary", **{"auto.commit.enable": "false"})
    await proxy("POST", f"{instance}/subscription", {"topics": [topic]})
    await proxy.poll(instance, "binary", count=5)
    body = pack({**value, "topic": topic})
    status, answer = await proxy("POST", f"{instance}/records", body, sent_as=MESSAGE_PACK)
    assert status == 200, answer


async def test_an_instance_is_polled(proxy: ProxyApi, topic_of: Callable[..., str], group: str) -> None:
    topic = topic_of()
    await proxy("POST", f"/topics/{topic}", pack({"value": LARGE}, {"value": BYTES}), sent_as=MESSAGE_PACK)
    instance = await proxy.consumer(group, format="binary")
    await proxy("POST", f"{instance}/assignments", {"partitions": [{"topic": topic, "partition": 0}]})
    records: list[Any] = []
    while len(records) < 2:
        records += await read_packed(proxy, f"{instance}/records?timeout=500&timestamps=true")
    assert [record["value"] for record in records] == [LARGE, BYTES]
    assert all(record["timestamp"] > 0 for record in records)


async def test_an_instance_of_another_format_is_not_polled(
    proxy: ProxyApi, topic_of: Callable[..., str], group: str
) -> None:
    instance = await proxy.consumer(group, format="json")
    await proxy("POST", f"{instance}/subscription", {"topics": [topic_of()]})
    answer = await proxy.response("GET", f"{instance}/records?timeout=1", accept=MESSAGE_PACK)
    assert (answer.status, answer.content_type) == (406, KAFKA_V2)
    assert "the request accepts binary, the instance reads json" in (await answer.json())["message"]


async def test_json_stays_the_answer_to_who_accepts_anything(proxy: ProxyApi, topic_of: Callable[..., str]) -> None:
    topic = topic_of()
    await proxy("POST", f"/topics/{topic}", pack({"value": b"x"}), sent_as=MESSAGE_PACK)
    for accept in ("*/*", f"{MESSAGE_PACK};q=0.1, */*"):
        answer = await proxy.response("GET", f"/topics/{topic}/partitions/0/records", accept=accept)
        assert answer.content_type == media_type("binary")


@pytest.mark.parametrize("name", ["format", "key_format", "value_format"])
async def test_it_is_refused_with_another_format(proxy: ProxyApi, topic_of: Callable[..., str], name: str) -> None:
    topic = topic_of()
    read = await proxy.response("GET", f"/topics/{topic}/partitions/0/records?{name}=json", accept=MESSAGE_PACK)
    sentence = f"{name} must be binary, or left out, with {MESSAGE_PACK} (was json)"
    assert (read.status, read.content_type) == (422, KAFKA_V2)
    assert (await read.json())["message"] == sentence
    path = f"/topics/{topic}?{name}=json"
    status, answer = await proxy("POST", path, pack({"value": b""}), sent_as=MESSAGE_PACK)
    assert (status, answer["message"]) == (422, sentence)


DEEP = b"\x91" * 100_000
ONE = pack({"value": BYTES})
REFUSALS: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "truncated"),
    "a truncated body": (ONE[:-1], 400, "truncated"),
    "trailing bytes": (ONE + b"\xc0", 400, "trailing characters"),
    "a length beyond the body": (b"\x81\xa7records\x91\x81\xa5value\xc6\xff\xff\xff\xff", 400, "truncated"),
    "a byte that begins nothing": (b"\x81\xa7records\xc1", 400, "malformed"),
    "nesting": (b"\x81\xa7records\x91\x81\xa5value" + DEEP, 400, "nested too deeply"),
    "a header's name that is no UTF-8": (
        b"\x81\xa7records\x91\x81\xa7headers\x91\x81\xa3key\xa1\xff",
        400,
        "'utf-8' codec can't decode",
    ),
    "JSON": (b'{"records": []}', 422, "Expected `object`, got `int`"),
    "a list": (b"\x90", 422, "Expected `object`, got `array`"),
    "a map without records": (b"\x80", 422, "Object missing required field `records`"),
    "records that are none": (msgpack.packb({"records": {}}), 422, "Expected `array`, got `object`"),
    "no records": (pack(), 422, "records must not be empty"),
    "an unknown field": (msgpack.packb({"records": [], "value_schema_id": 1}), 422, "unknown field `value_schema_id`"),
    "an unknown field of a record": (pack({}, {"valu": b""}), 422, "unknown field `valu` - at `records[1]`"),
    "a negative partition": (pack({}, {"partition": -1}), 422, "`int` >= 0 - at `records[1].partition`"),
    "a partition beyond Kafka's": (pack({"partition": 2**31}), 422, "`int` <= 2147483647"),
    "a text as a value": (pack({"value": b""}, {"value": "x"}), 400, "The value is not of MessagePack's type bin"),
    "a number as a key": (pack({"value": b""}, {"key": 1}), 400, "got `int`); pack it as bytes. (record 1)"),
    "a header without a name": (pack({"headers": [{}]}), 422, "field `key` - at `records[0].headers[0]`"),
    "a header's value as text": (pack({"headers": [{"key": "a", "value": "b"}]}), 422, "Expected `bytes | null`"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_bad_body_is_refused_with_its_sentence(
    proxy: ProxyApi, topic_of: Callable[..., str], name: str
) -> None:
    body, expected, sentence = REFUSALS[name]
    topic = topic_of()
    for path in (f"/topics/{topic}", f"/topics/{topic}?atomic=true"):
        status, answer = await proxy("POST", path, body, sent_as=MESSAGE_PACK)
        assert (status, sentence in answer["message"]) == (expected, True), answer
    assert (await proxy("GET", f"/topics/{topic}/partitions/0/offsets"))[1]["end_offset"] == 0


@pytest.mark.parametrize("length", [b"\x9f", b"\xdc\xff\xff", b"\xdd\x00\x01\x00\x00"])
async def test_too_many_records_are_refused_before_they_are_made(
    kafka: Cluster, topic: Callable[[], str], length: bytes
) -> None:
    """Each is a byte that is no record, which would be refused as one."""
    count = int.from_bytes(length[1:], "big") or 15
    body = b"\x81\xa7records" + length + b"\xc0" * count
    async with running(kafka, ProxySettings(max_records=14)) as proxy:
        status, answer = await proxy("POST", f"/topics/{topic()}", body, sent_as=MESSAGE_PACK)
    assert (status, answer["message"].startswith(f"The request has {count} records; at most 14")) == (413, True), answer


def check_count(count: int) -> None:
    if count > 20:
        raise ApiError(413, "too many")


def try_parsing(body: bytes, wanted: type[ProduceRequest] = ProduceRequest) -> int:
    """The number of records of a request, or the status of its refusal."""
    try:
        return len(parse_message_pack(body, wanted, check_count).records)
    except ApiError as error:
        return error.status


@given(st.binary(max_size=200))
@example(b"\x81\xa7records\xdd\xff\xff\xff\xff")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_any_bytes_are_a_request_or_refused(body: bytes) -> None:
    for wanted in (ProduceRequest, TopicsRequest):
        assert try_parsing(body, wanted) in {*range(1, 21), 400, 413, 422}


PARTS = st.none() | st.binary(max_size=20)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {"key": PARTS, "value": PARTS},
        optional={
            "partition": st.none() | st.integers(0, 2**31 - 1),
            "headers": st.lists(st.fixed_dictionaries({"key": st.text(max_size=5), "value": PARTS}), max_size=3),
        },
    ),
    min_size=1,
    max_size=20,
)


@given(RECORDS, st.data())
@settings(deadline=None)
async def test_a_changed_body_is_a_request_or_refused(records: list[dict[str, Any]], data: st.DataObject) -> None:
    body = pack(*records)
    assert try_parsing(body) == len(records)
    changed = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    for mutated in (bytes(changed), body[: data.draw(st.integers(0, len(body) - 1))]):
        assert try_parsing(mutated) in {*range(1, 21), 400, 413, 422}


async def test_the_program_of_the_page_runs(proxy: ProxyApi) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", (PAGES / "rest.md").read_text(), re.MULTILINE | re.DOTALL)
    topic = proxy.create_topic("packets")
    code = code.replace("http://127.0.0.1:8082", str(proxy.client.make_url("")).rstrip("/"))
    program = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    output, _ = await program.communicate()
    answer, first, second = output.decode().splitlines()
    assert [result["error_code"] for result in msgspec.json.decode(answer)["offsets"]] == [None, None], topic
    assert first.startswith("0 0 b'north' b'\\x00\\x01")
    assert first.endswith("[{'key': 'origin', 'value': b'sensor'}]")
    assert second == "0 1 b'south' None None"
