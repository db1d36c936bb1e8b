"""Consume, transform and produce over HTTP: records and the offsets of an instance are committed together."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.waiting import until
from tests.web.proxy.committed import read_committed
from tests.web.proxy.conftest import ProxyApi, media_type

Topics = Callable[..., str]

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.kafka]


async def write(proxy: ProxyApi, instance: str, *records: dict[str, Any]) -> tuple[int, Any]:
    return await proxy("POST", f"{instance}/records", {"records": list(records)}, sent_as=media_type("json"))


async def fetch_offset(proxy: ProxyApi, instance: str, topic: str, partition: int = 0) -> int | None:
    """The committed offset of the group; None if there is none."""
    listed = {"partitions": [{"topic": topic, "partition": partition}]}
    answer = await proxy.response("GET", f"{instance}/offsets", listed)
    offsets = (await answer.json(content_type=None))["offsets"]
    return offsets[0]["offset"] if offsets else None


async def make_instance(proxy: ProxyApi, group: str, topic: str) -> str:
    instance = await proxy.consumer(group, **{"auto.commit.enable": "false"})
    status, _ = await proxy("POST", f"{instance}/subscription", {"topics": [topic]})
    assert status == 204
    return instance


async def test_records_and_offsets_are_committed_together(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    source, target, small = topic_of(), topic_of(), topic_of(max_message_bytes="1000")
    await proxy.produce(source, {"value": 1}, {"value": 2})
    instance = await make_instance(proxy, group, source)
    polled = [record["value"] for record in await proxy.poll(instance, count=2)]
    doubled = [{"topic": target, "value": 2 * value} for value in polled]
    status, refusal = await write(proxy, instance, *doubled, {"topic": small, "value": "x" * 5_000})
    assert (status, refusal["error_code"]) == (500, 50002)
    assert (await fetch_offset(proxy, instance, source), read_committed(proxy.bootstrap_servers, target)) == (None, [])
    status, report = await write(proxy, instance, *doubled)
    assert status == 200, report
    assert await fetch_offset(proxy, instance, source) == 2
    assert read_committed(proxy.bootstrap_servers, target) == [b"2", b"4"]
    await proxy("DELETE", instance)
    await proxy.produce(source, {"value": 3})
    following = await make_instance(proxy, group, source)
    assert [record["value"] for record in await proxy.poll(following)] == [3]
    await proxy("DELETE", following)


async def test_a_member_that_lost_its_partitions_writes_nothing(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    source, target = topic_of(2), topic_of()
    await proxy.produce(source, *({"value": number, "partition": number % 2} for number in range(4)))
    first = await make_instance(proxy, group, source)
    await proxy.poll(first, count=4)
    second = await make_instance(proxy, group, source)

    async def has_polled() -> bool:
        """The group gives the second instance a partition once the first one has joined again."""
        return bool(await proxy.poll(second, count=0))

    await until(has_polled)
    status, refusal = await write(proxy, first, {"topic": target, "value": 1})
    assert (status, refusal["error_code"]) == (409, 40923), refusal
    assert refusal["message"].startswith("None of the records was written")
    assert read_committed(proxy.bootstrap_servers, target) == []
    for instance in (first, second):
        await proxy("DELETE", instance)


async def test_instances_and_requests_that_cannot_do_so(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    topic = topic_of()
    instance = await proxy.consumer(group, **{"auto.commit.enable": "true"})
    status, refusal = await write(proxy, instance, {"topic": topic, "value": 1})
    assert (status, refusal["error_code"]) == (409, 40903)
    assert "auto.commit.enable" in refusal["message"]
    assert (await write(proxy, f"{instance}-other", {"topic": topic, "value": 1}))[0] == 404
    assert (await write(proxy, instance))[0] == 422
    keyed = await proxy.client.post(
        f"{instance}/records",
        json={"records": [{"topic": topic, "value": 1}]},
        headers={"Content-Type": media_type("json"), "Idempotency-Key": "a"},
    )
    assert keyed.status == 422
    await proxy("DELETE", instance)
