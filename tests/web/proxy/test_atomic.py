"""`atomic=true`: the records of a request are written together, over many topics, or not at all."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

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
