"""Request and reply over a real broker: with a responder that is a Kafka client, and with one that has only HTTP."""

import asyncio
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import Producer

from tests.markdown_examples import PAGES
from tests.web.proxy.conftest import ProxyApi, media_type

Topics = Callable[..., str]
JSON = media_type("json")
NO_SCHEMAS = {"key_schema_id": None, "value_schema_id": None}
UNKNOWN = "1f2e3d4c.0-" + "0" * 32

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.kafka]


async def ask(proxy: ProxyApi, topic: str, reply_topic: str, **fields: Any) -> tuple[int, Any, dict[str, str]]:
    body = {"record": {"value": {"lift": "north"}}, "reply_topic": reply_topic, "timeout_ms": 60_000, **fields}
    answer = await proxy.response("POST", f"/topics/{topic}/requests", body, sent_as=JSON)
    return answer.status, await answer.json(content_type=None), dict(answer.headers)


@contextmanager
def responder(proxy: ProxyApi, topic: str) -> Iterator[None]:
    """Within the block, the service of the documentation replies to requests of the topic."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", (PAGES / "request-reply.md").read_text(), re.MULTILINE | re.DOTALL)
    code = code.replace("127.0.0.1:9092", proxy.bootstrap_servers).replace("lift-questions", topic)
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        try:
            yield
            assert process.poll() is None
        finally:
            process.kill()


async def test_a_service_with_kafka_replies(proxy: ProxyApi, topic_of: Topics) -> None:
    """The service knows the headers of Spring's template and nothing of this one; requests at once get their own."""
    topic, replies = topic_of(), topic_of(3)
    with responder(proxy, topic):
        answers = await asyncio.gather(*(ask(proxy, topic, replies) for _ in range(8)))
    for status, answer, _ in answers:
        assert (status, answer["reply"]["topic"], answer["reply"]["value"]) == (200, replies, {"floor": 3})
        assert answer["reply"]["timestamp"] > 0
        (header,) = answer["reply"]["headers"]
        assert header == {"key": "kafka_correlationId", "value": b64encode(answer["id"].encode()).decode()}
    assert len({answer["id"] for _, answer, _ in answers}) == 8


async def test_a_service_with_http_replies(proxy: ProxyApi, topic_of: Topics) -> None:
    """It sends the headers of the request back as it has polled them; they name partition and topic of the reply."""
    topic, replies = topic_of(), topic_of(2)
    asking = asyncio.create_task(
        ask(proxy, topic, replies, reply_partition=1, record={"key": "k", "value": 1, "headers": [{"key": "own"}]})
    )
    instance = await proxy.consumer(f"of-{topic}")
    assert (await proxy("POST", f"{instance}/subscription", {"topics": [topic]}))[0] == 204
    (record,) = await proxy.poll(instance)
    assert [header["key"] for header in record["headers"]] == [
        "own", "kafka_correlationId", "kafka_replyTopic", "kafka_replyPartition",
    ]  # fmt: skip
    body = {"record": {"value": {"floor": 4}}, "request_headers": record["headers"]}
    status, sent = await proxy("POST", f"/topics/{replies}/replies", body, sent_as=JSON)
    assert (status, sent) == (200, {"topic": replies, "partition": 1, "offset": 0} | NO_SCHEMAS)
    status, answer, _ = await asking
    assert (status, answer["reply"]["value"], answer["reply"]["partition"]) == (200, {"floor": 4}, 1)
    status, refusal = await proxy("POST", f"/topics/{topic}/replies", body, sent_as=JSON)
    assert (status, refusal["error_code"]) == (422, 422)
    assert replies in refusal["message"]
    await proxy("DELETE", instance)


async def test_a_late_reply_is_fetched(proxy: ProxyApi, topic_of: Topics) -> None:
    topic, replies = topic_of(), topic_of()
    status, refusal, headers = await ask(proxy, topic, replies, timeout_ms=1)
    assert (status, refusal["error_code"]) == (504, 504)
    path = headers["Location"]
    assert path in refusal["message"]
    assert await proxy("GET", path) == (204, None)
    elsewhere = path.replace(topic, replies)
    assert (await proxy("GET", elsewhere))[0] == 404
    waiting = asyncio.create_task(proxy("GET", f"{path}?wait_ms=60000&reply_format=binary"))
    correlation = b64encode(path.rpartition("/")[2].encode()).decode()
    for value in ("first", "second"):
        body = {"record": {"value": value}, "correlation_id": correlation}
        assert (await proxy("POST", f"/topics/{replies}/replies", body, sent_as=JSON))[0] == 200
    status, answer = await waiting
    assert (status, answer["reply"]["value"]) == (200, b64encode(b'"first"').decode())
    status, answer = await proxy("GET", path)
    assert (status, answer["reply"]["value"], answer["id"]) == (200, "first", path.rpartition("/")[2])


async def test_a_reply_that_cannot_be_decoded_is_answered_with_its_error(proxy: ProxyApi, topic_of: Topics) -> None:
    topic, replies = topic_of(), topic_of()
    status, _, headers = await ask(proxy, topic, replies, timeout_ms=0)
    assert status == 504
    producer = Producer({"bootstrap.servers": proxy.bootstrap_servers})
    correlation = headers["Location"].rpartition("/")[2]
    producer.produce(replies, b"{", headers={"kafka_correlationId": correlation})
    producer.flush()
    status, answer = await proxy("GET", f"{headers['Location']}?wait_ms=60000&reply_format=json")
    assert (status, answer["reply"]["value"], answer["reply"]["error_code"]) == (200, None, 40801)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (None, (422, 422)),
        (b"{", (400, 400)),
        ([], (400, 400)),
        ({"reply_topic": "replies"}, (422, 422)),
        ({"record": None, "reply_topic": "replies"}, (422, 422)),
        ({"record": 1, "reply_topic": "replies"}, (400, 400)),
        ({"record": {"value": 1}}, (422, 422)),
        ({"record": {"value": 1}, "reply_topic": ""}, (422, 422)),
        ({"record": {"value": 1}, "reply_topic": []}, (400, 400)),
        ({"record": {"value": 1}, "reply_topic": "a/b"}, (400, 40002)),
        ({"record": {"value": 1}, "reply_topic": "no-such-topic"}, (404, 40403)),
        ({"record": {"value": 1}, "reply_topic": "replies", "reply_partition": 7}, (404, 40402)),
        ({"record": {"value": 1}, "reply_topic": "replies", "reply_partition": -1}, (422, 422)),
        ({"record": {"value": 1}, "reply_topic": "replies", "timeout_ms": -1}, (422, 422)),
        ({"record": {"value": 1}, "reply_topic": "replies", "timeout_ms": 300_001}, (422, 422)),
        ({"record": {"value": 1}, "reply_topic": "replies", "timeout_ms": "soon"}, (400, 400)),
        ({"record": {"value": 1}, "reply_topic": "replies", "reply_format": "xml"}, (422, 422)),
        ({"record": {"value": 1}, "reply_topic": "replies", "more": 1}, (422, 422)),
        ({"record": {"value": 1, "more": 1}, "reply_topic": "replies"}, (422, 422)),
        ({"record": {"value": 1, "partition": 99}, "reply_topic": "replies"}, (404, 40403)),
        ({"record": {"value": 1, "headers": [{"key": "kafka_replyTopic"}]}, "reply_topic": "replies"}, (422, 422)),
        (
            {"record": {"value": 1}, "reply_topic": "replies", "value_schema_id": 77, "value_format": "avro"},
            (422, 42207),
        ),
    ],
)
async def test_bad_requests_are_refused(proxy: ProxyApi, topic_of: Topics, body: Any, refusal: tuple[int, int]) -> None:
    topic, replies = topic_of(), topic_of()
    if isinstance(body, dict) and body.get("reply_topic") == "replies":
        body = {**body, "reply_topic": replies}
    status, answer = await proxy("POST", f"/topics/{topic}/requests", body, sent_as=JSON)
    assert (status, answer["error_code"]) == refusal, answer


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (None, (422, 422)),
        ({"record": {"value": 1}}, (422, 422)),
        ({"record": {"value": 1}, "correlation_id": ""}, (422, 422)),
        ({"record": {"value": 1}, "correlation_id": "%"}, (422, 422)),
        ({"record": {"value": 1}, "correlation_id": b64encode(bytes(1_001)).decode()}, (422, 422)),
        ({"record": {"value": 1}, "correlation_id": "AAAA", "request_headers": []}, (422, 422)),
        ({"record": {"value": 1}, "request_headers": []}, (422, 422)),
        ({"record": {"value": 1}, "request_headers": [1]}, (400, 400)),
        ({"record": {"value": 1}, "request_headers": [{"key": "kafka_correlationId"}]}, (422, 422)),
        ({"record": {"value": 1}, "request_headers": [{"key": "kafka_correlationId", "more": ""}]}, (422, 422)),
        (
            {
                "record": {"value": 1},
                "request_headers": [
                    {"key": "kafka_correlationId", "value": "AAAA"},
                    {"key": "kafka_replyPartition", "value": "AAAA"},
                ],
            },
            (422, 422),
        ),
        ({"correlation_id": "AAAA"}, (422, 422)),
        ({"record": {"value": 1}, "correlation_id": "AAAA", "more": 1}, (422, 422)),
    ],
)
async def test_bad_replies_are_refused(proxy: ProxyApi, topic_of: Topics, body: Any, refusal: tuple[int, int]) -> None:
    status, answer = await proxy("POST", f"/topics/{topic_of()}/replies", body, sent_as=JSON)
    assert (status, answer["error_code"]) == refusal, answer


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (UNKNOWN, 404),
        ("x", 404),
        ("x" * 3_000, 404),
        (f"{UNKNOWN}?wait_ms=-1", 422),
        (f"{UNKNOWN}?wait_ms=300001", 422),
        (f"{UNKNOWN}?reply_format=xml", 422),
    ],
)
async def test_what_cannot_be_fetched(proxy: ProxyApi, path: str, status: int) -> None:
    answered, answer = await proxy("GET", f"/topics/lifts/requests/{path}")
    assert (answered, answer["error_code"]) == (status, status)


async def test_a_caller_has_a_share_of_the_requests_that_wait(proxy: ProxyApi, topic_of: Topics) -> None:
    topic, replies = topic_of(), topic_of()
    answers = await asyncio.gather(*(ask(proxy, topic, replies, timeout_ms=2_000) for _ in range(33)))
    assert sorted(status for status, _, _ in answers) == [429] * 3 + [504] * 30
    refusals = [answer for status, answer, _ in answers if status == 429]
    assert {refusal["error_code"] for refusal in refusals} == {42901}
    assert all("wait for a reply of this caller" in refusal["message"] for refusal in refusals)


async def test_a_request_is_not_its_own_reply(proxy: ProxyApi, topic_of: Topics) -> None:
    topic = topic_of()
    status, refusal, _ = await ask(proxy, topic, topic)
    assert (status, refusal["error_code"]) == (422, 422)
    assert "another topic" in refusal["message"]


async def test_media_types_are_those_of_produce(proxy: ProxyApi, topic_of: Topics) -> None:
    topic, replies = topic_of(), topic_of()
    body = {"record": {"value": 1}, "reply_topic": replies, "timeout_ms": 0}
    for sent_as, status in (("text/plain", 415), ("application/json", 415), (JSON, 504)):
        assert (await proxy.response("POST", f"/topics/{topic}/requests", body, sent_as=sent_as)).status == status
    refused = await proxy.response("POST", f"/topics/{topic}/requests", body, sent_as=JSON, accept="text/csv")
    assert refused.status == 406
    named = body | {"value_format": "json", "key_format": "json"}
    asked = await proxy.response("POST", f"/topics/{topic}/requests", named, sent_as="application/json")
    assert asked.status == 504
