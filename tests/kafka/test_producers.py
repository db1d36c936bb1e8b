"""The producers that requests share: which of them a request goes through is not to be seen in what becomes of it."""

import asyncio
import gc
import sys
from collections.abc import Callable
from itertools import chain

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.producer_pool import ProducerPool
from karapace_like.kafka.retrying_producer import ProducerSettings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.records import OutgoingRecord
from tests.kafka.client_threads import clients, settled_clients
from tests.waiting import until


async def closed(made: ProducerPool, before: int) -> None:
    """Close them, and wait until there are as many clients as before."""
    await made.close()

    async def are_gone() -> bool:
        return clients() <= before

    await until(are_gone)


@pytest.mark.parametrize(("linger_ms", "more"), [(1, 1), (20, 0)], ids=["prompt", "patient anyway"])
async def test_large_requests_at_the_same_time_go_through_a_client_that_lingers(
    kafka: Cluster, topic: Callable[[], str], linger_ms: int, more: int
) -> None:
    """If the usual one does not; every request finds its records written, in its order."""
    before, name = await settled_clients(), topic()
    made = ProducerPool(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), ProducerSettings(linger_ms=linger_ms))
    records = [OutgoingRecord(name, b"key", b"%d" % number) for number in range(200)]
    alone = await made.send(records)
    assert clients() == before + 2, "the one for few records, and the usual one"
    together = await asyncio.gather(*(made.send(records) for _ in range(40)))
    assert clients() == before + 2 + more
    offsets = [[each.offset for each in deliveries] for deliveries in (alone, *together)]
    assert sorted(chain.from_iterable(offsets)) == list(range(41 * 200))
    assert all(each == sorted(each) for each in offsets)
    await closed(made, before)


async def test_few_records_at_a_time_need_one_client_while_brokers_are_quick(
    kafka: Cluster, topic: Callable[[], str]
) -> None:
    before, name = await settled_clients(), topic()
    made = ProducerPool(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), ProducerSettings())
    await asyncio.gather(*(made.send([OutgoingRecord(name, None, b"")]) for _ in range(3)))
    assert clients() == before + 1
    await closed(made, before)


@pytest.mark.parametrize("linger_ms", [1, 20, 0], ids=["quick", "lingers", "does not linger"])
async def test_single_records_at_the_same_time_are_written_together(
    kafka: Cluster, topic: Callable[[], str], linger_ms: int
) -> None:
    """In the order in which they came, in each of two topics, again and again."""
    before, names = await settled_clients(), (topic(), topic())
    made = ProducerPool(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), ProducerSettings(linger_ms=linger_ms))
    for name in names:
        await made.send([OutgoingRecord(name, b"key", b"")])
    written: dict[str, list[int | None]] = {name: [] for name in names}
    for _ in range(5):
        sent = {
            name: [asyncio.ensure_future(made.send([OutgoingRecord(name, b"key", b"")])) for _ in range(20)]
            for name in names
        }
        for name, calls in sent.items():
            written[name] += [delivery.offset for [delivery] in await asyncio.gather(*calls)]
    assert clients() > before + 1, "they wait for each other"
    for offsets in written.values():
        assert sorted(offsets, key=lambda offset: offset or 0) == list(range(1, 101))
    await closed(made, before)


async def test_a_request_whose_caller_has_gone_keeps_no_other_waiting(kafka: Cluster, topic: Callable[[], str]) -> None:
    before, name = await settled_clients(), topic()
    made = ProducerPool(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), ProducerSettings())
    await made.send([OutgoingRecord(name, None, b"")])
    for _ in range(5):
        sent = [asyncio.ensure_future(made.send([OutgoingRecord(name, None, b"")])) for _ in range(20)]
        await asyncio.sleep(0)
        for call in sent[::2]:
            call.cancel()
        deliveries = await asyncio.gather(*sent, return_exceptions=True)
        assert [isinstance(each, asyncio.CancelledError) for each in deliveries] == [True, False] * 10
    await closed(made, before)


async def test_a_closed_client_that_has_sent_records_is_freed_without_a_collection(
    kafka: Cluster, topic: Callable[[], str]
) -> None:
    """Also where callers have gone before their records were acknowledged."""
    before, name = await settled_clients(), topic()

    def count_objects() -> int:
        return sum(type(each) is Producer for each in gc.get_objects())

    objects = count_objects()
    gc.disable()
    try:
        made = ProducerPool(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), ProducerSettings())
        for _ in range(3):
            sent = [asyncio.ensure_future(made.send([OutgoingRecord(name, None, bytes(1_000))])) for _ in range(20)]
            await asyncio.sleep(0)
            sent[-1].cancel()
            await asyncio.gather(*sent, return_exceptions=True)
        del sent
        await closed(made, before)
        del made

        async def are_freed() -> bool:
            return count_objects() <= objects

        await until(are_freed)
    finally:
        gc.enable()


async def test_what_was_sent_is_not_kept(kafka: Cluster, topic: Callable[[], str]) -> None:
    before, name = await settled_clients(), topic()
    made = ProducerPool(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), ProducerSettings())
    value = b"a value that nothing else has" * 1_000
    unused = sys.getrefcount(value)
    records = [OutgoingRecord(name, None, value) for _ in range(3)]
    await made.send(records)
    await asyncio.gather(*(made.send(records) for _ in range(20)))
    del records
    assert sys.getrefcount(value) == unused
    await closed(made, before)


async def test_requests_of_one_client_keep_their_order_whatever_their_size(
    kafka: Cluster, topic: Callable[[], str]
) -> None:
    """Their records go through different clients, each after the last was acknowledged."""
    before, name = await settled_clients(), topic()
    made = ProducerPool(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), ProducerSettings())
    sizes = (1, 60, 2, 6, 1, 60, 5)
    sent = [await made.send([OutgoingRecord(name, b"key", b"")] * size) for size in sizes]
    assert [each.offset for deliveries in sent for each in deliveries] == list(range(sum(sizes)))
    assert clients() == before + 2
    await closed(made, before)


async def test_each_delivery_is_that_of_its_record_whatever_was_sent_before(
    kafka: Cluster, topic: Callable[[], str]
) -> None:
    """One after the other and at the same time, more and fewer records than before, and some that are refused."""
    before, name = await settled_clients(), topic()
    settings = ProducerSettings(max_request_size=1_000)
    made = ProducerPool(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), settings)
    await made.send([OutgoingRecord(name, None, b"first")])

    async def send(size: int) -> None:
        tag = b"%d of %d" % (size, id(asyncio.current_task()))
        records = [
            OutgoingRecord(name, tag, bytes(2_000) if at % 5 == 3 else b"%d" % at, partition=0) for at in range(size)
        ]
        for at, delivery in enumerate(await made.send(records)):
            if at % 5 == 3:
                assert delivery.failure is not None
                assert delivery.failure.name == "RECORD_TOO_LARGE"
            else:
                assert delivery.failure is None
                sent[delivery.offset] = tag, b"%d" % at

    sent: dict[int, tuple[bytes | None, bytes | None]] = {}
    for size in (1, 200, 3, 600, 130, 2):
        await send(size)
    await asyncio.gather(*(send(size) for size in (1, 2, 50, 150) * 10))
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": name})
    consumer.assign([TopicPartition(name, 0, 1)])
    written: dict[int, tuple[bytes | None, bytes | None]] = {}
    while len(written) < len(sent):
        written |= {message.offset() or 0: (message.key(), message.value()) for message in consumer.consume(1_000, 1)}
    consumer.close()
    assert written == sent
    await closed(made, before)


async def test_requests_wait_for_each_other_where_brokers_are_slow(
    breakable_kafka: Cluster, topic: Callable[[], str]
) -> None:
    """Here one is that stands still for a while, and then answers as ever."""
    before, name = await settled_clients(), topic()
    made = ProducerPool(KafkaSettings(bootstrap_servers=breakable_kafka.bootstrap_servers), ProducerSettings())
    await made.send([OutgoingRecord(name, None, b"")])
    breakable_kafka.brokers[0].pause()
    try:
        slow = asyncio.ensure_future(made.send([OutgoingRecord(name, None, b"")]))
        await asyncio.sleep(0.5)
    finally:
        breakable_kafka.brokers[0].resume()
    await slow
    sent = await asyncio.gather(*(made.send([OutgoingRecord(name, None, b"")]) for _ in range(40)))
    assert clients() == before + 3
    assert sorted(each.offset for [each] in sent) == list(range(2, 42))
    await closed(made, before)
