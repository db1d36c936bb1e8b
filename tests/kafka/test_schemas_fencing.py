"""Two primaries on a real broker, of which one was asleep: only the last elected can write, if it fences."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from karapace_like.errors import ApiError
from karapace_like.kafka.cluster import Cluster
from karapace_like.leadership import Fencing
from karapace_like.registry.registration import Registered
from karapace_like.registry.registry import MARK
from karapace_like.replication.errors import LogError
from karapace_like.replication.write_availability import WriteRole
from tests.kafka.fenced_nodes import Node, deposed
from tests.waiting import until

OTHER = ("http://other:8081",)


@pytest.mark.parametrize(
    ("fencing", "foreign"),
    [(Fencing.AUTO, ()), (Fencing.AUTO, OTHER), (Fencing.EPOCH, ()), (Fencing.ON, OTHER), (Fencing.TRANSACTION, ())],
)
async def test_a_primary_that_slept_cannot_write(
    kafka: Cluster, topic: Callable[[], str], fencing: Fencing, foreign: tuple[str, ...]
) -> None:
    """What it had planned is refused by the broker, and can be asked of its successor."""
    async with deposed(kafka, topic(), fencing, foreign=foreign) as (late, successor):
        with pytest.raises(LogError, match="Leader not known"):
            await late
        assert (await successor.register("a", '"int"')).id == 2
    assert successor.registry.read().context("").mixed == set()


@pytest.mark.parametrize(("fencing", "foreign"), [(Fencing.OFF, ()), (Fencing.TRANSACTION, OTHER)])
async def test_without_fencing_it_can(
    kafka: Cluster, topic: Callable[[], str], fencing: Fencing, foreign: tuple[str, ...]
) -> None:
    """Which is what fencing is for: one id is given to two schemas. Both versions are there; the id means the first."""
    async with deposed(kafka, topic(), fencing, foreign=foreign) as (late, successor):
        assert (await late).id == 1
        await successor.registry.catch_up()
        await successor.registry.conflict_watch.look()
    assert [str(each) for each in successor.registry.conflict_watch.conflicts] == [
        "a version 1 has the id 1, which means the schema of b version 1"
    ]
    assert (successor.registry.conflict_watch.warning or "").startswith(
        "1 versions have an id that means another schema"
    )


@pytest.mark.parametrize("fencing", [Fencing.OFF, Fencing.TRANSACTION])
async def test_a_primary_whose_producer_is_broken_writes_by_another(
    kafka: Cluster, topic: Callable[[], str], fencing: Fencing
) -> None:
    """After an error that is fatal to it, here a gap in what may have none: no restart is needed, nor an election."""
    name = topic()
    node = Node(kafka, name, fencing, enable_idempotence=True, enable_gapless_guarantee=True)
    async with node.reading(), node.leading():
        assert (await node.register("a", '"int"')).id == 1
        await _limit(kafka, name, 50)
        node.topic.mark()
        assert node.topic._writer is not None
        await until(partial(_is_broken, node.topic._writer._plain, name))
        await _limit(kafka, name, 100_000)
        assert (await node.register("b", '"long"')).id == 2
        assert (await node.register("c", '"string"')).id == 3
        assert node.registry.board.current.role is WriteRole.PRIMARY


async def _is_broken(client: Producer, topic: str) -> bool:
    try:
        client.produce(topic, key=MARK, partition=0)
    except KafkaException:
        return True
    return False


async def _limit(kafka: Cluster, topic: str, max_message_bytes: int) -> None:
    entry = ConfigEntry("max.message.bytes", str(max_message_bytes), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    await asyncio.to_thread(admin.incremental_alter_configs([resource])[resource].result)


@pytest.mark.parametrize("fencing", [Fencing.EPOCH, Fencing.TRANSACTION])
async def test_registrations_that_wait_together_share_an_append(
    kafka: Cluster, topic: Callable[[], str], fencing: Fencing
) -> None:
    """Each gets an id of its own, but for equal schemas, which share one; a subject's versions do not collide."""
    node = Node(kafka, topic(), fencing)
    async with node.reading(), node.leading():
        texts = [f'{{"type":"fixed","name":"f{number // 2}","size":4}}' for number in range(60)]
        done = await asyncio.gather(
            *(node.register(f"s{number % 30}", text) for number, text in enumerate(texts)), return_exceptions=True
        )
        registered = [each for each in done if isinstance(each, Registered)]
        # The second version of half of the subjects is incompatible with the first.
        assert all(isinstance(each, Registered | ApiError) for each in done)
        ids = {each.content.text: {one.id for one in registered if one.content == each.content} for each in registered}
        assert all(len(each) == 1 for each in ids.values())
        assert len({next(iter(each)) for each in ids.values()}) == len(ids)
        versions = [(each.subject, each.version) for each in registered]
        assert len(set(versions)) == len(versions)


async def test_a_topic_that_is_deleted_is_given_up(kafka: Cluster, topic: Callable[[], str]) -> None:
    """Nothing is served any more; above all no empty topic in its place."""
    name = topic()
    node = Node(kafka, name, Fencing.AUTO)
    given_up = asyncio.Event()
    node.registry.on_failure(given_up.set)
    async with node.reading():
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
        admin.delete_topics([name])[name].result()
        await asyncio.wait_for(given_up.wait(), 60)
        with pytest.raises(LogError, match="was deleted"):
            node.registry.read()
        assert name not in admin.list_topics().topics
