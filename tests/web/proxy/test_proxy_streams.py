"""Following a topic over HTTP: what comes, where a client that was away goes on, and what is left when it leaves."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientResponse
from confluent_kafka import Producer

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from tests.web.proxy.conftest import ProxyApi, running

pytestmark = pytest.mark.asyncio(loop_scope="session")

Topics = Callable[..., str]

EVENTS = "text/event-stream"
LINES = "application/x-ndjson"
_SECONDS = 120
"""How long anything may take that is waited for."""


@pytest_asyncio.fixture(loop_scope="session")
async def lively(kafka: Cluster) -> AsyncIterator[ProxyApi]:
    """A proxy that lets one client follow, shows often that it is alive, and waits little for slow clients."""
    async with running(kafka, ProxySettings(max_streams=1, heartbeat=0.2, stalled_after=1)) as api:
        yield api


@asynccontextmanager
async def following(
    proxy: ProxyApi, topic: str, query: str = "format=json", *, accept: str = LINES, last: str | None = None
) -> AsyncIterator[ClientResponse]:
    headers = {"Accept": accept} | ({} if last is None else {"Last-Event-ID": last})
    async with proxy.client.get(f"/topics/{topic}/records?{query}", headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == accept
        yield answer


async def line(answer: ClientResponse) -> str:
    """The next line that says something."""
    async with asyncio.timeout(_SECONDS):
        while not (text := (await answer.content.readline()).decode().rstrip("\n")):
            assert not answer.content.at_eof()
        return text


async def records(answer: ClientResponse, count: int) -> list[Any]:
    return [json.loads(await line(answer)) for _ in range(count)]


async def test_records_come_as_lines(proxy: ProxyApi, topic_of: Topics) -> None:
    """From now on, each whole on its own line, also one that was written on many."""
    topic = topic_of()
    await proxy.produce(topic, {"value": "before"})
    async with following(proxy, topic) as answer:
        await proxy.produce(topic, {"key": 1, "value": 2, "headers": [{"key": "h", "value": "eA=="}]})
        other = Producer({"bootstrap.servers": proxy.bootstrap_servers})
        other.produce(topic, value=b'{\n  "a": 123456789012345678901234567890\n}')
        other.flush()
        at = {"topic": topic, "partition": 0}
        assert await records(answer, 2) == [
            {"id": "0:2", **at, "offset": 1, "key": 1, "value": 2, "headers": [{"key": "h", "value": "eA=="}]},
            {"id": "0:3", **at, "offset": 2, "key": None, "value": {"a": 123456789012345678901234567890}},
        ]


async def test_records_come_as_events(proxy: ProxyApi, topic_of: Topics) -> None:
    """The first line says where the client stands before there is any record."""
    topic = topic_of()
    await proxy.produce(topic, {"key": "k", "value": {"a": 1}})
    async with following(proxy, topic, "from=earliest&key_format=json", accept=EVENTS) as answer:
        assert [await line(answer) for _ in range(4)] == [
            "id: 0:0",
            "event: message",
            "id: 0:1",
            f'data: {{"topic":"{topic}","key":"k","value":"eyJhIjoxfQ==","partition":0,"offset":0}}',
        ]


async def test_a_client_goes_on_where_it_left_off(proxy: ProxyApi, topic_of: Topics) -> None:
    """In every partition, whatever it asked for at first; offsets that are no more, or not yet, do no harm."""
    topic = topic_of(2)
    for value in range(3):
        await proxy.produce(topic, *({"value": [each, value], "partition": each} for each in (0, 1)))
    for last, expected in (
        ("0:1,1:3", [[0, 1], [0, 2]]),
        ("0:3,1:2,7:1", [[1, 2]]),
        ("0:3", [[1, 0], [1, 1], [1, 2]]),
        ("1:99,0:-4", [[0, 0], [0, 1], [0, 2]]),
    ):
        async with following(proxy, topic, last=last) as answer:
            found = await records(answer, len(expected))
            assert [each["value"] for each in found] == expected
    async with following(proxy, topic, last=found[0]["id"]) as answer:
        assert [each["value"] for each in await records(answer, 2)] == [[0, 1], [0, 2]]


async def test_a_stream_may_begin_at_a_time(proxy: ProxyApi, topic_of: Topics) -> None:
    topic = topic_of()
    other = Producer({"bootstrap.servers": proxy.bootstrap_servers})
    for number in range(3):
        other.produce(topic, value=str(number), timestamp=1000 * (number + 1))
    other.flush()
    async with following(proxy, topic, "format=json&timestamp=1500") as answer:
        assert [each["value"] for each in await records(answer, 2)] == [1, 2]


async def test_a_record_that_cannot_be_decoded_does_not_end_the_stream(proxy: ProxyApi, topic_of: Topics) -> None:
    """It is told of in its place."""
    topic = topic_of()
    await proxy.produce(topic, {"value": "AA=="}, {"value": "MQ=="}, embedded="binary")
    async with following(proxy, topic, "from=earliest&format=json") as answer:
        bad, good = await records(answer, 2)
    assert (bad["id"], bad["offset"], bad["error_code"], "value" in bad) == ("0:1", 0, 40801, False)
    assert (good["id"], good["value"]) == ("0:2", 1)


async def test_a_client_that_leaves_frees_its_place(lively: ProxyApi, topic_of: Topics) -> None:
    """While it is there, no other client may follow, and it sees that the service is alive."""
    topic = topic_of()
    for accept, sign in ((EVENTS, b":\n"), (LINES, b"\n")):
        async with following(lively, topic, accept=accept) as answer:
            async with asyncio.timeout(_SECONDS):
                while await answer.content.readline() != sign:
                    pass
            status, refusal = await lively("GET", f"/topics/{topic}/records")
            message = "Too many requests: there are too many streams at the moment."
            assert (status, refusal) == (429, {"error_code": 42901, "message": message})
            answer.close()
        await until_free(lively, topic)


async def until_free(proxy: ProxyApi, topic: str) -> None:
    async with asyncio.timeout(_SECONDS):
        while (await proxy.response("HEAD", f"/topics/{topic}/records")).status != 200:
            await asyncio.sleep(0.1)


async def test_a_client_that_takes_nothing_is_disconnected(lively: ProxyApi, topic_of: Topics) -> None:
    """No more is fetched for it than fits on the way."""
    topic = topic_of()
    other = Producer({"bootstrap.servers": lively.bootstrap_servers, "compression.type": "gzip"})
    for _ in range(60):
        other.produce(topic, value=b"x" * 900_000)
    other.flush()
    async with following(lively, topic, "from=earliest"):
        await until_free(lively, topic)


@pytest.mark.parametrize(
    ("query", "headers", "refusal"),
    [
        ("from=sometime", {}, (422, 422)),
        ("timestamp=x", {}, (404, 404)),
        ("timestamp=-1", {}, (422, 422)),
        ("format=xml", {}, (422, 422)),
        ("key_format=xml", {}, (422, 422)),
        ("value_format=xml", {}, (422, 422)),
        ("", {"Last-Event-ID": "x"}, (400, 400)),
        ("", {"Last-Event-ID": "1:2:3"}, (400, 400)),
        ("", {"Accept": "application/json"}, (406, 406)),
    ],
)
async def test_bad_streams_are_refused(
    proxy: ProxyApi, topic_of: Topics, query: str, headers: dict[str, str], refusal: tuple[int, int]
) -> None:
    answer = await proxy.client.get(f"/topics/{topic_of()}/records?{query}", headers=headers)
    assert (answer.status, (await answer.json(content_type=None))["error_code"]) == refusal


async def test_a_stream_needs_a_topic(proxy: ProxyApi, topic: Callable[[], str]) -> None:
    assert (await proxy("GET", f"/topics/{topic()}/records"))[1]["error_code"] == 40403
