"""Registries on one topic, elected as a test wants, of which one can fall asleep between its plan and its write."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.log_topic import LogTopic, LogTopicSettings
from karapace_like.kafka.settings import KafkaSettings, Option
from karapace_like.leadership import Fencing, Term
from karapace_like.records import LogEntry
from karapace_like.registry import registration
from karapace_like.registry.registration import Registered, Rules, Submission
from karapace_like.registry.registry import MARK, Registry
from karapace_like.registry.view import EVERYBODY
from karapace_like.replication.write_availability import WriteAvailability
from karapace_like.replication.writes import NotWritten, WriteOutcome, WriteRequest, Written


class SleepyTopic(LogTopic):
    """A topic whose primary falls asleep between its plan and its write, until it is woken."""

    def __init__(self, kafka: KafkaSettings, settings: LogTopicSettings) -> None:
        super().__init__(kafka, settings)
        self.wake = asyncio.Event()
        self.wake.set()
        self.asleep = asyncio.Event()

    async def append(self, batch: Sequence[LogEntry]) -> int:
        self.asleep.set()
        await self.wake.wait()
        return await super().append(batch)


class Unforwardable:
    """A request that is answered by the node that it was sent to, or not at all."""

    was_forwarded = True

    def is_awaited(self) -> bool:
        return False

    async def forward(self, primary: str) -> NotWritten:
        raise AssertionError(primary)


class Node:
    """A registry on the topic, elected as often as a test wants."""

    def __init__(
        self, kafka: Cluster, topic: str, fencing: Fencing, foreign: tuple[str, ...] = (), **security: Option
    ) -> None:
        """`security`: more options of librdkafka, with `_` for `.`."""
        settings = LogTopicSettings(name=topic, group_id=f"group-of-{topic}", fencing=fencing, mark=MARK)
        options = {name.replace("_", "."): value for name, value in security.items()}
        self.topic = SleepyTopic(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, security=options), settings)
        self.registry = Registry(self.topic, Rules())
        self._foreign = foreign

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        self.registry.begin_replay(await self.topic.open(self.registry.apply_batch, self.registry.give_up))
        await self.registry.wait_until_replayed()
        yield
        await self.topic.close()

    @asynccontextmanager
    async def leading(self) -> AsyncIterator[None]:
        term = asyncio.create_task(self.registry.lead(Term(number=1, foreign=self._foreign)))
        await self.registry.board.wait_for_change_from(WriteAvailability())
        yield
        term.cancel()
        await asyncio.gather(term, return_exceptions=True)

    async def register(self, subject: str, text: str) -> Registered:
        submission = Submission(reader=EVERYBODY, text=text)
        plan = partial(registration.plan, subject=subject, submission=submission, rules=self.registry.rules)
        outcome: WriteOutcome[Registered, object] = await self.registry.write(
            WriteRequest(planner=plan, key=subject), Unforwardable()
        )
        assert isinstance(outcome, Written)
        return outcome.answer


@asynccontextmanager
async def deposed(
    kafka: Cluster, topic: str, *fencing: Fencing, foreign: tuple[str, ...] = ()
) -> AsyncIterator[tuple["asyncio.Task[Registered]", Node]]:
    """A registration that a primary planned, slept over and writes now; and its successor, which has written before."""
    first, second = Node(kafka, topic, fencing[0], foreign), Node(kafka, topic, fencing[-1], foreign)
    async with first.reading(), second.reading(), first.leading():
        first.topic.wake.clear()
        late = asyncio.create_task(first.register("a", '"int"'))
        await first.topic.asleep.wait()
        async with second.leading():
            assert (await second.register("b", '"long"')).id == 1
            first.topic.wake.set()
            yield late, second


def create_topic(kafka: Cluster, name: str, **config: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.create_topics([NewTopic(name, 1, 1, config={"cleanup.policy": "compact", **config})])[name].result()


@asynccontextmanager
async def leading(kafka: Cluster, topic: str, fencing: Fencing = Fencing.EPOCH) -> AsyncIterator[Node]:
    node = Node(kafka, topic, fencing)
    async with node.reading(), node.leading():
        yield node


def find_producer_epoch(node: Node) -> tuple[int, int]:
    assert node.topic._epochs is not None
    assert node.topic._epochs._fence is not None
    return node.topic._epochs._fence.producer
