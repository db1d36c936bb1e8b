"""Two primaries on a real broker, of which one was asleep: only the last elected can write, if it fences."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
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

from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.schemas_topic import SchemasTopic, SchemasTopicSettings
from karapace_like.kafka.settings import KafkaSettings, Option
from karapace_like.leadership import Fencing, Term
from karapace_like.registry import registration
from karapace_like.registry.errors import NotPrimaryError, RegistryError
from karapace_like.registry.registration import Registered, Rules, Submission
from karapace_like.registry.registry import MARK, Registry
from karapace_like.registry.standing import Role, Standing
from tests.waiting import until


class SleepyTopic(SchemasTopic):
    """A topic whose primary falls asleep between its plan and its write, until it is woken."""

    def __init__(self, kafka: KafkaSettings, settings: SchemasTopicSettings) -> None:
        super().__init__(kafka, settings)
        self.wake = asyncio.Event()
        self.wake.set()
        self.asleep = asyncio.Event()

    async def append(self, batch: Sequence[tuple[bytes, bytes | None]]) -> int:
        self.asleep.set()
        await self.wake.wait()
        return await super().append(batch)


class Node:
    """A registry on the topic, elected as often as a test wants."""

    def __init__(
        self, kafka: Cluster, topic: str, fencing: Fencing, foreign: tuple[str, ...] = (), **security: Option
    ) -> None:
        """`security`: more options of librdkafka, with `_` for `.`."""
        settings = SchemasTopicSettings(name=topic, group_id=f"group-of-{topic}", fencing=fencing, mark=MARK)
        options = {name.replace("_", "."): value for name, value in security.items()}
        self.topic = SleepyTopic(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, security=options), settings)
        self.registry = Registry(self.topic, Rules())
        self._foreign = foreign

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        self.registry.begin_replay(await self.topic.open(self.registry.take, self.registry.give_up))
        await self.registry.replayed()
        yield
        await self.topic.close()

    @asynccontextmanager
    async def leading(self) -> AsyncIterator[None]:
        term = asyncio.create_task(self.registry.lead(Term(number=1, foreign=self._foreign)))
        await self.registry.board.other_than(Standing())
        yield
        term.cancel()
        await asyncio.gather(term, return_exceptions=True)

    async def register(self, subject: str, text: str) -> Registered:
        submission = Submission(text=text)
        plan = partial(registration.plan, subject=subject, submission=submission, rules=self.registry.rules)
        return await self.registry.write(plan)


@asynccontextmanager
async def _deposed(
    kafka: Cluster, topic: str, fencing: Fencing, foreign: tuple[str, ...] = ()
) -> AsyncIterator[tuple["asyncio.Task[Registered]", Node]]:
    """A registration that a primary planned, slept over and writes now; and its successor, which has written before."""
    first, second = (Node(kafka, topic, fencing, foreign) for _ in range(2))
    async with first.reading(), second.reading(), first.leading():
        first.topic.wake.clear()
        late = asyncio.create_task(first.register("a", '"int"'))
        await first.topic.asleep.wait()
        async with second.leading():
            assert (await second.register("b", '"long"')).id == 1
            first.topic.wake.set()
            yield late, second


async def test_a_primary_that_slept_cannot_write(kafka: Cluster, topic: Callable[[], str]) -> None:
    """What it had planned is refused by the broker, and can be asked of its successor."""
    async with _deposed(kafka, topic(), Fencing.AUTO) as (late, successor):
        with pytest.raises(NotPrimaryError):
            await late
        assert (await successor.register("a", '"int"')).id == 2
    assert successor.registry.read().conflicts == 0


@pytest.mark.parametrize(("fencing", "foreign"), [(Fencing.OFF, ()), (Fencing.AUTO, ("http://other:8081",))])
async def test_without_fencing_it_can(
    kafka: Cluster, topic: Callable[[], str], fencing: Fencing, foreign: tuple[str, ...]
) -> None:
    """Which is what fencing is for: one id is given to two schemas, and each node drops the second."""
    async with _deposed(kafka, topic(), fencing, foreign) as (late, successor):
        assert (await late).id == 1
        await successor.registry.caught_up()
    assert successor.registry.read().conflicts == 1


@pytest.mark.parametrize("fencing", [Fencing.OFF, Fencing.ON])
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
        assert node.registry.board.current.role is Role.PRIMARY


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


async def test_registrations_that_wait_together_share_a_transaction(kafka: Cluster, topic: Callable[[], str]) -> None:
    """Each gets an id of its own, but for equal schemas, which share one; a subject's versions do not collide."""
    node = Node(kafka, topic(), Fencing.ON)
    async with node.reading(), node.leading():
        texts = [f'{{"type":"fixed","name":"f{number // 2}","size":4}}' for number in range(60)]
        done = await asyncio.gather(
            *(node.register(f"s{number % 30}", text) for number, text in enumerate(texts)), return_exceptions=True
        )
        registered = [each for each in done if isinstance(each, Registered)]
        # The second version of half of the subjects is incompatible with the first.
        assert all(isinstance(each, Registered | RegistryError) for each in done)
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
    node.registry.on_lost(given_up.set)
    async with node.reading():
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
        admin.delete_topics([name])[name].result()
        await asyncio.wait_for(given_up.wait(), 60)
        with pytest.raises(RegistryError, match="was deleted"):
            node.registry.read()
        assert name not in admin.list_topics().topics
