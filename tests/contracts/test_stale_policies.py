"""A node that may have missed a policy accepts no records, once any policy is enforced."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from karapace_like.errors import ApiError
from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.log_topic_reader import TopicRecord
from karapace_like.policies.policy import Mode, TopicPolicy
from karapace_like.policies.records import PolicyRecord, encode
from karapace_like.policies.topic_policies import TopicPolicies
from tests.contracts.producing import read_all
from tests.kafka.service_in_process import Node, serving
from tests.web.conftest import MemoryLog

REFUSING = {"value": {"plain": "refuse"}}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Policies:
    """Policies over a log in memory, whose clock stands still."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.policies = TopicPolicies(MemoryLog(), clock=self.clock)
        self.policies.begin_replay(0)
        self._end = 0

    def apply(self, name: str, policy: TopicPolicy | None) -> None:
        self._end += 1
        key, value = encode(PolicyRecord(name, policy))
        self.policies.apply_batch([TopicRecord(offset=self._end - 1, key=key, value=value, timestamp=1)], self._end)

    def is_stale(self, topic: str = "any") -> bool:
        try:
            self.policies.find(topic)
        except ApiError as error:
            return error.status == 503 and "only while it is at most 1 s behind" in error.message
        return False


async def test_only_enforced_policies_have_to_be_followed_closely() -> None:
    policies = Policies()
    policies.clock.now = 100
    assert not policies.is_stale()  # there are none
    policies.apply("lifts", TopicPolicy(mode=Mode.OBSERVE))
    policies.clock.now = 200
    assert not policies.is_stale()
    policies.apply("stairs", TopicPolicy())
    policies.clock.now = 300
    assert policies.is_stale("any")
    assert policies.is_stale("lifts")
    policies.apply("stairs", None)
    assert not policies.is_stale()


@pytest.fixture
async def node(breakable_kafka: Cluster, topic: Callable[[], str]) -> AsyncIterator[Node]:
    async with serving(breakable_kafka, topic(), producer_request_timeout_ms=2_000) as running:
        yield running


async def produce(node: Node, topic: str) -> tuple[int, Any]:
    body = {"records": [{"value": 1}]}
    headers = {"Content-Type": "application/vnd.kafka.json.v2+json"}
    return await node.call("POST", f"/topics/{topic}", body, headers=headers)


async def test_a_node_that_cannot_read_the_policies_accepts_no_records(
    breakable_kafka: Cluster, node: Node, topic: Callable[[], str]
) -> None:
    name = topic()
    assert (await produce(node, name))[0] == 200
    assert (await node.call("PUT", f"/policies/{topic()}", REFUSING))[0] == 200
    assert (await produce(node, name))[0] == 200
    breakable_kafka.brokers[0].pause()
    try:
        async with asyncio.timeout(60):
            while True:
                status, error = await produce(node, name)
                if status == 503 and "has not been able to read the policies topic to its end" in error["message"]:
                    break
        path = f"/v3/clusters/any/topics/{name}/records"
        answer = (await node.call("POST", path, {"value": {"type": "JSON", "data": 1}}))[1]
        assert answer["error_code"] == 503
    finally:
        breakable_kafka.brokers[0].resume()
    async with asyncio.timeout(60):
        while (await produce(node, name))[0] != 200:
            await asyncio.sleep(0.05)
    assert len(read_all(breakable_kafka, name)) >= 3
