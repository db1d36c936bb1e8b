"""The fence by epoch in a cluster of several brokers, of which the coordinator of the transactional id is away."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from aiokafka.protocol.coordination import FindCoordinatorRequest

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.epoch_fence import fencer
from karapace_like.kafka.epoch_fence.partition import PartitionLeader
from karapace_like.kafka.own_names import name_transactional_id
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.leadership import Fencing, Term
from karapace_like.replication.errors import LogError
from tests.kafka.fenced_nodes import Node, create_topic, find_producer_epoch, leading
from tests.waiting import until

_EXPIRY_MS = 4_000
_FORGETFUL = {"producer.id.expiration.ms": _EXPIRY_MS, "producer.id.expiration.check.interval.ms": 200}

pytestmark = [pytest.mark.long, pytest.mark.kafka]


async def test_a_primary_writes_while_the_coordinator_is_away(three_brokers: Cluster, topic: Callable[[], str]) -> None:
    """A coordinator that is away stops elections, not a healthy primary."""
    name, coordinator = await _create_away_from_coordinator(three_brokers, topic)
    async with leading(three_brokers, name) as node:
        broker = next(broker for broker in three_brokers.brokers if broker.node_id == coordinator)
        broker.pause()
        try:
            assert (await node.register("a", '"int"')).id == 1
            assert (await node.register("b", '"long"')).id == 2
        finally:
            broker.resume()


async def test_a_primary_stays_while_the_coordinator_is_away(
    topic: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For three times as long as the brokers remember a producer. Nobody takes over meanwhile, and everybody after."""
    monkeypatch.setattr(fencer, "TAKE_OVER_SECONDS", 2.0)
    alone = {"transaction.state.log.replication.factor": 1, "transaction.state.log.min.isr": 1}
    with Cluster(brokers=2, properties=_FORGETFUL | alone) as kafka:
        name, coordinator = await _create_away_from_coordinator(kafka, topic)
        successor = Node(kafka, name, Fencing.EPOCH)
        async with leading(kafka, name) as node, successor.reading():
            assert (await node.register("a", '"int"')).id == 1
            before, begun = find_producer_epoch(node), node.registry.position
            broker = next(broker for broker in kafka.brokers if broker.node_id == coordinator)
            await asyncio.to_thread(broker.stop)
            since = time.monotonic()

            async def has_idled() -> bool:
                return time.monotonic() - since > 3 * _EXPIRY_MS / 1000 and node.registry.position > begun + 2

            await until(has_idled)
            with pytest.raises(KafkaFailure) as refusal:
                await successor.topic.take_over(Term(number=2))
            assert refusal.value.retriable
            assert (await node.register("b", '"long"')).id == 2
            assert find_producer_epoch(node) == before
            await asyncio.to_thread(broker.start)

            async def has_taken_over() -> bool:
                with suppress(KafkaFailure):
                    await successor.topic.take_over(Term(number=2))
                    return True
                return False

            await until(has_taken_over)
            with pytest.raises(LogError):
                await node.register("c", '"string"')


async def _create_away_from_coordinator(kafka: Cluster, topic: Callable[[], str]) -> tuple[str, int]:
    """(a new topic, the coordinator of its transactional id, which is not the partition's leader)"""
    for _ in range(50):
        name = topic()
        leader, coordinator = await _find_brokers(kafka, name)
        if leader != coordinator:
            return name, coordinator
    raise AssertionError("the leader of each topic was its coordinator, too")


async def _find_brokers(kafka: Cluster, topic: str) -> tuple[int, int]:
    """(the partition's leader, the coordinator of the transactional id)"""
    create_topic(kafka, topic)
    kafka_settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
    transactional_id = name_transactional_id(f"group-of-{topic}", topic)
    leader = PartitionLeader(kafka_settings, topic=topic, transactional_id=transactional_id)

    async def has_coordinator() -> bool:
        with suppress(KafkaFailure):
            await leader.take_epoch()
            return True
        return False

    await until(has_coordinator)
    await leader.connect()
    location = await leader._send(FindCoordinatorRequest(transactional_id, 1))
    leader.disconnect()
    assert leader.node_id is not None
    return leader.node_id, int(location.coordinator_id)
