"""The fence by epoch against a broker that does what real ones cannot be brought to, one rule at a time."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.epoch_fence import fencer, writer
from karapace_like.kafka.epoch_fence.batches import Records, build_batch
from karapace_like.kafka.epoch_fence.fenced_partition import FencedPartition
from karapace_like.kafka.epoch_fence.fencer import FenceUnavailableError, PartitionLimits
from karapace_like.kafka.epoch_fence.partition import PartitionLeader
from karapace_like.kafka.epoch_fence.read_back import ProducerEpoch, ReadBack
from karapace_like.kafka.epoch_fence.writer import EpochWriter
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.leadership import DeposedError, Term
from tests.fake_broker import DESCRIBE, HOST, INIT, PRODUCE, TOPIC, FakeBroker
from tests.partition_model import INVALID_PRODUCER_EPOCH, ModelRecord, Producer

MARK = b"noop"
ID = "group-topic"
RECORD = (b"key", b"value")
EXPIRY = 1_000.0
INVALID_TXN_STATE, NOT_LEADER, TOO_LARGE, CLUSTER_AUTHORIZATION_FAILED = 48, 6, 10, 31


class Primary:
    """A writer of one node that reads everything as it is appended."""

    def __init__(self, broker: FakeBroker, *, is_log_append_time: bool = True, max_bytes: int = 1_000_000) -> None:
        self.now = 0.0
        self.read_back = ReadBack(ID)
        self.limits = PartitionLimits(max_bytes, EXPIRY, is_log_append_time)
        self.leader = PartitionLeader(
            KafkaSettings(bootstrap_servers=f"{HOST}:{broker.port}"), topic=TOPIC, transactional_id=ID
        )
        self.writer = EpochWriter(
            FencedPartition(
                leader=self.leader,
                read_back=self.read_back,
                noop_key=MARK,
                transactional_id=ID,
                now=lambda: self.now,
            ),
            fetch_limits=self._fetch_limits,
            timeout=1.0,
        )
        self._broker = broker
        self._previous = broker.on_append
        broker.on_append = self._note
        self.read_back.note(broker.log, len(broker.log))
        self.of(broker).append(self)

    @staticmethod
    def of(broker: FakeBroker) -> list["Primary"]:
        """All primaries of a broker."""
        found: list[Primary] = broker.__dict__.setdefault("primaries", [])
        return found

    @property
    def producer(self) -> ProducerEpoch:
        assert self.writer._fence is not None
        return self.writer._fence.producer

    async def _fetch_limits(self) -> PartitionLimits:
        return self.limits

    def _note(self, records: Sequence[ModelRecord]) -> None:
        self._previous(records)
        asyncio.get_running_loop().call_soon(self.read_back.note, records, records[-1].offset + 1)

    async def lead(self) -> None:
        await self.writer.take_over(Term(number=1))


@asynccontextmanager
async def running() -> AsyncIterator[FakeBroker]:
    broker = FakeBroker()
    async with broker.listening():
        yield broker
        for primary in Primary.of(broker):
            primary.writer.close()
    for _ in range(20):
        await asyncio.sleep(0)  # connections close in turns of the event loop


@pytest.fixture
async def broker() -> AsyncIterator[FakeBroker]:
    async with running() as found:
        yield found


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is tried for long."""
    monkeypatch.setattr(fencer, "TAKE_OVER_SECONDS", 0.3)
    monkeypatch.setattr(writer, "_FIND_SECONDS", 0.1)


def values(broker: FakeBroker) -> list[bytes | None]:
    return [record.value for record in broker.log if record.key != MARK]


async def cut(broker: FakeBroker, primary: Primary) -> None:
    """Close all connections, and return when the primary has noticed."""
    broker.drop_connections()
    async with asyncio.timeout(60):
        while primary.leader.is_connected:
            await asyncio.sleep(0)


async def refused(primary: Primary) -> DeposedError:
    with pytest.raises(DeposedError) as found:
        await primary.writer.append([RECORD])
    return found.value


async def test_writes_follow_the_noop_of_a_second_epoch_which_is_proven(broker: FakeBroker) -> None:
    """The first one has no epoch before it that the partition could be seen to refuse."""
    primary = Primary(broker)
    await primary.lead()
    assert (primary.producer.epoch, [record.key for record in broker.log]) == (1, [MARK])
    assert await primary.writer.append([RECORD, (b"gone", None)]) == 3
    assert values(broker) == [b"value", None]


async def test_of_two_primaries_the_first_is_refused_and_has_written_nothing(broker: FakeBroker) -> None:
    first, second = Primary(broker), Primary(broker)
    await first.lead()
    await second.lead()
    assert second.producer == (first.producer.id, first.producer.epoch + 1)
    assert (await refused(first)).is_outcome_known
    assert values(broker) == []
    await second.writer.append([RECORD])


@pytest.mark.parametrize("back", [1, 2], ids=["the same", "an earlier"])
async def test_an_epoch_that_the_partition_has_seen_is_not_used_again(broker: FakeBroker, back: int) -> None:
    """The coordinator has lost its log. The NOOP would be a duplicate, answered with an old offset, or refused."""
    first, second = Primary(broker), Primary(broker)
    await first.lead()
    broker.partition.coordinator = broker.partition.coordinator._replace(epoch=first.producer.epoch - back)
    await second.lead()
    assert second.producer.epoch > first.producer.epoch
    assert not (await refused(first)).message.startswith("The topic holds")
    await second.writer.append([RECORD])


@pytest.mark.parametrize("epoch", [None, 32_766], ids=["forgotten", "epochs used up"])
async def test_another_producer_id_fences_the_previous_one(broker: FakeBroker, epoch: int | None) -> None:
    """The coordinator has forgotten the id, or its epochs are used up. Brokers do not own ids."""
    if epoch is not None:
        broker.partition.coordinator = Producer(1000, epoch - 2)
    first, second = Primary(broker), Primary(broker)
    await first.lead()
    if epoch is None:
        broker.partition.coordinator = Producer(1001, -1)
    await second.lead()
    if epoch is not None:
        second = Primary(broker)
        await second.lead()
    assert second.producer.id == 1001
    assert (await refused(first)).is_outcome_known
    await second.writer.append([RECORD])
    assert values(broker) == [b"value"]


async def test_a_straggler_of_another_id_fences_its_successor_and_does_not_share(broker: FakeBroker) -> None:
    """It took its epoch before the coordinator forgot the id, and its NOOP comes after its successor's."""
    first, straggler, second = (Primary(broker) for _ in range(3))
    await first.lead()
    ahead = await straggler.leader.take_epoch()
    broker.partition.coordinator = Producer(1001, -1)
    await second.lead()
    broker.faults[INIT] = []
    taken = [ahead]
    take = straggler.leader.take_epoch

    async def take_late(current: ProducerEpoch | None = None) -> ProducerEpoch:
        return taken.pop() if taken else await take(current)

    straggler.leader.take_epoch = take_late  # type: ignore[method-assign]
    await straggler.lead()
    await refused(second)
    await straggler.writer.append([RECORD])


async def test_a_broker_that_accepts_an_earlier_epoch_fences_nothing(broker: FakeBroker) -> None:
    broker.partition.accepts_stale_epochs = True
    with pytest.raises(FenceUnavailableError, match="accepts batches of an earlier epoch"):
        await Primary(broker).lead()


async def test_without_describe_producers_the_topic_must_have_log_append_time(broker: FakeBroker) -> None:
    """Nothing would tell that the partition has forgotten a primary whose clock is a day behind."""
    del broker.structs[DESCRIBE]
    with pytest.raises(FenceUnavailableError, match="LogAppendTime"):
        await Primary(broker, is_log_append_time=False).lead()
    primary = Primary(broker)
    await primary.lead()
    before = primary.producer
    broker.drop_connections()
    await primary.writer.append([RECORD])
    assert primary.producer == (before.id, before.epoch + 1), "renewed, since the leader may be another one"
    await primary.writer.append([RECORD])


async def test_a_renewal_is_for_the_owner_of_the_newest_epoch_only(broker: FakeBroker) -> None:
    """Else a straggler would fence the primary that was elected after it."""
    del broker.structs[DESCRIBE]
    first, second = Primary(broker), Primary(broker)
    await first.lead()
    await second.lead()
    await cut(broker, first)
    assert (await refused(first)).is_outcome_known
    await second.writer.append([RECORD])


async def test_an_open_transaction_of_the_predecessor_is_waited_for(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.faults[PRODUCE] = [lambda: INVALID_TXN_STATE]
    await Primary(broker).lead()
    monkeypatch.setattr(fencer, "TAKE_OVER_SECONDS", 0.3)
    broker.faults[PRODUCE] = [lambda: INVALID_TXN_STATE] * 100
    with pytest.raises(FenceUnavailableError, match="still open"):
        await Primary(broker).lead()


async def test_a_right_that_lacks_is_a_reason_to_fall_back(broker: FakeBroker) -> None:
    broker.faults[PRODUCE] = [lambda: CLUSTER_AUTHORIZATION_FAILED]
    with pytest.raises(FenceUnavailableError, match="authorization"):
        await Primary(broker).lead()


async def test_a_batch_whose_answer_is_lost_is_there_once(broker: FakeBroker) -> None:
    primary = Primary(broker)
    await primary.lead()
    broker.loses_answers = 2
    await primary.writer.append([RECORD])
    await primary.writer.append([(b"another", b"one")])
    assert values(broker) == [b"value", b"one"]


@pytest.mark.parametrize("error_of_first", [0, NOT_LEADER], ids=["no answer", "the leader moved"])
@pytest.mark.parametrize("is_first_written", [True, False])
async def test_a_retry_that_is_refused_tells_nothing_of_the_first_try(
    broker: FakeBroker, *, is_first_written: bool, error_of_first: int
) -> None:
    """The records before the successor's NOOP do."""
    broker.error_of_appended = error_of_first
    first, second = Primary(broker), Primary(broker)
    await first.lead()
    taking_over: list[asyncio.Task[None]] = []

    def lose() -> int | None:
        if not is_first_written:
            broker.partition.append = lambda batch: (0, -1)  # type: ignore[method-assign] # noqa: ARG005
        broker.loses_answers = 1
        asyncio.get_running_loop().call_soon(follow)
        return None

    def follow() -> None:
        broker.partition.__dict__.pop("append", None)
        taking_over.append(asyncio.create_task(second.lead()))

    async def connect_late(connect: Callable[[], asyncio.Future[None]]) -> None:
        if taking_over:
            await taking_over[0]
        await connect()

    first.leader.connect = partial(connect_late, first.leader.connect)  # type: ignore[method-assign,arg-type]
    broker.faults[PRODUCE] = [lose]
    if is_first_written:
        await first.writer.append([RECORD])
    else:
        assert (await refused(first)).is_outcome_known
    assert values(broker) == [b"value"] * is_first_written
    await refused(first)


async def test_a_leader_that_remembers_nothing_gets_no_batch(broker: FakeBroker) -> None:
    """After an unclean election or a restart that has lost the producer's state."""
    primary = Primary(broker)
    await primary.lead()
    await cut(broker, primary)
    broker.partition.producers.clear()
    assert (await refused(primary)).is_outcome_known
    assert values(broker) == []


async def test_a_topic_that_ends_before_what_was_read_ends_the_term(broker: FakeBroker) -> None:
    primary = Primary(broker)
    await primary.lead()
    await primary.writer.append([RECORD])
    await cut(broker, primary)
    broker.log.pop()
    assert "ends at offset 1" in (await refused(primary)).message


async def test_a_record_that_was_replaced_is_not_acknowledged(broker: FakeBroker) -> None:
    """As by an unclean election right after the broker's answer."""
    primary = Primary(broker)
    await primary.lead()
    note = broker.on_append
    broker.on_append = lambda records: note([record._replace(value=b"other") for record in records])
    assert not (await refused(primary)).is_outcome_known


async def test_a_primary_that_slept_does_not_write(broker: FakeBroker) -> None:
    """The brokers may have forgotten its epoch, and nobody would refuse it."""
    primary = Primary(broker)
    await primary.lead()
    primary.now += EXPIRY / 2 + 1
    assert (await refused(primary)).is_outcome_known
    assert values(broker) == []


async def test_an_idle_primary_appends_noops_and_checks_that_it_is_remembered(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Well before the brokers forget it; the NOOPs have one key."""
    monkeypatch.setattr(writer, "_CHECK_SECONDS", 0.01)
    primary = Primary(broker)
    await primary.lead()
    keeping = asyncio.create_task(primary.writer.keep())
    async with asyncio.timeout(60):
        primary.now += EXPIRY / 4
        while len(broker.log) < 2:
            await asyncio.sleep(0.01)
        assert [record.key for record in broker.log] == [MARK] * 2
        broker.partition.producers.clear()
        while primary.writer._fence is not None:
            primary.now += 0.01
            await asyncio.sleep(0.01)
    keeping.cancel()


async def test_a_leader_that_moved_is_found_again(broker: FakeBroker) -> None:
    primary = Primary(broker)
    await primary.lead()
    before = broker.connections
    broker.faults[PRODUCE] = [lambda: NOT_LEADER]
    await primary.writer.append([RECORD])
    assert broker.connections > before
    assert values(broker) == [b"value"]


async def test_a_batch_that_is_refused_for_itself_ends_no_term(broker: FakeBroker) -> None:
    primary = Primary(broker)
    await primary.lead()
    broker.faults[PRODUCE] = [lambda: TOO_LARGE]
    with pytest.raises(KafkaFailure) as found:
        await primary.writer.append([RECORD])
    assert found.value.name == "MSG_SIZE_TOO_LARGE"
    await primary.writer.append([RECORD])


def _records(count: int, *, is_random: bool) -> Records:
    return [(b"key %d" % number, secrets.token_bytes(300) if is_random else b"x" * 300) for number in range(count)]


@pytest.mark.parametrize(("is_random", "batches"), [(False, 1), (True, 3)], ids=["compressed", "divided"])
async def test_records_that_do_not_fit_into_a_batch(broker: FakeBroker, *, is_random: bool, batches: int) -> None:
    """They are compressed; where that is not enough, one batch follows another."""
    primary = Primary(broker, max_bytes=4_000)
    await primary.lead()
    before = broker.requests.count(PRODUCE)
    records = _records(30, is_random=is_random)
    assert await primary.writer.append(records) == 31
    assert [(record.key, record.value) for record in broker.log if record.key != MARK] == records
    assert broker.requests.count(PRODUCE) - before == batches
    await primary.writer.append([RECORD])


async def test_a_part_that_is_refused_leaves_the_outcome_unknown(broker: FakeBroker) -> None:
    """The part before it is written."""
    primary = Primary(broker, max_bytes=4_000)
    await primary.lead()
    broker.faults[PRODUCE] = [lambda: None, lambda: INVALID_PRODUCER_EPOCH]
    with pytest.raises(DeposedError) as found:
        await primary.writer.append(_records(30, is_random=True))
    assert not found.value.is_outcome_known


def test_a_record_batch_is_that_of_its_producer() -> None:
    batch = build_batch(ProducerEpoch(7, 3), 5, [RECORD], [])
    assert batch[43:57] == (7).to_bytes(8, "big") + (3).to_bytes(2, "big") + (5).to_bytes(4, "big")
