"""Consumer instances over HTTP: their life, and what they read."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Producer

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from tests.waiting import until
from tests.web.proxy.conftest import KAFKA_V2, ProxyApi, media_type, running
from tests.web.proxy.instances import (
    AVRO,
    EXCLUSIVE,
    JSON_SCHEMA,
    NOT_FOUND,
    PROTOBUF,
    Topics,
    assigned,
    at,
    expect,
    subscribed,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def partitions_of(proxy: ProxyApi, instance: str) -> list[int]:
    """That it reads, of its only topic."""
    return sorted(each["partition"] for each in (await proxy("GET", f"{instance}/assignments"))[1]["partitions"])


async def reads(proxy: ProxyApi, instance: str, *partitions: int) -> bool:
    """Whether the group has given it these by now."""
    await proxy.poll(instance, count=0)
    return await partitions_of(proxy, instance) == list(partitions)


async def test_an_instance_lives_until_it_is_deleted(proxy: ProxyApi, group: str) -> None:
    """Its name is its own within its group, and free again afterwards."""
    made = await proxy("POST", f"/consumers/{group}", {"name": "c 1/2", "format": "json"})
    address = f"/consumers/{group}/instances/c%201%2F2"
    assert made == (200, {"instance_id": "c 1/2", "base_uri": str(proxy.client.make_url("/")) + address[1:]})
    await expect(
        proxy,
        (409, 40902, "Consumer with specified consumer ID already exists in the specified consumer group."),
        "POST",
        f"/consumers/{group}",
        {"name": "c 1/2"},
    )
    assert (await proxy("POST", f"/consumers/{group}-other", {"name": "c 1/2"}))[0] == 200
    assert await proxy("DELETE", address) == (204, None)
    await expect(proxy, NOT_FOUND, "DELETE", address)
    assert (await proxy("POST", f"/consumers/{group}", {"name": "c 1/2"}))[0] == 200


async def test_an_instance_without_a_name_gets_one(proxy: ProxyApi, group: str) -> None:
    """Also if the request has no body at all."""
    bodies: tuple[object, ...] = (None, {})
    for body in bodies:
        status, made = await proxy("POST", f"/consumers/{group}", body)
        assert (status, made["instance_id"][:14]) == (200, "rest-consumer-")
        assert made["base_uri"].endswith(f"/consumers/{group}/instances/{made['instance_id']}")
    _, made = await proxy("POST", f"/consumers/{group}", {"id": "the-id", "name": "the-name"})
    assert made["instance_id"] == "the-id"


@pytest.mark.parametrize(
    ("embedded", "schema", "key", "value"),
    [
        ("binary", None, "aw==", "dg=="),
        ("json", None, {"a": [1, None]}, "text"),
        ("avro", AVRO, {"floor": 1}, {"floor": -1}),
        ("jsonschema", JSON_SCHEMA, {"floor": 1}, {"floor": 2, "more": "x"}),
        ("protobuf", PROTOBUF, {"floor": 1}, {"floor": 7}),
    ],
)
async def test_every_format_comes_back_as_it_was_sent(
    proxy: ProxyApi, topic_of: Topics, group: str, embedded: str, schema: str | None, key: Any, value: Any
) -> None:
    """In the order of the partition, nulls as null, headers where there are some."""
    topic = topic_of()
    schemas = {} if schema is None else {"key_schema": schema, "value_schema": schema}
    headers = [{"key": "h", "value": "eA=="}, {"key": "n", "value": None}]
    await proxy.produce(
        topic,
        {"key": key, "value": value, "headers": headers},
        {"value": value},
        {"key": key},
        embedded=embedded,
        **schemas,
    )
    instance = await subscribed(proxy, group, topic, format=embedded)
    assert await proxy.poll(instance, embedded, count=3) == [
        {"topic": topic, "key": key, "value": value, "partition": 0, "offset": 0, "headers": headers},
        {"topic": topic, "key": None, "value": value, "partition": 0, "offset": 1},
        {"topic": topic, "key": key, "value": None, "partition": 0, "offset": 2},
    ]
    answer = await proxy.response("GET", f"{instance}/records?timeout=1", accept=media_type(embedded))
    assert (answer.content_type, await answer.read()) == (media_type(embedded), b"[]")


async def test_keys_and_values_may_be_in_formats_of_their_own(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """Polls ask for the media type of `format`, or else of the value's."""
    topic = topic_of()
    await proxy.produce(topic, {"value": {"floor": 1}}, embedded="avro", value_schema=AVRO)
    other = Producer({"bootstrap.servers": proxy.bootstrap_servers})
    other.produce(topic, key=b'"k"', value=None)
    other.flush()
    for formats, asked, keys in (
        ({"format": "avro", "key.format": "json"}, "avro", [None, "k"]),
        ({"format": "binary", "value.format": "Avro"}, "binary", [None, "Imsi"]),
        ({"format": None, "key.format": "JSON", "value.format": "avro"}, "avro", [None, "k"]),
    ):
        instance = await assigned(proxy, group, topic, **formats)
        records = await proxy.poll(instance, asked, count=2)
        assert [each["value"] for each in records] == [{"floor": 1}, None]
        assert [each["key"] for each in records] == keys


async def test_each_record_is_read_with_its_own_schema(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """Of one topic and of several, whatever came before it."""
    fields = '{"type":"record","name":"Lift","fields":[{"name":"%s","type":["null","int"],"default":null}]}'
    topics, sent = (topic_of(), topic_of()), {}
    for topic in topics:
        names = ("floor", "level", "floor", "floor", "level")
        for offset, name in enumerate(names):
            sent[topic, offset] = {name: {"int": offset}}
            await proxy.produce(topic, {"value": sent[topic, offset]}, embedded="avro", value_schema=fields % name)
    instance = await subscribed(proxy, group, *topics, format="avro")
    records = await proxy.poll(instance, "avro", count=len(sent))
    assert {(each["topic"], each["offset"]): each["value"] for each in records} == sent


async def test_numbers_of_any_size_come_back(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    topic = topic_of()
    body = b'{"records": [{"value": [123456789012345678901234567890, 0.10000000000000000000001, 1.0]}]}'
    assert (await proxy("POST", f"/topics/{topic}", body, sent_as=media_type("json")))[0] == 200
    instance = await assigned(proxy, group, topic)
    answer = await proxy.response("GET", f"{instance}/records?timeout=60000", accept=media_type("json"))
    assert b"[123456789012345678901234567890,0.10000000000000000000001,1.0]" in await answer.read()


async def test_empty_json_of_karapace_is_null(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """That is how it wrote null, and every other empty value."""
    topic = topic_of()
    other = Producer({"bootstrap.servers": proxy.bootstrap_servers})
    other.produce(topic, key=b"", value=b"")
    other.flush()
    instance = await assigned(proxy, group, topic)
    [record] = await proxy.poll(instance)
    assert (record["key"], record["value"]) == (None, None)


async def test_a_poll_answers_when_records_come(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """Not at once, and not only at its timeout."""
    topic = topic_of()
    instance = await subscribed(proxy, group, topic)
    await proxy.poll(instance, count=0)
    polling = asyncio.create_task(proxy("GET", f"{instance}/records?timeout=600000", accept=media_type("json")))
    await asyncio.sleep(0.2)
    await proxy.produce(topic, {"value": 1})
    async with asyncio.timeout(120):
        status, records = await polling
    assert (status, [each["value"] for each in records]) == (200, [1])


async def test_a_client_that_leaves_takes_no_records(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """Its poll ends with it, and the next one need not wait for that."""
    topic = topic_of()
    instance = await subscribed(proxy, group, topic)
    await proxy.poll(instance, count=0)
    left = asyncio.create_task(proxy("GET", f"{instance}/records?timeout=60000", accept=media_type("json")))
    await asyncio.sleep(0.2)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    await proxy.produce(topic, {"value": 1})
    assert [each["value"] for each in await proxy.poll(instance)] == [1]


async def test_a_poll_without_records_answers_at_its_timeout(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """The instance's own, where the request has none."""
    instance = await assigned(proxy, group, topic_of(), **{"consumer.request.timeout.ms": 300})
    for query in ("", "?timeout=300", "?timeout=0", "?max_bytes=-1"):
        began = time.monotonic()
        assert await proxy("GET", f"{instance}/records{query}", accept=media_type("json")) == (200, [])
        assert time.monotonic() - began >= 0.3


async def test_an_instance_waits_for_as_many_bytes_as_it_wants(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """`fetch.min.bytes`; at the timeout there may be fewer."""
    topic = topic_of()
    await proxy.produce(topic, {"value": 1})
    instance = await assigned(proxy, group, topic, **{"fetch.min.bytes": 3})

    async def poll() -> Any:
        began = time.monotonic()
        _, polled = await proxy("GET", f"{instance}/records?timeout=1000", accept=media_type("json"))
        assert time.monotonic() - began >= 1
        return polled

    records = await until(poll)  # the first may come later than the timeout
    assert [each["value"] for each in records] == [1]


async def test_records_beyond_the_limit_stay_for_the_next_poll(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """None is lost, and only what was answered is committed."""
    topic = topic_of()
    await proxy.produce(topic, *({"value": number} for number in range(6)))
    instance = await subscribed(proxy, group, topic, **{"auto.commit.enable": "false"})
    assert [each["value"] for each in await proxy.poll(instance, max_bytes=3)] == [0, 1]
    assert await proxy("POST", f"{instance}/offsets") == (200, [])
    committed = await proxy("GET", f"{instance}/offsets", {"partitions": [at(topic)]})
    assert committed == (200, {"offsets": [at(topic, offset=2, metadata="")]})
    assert [each["value"] for each in await proxy.poll(instance, count=4)] == [2, 3, 4, 5]


async def test_seeking_goes_anywhere_in_an_assigned_partition(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """Right after the assignment, too; an offset beyond the end begins anew, as the instance's reset says."""
    topic = topic_of(2)
    await proxy.produce(topic, *({"value": number, "partition": 0} for number in range(5)))
    instance = await assigned(proxy, group, topic)
    positions = f"{instance}/positions"
    for body, path, values in (
        ({"offsets": [at(topic, offset=3)]}, positions, [3, 4]),
        ({"partitions": [at(topic)]}, f"{positions}/beginning", [0, 1, 2, 3, 4]),
        ({"partitions": [at(topic)]}, f"{positions}/end", []),
        ({"offsets": [{"topic": topic}]}, positions, [0, 1, 2, 3, 4]),
        ({"timestamps": [at(topic, timestamp="2100-01-01T00:00:00Z")]}, positions, []),
        ({"timestamps": [at(topic, timestamp="2001-01-01T00:00:00Z")]}, positions, [0, 1, 2, 3, 4]),
        ({"timestamps": [at(topic, timestamp=978307200000)]}, positions, [0, 1, 2, 3, 4]),
        ({"offsets": [at(topic, offset=1000)]}, positions, [0, 1, 2, 3, 4]),
        ({}, positions, []),
    ):
        assert await proxy("POST", path, body) == (204, None)
        assert [each["value"] for each in await proxy.poll(instance, count=len(values))] == values


async def test_seeking_needs_an_assignment(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    topic = topic_of(2)
    instance = await assigned(proxy, group, topic, 0)
    refusal = (409, 40903, f"Illegal state: No current assignment for partition {topic}-1")
    for path, body in (
        ("positions", {"offsets": [at(topic, 1, offset=0)]}),
        ("positions", {"timestamps": [at(topic, 1, timestamp="2001-01-01T00:00:00Z")]}),
        ("positions/beginning", {"partitions": [at(topic, 1)]}),
        ("positions/end", {"partitions": [at(topic, 1)]}),
    ):
        await expect(proxy, refusal, "POST", f"{instance}/{path}", body)


async def test_a_group_goes_on_where_it_committed(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """A commit names the last record that was worked on."""
    topic = topic_of()
    await proxy.produce(topic, *({"value": number} for number in range(5)))
    instance = await subscribed(proxy, group, topic, name="c", **{"auto.commit.enable": "false"})
    assert len(await proxy.poll(instance, count=5)) == 5
    body = {"offsets": [at(topic, offset=1, metadata="note")]}
    assert await proxy("POST", f"{instance}/offsets", body) == (200, [])
    committed = await proxy("GET", f"{instance}/offsets", {"partitions": [at(topic)]})
    assert committed == (200, {"offsets": [at(topic, offset=2, metadata="note")]})
    assert await proxy("DELETE", instance) == (204, None)
    instance = await subscribed(proxy, group, topic, name="c")
    assert [each["value"] for each in await proxy.poll(instance, count=3)] == [2, 3, 4]


async def test_what_was_answered_is_committed_by_itself(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """At the latest when the instance is deleted; records that stayed back are not."""
    topic = topic_of()
    await proxy.produce(topic, *({"value": number} for number in range(5)))
    instance = await subscribed(proxy, group, topic)
    assert len(await proxy.poll(instance, max_bytes=4)) == 3
    await proxy("DELETE", instance)
    instance = await subscribed(proxy, group, topic)
    assert [each["value"] for each in await proxy.poll(instance, count=2)] == [3, 4]


async def test_subscription_and_assignment_can_be_asked_for_and_ended(
    proxy: ProxyApi, topic_of: Topics, group: str
) -> None:
    topic = topic_of(2)
    instance = await subscribed(proxy, group, topic)
    assert await proxy("GET", f"{instance}/subscription") == (200, {"topics": [topic]})
    await until(lambda: reads(proxy, instance, 0, 1))
    assert await proxy("DELETE", f"{instance}/subscription") == (204, None)
    assert await proxy("GET", f"{instance}/subscription") == (200, {"topics": []})
    assert await proxy("GET", f"{instance}/assignments") == (200, {"partitions": []})
    assert await proxy("POST", f"{instance}/assignments", {"partitions": [at(topic, 1)]}) == (204, None)
    assert await proxy("GET", f"{instance}/assignments") == (200, {"partitions": [at(topic, 1)]})


async def test_a_pattern_subscribes_to_whole_names(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    topic = topic_of()
    await proxy.produce(topic, {"value": 1})
    instance = await proxy.consumer(group)
    assert await proxy("POST", f"{instance}/subscription", {"topic_pattern": f"{topic[:-2]}.*"}) == (204, None)
    assert [each["topic"] for each in await proxy.poll(instance)] == [topic]
    assert await proxy("GET", f"{instance}/subscription") == (200, {"topics": [topic]})
    other = await proxy.consumer(f"{group}-other")
    assert await proxy("POST", f"{other}/subscription", {"topic_pattern": topic[1:]}) == (204, None)
    assert await proxy.poll(other, count=0) == []
    await expect(proxy, (422, 422, None), "POST", f"{other}/subscription", {"topic_pattern": "((("})
    for costly in ("((a{1,100}){1,100}){1,60}", "a" * 1_001, "(?=a)"):
        refusal = (422, 422, "Invalid topic pattern: ")
        await expect(proxy, refusal, "POST", f"{other}/subscription", {"topic_pattern": costly})


async def test_a_pattern_is_joined_by_topics_that_are_created_later(
    kafka: Cluster, topic: Callable[[], str], group: str
) -> None:
    """Also while a poll waits, and where no topic matched before."""
    async with running(kafka, ProxySettings(topics_max_age=0.1)) as api:
        name = topic()
        instance = await api.consumer(group)
        assert await api("POST", f"{instance}/subscription", {"topic_pattern": f"{name}.*"}) == (204, None)
        assert await api("GET", f"{instance}/subscription") == (200, {"topics": []})
        polling = asyncio.create_task(api.poll(instance, timeout=100_000))
        created = [api.create_topic(f"{name}-{number}") for number in range(2)]
        await api.produce(created[0], {"value": 0})
        assert [each["value"] for each in await polling] == [0]
        await api.produce(created[1], {"value": 1})
        assert [each["value"] for each in await api.poll(instance)] == [1]
        assert await api("GET", f"{instance}/subscription") == (200, {"topics": created})
        assert await api("DELETE", f"{instance}/subscription") == (204, None)
        assert await api("POST", f"{instance}/assignments", {"partitions": [at(created[0])]}) == (204, None)


async def test_topics_pattern_and_partitions_exclude_each_other(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """Until the subscription is ended; nothing happens to the process or the instance."""
    topic = topic_of()
    await proxy.produce(topic, {"value": 1})
    instance = await subscribed(proxy, group, topic)
    await expect(proxy, EXCLUSIVE, "POST", f"{instance}/assignments", {"partitions": [at(topic)]})
    await expect(proxy, EXCLUSIVE, "POST", f"{instance}/subscription", {"topic_pattern": "a"})
    assert len(await proxy.poll(instance)) == 1
    assert await proxy("DELETE", f"{instance}/subscription") == (204, None)
    assert await proxy("POST", f"{instance}/assignments", {"partitions": [at(topic)]}) == (204, None)
    await expect(proxy, EXCLUSIVE, "POST", f"{instance}/subscription", {"topics": [topic]})
    assert await proxy("POST", f"{instance}/positions/beginning", {"partitions": [at(topic)]}) == (204, None)
    assert len(await proxy.poll(instance)) == 1
    assert await proxy("POST", f"{instance}/assignments", {"partitions": []}) == (204, None)
    assert await proxy("POST", f"{instance}/subscription", {"topics": [topic]}) == (204, None)
    await proxy.produce(topic, {"value": 2})
    assert [each["value"] for each in await proxy.poll(instance)] == [2]


async def test_members_share_partitions_also_if_one_is_not_polled(
    proxy: ProxyApi, topic_of: Topics, group: str
) -> None:
    """An instance that nobody uses takes part in the rebalance all the same."""
    topic = topic_of(2)
    await proxy.produce(topic, *({"value": each, "partition": each} for each in (0, 1)))
    idle = await subscribed(proxy, group, topic)
    assert len(await proxy.poll(idle, count=2)) == 2
    busy = await subscribed(proxy, group, topic)

    async def is_shared() -> bool:
        await proxy.poll(busy, count=0)
        return sorted([await partitions_of(proxy, each) for each in (idle, busy)]) == [[0], [1]]

    await until(is_shared)


@pytest.mark.long
async def test_the_group_of_a_queue_is_none_of_consumers(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """Kafka keeps both kinds of groups under one set of names."""
    topic = topic_of()
    await proxy.produce(topic, {"value": 1})
    queue = {"topics": [topic], "wait_ms": 0}
    assert (await proxy("POST", f"/queues/{group}/receive", queue, sent_as="application/json"))[0] == 200
    instance = await subscribed(proxy, group, topic)
    accept = "application/vnd.kafka.json.v2+json"
    for method, path, body in (
        ("POST", f"{instance}/offsets", {"offsets": [at(topic, offset=1)]}),
        ("GET", f"{instance}/records?timeout=30000", None),
    ):
        status, error = await proxy(method, path, body, sent_as=None if body is None else KAFKA_V2, accept=accept)
        assert (status, error["error_code"]) == (409, 40903), error
        assert "may belong to a group of another kind, such as a queue (a share group)" in error["message"]


async def test_a_missing_topic_is_waited_for_and_not_made(
    proxy: ProxyApi, topic: Callable[[], str], group: str
) -> None:
    name = topic()
    instance = await subscribed(proxy, group, name)
    assert await proxy.poll(instance, count=0) == []
    assert name not in (await proxy("GET", "/topics"))[1]


@pytest.mark.parametrize("name", ["i{1}", "{", "a}b"])
async def test_groups_and_instances_may_have_braces(proxy: ProxyApi, group: str, name: str) -> None:
    spelled = name.replace("{", "%7B").replace("}", "%7D")
    status, made = await proxy("POST", f"/consumers/{group}{spelled}", {"name": name, "format": "json"})
    assert (status, made["instance_id"]) == (200, name)
    assert made["base_uri"].endswith(f"/consumers/{group}{spelled}/instances/{spelled}")
    instance = f"/consumers/{group}{spelled}/instances/{spelled}"
    assert await proxy("GET", f"{instance}/subscription") == (200, {"topics": []})
    assert await proxy("DELETE", instance) == (204, None)
