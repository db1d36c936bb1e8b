"""`atomic=true`: the records of a request are written together, over many topics, or not at all."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Producer

from tests.web.proxy.committed import read_committed
from tests.web.proxy.conftest import ProxyApi, media_type

Topics = Callable[..., str]

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.kafka]


async def write(proxy: ProxyApi, path: str, *records: dict[str, Any], **query: str) -> tuple[int, Any]:
    options = "".join(f"&{name}={value}" for name, value in query.items())
    return await proxy("POST", f"{path}?atomic=true{options}", {"records": list(records)}, sent_as=media_type("json"))


def committed(proxy: ProxyApi, topic: str) -> list[bytes]:
    return read_committed(proxy.bootstrap_servers, topic)


async def test_records_of_many_topics_are_written_together(proxy: ProxyApi, topic_of: Topics) -> None:
    topics = [topic_of(), topic_of(), topic_of()]
    for offset in (0, 2):  # each transaction ends with a marker in every partition
        records = [{"topic": topic, "value": number} for number, topic in enumerate(topics)]
        status, report = await write(proxy, "/records", *records)
        assert status == 200, report
        assert [(sent["topic"], sent["offset"], sent["error"]) for sent in report["offsets"]] == [
            (topic, offset, None) for topic in topics
        ]
    assert [committed(proxy, topic) for topic in topics] == [[b"%d" % number] * 2 for number in range(3)]


async def test_one_record_that_is_refused_refuses_all(proxy: ProxyApi, topic_of: Topics) -> None:
    """Of those that were sent before, readers of committed records see none; the pool goes on."""
    topic, small = topic_of(), topic_of(max_message_bytes="1000")
    status, refusal = await write(
        proxy, "/records", {"topic": topic, "value": 1}, {"topic": small, "value": "x" * 5_000}
    )
    assert (status, refusal["error_code"]) == (500, 50002)
    assert refusal["message"].startswith("None of the records was written: ")
    assert committed(proxy, topic) == []
    status, report = await write(proxy, f"/topics/{small}", {"value": 1})
    assert (status, committed(proxy, small)) == (200, [b"1"]), report
    status, refusal = await write(proxy, f"/topics/{topic}", {"value": 1}, {"value": 2, "partition": 7})
    assert (status >= 400, refusal["message"].startswith("None of the records was written")) == (True, True)
    status, _ = await write(proxy, f"/topics/{topic}/partitions/0", {"value": 2}, {"value": 3})
    assert status == 200
    assert committed(proxy, topic) == [b"2", b"3"]


async def test_a_batch_of_v3_is_written_together(proxy: ProxyApi, topic_of: Topics) -> None:
    topic = topic_of()
    _, clusters = await proxy("GET", "/v3/clusters")
    path = f"/v3/clusters/{clusters['data'][0]['cluster_id']}/topics/{topic}/records:batch?atomic=true"
    entries: list[dict[str, Any]] = [
        {"id": str(number), "value": {"type": "JSON", "data": number}} for number in range(2)
    ]
    status, report = await proxy("POST", path, {"entries": entries}, sent_as="application/json")
    assert (status, [sent["offset"] for sent in report["successes"]], report["failures"]) == (207, [0, 1], [])
    unwritable = {"id": "odd", "value": {"type": "BINARY", "data": "not base64!"}}
    status, refusal = await proxy("POST", path, {"entries": [*entries, unwritable]}, sent_as="application/json")
    assert 400 <= status < 500
    assert refusal["message"].startswith("None of the records was written, because of entry odd: ")
    entries[1]["partition_id"] = 7
    status, refusal = await proxy("POST", path, {"entries": entries}, sent_as="application/json")
    assert (status, refusal["error_code"]) == (503, 50303)
    assert committed(proxy, topic) == [b"0", b"1"]


async def test_readers_see_uncommitted_records_where_they_ask_for_them(proxy: ProxyApi, topic_of: Topics) -> None:
    topic = topic_of()
    producer = Producer({"bootstrap.servers": proxy.bootstrap_servers, "transactional.id": topic})
    await asyncio.to_thread(producer.init_transactions, 30)
    producer.begin_transaction()
    producer.produce(topic, b"1", partition=0)
    await asyncio.to_thread(producer.flush, 30)
    _, clusters = await proxy("GET", "/v3/clusters")
    v3 = f"/v3/clusters/{clusters['data'][0]['cluster_id']}/topics/{topic}/records?offset=earliest&type=JSON"
    v2 = f"/topics/{topic}/partitions/0/records?format=json"
    try:
        for isolation, count in (("", 0), ("&isolation=read_committed", 0), ("&isolation=read_uncommitted", 1)):
            assert len((await proxy("GET", v2 + isolation))[1]) == count
            assert len((await proxy("GET", v3 + isolation, accept="*/*"))[1]["data"]) == count
        instance = await proxy.consumer(topic, **{"isolation.level": "read_uncommitted"})
        await proxy("POST", f"{instance}/assignments", {"partitions": [{"topic": topic, "partition": 0}]})
        assert [record["value"] for record in await proxy.poll(instance)] == [1]
        await proxy("DELETE", instance)
    finally:
        await asyncio.to_thread(producer.abort_transaction, 30)
    for path in (v2, v3, f"/topics/{topic}/records?from=earliest"):
        status, refusal = await proxy("GET", f"{path}&isolation=snapshot")
        assert (status, refusal["error_code"]) == (422, 422)
    odd = {"isolation.level": "snapshot"}
    assert (await proxy("POST", f"/consumers/{topic}", odd))[0] == 422


async def test_many_requests_at_once(proxy: ProxyApi, topic_of: Topics) -> None:
    topic = topic_of()
    answers = await asyncio.gather(
        *(write(proxy, f"/topics/{topic}", {"value": number}, {"value": number}) for number in range(20))
    )
    assert {status for status, _ in answers} == {200}
    assert sorted(committed(proxy, topic)) == sorted(b"%d" % number for number in range(20) for _ in range(2))


async def test_settings_of_the_producer_are_excluded(proxy: ProxyApi, topic_of: Topics) -> None:
    status, refusal = await write(proxy, f"/topics/{topic_of()}", {"value": 1}, acks="1")
    assert (status, refusal["error_code"]) == (422, 422)
    assert "atomic" in refusal["message"]
