"""Consumer instances that nobody uses: they rest, leave their group, go on where they were, and are closed."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus

import pytest
import pytest_asyncio

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from tests.forms import shorten
from tests.kafka.client_threads import settled_clients
from tests.waiting import until
from tests.web.proxy.conftest import ProxyApi, running
from tests.web.proxy.instances import (
    NOT_FOUND,
    Topics,
    assigned,
    at,
    expect,
    subscribed,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def resting(kafka: Cluster) -> AsyncIterator[ProxyApi]:
    """A proxy whose instances rest at once."""
    async with running(kafka, ProxySettings(), rest_after=0) as api:
        yield api


@pytest_asyncio.fixture(loop_scope="session")
async def parking(kafka: Cluster) -> AsyncIterator[ProxyApi]:
    """A proxy whose instances are parked at the first opportunity."""
    async with running(kafka, ProxySettings(park_after=0.1)) as api:
        yield api


async def has_members(proxy: ProxyApi, group: str, count: int) -> bool:
    return len(proxy.admin.describe_consumer_groups([group])[group].result().members) == count


async def until_parked(proxy: ProxyApi, group: str) -> None:
    """Wait until nobody is in the group."""
    await until(lambda: has_members(proxy, group, 0))


async def test_an_instance_that_rested_reads_on(resting: ProxyApi, topic: Callable[[], str], group: str) -> None:
    """Fetching stops after some time without a poll, and nothing is lost by that."""
    name = topic()
    await resting.produce(name, {"value": 0})
    instance = await subscribed(resting, group, name)
    for value in range(2):
        assert [each["value"] for each in await resting.poll(instance)] == [value]
        await asyncio.sleep(1.2)
        await resting.produce(name, {"value": value + 1})


@pytest.mark.parametrize("auto_commit", shorten(["true", "false"]))
async def test_a_parked_instance_goes_on_where_it_was(
    parking: ProxyApi, topic_of: Topics, group: str, auto_commit: str
) -> None:
    """Nothing is lost and nothing comes twice, also of a partition that was never read from; commits know the place."""
    topic = topic_of(2)
    await parking.produce(topic, {"value": "before", "partition": 0})
    options = {"auto.commit.enable": auto_commit, "auto.offset.reset": "latest"}
    instance = await subscribed(parking, group, topic, **options)
    async with asyncio.timeout(120):
        while len((await parking("GET", f"{instance}/assignments"))[1]["partitions"]) < 2:
            await parking.poll(instance, count=0, timeout=1)  # where it reads it learns later, by itself
    for round_ in range(3):
        await until_parked(parking, group)
        await parking.produce(topic, *({"value": [round_, each], "partition": round_ % 2} for each in range(2)))
        found = await parking.poll(instance, max_bytes=8)
        assert [each["value"] for each in found] == [[round_, 0]]
        await until_parked(parking, group)
        assert [each["value"] for each in await parking.poll(instance)] == [[round_, 1]]
    assert await parking("GET", f"{instance}/subscription") == (200, {"topics": [topic]})
    await until_parked(parking, group)
    assert await parking("POST", f"{instance}/offsets") == (200, [])
    partitions = {"partitions": [at(topic, 0), at(topic, 1)]}
    _, committed = await parking("GET", f"{instance}/offsets", partitions)
    assert [each["offset"] for each in committed["offsets"]] == [5, 2]


async def test_a_parked_instance_reads_nothing_that_others_committed(
    parking: ProxyApi, proxy: ProxyApi, topic_of: Topics, group: str
) -> None:
    topic = topic_of()
    await proxy.produce(topic, {"value": 0}, {"value": 1}, {"value": 2})
    parked = await subscribed(parking, group, topic)
    assert [each["value"] for each in await parking.poll(parked, max_bytes=2)] == [0]
    await until_parked(parking, group)
    other = await subscribed(proxy, group, topic)
    assert [each["value"] for each in await proxy.poll(other, max_bytes=2)] == [1]
    assert await proxy("DELETE", other) == (204, None)
    assert [each["value"] for each in await parking.poll(parked)] == [2]


@pytest.mark.long
async def test_a_parked_instance_keeps_its_assignment(parking: ProxyApi, topic_of: Topics, group: str) -> None:
    """Seeking goes on from there, and so does reading."""
    topic = topic_of()
    await parking.produce(topic, *({"value": number} for number in range(4)))
    instance = await assigned(parking, group, topic)
    assert [each["value"] for each in await parking.poll(instance, max_bytes=2)] == [0]
    await asyncio.sleep(2)
    assert await parking("GET", f"{instance}/assignments") == (200, {"partitions": [at(topic)]})
    assert [each["value"] for each in await parking.poll(instance, max_bytes=2)] == [1]
    await asyncio.sleep(2)
    assert await parking("POST", f"{instance}/positions", {"offsets": [at(topic, offset=3)]}) == (204, None)
    assert [each["value"] for each in await parking.poll(instance)] == [3]
    await asyncio.sleep(2)
    assert await parking("DELETE", f"{instance}/subscription") == (204, None)
    assert await parking("POST", f"{instance}/subscription", {"topics": [topic]}) == (204, None)
    assert await parking("DELETE", instance) == (204, None)


async def test_few_instances_have_clients(kafka: Cluster, topic_of: Topics, group: str) -> None:
    """Counted in clients, each of which has four threads; who is parked for another one reads on later."""
    topic = topic_of()
    async with running(kafka, ProxySettings(max_active_instances=2)) as api:
        await api.produce(topic, {"value": 0})
        others = await settled_clients()
        instances = []
        for number in range(6):
            instances.append(await assigned(api, f"{group}-{number}", topic))
            assert [each["value"] for each in await api.poll(instances[-1])] == [0]
        await api.produce(topic, {"value": 1})
        for instance in instances:
            assert [each["value"] for each in await api.poll(instance)] == [1]
        await until(lambda: has_clients(others + 3))


async def has_clients(at_most: int) -> bool:
    return await settled_clients() <= at_most


async def test_an_idle_instance_is_closed(kafka: Cluster, group: str) -> None:
    """There is room for another one then, and its user is told why it is gone until he makes one of that name."""
    async with running(kafka, ProxySettings(idle_timeout=0.5, max_instances=1)) as api:
        left = await api.consumer(group)

        async def is_made(**wanted: str) -> bool:
            return (await api("POST", f"/consumers/{group}", wanted))[0] == HTTPStatus.OK

        async def is_made_anew_and_deleted() -> bool:
            """False where the machine was too slow to delete it in time."""
            made = await is_made(name=left.rpartition("/")[2])
            return made and await api("DELETE", left) == (204, None)

        await until(is_made)
        expired = (
            404,
            40403,
            "Consumer instance not found: it was closed after 0.5 seconds without a request. Create it again.",
        )
        await expect(api, expired, "GET", f"{left}/subscription")
        await expect(api, expired, "DELETE", left)
        await until(is_made_anew_and_deleted)
        await expect(api, NOT_FOUND, "DELETE", left)


async def test_an_instance_that_is_used_is_kept(kafka: Cluster, group: str) -> None:
    """However short the use; in all it is there for longer than it may be idle."""
    idle = 2.0
    async with running(kafka, ProxySettings(idle_timeout=idle)) as api:

        async def is_kept() -> bool:
            """False where the machine was too slow to use it in time."""
            instance = await api.consumer(group)
            begun = used = time.monotonic()
            while time.monotonic() < begun + 1.5 * idle:
                status, _ = await api("GET", f"{instance}/subscription")
                if status != HTTPStatus.OK:
                    assert time.monotonic() > used + idle
                    return False
                used = time.monotonic()
                await asyncio.sleep(0.1)
            return True

        await until(is_kept)


async def test_stopping_leaves_the_groups(kafka: Cluster, proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """So that other members need not wait until the session ends."""
    topic = topic_of()
    async with running(kafka, ProxySettings()) as stopped:
        instance = await subscribed(stopped, group, topic)
        await stopped.poll(instance, count=0)
        await until(lambda: has_members(proxy, group, 1))
    assert proxy.admin.describe_consumer_groups([group])[group].result().members == []
