"""Closed Kafka clients are freed at once: a process has room for some 1,000, closed ones included.

No broker is there: what is counted are the objects of the client library.
"""

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer

from karapace_like.background import BackgroundTasks
from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.admin.protocol import ProtocolClient
from karapace_like.kafka.async_producer import AsyncProducer
from karapace_like.kafka.consumer import ConsumerSettings
from karapace_like.kafka.consumer_factory import ConsumerFactory
from karapace_like.kafka.reader import Reader
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.statistics import SharedStatistics
from karapace_like.proxy import errors
from karapace_like.records import TopicPartition
from tests.waiting import until

pytestmark = pytest.mark.slow

KAFKA = KafkaSettings(bootstrap_servers="127.0.0.1:1")


def count_clients(kind: type) -> int:
    """Return how many objects of the class of the client library there are, closed or not."""
    return sum(type(entry) is kind for entry in gc.get_objects())


@pytest.fixture(autouse=True)
def without_collector() -> Iterator[None]:
    """What only a garbage collection would free stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def test_a_closed_consumer_is_freed() -> None:
    before = count_clients(Consumer)
    factory = ConsumerFactory(KAFKA, ConsumerSettings(timeout=1.0), SharedStatistics())
    consumer = factory.create_consumer(group="g", auto_commit=False, offset_reset="latest")
    await consumer.subscribe(["t"])
    assert count_clients(Consumer) == before + 1
    await consumer.close()
    del consumer

    async def is_freed() -> bool:
        return count_clients(Consumer) == before

    await until(is_freed)


async def test_a_closed_producer_is_freed() -> None:
    before = count_clients(Producer)
    options = KAFKA.client_options() | SharedStatistics().create_options()
    producer = AsyncProducer(options, ProtocolClient(KAFKA, timeout=1.0), BackgroundTasks(), report_seconds=0.001)
    assert count_clients(Producer) == before + 1
    await producer.close()
    del producer

    async def is_freed() -> bool:
        return count_clients(Producer) == before

    await until(is_freed)


async def test_a_closed_reader_is_freed() -> None:
    before = count_clients(Consumer)
    reader = Reader(KAFKA, {TopicPartition("t", 0): 0})
    await reader.close()
    del reader

    async def is_freed() -> bool:
        return count_clients(Consumer) == before

    await until(is_freed)


def test_a_process_without_room_for_a_client_answers_429() -> None:
    with pytest.raises(KafkaFailure) as caught:
        translate.call(_raise_as_the_client_does)
    error = errors.of_kafka(caught.value)
    assert (error.status, error.code, error.retry_after) == (429, 42901, 1)
    assert "Kafka clients of this process" in error.message


def _raise_as_the_client_does() -> None:
    raise RuntimeError("Failed to initialize thread local storage")


@pytest.mark.long
def test_a_process_has_room_for_as_many_clients_as_settings_allow() -> None:
    """And the next ones are refused with the sentence that is translated."""
    program = (
        "from confluent_kafka import Producer; from karapace_like.kafka import translate\n"
        "held = []\n"
        "try:\n"
        "    while True: held.append(translate.call(Producer, {'bootstrap.servers': '127.0.0.1:1', 'log_level': 0}))\n"
        "except Exception as error: print(len(held) >= 1000, error.name)\n"
        "import os, sys; sys.stdout.flush(); os._exit(0)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert ran.stdout == "True _CRIT_SYS_RESOURCE\n"
