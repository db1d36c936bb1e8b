"""The shared producer on a real broker: what one request does must not hurt another."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.async_producer import _SendCall
from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.retrying_producer import ProducerSettings, RetryingProducer
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.records import Delivery, OutgoingRecord
from tests.waiting import until

Topics = Callable[..., str]


@pytest_asyncio.fixture
async def producer(kafka: Cluster) -> AsyncIterator[RetryingProducer]:
    made = RetryingProducer(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), ProducerSettings(linger_ms=20))
    yield made
    await made.close()


@pytest.fixture
def admin(kafka: Cluster) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka.bootstrap_servers})


@pytest.fixture
def topic_of(admin: AdminClient, topic: Callable[[], str]) -> Topics:
    def make(**config: str) -> str:
        name = topic()
        wanted = NewTopic(name, 1, 1, config={key.replace("_", "."): value for key, value in config.items()})
        admin.create_topics([wanted])[name].result()
        return name

    return make


def outcome(delivery: Delivery) -> str:
    return delivery.failure.name if delivery.failure else "written"


async def send_all(producer: RetryingProducer, *records: OutgoingRecord) -> list[str]:
    """Send each record as a request of its own, all at the same time."""
    reports = await asyncio.gather(*(producer.send([each]) for each in records))
    return [outcome(delivery) for [delivery] in reports]


async def test_a_producer_that_can_write_nothing_any_more_is_made_anew(kafka: Cluster, topic_of: Topics) -> None:
    """After an error that is fatal to it: here that a gap would come into what it promised to write without one."""
    security = {"enable.gapless.guarantee": True}
    made = RetryingProducer(
        KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, security=security), ProducerSettings()
    )
    topic = topic_of(max_message_bytes="1000")
    small, large = OutgoingRecord(topic, None, b"x"), OutgoingRecord(topic, None, b"x" * 5000)
    assert await send_all(made, small) == ["written"]
    client = made._batching._client
    assert await send_all(made, large) == ["MSG_SIZE_TOO_LARGE"]
    with pytest.raises(KafkaException, match=r"_GAPLESS_GUARANTEE|_FATAL"):
        client.produce(topic, b"x")
    assert await send_all(made, small, small) == ["written", "written"]
    await made.close()


async def test_a_request_leaves_nothing_behind(producer: RetryingProducer, topic_of: Topics) -> None:
    """Neither its records nor what waits for their reports, of which more come than one poll has to serve."""
    topic = topic_of()

    def count_calls() -> int:
        return sum(isinstance(each, _SendCall) for each in gc.get_objects())

    before = count_calls()
    for _ in range(3):
        batches = [[OutgoingRecord(topic, None, b"x")] * 500 for _ in range(4)]
        for deliveries in await asyncio.gather(*map(producer.send, batches)):
            assert {outcome(delivery) for delivery in deliveries} == {"written"}
    gc.collect()
    assert count_calls() <= before


async def test_requests_that_share_a_batch_do_not_share_its_refusal(
    producer: RetryingProducer, topic_of: Topics
) -> None:
    """The broker refuses a batch that is too large, be it for one record or for all together."""
    topic = topic_of(max_message_bytes="1000")
    small = [OutgoingRecord(topic, None, b"x" * 300) for _ in range(20)]
    large = OutgoingRecord(topic, None, b"x" * 5000)
    assert await send_all(producer, *small[:10], large, *small[10:]) == [
        *["written"] * 10,
        "MSG_SIZE_TOO_LARGE",
        *["written"] * 10,
    ]


async def test_an_invalid_record_fails_its_own_request_only(producer: RetryingProducer, topic_of: Topics) -> None:
    """A compacted topic refuses the whole batch for a record without a key."""
    topic = topic_of(cleanup_policy="compact")
    await producer.send([OutgoingRecord(topic, b"first", b"")])
    good = [OutgoingRecord(topic, b"%d" % number, b"") for number in range(10)]
    bad = OutgoingRecord(topic, None, b"")
    outcomes = await send_all(producer, *good[:5], bad, *good[5:])
    assert outcomes == [*["written"] * 5, "INVALID_RECORD", *["written"] * 5]


async def test_a_partition_that_was_added_is_found(
    producer: RetryingProducer, topic_of: Topics, admin: AdminClient
) -> None:
    """Also if the producer knew the topic before."""
    topic = topic_of()
    await producer.send([OutgoingRecord(topic, None, b"")])
    admin.create_partitions([NewPartitions(topic, 2)])[topic].result()

    async def has_both() -> bool:
        return len(admin.list_topics(topic).topics[topic].partitions) == 2

    await until(has_both)
    [delivery] = await producer.send([OutgoingRecord(topic, None, b"", 1)])
    assert (outcome(delivery), delivery.partition, delivery.offset) == ("written", 1, 0)


async def test_closing_waits_for_what_was_sent(kafka: Cluster, topic_of: Topics, admin: AdminClient) -> None:
    topic = topic_of()
    closing = RetryingProducer(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), ProducerSettings())
    sending = asyncio.create_task(closing.send([OutgoingRecord(topic, None, b"%d" % each) for each in range(100)]))
    await asyncio.sleep(0)
    await closing.close()
    assert [outcome(each) for each in await sending] == ["written"] * 100
    assert topic in admin.list_topics().topics


@pytest.mark.slow
async def test_a_cluster_that_is_away_fails_records_in_time() -> None:
    """Within the delivery timeout, as a failure that may pass; closing does not hang."""
    away = RetryingProducer(KafkaSettings(bootstrap_servers="127.0.0.1:9"), ProducerSettings(delivery_timeout=1.0))
    async with asyncio.timeout(120):
        [delivery] = await away.send([OutgoingRecord("any", None, b"")])
        await away.close()
    assert delivery.failure is not None
    assert delivery.failure.retriable


async def test_no_records_need_no_broker(producer: RetryingProducer) -> None:
    assert await producer.send([]) == []


async def test_a_topic_that_was_deleted_is_written_to_as_if_it_had_never_been_there(
    producer: RetryingProducer, topic_of: Topics, admin: AdminClient
) -> None:
    """Where the brokers create topics, it is created; also while others are written to."""
    topic, other = topic_of(), topic_of()
    for partition in (None, 0):
        await send_all(producer, *(OutgoingRecord(each, None, b"before") for each in (topic, other)))
        admin.delete_topics([topic])[topic].result()

        async def is_gone() -> bool:
            return topic not in admin.list_topics().topics

        await until(is_gone)  # its controller has answered, the broker follows
        deleted, stays = await asyncio.gather(
            producer.send([OutgoingRecord(topic, None, b"after", partition)] * 2),
            producer.send([OutgoingRecord(other, None, b"")] * 2),
        )
        assert [outcome(each) for each in (*deleted, *stays)] == ["written"] * 4
        assert [each.offset for each in deleted] == [0, 1]


async def test_topics_that_are_gone_are_forgotten(
    producer: RetryingProducer, topic_of: Topics, admin: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their client is let go of, once what it was given is written; one with topics that are there is kept."""
    monkeypatch.setattr("karapace_like.kafka.retrying_producer._TOPICS", 4)
    topics = [topic_of() for _ in range(8)]
    for topic in topics:
        await producer.send([OutgoingRecord(topic, None, b"")])
    for deleted in admin.delete_topics(topics[:-1]).values():
        deleted.result()
    threads = threading.active_count()
    for topic in [topic_of() for _ in range(8)]:
        assert await send_all(producer, *[OutgoingRecord(topic, None, b"")] * 20) == ["written"] * 20

    async def have_ended() -> bool:
        return threading.active_count() <= threads

    await until(have_ended)
