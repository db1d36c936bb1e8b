"""`GET /topics/{topic}/keys/{key}`: the last record of a key, where produce has put it."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.web.proxy.conftest import ProxyApi

Topics = Callable[..., str]

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.kafka]


async def find(proxy: ProxyApi, topic: str, key: str, **query: Any) -> tuple[int, Any]:
    options = "&".join(f"{name}={value}" for name, value in query.items())
    return await proxy("GET", f"/topics/{topic}/keys/{quote(key, safe='')}?{options}")


async def test_each_key_has_the_value_that_was_written_last(proxy: ProxyApi, topic_of: Topics) -> None:
    """Keys of every length are looked for in the partition that produce has chosen, and in no other one."""
    topic = topic_of(7, cleanup_policy="compact")
    keys = [bytes((at * 37 + place) % 256 for place in range(at)) for at in range(1, 40)]
    texts = [base64.b64encode(key).decode() for key in keys]
    partitions = {}
    for generation in range(3):
        records = [{"key": text, "value": base64.b64encode(b"%d" % generation).decode()} for text in texts]
        report = await proxy.produce(topic, *records, embedded="binary")
        partitions = {text: sent["partition"] for text, sent in zip(texts, report["offsets"], strict=True)}
    assert len(set(partitions.values())) == 7
    for text in texts[::3]:
        for spelling in (text, text.replace("+", "-").replace("/", "_").rstrip("=")):
            status, found = await find(proxy, topic, spelling, key_format="binary", value_format="binary")
            assert (status, found["key"], found["value"]) == (200, text, base64.b64encode(b"2").decode())
            assert (found["topic"], found["partition"]) == (topic, partitions[text])
            assert found["timestamp"] > 0


@pytest.mark.parametrize("key", ["ann", "a/b c?d=é%2F"])
async def test_a_key_is_text_if_nothing_else_is_said(proxy: ProxyApi, topic_of: Topics, key: str) -> None:
    topic = topic_of(3)
    body = {"key_format": "string", "value_format": "json", "records": [{"key": key, "value": {"floor": 3}}]}
    assert (await proxy("POST", f"/topics/{topic}", body, sent_as="application/json"))[0] == 200
    status, found = await find(proxy, topic, key, show_format="true")
    assert (status, found["key"], found["value"], found["value_format"]["format"]) == (200, key, {"floor": 3}, "json")
    answer = await proxy.response("GET", f"/topics/{topic}/keys/{quote(key, safe='')}", accept="application/json")
    assert (answer.status, answer.content_type) == (200, "application/json")


async def test_a_key_of_a_schema_is_encoded_as_produce_does(proxy: ProxyApi, topic_of: Topics) -> None:
    topic = topic_of(4)
    schema = json.dumps({"type": "record", "name": "Key", "fields": [{"name": "no", "type": "int"}]})
    records = [{"key": {"no": number}, "value": number} for number in range(8)]
    body = {"key_schema": schema, "value_format": "json", "records": records}
    status, report = await proxy("POST", f"/topics/{topic}?key_format=avro", body, sent_as="application/json")
    assert status == 200, report
    for query in ({"key_format": "avro"}, {"key_format": "avro", "key_schema_id": report["key_schema_id"]}):
        status, found = await find(proxy, topic, '{"no": 5}', **query)
        assert (status, found["key"], found["value"]) == (200, {"no": 5}, 5)
    status, refusal = await find(proxy, topic, '{"no": "x"}', key_format="avro")
    assert (status, refusal["error_code"]) == (400, 400)


async def test_a_deleted_key_and_one_that_never_was(proxy: ProxyApi, topic_of: Topics) -> None:
    topic = topic_of(1, cleanup_policy="compact")
    await proxy.produce(topic, {"key": "eA==", "value": "eQ=="}, {"key": "eA==", "value": None}, embedded="binary")
    status, refusal = await find(proxy, topic, "x")
    assert (status, "tombstone at offset 1 in partition 0" in refusal["message"]) == (404, True)
    status, refusal = await find(proxy, topic, "y")
    assert (status, refusal["error_code"]) == (404, 404)
    assert refusal["message"] == f"HTTP 404 Not Found: partition 0 of topic {topic} has no record with this key."


async def test_a_scan_that_is_too_short_does_not_say_that_there_is_no_key(proxy: ProxyApi, topic_of: Topics) -> None:
    """Windows grow: an old key is found behind thousands of newer records, unless the scan is bounded before it."""
    topic = topic_of(1)
    await proxy.produce(topic, {"key": "b2xk", "value": "eQ=="}, embedded="binary")
    for _ in range(3):
        await proxy.produce(topic, *[{"key": "bmV3", "value": None}] * 2_000, embedded="binary")
    status, found = await find(proxy, topic, "old")
    assert (status, found["offset"]) == (200, 0)
    status, refusal = await find(proxy, topic, "old", scan=2_500)
    assert (status, refusal["error_code"]) == (422, 422)
    assert "may be in the 3501 before them" in refusal["message"]


@pytest.mark.parametrize(
    ("key", "query", "refusal"),
    [
        ("x", {"key_format": "xml"}, (422, 422)),
        ("x", {"value_format": "xml"}, (422, 422)),
        ("x", {"partition": "9"}, (404, 40402)),
        ("x", {"partition": "-1"}, (422, 422)),
        ("x", {"partition": "y"}, (404, 404)),
        ("x", {"scan": "y"}, (404, 404)),
        ("*", {"key_format": "binary"}, (422, 422)),
        ("{", {"key_format": "json"}, (422, 422)),
        ("[" * 5_000, {"key_format": "json"}, (422, 422)),
        ("null", {"key_format": "json"}, (422, 422)),
        ("1", {"key_format": "avro"}, (422, 42201)),
        ("1", {"key_format": "avro", "key_schema_id": "999999"}, (422, 42207)),
    ],
)
async def test_bad_look_ups_are_refused(
    proxy: ProxyApi, topic_of: Topics, key: str, query: dict[str, str], refusal: tuple[int, int]
) -> None:
    status, answer = await find(proxy, topic_of(), key, **query)
    assert (status, answer["error_code"]) == refusal, answer


async def test_the_topic_has_to_exist(proxy: ProxyApi, topic_of: Topics) -> None:
    status, answer = await find(proxy, f"{topic_of()}-none", "x")
    assert (status, answer["error_code"]) == (404, 40403)
