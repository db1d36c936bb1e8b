"""Records that cannot be decoded: refused where they are, or told of one by one for a reader who wants to read on."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Producer

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings, Undecodable
from tests.web.proxy.conftest import ProxyApi, media_type, running
from tests.web.proxy.instances import (
    AVRO,
    Topics,
    assigned,
    at,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


def write(proxy: ProxyApi, topic: str) -> None:
    other = Producer({"bootstrap.servers": proxy.bootstrap_servers})
    for key, value in ((b'"a"', b"{"), (b'"b"', b"2"), (b"{", b"3"), (b"4", b"4")):
        other.produce(topic, key=key, value=value)
    other.flush()


def told(topic: str, found: list[Any]) -> None:
    """All four records, in order, of which two are errors."""
    assert [(each["offset"], each["key"], each["value"], each.get("error_code")) for each in found] == [
        (0, "a", None, 40801),
        (1, "b", 2, None),
        (2, None, 3, 40801),
        (3, 4, 4, None),
    ]
    assert found[0]["message"].startswith(f"Error deserializing VALUE for partition {topic}-0 at offset 0.")
    assert found[2]["message"].startswith(f"Error deserializing KEY for partition {topic}-0 at offset 2.")
    assert all("message" not in found[each] for each in (1, 3))


async def all_polled(proxy: ProxyApi, topic: str, group: str, query: str = "", **options: str) -> list[Any]:
    instance = await proxy.consumer(group, **options)
    assignment = {"partitions": [{"topic": topic, "partition": 0}]}
    assert await proxy("POST", f"{instance}/assignments", assignment) == (204, None)
    found: list[Any] = []
    while len(found) < 4:
        status, records = await proxy("GET", f"{instance}/records?timeout=60000{query}", accept=media_type("json"))
        assert status == 200, records
        found += records
    assert await proxy("POST", f"{instance}/offsets") == (200, [])
    _, committed = await proxy("GET", f"{instance}/offsets", assignment)
    assert [each["offset"] for each in committed["offsets"]] == [4]
    return found


async def test_an_instance_reads_on_past_them(proxy: ProxyApi, topic_of: Callable[..., str]) -> None:
    topic = topic_of()
    write(proxy, topic)
    told(topic, await all_polled(proxy, topic, f"{topic}-a", undecodable="report"))
    told(topic, await all_polled(proxy, topic, f"{topic}-b", "&undecodable=report"))


async def test_a_read_without_an_instance_goes_past_them(proxy: ProxyApi, topic_of: Callable[..., str]) -> None:
    topic = topic_of()
    write(proxy, topic)
    path = f"/topics/{topic}/partitions/0/records"
    status, found = await proxy("GET", f"{path}?timeout=60000&undecodable=report", accept=media_type("json"))
    assert status == 200
    told(topic, found)


async def test_a_service_may_report_them_to_everybody(kafka: Cluster, topic: Callable[[], str]) -> None:
    """A request may still want to be refused."""
    async with running(kafka, ProxySettings(undecodable=Undecodable.REPORT)) as proxy:
        name = proxy.create_topic(topic())
        write(proxy, name)
        told(name, await all_polled(proxy, name, name))
        path = f"/topics/{name}/partitions/0/records"
        status, refusal = await proxy("GET", f"{path}?undecodable=refuse", accept=media_type("json"))
        assert (status, refusal["error_code"]) == (408, 40801)


async def test_another_word_is_refused(proxy: ProxyApi, topic_of: Callable[..., str]) -> None:
    topic = topic_of()
    message = "undecodable must be refuse or report (was skip)"
    refusal = (422, {"error_code": 422, "message": message})
    assert await proxy("POST", f"/consumers/{topic}", {"undecodable": "skip"}) == refusal
    assert await proxy("GET", f"/topics/{topic}/partitions/0/records?undecodable=skip") == refusal


async def test_a_record_that_cannot_be_decoded_is_refused_where_it_is(
    proxy: ProxyApi, topic_of: Topics, group: str
) -> None:
    """The records before it are answered; it stays until the instance seeks past it."""
    topic = topic_of()
    await proxy.produce(topic, {"value": {"floor": 1}}, embedded="avro", value_schema=AVRO)
    await proxy.produce(topic, {"key": "not avro"})
    await proxy.produce(topic, {"value": {"floor": 2}}, embedded="avro", value_schema=AVRO)
    instance = await assigned(proxy, group, topic, format="avro")
    assert [each["value"] for each in await proxy.poll(instance, "avro")] == [{"floor": 1}]
    for _ in range(2):
        answer = await proxy.response("GET", f"{instance}/records?timeout=60000", accept=media_type("avro"))
        assert (answer.status, answer.content_type) == (408, media_type("avro"))
        refusal = await answer.json(content_type=None)
        assert refusal["error_code"] == 40801
        assert refusal["message"].startswith(
            f"Error deserializing KEY for partition {topic}-0 at offset 1. "
            "If needed, please seek past the record to continue consumption."
        )
    assert await proxy("POST", f"{instance}/positions", {"offsets": [at(topic, offset=2)]}) == (204, None)
    assert [each["value"] for each in await proxy.poll(instance, "avro")] == [{"floor": 2}]


@pytest.mark.parametrize(
    ("value", "part"),
    [
        (b"", "VALUE"),
        (b"\0", "VALUE"),
        (b"\0\0\0\0\1", "VALUE"),
        (b"\0\x7f\xff\xff\xff\2", "VALUE"),
        (b"\1\0\0\0\1\2", "VALUE"),
    ],
)
async def test_bytes_that_name_no_schema_are_refused(
    proxy: ProxyApi, topic_of: Topics, group: str, value: bytes, part: str
) -> None:
    topic = topic_of()
    await proxy.produce(topic, {"value": {"floor": 1}}, embedded="avro", value_schema=AVRO)
    other = Producer({"bootstrap.servers": proxy.bootstrap_servers})
    other.produce(topic, value=value)
    other.flush()
    instance = await assigned(proxy, group, topic, format="avro")
    await proxy.poll(instance, "avro")
    status, answer = await proxy("GET", f"{instance}/records?timeout=60000", accept=media_type("avro"))
    assert (status, answer["error_code"]) == (408, 40801)
    assert answer["message"].startswith(f"Error deserializing {part} for partition {topic}-0 at offset 1.")
