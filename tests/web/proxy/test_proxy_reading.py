"""Reading partitions over HTTP without a consumer instance: where reads begin, where they end, what they refuse."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from confluent_kafka import Producer, TopicPartition

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from tests.web.proxy.conftest import KAFKA_V2, ProxyApi, media_type, running

pytestmark = pytest.mark.asyncio(loop_scope="session")

Topics = Callable[..., str]

AVRO = '{"type":"record","name":"Lift","fields":[{"name":"floor","type":"int"}]}'


@pytest_asyncio.fixture(loop_scope="session")
async def narrow(kafka: Cluster) -> AsyncIterator[ProxyApi]:
    """A proxy that lets one read happen at a time, and answers little at once."""
    async with running(kafka, ProxySettings(max_reads=1, request_max_bytes=100)) as api:
        yield api


def path(topic: str, partition: int = 0) -> str:
    return f"/topics/{topic}/partitions/{partition}/records"


async def values(proxy: ProxyApi, topic: str, query: str) -> list[Any]:
    status, records = await proxy("GET", f"{path(topic)}?{query}", accept=media_type("json"))
    assert status == 200, records
    return [each["value"] for each in records]


def write(proxy: ProxyApi, topic: str, *messages: tuple[bytes | None, int]) -> None:
    """Write (value, timestamp) with another client."""
    producer = Producer({"bootstrap.servers": proxy.bootstrap_servers})
    for value, timestamp in messages:
        producer.produce(topic, value=value, timestamp=timestamp)
    producer.flush()


async def test_keys_and_values_of_any_length_are_written_alike(proxy: ProxyApi, topic_of: Topics) -> None:
    """Long ones, and records with headers, are put into JSON in ways of their own."""
    topic = topic_of()
    halves = [None, b"", b"short", bytes(599), bytes(range(200)) * 3, bytes(5000)]
    records = [(key, value, has_header) for key in halves for value in halves for has_header in (False, True)]
    producer = Producer({"bootstrap.servers": proxy.bootstrap_servers})
    for key, value, has_header in records:
        producer.produce(topic, key=key, value=value, headers={"h": b"1"} if has_header else {})
    producer.flush()
    status, found = await proxy("GET", f"{path(topic)}?count={len(records)}&timeout=60000", accept=media_type("binary"))
    assert status == 200
    assert found == [
        {
            "topic": topic,
            "key": None if key is None else base64.b64encode(key).decode(),
            "value": None if value is None else base64.b64encode(value).decode(),
            "partition": 0,
            "offset": offset,
            **({"headers": [{"key": "h", "value": "MQ=="}]} if has_header else {}),
        }
        for offset, (key, value, has_header) in enumerate(records)
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("timeout=60000", [0, 1, 2, 3, 4]),
        ("offset=3&timeout=60000", [3, 4]),
        ("offset=0&count=2&timeout=60000", [0, 1]),
        ("offset=5&timeout=300", []),
        ("timestamp=3000&timeout=60000", [2, 3, 4]),
        ("timestamp=2001&count=1&timeout=60000", [2]),
        ("timestamp=99000&timeout=300", []),
        ("max_bytes=3&timeout=60000", [0, 1]),
        ("offset=1&max_bytes=1&timeout=60000", [1]),
        ("count=0&max_bytes=-1&timeout=60000", [0, 1, 2, 3, 4]),
    ],
)
async def test_a_read_begins_and_ends_where_it_says(
    proxy: ProxyApi, topic_of: Topics, query: str, expected: list[int]
) -> None:
    """All there is up to its limits, and one record at least."""
    topic = topic_of()
    write(proxy, topic, *((str(number).encode(), 1000 * (number + 1)) for number in range(5)))
    assert await values(proxy, topic, query) == expected


async def test_a_read_leaves_nothing_behind(proxy: ProxyApi, topic_of: Topics) -> None:
    """The same one answers the same again, as the instance's polls do, in the partition that it names."""
    topic = topic_of(2)
    await proxy.produce(topic, {"key": 1, "value": 2, "headers": [{"key": "h", "value": "eA=="}], "partition": 1})
    expected = {"topic": topic, "key": 1, "value": 2, "partition": 1, "offset": 0}
    for _ in range(2):
        answer = await proxy.response("GET", path(topic, 1), accept=media_type("json"))
        assert (answer.status, answer.content_type) == (200, media_type("json"))
        assert await answer.json(content_type=None) == [{**expected, "headers": [{"key": "h", "value": "eA=="}]}]
    groups = proxy.admin.list_consumer_groups().result().valid
    assert [each.group_id for each in groups if topic in each.group_id or "karapace" in each.group_id] == []


async def test_a_read_waits_for_the_first_record(proxy: ProxyApi, topic_of: Topics) -> None:
    """And answers when it comes."""
    topic = topic_of()
    reading = asyncio.create_task(values(proxy, topic, "offset=0&timeout=600000"))
    await asyncio.sleep(0.2)
    await proxy.produce(topic, {"value": 7})
    async with asyncio.timeout(120):
        assert await reading == [7]


async def test_a_read_goes_on_where_retention_left_something(proxy: ProxyApi, topic_of: Topics) -> None:
    topic = topic_of()
    await proxy.produce(topic, *({"value": number} for number in range(4)))
    kept = TopicPartition(topic, 0, 2)
    proxy.admin.delete_records([kept])[kept].result()
    assert await values(proxy, topic, "offset=1&timeout=60000") == [2, 3]


@pytest.mark.parametrize(
    ("accept", "query", "key", "value"),
    [
        (media_type("avro"), "", {"floor": 3}, {"floor": 4}),
        (media_type("binary"), "&key_format=avro&value_format=Avro", {"floor": 3}, {"floor": 4}),
        (KAFKA_V2, "&key_format=Avro", {"floor": 3}, "AAAA"),
    ],
)
async def test_keys_and_values_may_be_in_formats_of_their_own(
    proxy: ProxyApi, topic_of: Topics, accept: str, query: str, key: Any, value: Any
) -> None:
    """The media type's, unless the query names others."""
    topic = topic_of()
    schemas = {"key_schema": AVRO, "value_schema": AVRO}
    await proxy.produce(topic, {"key": {"floor": 3}, "value": {"floor": 4}}, embedded="avro", **schemas)
    status, [record] = await proxy("GET", f"{path(topic)}?timeout=60000{query}", accept=accept)
    shown = record["value"][:4] if isinstance(value, str) else record["value"]  # the schema's id follows
    assert (status, record["key"], shown) == (200, key, value)


async def test_a_record_that_cannot_be_decoded_is_reported_alone(proxy: ProxyApi, topic_of: Topics) -> None:
    """After the records before it, and the next offset is free to read."""
    topic = topic_of()
    write(proxy, topic, (b"1", 1), (b"{", 2), (b"3", 3))
    assert await values(proxy, topic, "timeout=60000") == [1]
    status, answer = await proxy("GET", f"{path(topic)}?offset=1&timeout=60000", accept=media_type("json"))
    assert (status, answer["error_code"]) == (408, 40801)
    assert f"partition {topic}-0 at offset 1." in answer["message"]
    assert await values(proxy, topic, "offset=2&timeout=60000") == [3]


@pytest.mark.parametrize(
    ("partition", "query", "refusal"),
    [
        ("1", "", (404, 40402)),
        ("-1", "", (404, 40402)),
        ("x", "", (404, 404)),
        ("0", "offset=x", (404, 404)),
        ("0", "timestamp=x", (404, 404)),
        ("0", "count=x", (404, 404)),
        ("0", "offset=99999999999999999999", (404, 404)),
        ("0", "offset=-1", (422, 422)),
        ("0", "timestamp=-1", (422, 422)),
        ("0", "offset=1", (400, 40002)),
        ("0", "offset=0&timestamp=0", (400, 400)),
        ("0", "key_format=xml", (422, 422)),
        ("0", "value_format=", (422, 422)),
    ],
)
async def test_bad_reads_are_refused(
    proxy: ProxyApi, topic_of: Topics, partition: str, query: str, refusal: tuple[int, int]
) -> None:
    """In the format that was asked for."""
    address = f"/topics/{topic_of()}/partitions/{partition}/records?{query}"
    answer = await proxy.response("GET", address, accept=media_type("json"))
    found = await answer.json(content_type=None)
    assert (answer.status, found["error_code"], answer.content_type) == (*refusal, media_type("json"))


async def test_a_read_needs_a_topic(proxy: ProxyApi, topic: Callable[[], str]) -> None:
    """And makes none."""
    name = topic()
    assert (await proxy("GET", path(name)))[1]["error_code"] == 40403
    assert name not in (await proxy("GET", "/topics"))[1]


async def test_only_so_many_read_at_the_same_time(narrow: ProxyApi, topic_of: Topics) -> None:
    """Others wait as long as they would for records; one whose client has left makes room."""
    topic = topic_of()
    first = asyncio.create_task(values(narrow, topic, "timeout=60000"))
    async with asyncio.timeout(120):
        while (answer := await narrow.response("GET", f"{path(topic)}?timeout=300")).status == 200:
            pass
    assert (answer.status, (await answer.json(content_type=None))["error_code"]) == (429, 42901)
    assert answer.headers["Retry-After"] == "1"
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await narrow.produce(topic, {"value": 1})
    assert await values(narrow, topic, "timeout=60000") == [1]


async def test_a_record_above_the_service_s_limit_comes_alone(narrow: ProxyApi, topic: Callable[[], str]) -> None:
    name = topic()
    await narrow.produce(name, {"value": "x" * 200}, {"value": 1})
    assert await values(narrow, name, "timeout=60000") == ["x" * 200]
    assert await values(narrow, name, "offset=1&timeout=60000") == [1]
