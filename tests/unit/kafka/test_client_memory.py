"""What a Kafka client costs in memory: a consumer instance has one while it is active."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

_CLIENTS = 20
_PROGRAM = """
import asyncio, json, os, sys
from pathlib import Path
from karapace_like.kafka.consumer_factory import ConsumerFactory, ConsumerSettings
from karapace_like.kafka.free_memory import FreeMemory
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.statistics import SharedStatistics

def resident_kb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024

async def main(count, has_statistics, wait, options):
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait
    kafka = KafkaSettings(bootstrap_servers="127.0.0.1:1", free_memory=FreeMemory(0.1), **options)
    factory = ConsumerFactory(kafka, ConsumerSettings(), SharedStatistics() if has_statistics else None)
    consumers = [factory.create_consumer(group="g", auto_commit=False, offset_reset="latest") for _ in range(count)]
    before = resident_kb()
    for consumer in consumers:
        await consumer.subscribe(["t"])
    await asyncio.sleep(0.2)
    active = resident_kb()
    for consumer in consumers:
        await consumer.close()
    while (closed := resident_kb()) - before > 0.5 * (active - before) and loop.time() < deadline:
        await asyncio.sleep(0.05)
    print((active - before) / count, (closed - before) / count, flush=True)
    os._exit(0)

asyncio.run(main(*map(json.loads, sys.argv[1:])))
"""


def measure_client(options: str = "{}", *, has_statistics: bool = True, wait: int = 0) -> tuple[float, float]:
    """Return the kB of each client in a process of its own, while there are 20 and after all were closed.

    No broker is there, so that they have no connection. The second waits so many seconds until it is half of the first.
    """
    program = [sys.executable, "-c", _PROGRAM, str(_CLIENTS), json.dumps(has_statistics), str(wait), options]
    active, closed = subprocess.run(program, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    return float(active), float(closed)


def test_a_client_takes_little_more_than_half_of_one_that_can_send_metrics_to_brokers() -> None:
    (small, _), (large, _) = measure_client(), measure_client('{"enable_metrics_push": true}')
    assert small < 0.7 * large


def test_closed_clients_return_their_memory_to_the_system() -> None:
    active, closed = measure_client('{"enable_metrics_push": true}', wait=30)
    assert closed < 0.5 * active


def test_a_client_without_statistics_takes_less_memory() -> None:
    (small, _), (large, _) = measure_client(has_statistics=False), measure_client()
    assert small < 0.8 * large
