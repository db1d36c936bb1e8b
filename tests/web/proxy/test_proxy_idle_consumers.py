"""Consumer instances that nobody uses: they rest, leave their group, go on where they were, and are closed."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
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
async def impatient(kafka: Cluster) -> AsyncIterator[ProxyApi]:
    """A proxy whose instances rest at once and are closed soon."""
    async with running(kafka, ProxySettings(idle_timeout=1.5), rest_after=0) as api:
        yield api


@pytest_asyncio.fixture(loop_scope="session")
async def parking(kafka: Cluster) -> AsyncIterator[ProxyApi]:
    """A proxy whose instances are parked at the first opportunity."""
    async with running(kafka, ProxySettings(park_after=0.1)) as api:
        yield api


async def until_parked(proxy: ProxyApi, group: str) -> None:
    """Wait until nobody is in the group."""
    async with asyncio.timeout(120):
        while proxy.admin.describe_consumer_groups([group])[group].result().members:
            await asyncio.sleep(0.1)


async def test_an_instance_that_rested_reads_on(impatient: ProxyApi, topic: Callable[[], str], group: str) -> None:
    """Fetching stops after some time without a poll, and nothing is lost by that."""
    name = topic()
    await impatient.produce(name, {"value": 0})
    instance = await subscribed(impatient, group, name)
    for value in range(2):
        assert [each["value"] for each in await impatient.poll(instance)] == [value]
        await asyncio.sleep(1.2)
        await impatient.produce(name, {"value": value + 1})


@pytest.mark.parametrize("auto_commit", ["true", "false"])
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
            await parking.poll(instance, count=0)
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


async def test_an_idle_instance_is_closed(impatient: ProxyApi, group: str) -> None:
    """Its use, whatever it is, keeps it."""
    kept, left = await impatient.consumer(group), await impatient.consumer(group)
    for _ in range(40):
        await asyncio.sleep(0.1)
        assert (await impatient("GET", f"{kept}/subscription"))[0] == 200
    expired = (404, 40403, "Consumer instance not found: it was closed after 1.5 seconds without a request.")
    await expect(impatient, expired, "GET", f"{left}/subscription")
    await expect(impatient, expired, "DELETE", left)
    name = left.rpartition("/")[2]
    assert (await impatient("POST", f"/consumers/{group}", {"name": name}))[0] == 200
    assert await impatient("DELETE", left) == (204, None)
    await expect(impatient, NOT_FOUND, "DELETE", left)


async def test_stopping_leaves_the_groups(kafka: Cluster, proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """So that other members need not wait until the session ends."""
    topic = topic_of()
    async with running(kafka, ProxySettings()) as stopped:
        instance = await subscribed(stopped, group, topic)
        await stopped.poll(instance, count=0)
        assert len(proxy.admin.describe_consumer_groups([group])[group].result().members) == 1
    assert proxy.admin.describe_consumer_groups([group])[group].result().members == []
