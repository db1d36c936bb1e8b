"""Consumer instances over HTTP: their life, what they read, and what they refuse."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from confluent_kafka import Producer

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from tests.web.proxy.conftest import KAFKA_V2, ProxyApi, media_type, running

pytestmark = pytest.mark.asyncio(loop_scope="session")

Topics = Callable[..., str]
Refusal = tuple[int, int, str | None]

AVRO = '{"type":"record","name":"Lift","fields":[{"name":"floor","type":"int"}]}'
JSON_SCHEMA = '{"type":"object","properties":{"floor":{"type":"integer"}}}'
PROTOBUF = 'syntax = "proto3"; message Lift { int32 floor = 1; }'
NOT_FOUND = (404, 40403, "Consumer instance not found.")
EXCLUSIVE = (409, 40903, "Illegal state: Subscription to topics, partitions and pattern are mutually exclusive")


@pytest.fixture
def group() -> str:
    return f"group-{secrets.token_hex(6)}"


@pytest_asyncio.fixture(loop_scope="session")
async def impatient(kafka: Cluster) -> AsyncIterator[ProxyApi]:
    """A proxy whose instances rest at once and are closed soon, answer little at once, and show timestamps."""
    settings = ProxySettings(idle_timeout=1.5, request_max_bytes=100, record_timestamps=True)
    async with running(kafka, settings, rest_after=0) as api:
        yield api


@pytest_asyncio.fixture(loop_scope="session")
async def parking(kafka: Cluster) -> AsyncIterator[ProxyApi]:
    """A proxy whose instances are parked at the first opportunity."""
    async with running(kafka, ProxySettings(park_after=0.1)) as api:
        yield api


async def until_parked(proxy: ProxyApi, group: str) -> None:
    """Wait until nobody is in the group."""
    async with asyncio.timeout(120):
        while proxy.admin.describe_consumer_groups([group])[group].result().members:
            await asyncio.sleep(0.1)


def at(topic: str, partition: int = 0, **more: Any) -> dict[str, Any]:
    return {"topic": topic, "partition": partition, **more}


async def assigned(proxy: ProxyApi, group: str, topic: str, *partitions: int, **options: Any) -> str:
    instance = await proxy.consumer(group, **options)
    wanted = [at(topic, each) for each in partitions or (0,)]
    assert await proxy("POST", f"{instance}/assignments", {"partitions": wanted}) == (204, None)
    return instance


async def subscribed(proxy: ProxyApi, group: str, *topics: str, **options: Any) -> str:
    instance = await proxy.consumer(group, **options)
    assert await proxy("POST", f"{instance}/subscription", {"topics": topics}) == (204, None)
    return instance


async def expect(
    proxy: ProxyApi, refusal: Refusal, method: str, path: str, body: object = None, **options: Any
) -> None:
    status, answer = await proxy(method, path, body, **options)
    message = answer["message"] if refusal[2] is None else refusal[2]
    assert (status, answer) == (refusal[0], {"error_code": refusal[1], "message": message})


async def test_an_instance_lives_until_it_is_deleted(proxy: ProxyApi, group: str) -> None:
    """Its name is its own within its group, and free again afterwards."""
    made = await proxy("POST", f"/consumers/{group}", {"name": "c 1", "format": "json"})
    address = f"/consumers/{group}/instances/c%201"
    assert made == (200, {"instance_id": "c 1", "base_uri": str(proxy.client.make_url("/")) + address[1:]})
    await expect(
        proxy,
        (409, 40902, "Consumer with specified consumer ID already exists in the specified consumer group."),
        "POST",
        f"/consumers/{group}",
        {"name": "c 1"},
    )
    assert (await proxy("POST", f"/consumers/{group}-other", {"name": "c 1"}))[0] == 200
    assert await proxy("DELETE", address) == (204, None)
    await expect(proxy, NOT_FOUND, "DELETE", address)
    assert (await proxy("POST", f"/consumers/{group}", {"name": "c 1"}))[0] == 200


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


async def test_numbers_of_any_size_come_back(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    topic = topic_of()
    body = b'{"records": [{"value": [123456789012345678901234567890, 0.10000000000000000000001, 1.0]}]}'
    assert (await proxy("POST", f"/topics/{topic}", body, sent_as=media_type("json")))[0] == 200
    instance = await assigned(proxy, group, topic)
    answer = await proxy.response("GET", f"{instance}/records?timeout=5000", accept=media_type("json"))
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
    began = time.monotonic()
    polling = asyncio.create_task(proxy("GET", f"{instance}/records?timeout=30000", accept=media_type("json")))
    await asyncio.sleep(0.2)
    await proxy.produce(topic, {"value": 1})
    status, records = await polling
    assert (status, [each["value"] for each in records]) == (200, [1])
    assert time.monotonic() - began < 15


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
    began = time.monotonic()
    polled = await proxy("GET", f"{instance}/records?timeout=1000", accept=media_type("json"))
    assert [each["value"] for each in polled[1]] == [1]
    assert time.monotonic() - began >= 1


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


async def test_a_record_above_the_service_s_limit_comes_alone(
    impatient: ProxyApi, topic: Callable[[], str], group: str
) -> None:
    """Else it would block its partition for ever."""
    name = topic()
    await impatient.produce(name, {"value": 1}, {"value": "x" * 200}, {"value": 2})
    instance = await assigned(impatient, group, name)
    polls = [await impatient.poll(instance) for _ in range(3)]
    assert [[record["value"] for record in poll] for poll in polls] == [[1], ["x" * 200], [2]]
    assert abs(polls[0][0]["timestamp"] / 1000 - time.time()) < 60


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
    await proxy.poll(instance, count=0)
    _, assignment = await proxy("GET", f"{instance}/assignments")
    assert sorted(each["partition"] for each in assignment["partitions"]) == [0, 1]
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
    shared: list[list[int]] = []
    for _ in range(40):
        await proxy.poll(busy, count=0)
        assignments = [(await proxy("GET", f"{each}/assignments"))[1]["partitions"] for each in (idle, busy)]
        shared = sorted([each["partition"] for each in partitions] for partitions in assignments)
        if shared == [[0], [1]]:
            break
    assert shared == [[0], [1]]


async def test_an_instance_that_rested_reads_on(impatient: ProxyApi, topic: Callable[[], str], group: str) -> None:
    """Fetching stops after some time without a poll, and nothing is lost by that."""
    name = topic()
    await impatient.produce(name, {"value": 0})
    instance = await subscribed(impatient, group, name)
    for value in range(2):
        assert [each["value"] for each in await impatient.poll(instance)] == [value]
        await asyncio.sleep(1.2)
        await impatient.produce(name, {"value": value + 1})


@pytest.mark.parametrize("auto_commit", ["true", "false"])
async def test_a_parked_instance_goes_on_where_it_was(
    parking: ProxyApi, topic_of: Topics, group: str, auto_commit: str
) -> None:
    """Nothing is lost and nothing comes twice, also of a partition that was never read from; commits know the place."""
    topic = topic_of(2)
    await parking.produce(topic, {"value": "before", "partition": 0})
    options = {"auto.commit.enable": auto_commit, "auto.offset.reset": "latest"}
    instance = await subscribed(parking, group, topic, **options)
    async with asyncio.timeout(120):
        while len((await parking("GET", f"{instance}/assignments"))[1]["partitions"]) < 2:
            await parking.poll(instance, count=0)
    for round_ in range(3):
        await until_parked(parking, group)
        await parking.produce(topic, *({"value": [round_, each], "partition": round_ % 2} for each in range(2)))
        found = await parking.poll(instance, max_bytes=8)
        assert [each["value"] for each in found] == [[round_, 0]]
        await until_parked(parking, group)
        assert [each["value"] for each in await parking.poll(instance)] == [[round_, 1]]
    assert await parking("GET", f"{instance}/subscription") == (200, {"topics": [topic]})
    await until_parked(parking, group)
    assert await parking("POST", f"{instance}/offsets") == (200, [])
    partitions = {"partitions": [at(topic, 0), at(topic, 1)]}
    _, committed = await parking("GET", f"{instance}/offsets", partitions)
    assert [each["offset"] for each in committed["offsets"]] == [5, 2]


async def test_a_parked_instance_reads_nothing_that_others_committed(
    parking: ProxyApi, proxy: ProxyApi, topic_of: Topics, group: str
) -> None:
    topic = topic_of()
    await proxy.produce(topic, {"value": 0}, {"value": 1}, {"value": 2})
    parked = await subscribed(parking, group, topic)
    assert [each["value"] for each in await parking.poll(parked, max_bytes=2)] == [0]
    await until_parked(parking, group)
    other = await subscribed(proxy, group, topic)
    assert [each["value"] for each in await proxy.poll(other, max_bytes=2)] == [1]
    assert await proxy("DELETE", other) == (204, None)
    assert [each["value"] for each in await parking.poll(parked)] == [2]


async def test_a_parked_instance_keeps_its_assignment(parking: ProxyApi, topic_of: Topics, group: str) -> None:
    """Seeking goes on from there, and so does reading."""
    topic = topic_of()
    await parking.produce(topic, *({"value": number} for number in range(4)))
    instance = await assigned(parking, group, topic)
    assert [each["value"] for each in await parking.poll(instance, max_bytes=2)] == [0]
    await asyncio.sleep(2)
    assert await parking("GET", f"{instance}/assignments") == (200, {"partitions": [at(topic)]})
    assert [each["value"] for each in await parking.poll(instance, max_bytes=2)] == [1]
    await asyncio.sleep(2)
    assert await parking("POST", f"{instance}/positions", {"offsets": [at(topic, offset=3)]}) == (204, None)
    assert [each["value"] for each in await parking.poll(instance)] == [3]
    await asyncio.sleep(2)
    assert await parking("DELETE", f"{instance}/subscription") == (204, None)
    assert await parking("POST", f"{instance}/subscription", {"topics": [topic]}) == (204, None)
    assert await parking("DELETE", instance) == (204, None)


async def test_an_idle_instance_is_closed(impatient: ProxyApi, group: str) -> None:
    """Its use, whatever it is, keeps it."""
    kept, left = await impatient.consumer(group), await impatient.consumer(group)
    for _ in range(8):
        await asyncio.sleep(0.5)
        assert (await impatient("GET", f"{kept}/subscription"))[0] == 200
    expired = (404, 40403, "Consumer instance not found: it was closed after 1.5 seconds without a request.")
    await expect(impatient, expired, "GET", f"{left}/subscription")
    await expect(impatient, expired, "DELETE", left)
    name = left.rpartition("/")[2]
    assert (await impatient("POST", f"/consumers/{group}", {"name": name}))[0] == 200
    assert await impatient("DELETE", left) == (204, None)
    await expect(impatient, NOT_FOUND, "DELETE", left)


async def test_there_are_only_so_many_instances(kafka: Cluster, group: str) -> None:
    """A deleted one makes room."""
    async with running(kafka, ProxySettings(max_instances=2)) as api:
        first, _ = await api.consumer(group), await api.consumer(group)
        message = "Too many requests: there are too many consumer instances at the moment."
        await expect(api, (429, 42901, message), "POST", f"/consumers/{group}", {})
        assert await api("DELETE", first) == (204, None)
        assert (await api("POST", f"/consumers/{group}", {}))[0] == 200


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
        answer = await proxy.response("GET", f"{instance}/records?timeout=5000", accept=media_type("avro"))
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
    status, answer = await proxy("GET", f"{instance}/records?timeout=5000", accept=media_type("avro"))
    assert (status, answer["error_code"]) == (408, 40801)
    assert answer["message"].startswith(f"Error deserializing {part} for partition {topic}-0 at offset 1.")


async def test_a_poll_asks_for_the_instance_s_format(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """Without a wish, binary is meant; what is no embedded format is not acceptable at all."""
    instance = await assigned(proxy, group, topic_of())
    for accept in ("*/*", "", KAFKA_V2, *map(media_type, ("binary", "avro", "jsonschema", "protobuf"))):
        status, answer = await proxy("GET", f"{instance}/records?timeout=100", accept=accept)
        assert (status, answer["error_code"]) == (406, 40601)
    for accept in ("application/json", "text/html", media_type("nosuch")):
        status, answer = await proxy("GET", f"{instance}/records?timeout=100", accept=accept)
        assert (status, answer["error_code"]) == (406, 406)
    binary = await assigned(proxy, group, topic_of(), format="binary")
    answer = await proxy.response("GET", f"{binary}/records?timeout=100")
    assert (answer.status, answer.content_type) == (200, media_type("binary"))


async def test_a_poll_needs_something_to_read(proxy: ProxyApi, group: str) -> None:
    instance = await proxy.consumer(group)
    refusal = (409, 40903, "Illegal state: Consumer is not subscribed to any topics or assigned any partitions")
    await expect(proxy, refusal, "GET", f"{instance}/records", accept=media_type("json"))
    assert await proxy("POST", f"{instance}/offsets") == (200, [])
    assert await proxy("GET", f"{instance}/offsets", {"partitions": [at("any")]}) == (200, {"offsets": []})
    assert await proxy("DELETE", f"{instance}/subscription") == (204, None)


async def test_a_missing_topic_is_waited_for_and_not_made(
    proxy: ProxyApi, topic: Callable[[], str], group: str
) -> None:
    name = topic()
    instance = await subscribed(proxy, group, name)
    assert await proxy.poll(instance, count=0) == []
    assert name not in (await proxy("GET", "/topics"))[1]


async def test_without_a_reset_there_is_nothing_to_read_from(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """`auto.offset.reset: none` says so instead of guessing."""
    instance = await assigned(proxy, group, topic_of(), **{"auto.offset.reset": "none"})
    await expect(proxy, (500, 50002, None), "GET", f"{instance}/records?timeout=5000", accept=media_type("json"))


WRONG_INTEGER = 'Cannot deserialize value of type `Integer` from String "x": not a valid `java.lang.Integer` value'


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"format": "xml"}, (422, 422, "Invalid format type.")),
        ({"format": ""}, (422, 422, "Invalid format type.")),
        ({"format": 5}, (422, 422, "Invalid format type.")),
        ({"key.format": "xml"}, (422, 422, "Invalid format type.")),
        ({"value.format": ""}, (422, 422, "Invalid format type.")),
        ({"auto.offset.reset": "sometime"}, (422, 42204, None)),
        (
            {"auto.commit.enable": "maybe"},
            (
                422,
                42204,
                (
                    "Invalid consumer configuration: Invalid value maybe for configuration enable.auto.commit: "
                    "Expected value to be either true or false"
                ),
            ),
        ),
        ({"fetch.min.bytes": "x"}, (400, 400, WRONG_INTEGER)),
        ({"consumer.request.timeout.ms": "x"}, (400, 400, WRONG_INTEGER)),
        (
            {"fetch.min.bytes": -5},
            (
                422,
                40001,
                (
                    "Invalid consumer configuration. It does not abide by the constraints: "
                    "Invalid value -5 for configuration fetch.min.bytes: Value must be at least -1"
                ),
            ),
        ),
        ({"unknown.setting": 1}, (422, 422, "Unrecognized field: unknown.setting")),
        ([], (400, 400, None)),
        ("x", (400, 400, None)),
        (b"{", (400, 400, None)),
    ],
)
async def test_bad_instances_are_refused(proxy: ProxyApi, group: str, body: object, refusal: Refusal) -> None:
    await expect(proxy, refusal, "POST", f"/consumers/{group}", body)


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("subscription", None, (422, 422, "subscribe.subscription must not be null (was null)")),
        ("subscription", {"topic": "a"}, (422, 422, "Unrecognized field: topic")),
        ("subscription", {"topics": "a"}, (400, 400, None)),
        ("assignments", None, (422, 422, "assign.assignmentRequest must not be null (was null)")),
        ("assignments", {}, (422, 422, "assign.assignmentRequest.partitions must not be null (was null)")),
        ("assignments", {"partitions": [{"partition": 0}]}, (422, 422, None)),
        ("assignments", {"partitions": [{"topic": "", "partition": 0}]}, (422, 422, None)),
        ("assignments", {"partitions": [{"topic": "a", "partition": -1}]}, (422, 422, None)),
        ("assignments", {"partitions": [{"topic": "a", "partition": "x"}]}, (400, 400, WRONG_INTEGER)),
        ("assignments", {"partitions": [{"topic": "a", "more": 1}]}, (422, 422, "Unrecognized field: more")),
        ("assignments", {"partitions": "x"}, (400, 400, None)),
        ("positions", None, (422, 422, "seekToOffset.request must not be null (was null)")),
        ("positions", {"offsets": "x"}, (400, 400, None)),
        ("positions", {"offsets": [{"topic": "a", "offset": -3}]}, (422, 422, None)),
        ("positions", {"timestamps": [{"topic": "a", "timestamp": "yesterday"}]}, (400, 400, None)),
        ("positions", {"timestamps": [{"topic": "a"}]}, (422, 422, None)),
        ("positions/beginning", None, (422, 422, "seekToBeginning.seekToRequest must not be null (was null)")),
        ("positions/end", {}, (422, 422, "seekToEnd.seekToRequest.partitions must not be null (was null)")),
        ("offsets", {"offsets": [{"topic": "a", "partition": 0, "offset": "x"}]}, (400, 400, None)),
        ("offsets", {"offsets": [{"topic": "a", "partition": 0, "offset": -1}]}, (422, 422, None)),
        ("offsets", b"{", (400, 400, None)),
    ],
)
async def test_bad_requests_about_an_instance_are_refused(
    proxy: ProxyApi, group: str, path: str, body: object, refusal: Refusal
) -> None:
    instance = await proxy.consumer(group)
    await expect(proxy, refusal, "POST", f"{instance}/{path}", body)


async def test_committed_offsets_are_asked_for_by_partition(proxy: ProxyApi, group: str) -> None:
    instance = await proxy.consumer(group)
    await expect(proxy, (404, 40402, "Partition not found."), "GET", f"{instance}/offsets")


@pytest.mark.parametrize("query", ["timeout=x", "max_bytes=x", "timeout=99999999999999999999"])
async def test_bad_queries_are_refused(proxy: ProxyApi, group: str, query: str) -> None:
    instance = await proxy.consumer(group)
    await expect(proxy, (404, 404, None), "GET", f"{instance}/records?{query}", accept=media_type("json"))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "subscription", None),
        ("POST", "subscription", {"topics": ["a"]}),
        ("DELETE", "subscription", None),
        ("GET", "assignments", None),
        ("POST", "assignments", {"partitions": []}),
        ("POST", "offsets", {"offsets": []}),
        ("GET", "offsets", {"partitions": []}),
        ("POST", "positions", {"offsets": []}),
        ("POST", "positions/beginning", {"partitions": []}),
        ("POST", "positions/end", {"partitions": []}),
        ("GET", "records", None),
    ],
)
async def test_every_call_needs_an_instance(proxy: ProxyApi, group: str, method: str, path: str, body: object) -> None:
    await expect(proxy, NOT_FOUND, method, f"/consumers/{group}/instances/none/{path}", body)


@pytest.mark.parametrize("sent_as", ["application/json", "text/plain"])
async def test_other_media_types_are_refused(proxy: ProxyApi, group: str, sent_as: str) -> None:
    refusal = (415, 415, "HTTP 415 Unsupported Media Type")
    await expect(proxy, refusal, "POST", f"/consumers/{group}", {"name": "c"}, sent_as=sent_as)
    for accepted in (KAFKA_V2, media_type("json"), None):
        assert (await proxy("POST", f"/consumers/{group}", {}, sent_as=accepted))[0] == 200


async def test_stopping_leaves_the_groups(kafka: Cluster, proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """So that other members need not wait until the session ends."""
    topic = topic_of()
    async with running(kafka, ProxySettings()) as stopped:
        instance = await subscribed(stopped, group, topic)
        await stopped.poll(instance, count=0)
        assert len(proxy.admin.describe_consumer_groups([group])[group].result().members) == 1
    assert proxy.admin.describe_consumer_groups([group])[group].result().members == []
