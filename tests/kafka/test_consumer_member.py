"""A member of a consumer group that is given nothing to read."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from confluent_kafka import Producer

from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.consumer import Consumer, ConsumerSettings
from karapace_like.kafka.consumers import Consumers
from karapace_like.kafka.settings import KafkaSettings

_SECONDS = 120


@asynccontextmanager
async def a_member(kafka: Cluster, group: str) -> AsyncIterator[Consumer]:
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, metadata_max_age_ms=500)
    consumers = Consumers(settings, ConsumerSettings())
    member = consumers.member(group=group, auto_commit=True, offset_reset="earliest")
    yield member
    await member.close()
    consumers.close()


async def first_value(member: Consumer) -> bytes | None:
    async with asyncio.timeout(_SECONDS):
        while not (records := await member.peek(wait=1, min_bytes=1, max_bytes=2**20, is_wanted=lambda: True)):
            pass
    return records[0].value


async def test_a_member_without_a_topic_parks_and_finds_it_once_it_is_there(
    kafka: Cluster, topic: Callable[[], str]
) -> None:
    name = topic()
    async with a_member(kafka, name) as member:
        await member.subscribe([name])
        await member.park()
        assert member.is_parked
        assert member.topics == (name,)
        assert await member.peek(wait=0, min_bytes=1, max_bytes=2**20, is_wanted=lambda: True) == []
        await member.park()
        other = Producer({"bootstrap.servers": kafka.bootstrap_servers})
        other.produce(name, value=b"first")
        other.flush()
        assert await first_value(member) == b"first"


async def test_a_member_that_parks_before_it_is_back_keeps_its_place(kafka: Cluster, topic: Callable[[], str]) -> None:
    name = topic()
    other = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    for value in (b"0", b"1"):
        other.produce(name, value=value)
    other.flush()
    async with a_member(kafka, name) as member:
        await member.subscribe([name])
        assert await first_value(member) == b"0"
        member.advance(1)
        for _ in range(3):
            await member.park()
            await member.peek(wait=0, min_bytes=1, max_bytes=2**20, is_wanted=lambda: False)
        assert await first_value(member) == b"1"
