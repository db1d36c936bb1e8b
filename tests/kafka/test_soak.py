"""The short form of `make soak`: lives of schemas, topics and consumers leave nothing behind, here or in Kafka."""

import asyncio
import gc
import threading
from collections import Counter
from pathlib import Path

import aiohttp
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from benchmarks import soak
from karapace_like.config import Settings
from karapace_like.kafka.cluster import Cluster
from karapace_like.serve import listeners
from karapace_like.serve.process_role import ProcessRole
from karapace_like.serve.service import start_service

_LIVES = 4
_SETTLING_SECONDS = 120.0


def held() -> Counter[str]:
    """What this process holds: Kafka clients, and what the system gives it."""
    gc.collect()
    clients = Counter(type(each).__name__ for each in gc.get_objects() if isinstance(each, AdminClient))
    for kind in (Consumer, Producer):
        clients[kind.__name__] = sum(isinstance(each, kind) for each in gc.get_objects())
    pool = sum(each.name.startswith("asyncio_") for each in threading.enumerate())  # grows to its bound by itself
    return clients + Counter(
        tasks=len(asyncio.all_tasks()),
        threads=len(list(Path("/proc/self/task").iterdir())) - pool,
        python_threads=threading.active_count() - pool,
        descriptors=len(list(Path("/proc/self/fd").iterdir())),
    )


async def settled(most: Counter[str] | None = None) -> Counter[str]:
    """What is held once that is no more than `most`, or, without it, once it does not change; in time."""
    before = held()
    async with asyncio.timeout(_SETTLING_SECONDS):
        while True:
            await asyncio.sleep(0.5)  # connections and threads end by themselves
            found = held()
            if found <= most if most is not None else found == before:
                return found
            before = found


def soaked(brokers: AdminClient) -> set[str]:
    """The topics of the lives that there are."""
    return {name for name in brokers.list_topics(timeout=_SETTLING_SECONDS).topics if name.startswith("soak-")}


@pytest.mark.long
async def test_nothing_grows_however_many_schemas_topics_and_consumers_come_and_go(kafka: Cluster) -> None:
    settings = Settings(
        bootstrap_uri=kafka.bootstrap_servers, port=0, topic_name="_schemas-soak", group_id="soak-registry"
    )
    brokers = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    there = soaked(brokers) | {"soak-shared"}
    doors = listeners.open_listeners(settings.addresses)
    async with start_service(settings, ProcessRole(doors)) as service, aiohttp.ClientSession() as session:
        await service.ready
        client = soak.Client(session, listeners.format_urls(doors))

        async def lives() -> None:
            await asyncio.gather(*(client.life() for _ in range(_LIVES)))

        await lives()  # what is made once is there after it
        await lives()
        before = await settled()
        for _ in range(2):
            await lives()
        await settled(before)
        async with asyncio.timeout(_SETTLING_SECONDS):
            while not soaked(brokers) <= there:  # those that were deleted have not come back either
                await asyncio.sleep(0.1)
    assert client.done["lives"] == 4 * _LIVES
