"""Brokers, topics and partitions over HTTP."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

from tests.web.proxy.conftest import KAFKA_V2, ProxyApi

pytestmark = pytest.mark.asyncio(loop_scope="session")

LEADING = [{"broker": 1, "leader": True, "in_sync": True}]
NO_SUCH_TOPIC = (404, 40403, "This server does not host this topic-partition.")
_NAMES = (
    "The name of a topic has 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-', and is neither '.' nor '..'"
)
INVALID_TOPIC = (
    400,
    40002,
    f"The request attempted to perform an operation on an invalid topic. {_NAMES} (was 'no{{odd}}topic').",
)
NO_SUCH_PARTITION = (404, 40402, "Partition not found: topic {topic} has no partition 1.")
NEGATIVE_PARTITION = (404, 40402, "Partition not found: topic {topic} has no partition -1.")
NO_NUMBER = (404, 404, "HTTP 404 Not Found: 'x' is not an integer")
LARGE_NUMBER = (404, 404, "HTTP 404 Not Found: 99999999999 is not an integer from -2147483648 to 2147483647")


async def test_brokers_are_listed_by_id(proxy: ProxyApi) -> None:
    assert await proxy("GET", "/brokers") == (200, {"brokers": [1]})


async def test_topics_are_listed_without_kafka_s_own(proxy: ProxyApi, topic_of: Callable[..., str]) -> None:
    """A group's offsets topic exists, but is nobody's business."""
    topic = topic_of()
    instance = await proxy.consumer("listing")
    await proxy("POST", f"{instance}/subscription", {"topics": [topic]})
    await proxy.poll(instance, count=0)
    status, topics = await proxy("GET", "/topics")
    assert status == 200
    assert topic in topics
    assert "__consumer_offsets" not in topics
    assert topics == sorted(topics)


async def test_a_topic_shows_configs_and_partitions(proxy: ProxyApi, topic_of: Callable[..., str]) -> None:
    topic = topic_of(2, retention_ms="1234567")
    status, described = await proxy("GET", f"/topics/{topic}")
    assert status == 200
    assert list(described) == ["name", "configs", "partitions"]
    assert described["name"] == topic
    assert described["configs"]["retention.ms"] == "1234567"
    assert described["configs"]["cleanup.policy"] == "delete"
    assert described["partitions"] == [
        {"partition": 0, "leader": 1, "replicas": LEADING},
        {"partition": 1, "leader": 1, "replicas": LEADING},
    ]
    assert await proxy("GET", f"/topics/{topic}/partitions") == (200, described["partitions"])
    assert await proxy("GET", f"/topics/{topic}/partitions/1") == (200, described["partitions"][1])


async def test_a_partition_s_bounds_follow_its_records(proxy: ProxyApi, topic_of: Callable[..., str]) -> None:
    topic = topic_of(2)
    path = f"/topics/{topic}/partitions"
    assert await proxy("GET", f"{path}/1/offsets") == (200, {"beginning_offset": 0, "end_offset": 0})
    await proxy.produce(topic, *({"value": number, "partition": 1} for number in range(3)))
    assert await proxy("GET", f"{path}/1/offsets") == (200, {"beginning_offset": 0, "end_offset": 3})
    assert await proxy("GET", f"{path}/0/offsets") == (200, {"beginning_offset": 0, "end_offset": 0})


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("/topics/{topic}-missing", NO_SUCH_TOPIC),
        ("/topics/{topic}-missing/partitions", NO_SUCH_TOPIC),
        ("/topics/{topic}-missing/partitions/0", NO_SUCH_TOPIC),
        ("/topics/{topic}-missing/partitions/0/offsets", NO_SUCH_TOPIC),
        ("/topics/no%2Ftopic", INVALID_TOPIC),
        ("/topics/no%20topic", INVALID_TOPIC),
        ("/topics/{topic}/partitions/1", NO_SUCH_PARTITION),
        ("/topics/{topic}/partitions/-1", NEGATIVE_PARTITION),
        ("/topics/{topic}/partitions/1/offsets", NO_SUCH_PARTITION),
        ("/topics/{topic}/partitions/-1/offsets", NEGATIVE_PARTITION),
        ("/topics/{topic}/partitions/x", NO_NUMBER),
        ("/topics/{topic}/partitions/99999999999", LARGE_NUMBER),
        ("/topics/{topic}/partitions/x/offsets", NO_NUMBER),
    ],
)
async def test_what_is_not_there_is_refused(
    proxy: ProxyApi, topic_of: Callable[..., str], path: str, refusal: tuple[int, int, str]
) -> None:
    """Asking for a topic does not make it."""
    topic = topic_of()
    status, answer = await proxy("GET", path.format(topic=topic))
    message = refusal[2].format(topic=topic, odd=unquote(path.partition("/topics/no")[2].removesuffix("topic")))
    assert (status, answer["error_code"], answer["message"]) == (*refusal[:2], message)
    assert f"{topic}-missing" not in (await proxy("GET", "/topics"))[1]


@pytest.mark.parametrize("path", ["/brokers", "/topics", "/topics/{topic}", "/topics/{topic}/partitions/0"])
async def test_answers_are_in_the_api_s_own_type(proxy: ProxyApi, topic_of: Callable[..., str], path: str) -> None:
    """A client that takes no such type is told so."""
    path = path.format(topic=topic_of())
    for accept in ("*/*", KAFKA_V2, "application/*;q=0.1"):
        answer = await proxy.response("GET", path, accept=accept)
        assert (answer.status, answer.content_type) == (200, KAFKA_V2)
    for accept in ("text/html", "application/json"):
        status, refusal = await proxy("GET", path, accept=accept)
        assert (status, refusal["error_code"]) == (406, 406)


@pytest.mark.parametrize(("method", "path"), [("PUT", "/topics/a"), ("DELETE", "/topics/a"), ("POST", "/brokers")])
async def test_other_methods_are_refused(proxy: ProxyApi, method: str, path: str) -> None:
    allowed = "GET, HEAD" if path == "/brokers" else "GET, HEAD, POST"
    status, answer = await proxy(method, path, {})
    expected: Any = {
        "error_code": 405,
        "message": f"HTTP 405 Method Not Allowed: {path} has no {method}; it takes {allowed}.",
    }
    assert (status, answer) == (405, expected)
