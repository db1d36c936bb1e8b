"""Produce requests as a whole: many topics in one, strictness, and limits."""

from collections.abc import Callable
from typing import Any

import pytest

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from tests.web.proxy.conftest import ProxyApi, media_type, running

pytestmark = pytest.mark.asyncio(loop_scope="session")

Topics = Callable[..., str]

FLOOR = '{"type":"record","name":"Floor","fields":[{"name":"number","type":"int"}]}'


async def test_one_request_writes_to_many_topics(proxy: ProxyApi, topic_of: Topics) -> None:
    """Each record to its own topic and partition; results in the order of the request."""
    first, second = topic_of(), topic_of(2)
    records: list[dict[str, Any]] = [
        {"topic": first, "value": 1},
        {"topic": second, "value": 2, "partition": 1},
        {"topic": first, "key": "k", "value": 3, "headers": [{"key": "h", "value": "eA=="}]},
    ]
    status, report = await proxy("POST", "/records", {"records": records}, sent_as=media_type("json"))
    assert status == 200
    places = [(each["topic"], each["partition"], each["offset"], each["error_code"]) for each in report["offsets"]]
    assert places == [(first, 0, 0, None), (second, 1, 0, None), (first, 0, 1, None)]
    assert [each.value() for each in proxy.stored(first, 2)] == [b"1", b"3"]
    assert proxy.stored(second, 1, partition=1)[0].value() == b"2"


async def test_each_topic_of_a_request_has_its_subjects(proxy: ProxyApi, topic_of: Topics) -> None:
    """A schema is registered for every topic, and each record tells what it was written with."""
    topics = [topic_of(), topic_of()]
    body = {"records": [{"topic": each, "value": {"number": 1}} for each in topics], "value_schema": FLOOR}
    status, report = await proxy("POST", "/records", body, sent_as=media_type("avro"))
    assert status == 200
    assert [each["key_schema_id"] for each in report["offsets"]] == [None, None]
    for topic, each in zip(topics, report["offsets"], strict=True):
        latest = await proxy.produce(topic, {"value": {"number": 2}}, embedded="avro")
        assert latest["value_schema_id"] == each["value_schema_id"] > 0


@pytest.mark.parametrize(
    ("path", "record", "refusal"),
    [
        ("/records", {"value": 1}, "records[0].topic must not be null (was null)"),
        (
            "/records",
            {"topic": "t", "value": 1, "more": 1},
            "Unrecognized field: more; expected one of key, value, partition, headers or topic",
        ),
        (
            "/records",
            {"topic": "t", "partition": -1},
            "records[0].partition must be greater than or equal to 0 (was -1)",
        ),
        (
            "/topics/t",
            {"topic": "t", "value": 1},
            "Unrecognized field: topic; expected one of key, value, partition or headers",
        ),
    ],
)
async def test_only_a_request_to_many_topics_names_them(
    proxy: ProxyApi, path: str, record: dict[str, Any], refusal: str
) -> None:
    answer = await proxy("POST", path, {"records": [record]}, sent_as=media_type("json"))
    assert answer == (422, {"error_code": 422, "message": refusal})


async def test_scalars_are_converted_in_a_request_to_many_topics_too(proxy: ProxyApi, topic_of: Topics) -> None:
    topic = topic_of(2)
    body = {"records": [{"topic": topic, "partition": "1", "value": 1}]}
    status, report = await proxy("POST", "/records", body, sent_as=media_type("json"))
    assert (status, report["offsets"][0]["partition"]) == (200, 1)


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {}, 200),
        ("?strict=true", {}, 422),
        ("", {"X-Strict": "true"}, 422),
        ("?strict=false", {"X-Strict": "true"}, 200),
    ],
)
async def test_a_strict_request_fails_with_one_of_its_records(
    proxy: ProxyApi, topic_of: Topics, query: str, headers: dict[str, str], status: int
) -> None:
    """By its status alone: the other records are written, and the body is the same."""
    topic = topic_of()
    for path, place in ((f"/topics/{topic}", {}), ("/records", {"topic": topic})):
        body = {"records": [{"value": 1, **place}, {"value": 2, "partition": 9, **place}]}
        answer = await proxy.client.post(
            path + query, json=body, headers={"Content-Type": media_type("json"), **headers}
        )
        report = await answer.json(content_type=None)
        assert (answer.status, [each["error_code"] for each in report["offsets"]]) == (status, [None, 50003])


async def test_a_strict_request_without_a_failure_is_done(proxy: ProxyApi, topic_of: Topics) -> None:
    body = {"records": [{"value": 1}]}
    status, _ = await proxy("POST", f"/topics/{topic_of()}?strict=true", body, sent_as=media_type("json"))
    assert status == 200


async def test_a_request_has_a_limit_of_records(kafka: Cluster, topic: Callable[[], str]) -> None:
    """Above it nothing is written."""
    async with running(kafka, ProxySettings(max_records=2)) as proxy:
        name = proxy.create_topic(topic())
        for path, place in ((f"/topics/{name}", {}), ("/records", {"topic": name})):
            body = {"records": [{"value": 1, **place}] * 3}
            answer = await proxy("POST", path, body, sent_as=media_type("json"))
            refusal = {
                "error_code": 413,
                "message": "The request has 3 records; at most 2 are accepted. Send them in several requests.",
            }
            assert answer == (413, refusal)
        report = await proxy.produce(name, {"value": 1}, {"value": 2})
        assert [each["offset"] for each in report["offsets"]] == [0, 1]


async def test_an_operator_allows_what_a_request_may_say_of_its_producer(
    kafka: Cluster, topic: Callable[[], str]
) -> None:
    """More kinds of wishes than there are producers come one after the other."""
    allowed = frozenset({"acks", "compression", "partitioner", "delivery_timeout_ms"})
    async with running(kafka, ProxySettings(overrides_allowed=allowed)) as proxy:
        name = proxy.create_topic(topic(), 3)
        wishes = [f"acks=1&delivery_timeout_ms={each}" for each in range(9000, 9010)]
        for at, wish in enumerate([*wishes, "compression=gzip&acks=all"]):
            body: dict[str, Any] = {"records": [{"value": at, "partition": 0}]}
            status, report = await proxy("POST", f"/topics/{name}?{wish}", body, sent_as=media_type("json"))
            assert (status, report["offsets"][0]["offset"]) == (200, at)
        partitions = set()
        for partitioner in ("murmur2_random", "fnv1a", "consistent"):
            body = {"records": [{"key": "north", "value": 1}]}
            path = f"/topics/{name}?partitioner={partitioner}"
            status, report = await proxy("POST", path, body, sent_as=media_type("json"))
            assert status == 200
            partitions.add(report["offsets"][0]["partition"])
        assert len(partitions) > 1


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("acks=1", "acks cannot be set by a request: producer_overrides_allowed does not list it."),
        ("compression=zip", "compression must match none|gzip|snappy|lz4|zstd (was zip)"),
        ("delivery_timeout_ms=0", "delivery_timeout_ms must match [1-9][0-9]{0,5} (was 0)"),
    ],
)
async def test_other_wishes_are_refused(proxy: ProxyApi, topic_of: Topics, query: str, message: str) -> None:
    body = {"records": [{"value": 1}]}
    answer = await proxy("POST", f"/topics/{topic_of()}?{query}", body, sent_as=media_type("json"))
    assert answer == (422, {"error_code": 422, "message": message})


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
async def test_a_request_is_read_in_every_encoding_of_json(proxy: ProxyApi, topic_of: Topics, encoding: str) -> None:
    name = topic_of()
    body = '{"records": [{"value": {"floor": "ü"}}]}'.encode(encoding)
    status, report = await proxy("POST", f"/topics/{name}", body, sent_as=media_type("json"))
    assert (status, report["offsets"][0]["offset"]) == (200, 0)
    assert proxy.stored(name, 1)[0].value() == '{"floor":"ü"}'.encode()
