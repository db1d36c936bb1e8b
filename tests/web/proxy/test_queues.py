"""Queues over HTTP: share groups of a real broker."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.web.proxy.conftest import ProxyApi

Topics = Callable[..., str]
JSON = "application/json"

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.kafka]


class Queue:
    """A share group and a topic, as a client of the API sees them."""

    def __init__(self, proxy: ProxyApi, group: str, topic: str) -> None:
        self.proxy = proxy
        self.group = group
        self.topic = topic

    async def post(self, call: str, body: object) -> tuple[int, Any]:
        return await self.proxy("POST", f"/queues/{self.group}/{call}", body, sent_as=JSON)

    async def receive(self, *, wait_ms: int = 60_000, **options: Any) -> list[dict[str, Any]]:
        status, answer = await self.post("receive", {"topics": [self.topic], "wait_ms": wait_ms, **options})
        assert status == 200, answer
        records: list[dict[str, Any]] = answer["records"]
        return records

    async def acknowledge(self, *receipts: str, outcome: str = "accept", **options: str) -> list[Any]:
        body = [{"receipt": receipt, "outcome": outcome, **options} for receipt in receipts]
        status, results = await self.post("acknowledge", body)
        assert status == 200, results
        return [result["error_code"] for result in results]

    async def produce(self, *values: Any) -> None:
        """Each record in a batch of its own: a member fetches whole batches."""
        for value in values:
            await self.proxy.produce(self.topic, {"key": None, "value": value})


@pytest_asyncio.fixture(loop_scope="session")
async def queue(proxy: ProxyApi, topic_of: Topics, group: str) -> Queue:
    """A share group that starts at the beginning of its topic, with locks of 15 s."""
    status, _ = await proxy(
        "PUT", f"/queues/{group}/config", {"start": "earliest", "lock_duration_ms": 15_000}, sent_as=JSON
    )
    assert status == 204
    return Queue(proxy, group, topic_of())


async def test_a_record_is_received_and_accepted_once(queue: Queue) -> None:
    await queue.produce({"floor": 3})
    (record,) = await queue.receive()
    assert (record["value"], record["key"], record["offset"], record["delivery_count"]) == ({"floor": 3}, None, 0, 1)
    assert 0 < record["locked_until"] - time.time() * 1000 <= 15_000
    assert await queue.acknowledge(record["receipt"]) == [None]
    assert await queue.receive(wait_ms=100) == []
    status, described = await queue.proxy("GET", f"/queues/{queue.group}")
    assert (status, described["group"], described["config"]["share.record.lock.duration.ms"]) == (
        200, queue.group, "15000",
    )  # fmt: skip
    assert described["members"] >= 1
    (partition,) = described["partitions"]
    assert (partition["topic"], partition["partition"], partition["end_offset"]) == (queue.topic, 0, 1)
    assert queue.group in (await queue.proxy("GET", "/queues"))[1]
    status, refusal = await queue.proxy("DELETE", f"/queues/{queue.group}")
    assert (status, refusal["error_code"]) == (409, 40913)


@pytest.mark.long
async def test_each_outcome_does_what_it_says(queue: Queue, topic_of: Topics) -> None:
    """Released: it comes again, counted. Rejected: it never comes again, and its dead letter was written before."""
    letters = topic_of()
    await queue.produce(1)
    (first,) = await queue.receive()
    assert await queue.acknowledge(first["receipt"], outcome="release") == [None]
    (again,) = await queue.receive()
    assert (again["value"], again["delivery_count"]) == (1, 2)
    assert await queue.acknowledge(again["receipt"], outcome="reject", dead_letter_topic=letters) == [None]
    (letter,) = queue.proxy.stored(letters, 1)
    headers = dict(letter.headers())
    assert (letter.value(), headers["dead_letter.topic"], headers["dead_letter.delivery_count"]) == (
        b"1", queue.topic.encode(), b"2",
    )  # fmt: skip
    await queue.produce(2)
    (next_one,) = await queue.receive()
    assert (next_one["value"], next_one["delivery_count"]) == (2, 1)
    assert await queue.acknowledge(next_one["receipt"]) == [None]


@pytest.mark.long
async def test_what_cannot_be_acknowledged_is_told_one_by_one(queue: Queue) -> None:
    """A lock that has run out, by the service's clock, is a 409, and the record comes again."""
    await queue.produce("a", "b")
    held = await queue.receive()
    while len(held) < 2:
        held += await queue.receive()
    first, second = (record["receipt"] for record in held)
    unknown = first.rpartition("-")[0] + "-77"
    gone = "0" * 8 + first[8:]
    assert await queue.acknowledge(first, unknown, gone) == [None, 40911, 40911]
    (refused,) = await queue.acknowledge(first, outcome="release")
    assert refused in {40911, 40912}
    (again,) = await queue.receive()
    assert (again["value"], again["delivery_count"]) == (held[1]["value"], 2)
    assert await queue.acknowledge(second) == [40911]
    assert await queue.acknowledge(again["receipt"]) == [None]


async def test_waiting_receivers_share_what_comes(queue: Queue) -> None:
    """Each record goes to one of them; more receivers than the bound get 429, and one without records gets none."""
    waiting = [asyncio.create_task(queue.receive(max_records=1)) for _ in range(6)]
    await queue.produce(*range(6))
    received = [record for records in await asyncio.gather(*waiting) for record in records]
    assert sorted(record["value"] for record in received) == [0, 1, 2, 3, 4, 5]
    assert await queue.acknowledge(*(record["receipt"] for record in received)) == [None] * 6
    body = {"topics": [queue.topic], "wait_ms": 2_000}
    answers = await asyncio.gather(*(queue.post("receive", body) for _ in range(70)))
    assert {status for status, _ in answers} == {200, 429}
    refusals = [answer for status, answer in answers if status == 429]
    assert [refusal["error_code"] for refusal in refusals] == [42901] * 20
    assert all("receivers of this caller" in refusal["message"] for refusal in refusals)


@pytest.mark.long
async def test_a_caller_holds_so_many_leases_only(queue: Queue) -> None:
    """What is acknowledged counts no more; a lease of which a caller has more than one record counts once."""
    long = {"lock_duration_ms": 60_000}
    assert (await queue.proxy("PUT", f"/queues/{queue.group}/config", long, sent_as=JSON))[0] == 204
    held: list[str] = []
    status = 200
    answer: Any = {}
    while status == 200:
        await queue.produce(len(held))
        status, answer = await queue.post("receive", {"topics": [queue.topic], "wait_ms": 60_000})
        held += [record["receipt"] for record in answer.get("records", ())]
    assert (status, answer["error_code"]) == (429, 42901)
    assert "open leases of this caller" in answer["message"]
    leases = {receipt.rpartition("-")[0] for receipt in held}
    assert 0 < len(leases) <= 5
    first = held[0].rpartition("-")[0]
    of_first = [receipt for receipt in held if receipt.startswith(first)]
    assert set(await queue.acknowledge(*of_first)) == {None}
    (last,) = await queue.receive()
    assert last["value"] == len(held)
    rest = [receipt for receipt in held if receipt not in of_first]
    assert set(await queue.acknowledge(*rest, last["receipt"])) == {None}


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (None, (422, 422)),
        ([], (400, 400)),
        ({}, (422, 422)),
        ({"topics": []}, (422, 422)),
        ({"topics": "t"}, (400, 400)),
        ({"topics": [f"t{number}" for number in range(101)]}, (422, 422)),
        ({"topics": ["t"], "more": 1}, (422, 422)),
        ({"topics": ["t"], "max_records": 0}, (422, 422)),
        ({"topics": ["t"], "max_records": "x"}, (400, 400)),
        ({"topics": ["t"], "wait_ms": -1}, (422, 422)),
        ({"topics": ["t"], "wait_ms": 300_001}, (422, 422)),
        ({"topics": ["t"], "format": "xml"}, (422, 422)),
        ({"topics": ["a/b"]}, (400, 40002)),
        ({"topics": ["no-such-topic"], "wait_ms": 0}, (404, 40403)),
    ],
)
async def test_bad_receives_are_refused(proxy: ProxyApi, group: str, body: object, refusal: tuple[int, int]) -> None:
    status, answer = await proxy("POST", f"/queues/{group}/receive", body, sent_as=JSON)
    assert (status, answer["error_code"]) == refusal, answer


RECEIPT = "0123abcd.0-" + "0" * 24 + "-0"


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (None, (422, 422)),
        ([], (422, 422)),
        ({"receipt": RECEIPT}, (422, 422)),
        ([1], (400, 400)),
        ([{"receipt": "x", "outcome": "accept"}], (422, 422)),
        ([{"receipt": RECEIPT * 10_000, "outcome": "accept"}], (422, 422)),
        ([{"receipt": RECEIPT}], (422, 422)),
        ([{"receipt": RECEIPT, "outcome": "renew"}], (422, 422)),
        ([{"receipt": RECEIPT, "outcome": "keep"}], (422, 422)),
        ([{"receipt": RECEIPT, "outcome": "accept", "dead_letter_topic": "t"}], (422, 422)),
        ([{"receipt": RECEIPT, "outcome": "accept", "more": 1}], (422, 422)),
        ([{"receipt": RECEIPT, "outcome": "accept"}] * 2, (422, 422)),
    ],
)
async def test_bad_acknowledgements_are_refused(
    proxy: ProxyApi, group: str, body: object, refusal: tuple[int, int]
) -> None:
    status, answer = await proxy("POST", f"/queues/{group}/acknowledge", body, sent_as=JSON)
    assert (status, answer["error_code"]) == refusal, answer


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({}, (422, 422)),
        ({"more": 1}, (422, 422)),
        ({"lock_duration_ms": 0}, (422, 422)),
        ({"lock_duration_ms": 1}, (400, 40002)),
        ({"start": "sometime"}, (422, 422)),
        ({"isolation": "dirty"}, (422, 422)),
    ],
)
async def test_bad_configs_are_refused(proxy: ProxyApi, group: str, body: object, refusal: tuple[int, int]) -> None:
    status, answer = await proxy("PUT", f"/queues/{group}/config", body, sent_as=JSON)
    assert (status, answer["error_code"]) == refusal, answer


async def test_a_queue_that_is_none(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """Neither a name that nobody uses, nor a consumer group is a share group; requests have to be JSON."""
    for method in ("GET", "DELETE"):
        status, answer = await proxy(method, f"/queues/{group}")
        assert (status, answer["error_code"]) == (404, 40403)
    topic = topic_of()
    instance = await proxy.consumer(group)
    assert (await proxy("POST", f"{instance}/subscription", {"topics": [topic]}))[0] == 204
    await proxy("GET", f"{instance}/records?timeout=6000", accept="application/vnd.kafka.json.v2+json")
    status, answer = await proxy(
        "POST", f"/queues/{group}/receive", {"topics": [topic], "wait_ms": 20_000}, sent_as=JSON
    )
    assert (status, answer["error_code"]) == (400, 40002)
    assert "not a share group" in answer["message"]
    answer = await proxy.response("POST", f"/queues/{group}/receive", {"topics": [topic]}, sent_as="text/plain")
    assert (answer.status, answer.headers["Accept-Post"].split(", ")[0]) == (415, JSON)
    assert (
        await proxy.response("POST", f"/queues/{group}/receive", {"topics": [topic]}, accept="text/csv")
    ).status == 406


@pytest.mark.long
async def test_every_partition_is_received_whichever_member_it_is_assigned_to(
    proxy: ProxyApi, topic_of: Topics, group: str
) -> None:
    """A group with as many members as partitions assigns each member other partitions, and one receiver gets all."""
    queue = Queue(proxy, group, topic_of(partitions=3))
    config = {"start": "earliest", "lock_duration_ms": 15_000}
    assert (await proxy("PUT", f"/queues/{group}/config", config, sent_as=JSON))[0] == 204
    await queue.produce("first")
    held = await queue.receive(max_records=1)

    async def has_members() -> bool:
        return bool((await proxy("GET", f"/queues/{group}"))[1]["members"] > 2)

    while not await has_members():
        body = {"records": [{"value": "more", "partition": number} for number in range(3)]}
        await proxy("POST", f"/topics/{queue.topic}", body, sent_as="application/vnd.kafka.json.v2+json")
        held += await queue.receive(max_records=1, wait_ms=5_000)
    while held:
        await queue.acknowledge(*(record["receipt"] for record in held))
        held = await queue.receive(wait_ms=2_000)
    for number in range(3):
        body = {"records": [{"value": number, "partition": number}]}
        await proxy("POST", f"/topics/{queue.topic}", body, sent_as="application/vnd.kafka.json.v2+json")
        (record,) = await queue.receive(wait_ms=10_000)
        assert (record["value"], record["partition"]) == (number, number)
        await queue.acknowledge(record["receipt"])
