"""Reading records over HTTP: pages, starts, types and the stream."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from tests.web.proxy.conftest import running
from tests.web.proxy_v3.conftest import V3Api, v3_api

pytestmark = pytest.mark.asyncio(loop_scope="session")

AVRO = '{"type":"record","name":"Seen","fields":[{"name":"floor","type":"int"}]}'


async def written(v3: V3Api, topic: str, count: int, **fields: Any) -> None:
    """Records whose values count up."""
    records = ({"value": {"type": "JSON", "data": each}, **fields} for each in range(count))
    assert {each["error_code"] for each in await v3.produce(topic, *records)} == {200}


async def values(v3: V3Api, path: str) -> list[Any]:
    status, page = await v3("GET", path)
    assert status == 200, page
    return [each["value"]["data"] for each in page["data"]]


async def test_a_record_is_shown_whole(v3: V3Api, topic_of: Callable[..., str]) -> None:
    name = topic_of()
    headers = [{"name": "h", "value": base64.b64encode(b"\xff").decode()}]
    sent = {"key": {"type": "STRING", "data": "k"}, "headers": headers, "timestamp": "2026-02-03T04:05:06.789Z"}
    await written(v3, name, 1, **sent)
    status, page = await v3("GET", f"/topics/{name}/records?offset=earliest&key_type=STRING&value_type=JSON")
    assert status == 200
    url = f"{v3.url}/topics/{name}"
    assert page == {
        "kind": "KafkaRecordList",
        "metadata": {"self": f"{url}/records", "next": None},
        "data": [
            {
                "kind": "KafkaRecord",
                "metadata": {
                    "self": f"{url}/partitions/0/records?offset=0&limit=1",
                    "resource_name": f"crn:///kafka={v3.cluster}/topic={name}/partition=0/record=0",
                },
                "cluster_id": v3.cluster,
                "topic_name": name,
                "partition_id": 0,
                "offset": 0,
                "timestamp": "2026-02-03T04:05:06.789Z",
                "headers": headers,
                "key": {"type": "STRING", "size": 1, "data": "k"},
                "value": {"type": "JSON", "size": 1, "data": 0},
            }
        ],
    }


async def test_pages_follow_each_other_without_gap_or_repetition(v3: V3Api, topic_of: Callable[..., str]) -> None:
    name = topic_of(3)
    for partition in range(3):
        await written(v3, name, 7, partition_id=partition)
    seen, following = [], f"{v3.url}/topics/{name}/records?offset=earliest&limit=4&type=JSON"
    while following:
        status, page = await v3("GET", following.removeprefix(v3.url))
        assert status == 200, page
        assert len(page["data"]) <= 4
        seen += [(each["partition_id"], each["value"]["data"]) for each in page["data"]]
        following = page["metadata"]["next"]
    assert sorted(seen) == [(partition, value) for partition in range(3) for value in range(7)]


async def test_reading_begins_where_it_is_told(v3: V3Api, topic_of: Callable[..., str]) -> None:
    name = topic_of()
    for second in range(5):
        await written(v3, name, 1, timestamp=1_700_000_000_000 + second * 1000)
    path = f"/topics/{name}/partitions/0/records?type=JSON"
    for start, count in {
        "offset=0": 5,
        "offset=3": 2,
        "offset=99": 0,
        "offset=latest": 0,
        "timestamp=1700000002000": 3,
        "timestamp=1700000002001": 2,
        "timestamp=1800000000000": 0,
        "offset=1&limit=2": 2,
    }.items():
        assert len(await values(v3, f"{path}&{start}")) == count, start


async def test_a_poll_at_the_end_waits_as_long_as_it_is_told(v3: V3Api, topic_of: Callable[..., str]) -> None:
    name = topic_of()
    polling = asyncio.create_task(values(v3, f"/topics/{name}/records?offset=latest&timeout=20000&type=JSON"))
    while not polling.done():  # where the end is, is asked some time after the call
        await written(v3, name, 1)
        await asyncio.wait({polling}, timeout=1)
    assert len(await polling) > 0


async def test_what_cannot_be_decoded_is_said_of_that_part_alone(v3: V3Api, topic_of: Callable[..., str]) -> None:
    name = topic_of()
    good = {"value": {"type": "AVRO", "schema": AVRO, "data": {"floor": 3}}}
    await v3.produce(
        name, good, {"value": {"type": "STRING", "data": "text"}}, {"key": {"type": "STRING", "data": "k"}}
    )
    _, page = await v3("GET", f"/topics/{name}/records?offset=0&key_type=STRING&value_type=AVRO")
    first, second, third = page["data"]
    assert first["value"] == {"type": "AVRO", "size": 6, "data": {"floor": 3}}
    assert (second["value"]["error_code"], "data" in second["value"]) == (40801, False)
    assert (third["key"]["data"], third["value"]) == ("k", None)


async def test_a_stream_shows_records_as_they_come(v3: V3Api, topic_of: Callable[..., str]) -> None:
    name = topic_of()
    await written(v3, name, 2)
    url = f"/v3/clusters/{v3.cluster}/topics/{name}/records?stream=true&type=JSON&limit=4"
    async with v3.client.get(url) as answer:
        lines = [msgspec.json.decode(await answer.content.readline()) for _ in range(2)]
        assert [each["value"]["data"] for each in lines] == [0, 1]
        await written(v3, name, 5)
        rest = [msgspec.json.decode(each) for each in (await answer.content.read()).splitlines()]
        assert [each["offset"] for each in rest] == [2, 3]


async def test_who_has_the_end_of_a_stream_finds_its_place_free(kafka: Cluster, topic_of: Callable[..., str]) -> None:
    """Also of one that has no body."""
    async with running(kafka, ProxySettings(max_streams=1)) as api:
        v3, name = await v3_api(api), topic_of()
        await written(v3, name, 1)
        url = f"/v3/clusters/{v3.cluster}/topics/{name}/records?stream=true&type=JSON&limit=1"
        for method, lines in (("GET", 1), ("HEAD", 0)) * 5:
            async with v3.client.request(method, url) as answer:
                assert answer.status == 200, await answer.text()
                assert len((await answer.read()).splitlines()) == lines


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/topics/{topic}/records", (405, 405)),
        ("/topics/{topic}/partitions/0/records", (405, 405)),
        ("/topics/{topic}/records?offset=first", (400, 400)),
        ("/topics/{topic}/records?offset=-1", (400, 400)),
        ("/topics/{topic}/records?offset=0&limit=x", (400, 400)),
        ("/topics/{topic}/records?offset=0&type=XML", (400, 400)),
        ("/topics/{topic}/records?page_token=x", (400, 400)),
        ("/topics/{topic}/partitions/9/records?offset=0", (404, 404)),
        ("/topics/{topic}-missing/records?offset=0", (404, 40403)),
        ("/topics/{topic}-missing/records?stream=true", (404, 40403)),
    ],
)
async def test_what_cannot_be_read_is_refused(
    v3: V3Api, topic_of: Callable[..., str], path: str, expected: tuple[int, int]
) -> None:
    status, error = await v3("GET", path.format(topic=topic_of()))
    assert (status, error["error_code"]) == expected
