"""The fence by epoch on real brokers: expiry, clocks, restarts, a cut log, transactions left open, both modes."""

import asyncio
import struct
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.epoch_fence import batches, fencer, writer
from karapace_like.kafka.epoch_fence.partition import PartitionLeader
from karapace_like.kafka.own_names import name_transactional_id
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.transactions import describe_transactional_id
from karapace_like.leadership import DeposedError, Fencing, Term
from karapace_like.registry.registration import Registered
from karapace_like.replication.errors import LogError
from tests.calling import call
from tests.kafka.fenced_nodes import Node, create_topic, deposed, find_producer_epoch, leading
from tests.service_process import ServiceProcess
from tests.waiting import until

_EXPIRY_MS = 4_000
_EPOCH_AT = 51
"""Where a batch has its producer's epoch (Kafka protocol guide, "Record Batch")."""
_TWO_DAYS = 172_800.0
"""Brokers remember a producer for one, by default."""

pytestmark = pytest.mark.kafka


@pytest.fixture
def forgetful_kafka(breakable_kafka: Cluster) -> Iterator[Cluster]:
    """A broker that forgets idle producers soon, during the test."""
    _set_expiry(breakable_kafka, AlterConfigOpType.SET)
    yield breakable_kafka
    _set_expiry(breakable_kafka, AlterConfigOpType.DELETE)


def _set_expiry(kafka: Cluster, operation: AlterConfigOpType) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    entry = ConfigEntry("producer.id.expiration.ms", str(_EXPIRY_MS), incremental_operation=operation)
    resource = ConfigResource(ResourceType.BROKER, "1", incremental_configs=[entry])
    admin.incremental_alter_configs([resource])[resource].result()


@pytest.mark.parametrize(
    ("first", "second"), [(Fencing.EPOCH, Fencing.TRANSACTION), (Fencing.TRANSACTION, Fencing.EPOCH)]
)
async def test_both_forms_fence_each_other(
    kafka: Cluster, topic: Callable[[], str], first: Fencing, second: Fencing
) -> None:
    async with deposed(kafka, topic(), first, second) as (late, successor):
        with pytest.raises(LogError, match="Leader not known"):
            await late
        assert (await successor.register("a", '"int"')).id == 2
    assert successor.registry.read().context("").mixed == set()


async def test_the_form_of_transactions_fences_before_its_first_write(kafka: Cluster, topic: Callable[[], str]) -> None:
    """Its NOOP does. Else a batch of an earlier epoch would get between its catching up and its first write."""
    name = topic()
    first, second = Node(kafka, name, Fencing.EPOCH), Node(kafka, name, Fencing.TRANSACTION)
    async with first.reading(), second.reading(), first.leading():
        await first.register("a", '"int"')
        async with second.leading():
            with pytest.raises(LogError, match="Leader not known"):
                await first.register("b", '"long"')
            assert (await second.register("c", '"string"')).id == 2


async def test_a_transaction_that_a_killed_node_left_open_is_ended(kafka: Cluster, topic: Callable[[], str]) -> None:
    """Under the same transactional id; its records are aborted, and read by nobody."""
    name = topic()
    create_topic(kafka, name)
    transactional_id = name_transactional_id(f"group-of-{name}", name)
    killed = Producer({"bootstrap.servers": kafka.bootstrap_servers, "transactional.id": transactional_id})
    killed.init_transactions()
    killed.begin_transaction()
    killed.produce(name, b"never", b"committed")
    killed.flush()
    async with leading(kafka, name) as node:
        assert (await node.register("a", '"int"')).id == 1


async def test_the_coordinator_shows_no_transaction_and_the_sign_of_earlier_writes(
    kafka: Cluster, topic: Callable[[], str]
) -> None:
    """`past_records` looks for it at a start on a missing topic."""
    name = topic()
    async with leading(kafka, name) as node:
        await node.register("a", '"int"')
    kafka_settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
    described = await describe_transactional_id(kafka_settings, name_transactional_id(f"group-of-{name}", name))
    assert described is not None
    assert (described.state, described.has_written) == ("Empty", True)


async def test_the_batch_of_a_large_schema_is_built_in_a_thread(
    kafka: Cluster, topic: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop is free meanwhile; small batches, which take microseconds, are built on it."""
    threads: list[str] = []
    build = batches.build_batch

    def record_and_build(*arguments: Any, **options: Any) -> bytes:
        threads.append(threading.current_thread().name)
        return build(*arguments, **options)

    monkeypatch.setattr(writer, "build_batch", record_and_build)
    async with leading(kafka, topic()) as node:
        await node.register("small", '"int"')
        assert set(threads) == {"MainThread"}
        fields = ",".join(f'{{"name":"f{at}","type":"int","default":0}}' for at in range(14_000))
        await node.register("large", f'{{"type":"record","name":"R","fields":[{fields}]}}')
    assert set(threads) != {"MainThread"}


def test_an_elected_primary_that_a_straggler_has_fenced_takes_the_next_epoch(
    kafka: Cluster, topic: Callable[[], str]
) -> None:
    """Its process goes on, and so does the group: the straggler has written one schema meanwhile."""
    name = topic()
    service = ServiceProcess(
        kafka.bootstrap_servers, topic_name=name, group_id=f"group-of-{name}", fencing=Fencing.EPOCH
    )
    with service:
        assert call(service.url, "POST", "/subjects/a/versions", {"schema": '"int"'})["id"] == 1

        async def fence() -> Registered:
            async with leading(kafka, name) as straggler:
                return await straggler.register("b", '"long"')

        assert asyncio.run(fence()).id == 2
        assert call(service.url, "POST", "/subjects/c/versions", {"schema": '"string"'})["id"] == 3
        assert call(service.url, "GET", "/subjects") == ["a", "b", "c"]
        assert service.running


async def test_where_brokers_accept_an_earlier_epoch_transactions_fence(
    kafka: Cluster, topic: Callable[[], str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No broker of Apache's does: batches of an earlier epoch are answered here as by one that takes them."""
    append, newest = PartitionLeader.append, -1

    async def accept(leader: PartitionLeader, batch: bytes) -> int:
        nonlocal newest
        (epoch,) = struct.unpack_from(">h", batch, _EPOCH_AT)
        if epoch < newest:
            return 0
        newest = epoch
        return await append(leader, batch)

    monkeypatch.setattr(PartitionLeader, "append", accept)
    name = topic()
    async with deposed(kafka, name, Fencing.AUTO) as (late, successor):
        with pytest.raises(LogError, match="Leader not known"):
            await late
        assert (await successor.register("a", '"int"')).id == 2
    assert "The fence by epoch cannot be used: the broker accepts batches of an earlier epoch" in caplog.text
    strict = Node(kafka, name, Fencing.EPOCH)
    async with strict.reading():
        with pytest.raises(KafkaFailure, match="accepts batches of an earlier epoch"):
            await strict.registry.lead(Term(number=1))


async def test_an_idle_primary_stays_known_beyond_the_brokers_memory(
    forgetful_kafka: Cluster, topic: Callable[[], str]
) -> None:
    """And what it deposed stays refused: its NOOPs go on well within that time."""
    async with deposed(forgetful_kafka, topic(), Fencing.EPOCH) as (late, successor):
        # The late batch was sent by now, or waits: only the NOOPs after it count.
        begun, expiry = successor.registry.position, _EXPIRY_MS / 1000
        since = time.monotonic()

        async def has_idled() -> bool:
            return time.monotonic() - since > 2 * expiry and successor.registry.position > begun + 2

        with pytest.raises(LogError):
            await late
        await until(has_idled)
        assert (await successor.register("a", '"int"')).id == 2


@pytest.mark.parametrize("timestamps", ["CreateTime", "LogAppendTime"])
async def test_a_clock_that_is_a_day_behind_ends_terms_or_does_not_matter(
    breakable_kafka: Cluster, topic: Callable[[], str], timestamps: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Brokers forget by the batch's own timestamp, after a restart at once: the new connection shows it."""
    name = topic()
    create_topic(breakable_kafka, name, **{"message.timestamp.type": timestamps})
    now = time.time
    monkeypatch.setattr(batches, "time", SimpleNamespace(time=lambda: now() - _TWO_DAYS))
    node = Node(breakable_kafka, name, Fencing.EPOCH)
    async with node.reading():
        term = asyncio.create_task(node.registry.lead(Term(number=1)))
        await node.registry.board.wait_for_change_from(node.registry.board.current)
        before = find_producer_epoch(node)
        await asyncio.to_thread(_restart, breakable_kafka)
        if timestamps == "LogAppendTime":
            await node.register("a", '"int"')
            assert find_producer_epoch(node) == before
        else:
            while not term.done():
                with pytest.raises(LogError):  # maybe only because the broker was not back in time
                    await node.register("a", '"int"')
                await asyncio.wait([term], timeout=1)
            with pytest.raises(DeposedError):
                await term
        term.cancel()
        await asyncio.gather(term, return_exceptions=True)


async def test_a_log_that_was_cut_ends_the_term_and_acknowledges_nothing(
    breakable_kafka: Cluster, topic: Callable[[], str]
) -> None:
    """As after an unclean election: the fence is gone with the last records."""
    name = topic()
    node = Node(breakable_kafka, name, Fencing.EPOCH)
    async with node.reading(), node.leading():
        await node.register("a", '"int"')
        await asyncio.to_thread(_restart, breakable_kafka, lambda: _cut(breakable_kafka, name))
        with pytest.raises(LogError):
            await node.register("b", '"long"')
    async with leading(breakable_kafka, name) as successor:
        assert (await successor.register("c", '"string"')).id == 1


@pytest.mark.long
async def test_a_cluster_without_transactions_is_written_plainly_and_said_so(
    topic: Callable[[], str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With too few brokers for their topic: no node can take an epoch, and `auto` does not try transactions either."""
    monkeypatch.setattr(fencer, "TAKE_OVER_SECONDS", 1.0)
    with Cluster(properties={"transaction.state.log.replication.factor": 3}) as kafka:
        async with leading(kafka, topic(), Fencing.AUTO) as node:
            assert (await node.register("a", '"int"')).id == 1
        assert "the cluster has no transactions, and writes are not fenced" in caplog.text
        strict = Node(kafka, topic(), Fencing.EPOCH)
        async with strict.reading():
            with pytest.raises(KafkaFailure, match="has no transactions"):
                await strict.registry.lead(Term(number=1))


def _restart(kafka: Cluster, meanwhile: Callable[[], None] = lambda: None) -> None:
    (broker,) = kafka.brokers
    broker.stop()
    meanwhile()
    broker.start()


def _cut(kafka: Cluster, topic: str) -> None:
    """Take the last half of the topic's only segment away, and what says that it was longer."""
    (broker,) = kafka.brokers
    (folder,) = broker.log.parent.glob(f"**/{topic}-0")
    (segment,) = folder.glob("*.log")
    with segment.open("r+b") as file:
        file.truncate(segment.stat().st_size // 2)
    for pattern in ("*.index", "*.timeindex", "*.snapshot", "*.kafka_cleanshutdown"):
        for found in [*folder.glob(pattern), *folder.parent.glob(f".{pattern.lstrip('*.')}")]:
            found.unlink()
