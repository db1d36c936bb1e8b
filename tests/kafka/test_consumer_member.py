"""A member of a consumer group over its clients: parked, renewed, cancelled, and while brokers are away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from confluent_kafka import Producer

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.consumer import Consumer, ConsumerSettings
from karapace_like.kafka.consumer_factory import ConsumerFactory
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.records import TopicPartition
from tests.waiting import until

_SECONDS = 120


@asynccontextmanager
async def a_member(
    kafka: Cluster, group: str, *, seconds: float = 15, reset: str = "earliest"
) -> AsyncIterator[Consumer]:
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, metadata_max_age_ms=500)
    consumers = ConsumerFactory(settings, ConsumerSettings(timeout=seconds))
    member = consumers.create_consumer(group=group, auto_commit=True, offset_reset=reset)
    yield member
    await member.close()


async def first_value(member: Consumer) -> bytes | None:
    async with asyncio.timeout(_SECONDS):
        while not (records := await member.peek(wait=1, min_bytes=1, max_bytes=2**20, is_wanted=lambda: True)):
            pass
    return records[0].value


async def is_active(member: Consumer) -> bool:
    return not member.is_parked


def write(kafka: Cluster, topic: str, *values: bytes) -> None:
    other = Producer({"bootstrap.servers": kafka.bootstrap_servers, "enable.idempotence": True})  # keeps their order
    for value in values:
        other.produce(topic, value=value)
    assert other.flush(_SECONDS) == 0


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
        write(kafka, name, b"first")
        assert await first_value(member) == b"first"


async def test_a_member_that_parks_before_it_is_back_keeps_its_place(kafka: Cluster, topic: Callable[[], str]) -> None:
    name = topic()
    write(kafka, name, b"0", b"1")
    async with a_member(kafka, name) as member:
        await member.subscribe([name])
        assert await first_value(member) == b"0"
        member.advance(1)
        for _ in range(3):
            await member.park()
            await member.peek(wait=0, min_bytes=1, max_bytes=2**20, is_wanted=lambda: False)
        assert await first_value(member) == b"1"


async def test_a_renewed_member_reads_on_and_commits_what_it_delivered(
    kafka: Cluster, topic: Callable[[], str]
) -> None:
    """With the new client; nothing comes twice, although it was not committed when the old client was replaced."""
    name = topic()
    write(kafka, name, b"0", b"1", b"2")
    async with a_member(kafka, name) as member:
        await member.subscribe([name])
        for expected in (b"0", b"1"):
            assert await first_value(member) == expected
            member.advance(1)
            member.renew()
        assert await first_value(member) == b"2"
        await member.commit()
        assert [each.offset for each in await member.fetch_committed_offsets(member.assignment)] == [2]


async def test_a_renewed_member_without_a_group_reads_on(kafka: Cluster, topic: Callable[[], str]) -> None:
    name = topic()
    write(kafka, name, b"0", b"1")
    async with a_member(kafka, name) as member:
        await member.assign([TopicPartition(name, 0)])
        assert await first_value(member) == b"0"
        member.advance(1)
        member.renew()
        assert await first_value(member) == b"1"


async def test_pages_of_a_member_are_all_its_records_once_each_in_their_order(
    kafka: Cluster, topic: Callable[[], str]
) -> None:
    """Also where records were fetched ahead of the page that is asked for; those are not committed."""
    name = topic()
    values = [b"%d" % number for number in range(1_000)]
    write(kafka, name, *values)
    read: list[bytes | None] = []
    async with a_member(kafka, name) as member:
        await member.subscribe([name])
        async with asyncio.timeout(_SECONDS):
            while len(read) < len(values):
                size = len(read) % 7 + 1
                records = await member.peek(wait=0.1, min_bytes=1, max_bytes=3 * size, is_wanted=lambda: True)
                page = records[:size]
                member.advance(len(page))
                read += [record.value for record in page]
                if len(read) % 100 < len(page):
                    await asyncio.sleep(0)  # a turn of the event loop, in which records are fetched ahead
                    await member.commit()
                    assert [each.offset for each in await member.fetch_committed_offsets(member.assignment)] == [
                        len(read)
                    ]
                    await member.park()
    assert read == values


async def test_a_member_fetches_the_next_page_while_the_last_one_is_read(
    kafka: Cluster, topic: Callable[[], str]
) -> None:
    """What the client has by then, without a call that waits for it."""
    name = topic()
    write(kafka, name, *[bytes(1_000)] * 5_000)
    async with a_member(kafka, name) as member:
        await member.subscribe([name])
        left = 100

        async def has_fetched_ahead() -> bool:
            records = await member.peek(wait=1, min_bytes=500_500, max_bytes=500_500, is_wanted=lambda: True)
            member.advance(max(len(records) - left, 0))
            await asyncio.sleep(0)
            # A byte is there, so that this call fetches nothing.
            return len(await member.peek(wait=0, min_bytes=0, max_bytes=1, is_wanted=lambda: True)) > left

        await until(has_fetched_ahead)


async def test_a_member_whose_return_is_cancelled_stays_parked(kafka: Cluster, topic: Callable[[], str]) -> None:
    """And returns with the next call, with its subscription and its position."""
    name = topic()
    write(kafka, name, b"0", b"1")
    async with a_member(kafka, name) as member:
        await member.subscribe([name])
        assert await first_value(member) == b"0"
        member.advance(1)
        await member.park()
        returning = asyncio.create_task(first_value(member))
        while not await is_active(member):
            await asyncio.sleep(0)
        returning.cancel()
        await asyncio.wait({returning})
        assert returning.cancelled()
        assert not await is_active(member)
        assert await first_value(member) == b"1"


@pytest.mark.parametrize("is_assigned", [False, True])
async def test_a_commit_that_waits_for_brokers_does_not_hold_up_the_member(
    breakable_kafka: Cluster, topic: Callable[[], str], *, is_assigned: bool
) -> None:
    """The commit fails in time; another client reads on at the same position, as soon as brokers answer."""
    name = topic()
    write(breakable_kafka, name, b"0", b"1")
    async with a_member(breakable_kafka, name, seconds=1) as member:
        await (member.assign([TopicPartition(name, 0)]) if is_assigned else member.subscribe([name]))
        assert await first_value(member) == b"0"
        member.advance(1)
        breakable_kafka.brokers[0].pause()
        try:
            with pytest.raises(KafkaFailure, match="did not answer within 2 s"):
                await member.commit()
            assert await member.peek(wait=0, min_bytes=1, max_bytes=2**20, is_wanted=lambda: True) == []
        finally:
            breakable_kafka.brokers[0].resume()
        assert await first_value(member) == b"1"
        await member.commit()


async def test_a_parked_member_that_subscribes_to_more_keeps_its_position(
    kafka: Cluster, topic: Callable[[], str]
) -> None:
    """Although it has never committed anything there: it reads from the end on, where it was when it was parked."""
    first, second = topic(), topic()
    write(kafka, first, b"before")
    write(kafka, second, b"before")
    async with a_member(kafka, first, reset="latest") as member:
        await member.subscribe([first])
        async with asyncio.timeout(_SECONDS):
            while not member.is_parked:
                await member.peek(wait=0.1, min_bytes=1, max_bytes=2**20, is_wanted=lambda: True)
                if member.assignment:
                    await member.park()
        write(kafka, first, b"after")
        await member.subscribe([first, second])
        assert await first_value(member) == b"after"


async def test_a_rebalance_before_the_first_record_is_delivered_skips_none(
    kafka: Cluster, topic: Callable[[], str]
) -> None:
    """Nothing is committed, so the group would continue at the end, after the record that was written meanwhile."""
    group, topics = topic(), [topic(), topic()]
    for name in topics:
        write(kafka, name, b"before")
    async with a_member(kafka, group, reset="latest") as member, a_member(kafka, group, reset="latest") as other:

        async def peek(consumer: Consumer) -> bool:
            await consumer.peek(wait=0.1, min_bytes=1, max_bytes=2**20, is_wanted=lambda: True)
            return bool(consumer.assignment)

        async def has_parked() -> bool:
            if await peek(member):
                await member.park()
            return member.is_parked

        async def has_joined() -> bool:
            return all([await peek(consumer) for consumer in (member, other)])

        await member.subscribe([topics[0]])
        await until(has_parked)
        write(kafka, topics[0], b"after")
        await until(lambda: peek(member))
        await other.subscribe([topics[1]])
        await until(has_joined)
        assert await first_value(member) == b"after"
