"""What is written when a process stops: the state of an offset, or nothing, and then the earlier file stays."""

from pathlib import Path

import pytest

from karapace_like.errors import KafkaFailure
from karapace_like.records import LogDescription, LogPosition
from karapace_like.registry.registry import Registry
from karapace_like.registry.snapshot_parts import STATE_FORM
from karapace_like.registry.store import Store
from karapace_like.replication.snapshots import Outcome, Snapshots, load_snapshot
from tests.web.conftest import MemoryLog, TopicRecord, in_memory

KEY = b'{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}'
VALUE = b'{"subject":"s","version":1,"id":1,"schema":"\\"int\\"","deleted":false}'


class Log(MemoryLog):
    """A log that says where it was read up to, and may fail."""

    def __init__(self, log: MemoryLog) -> None:
        super().__init__()
        self.records, self.registry = log.records, log.registry
        self.position: LogPosition | None = LogPosition(1, 0)
        self.failure: KafkaFailure | None = None

    async def describe(self, _: int, /) -> LogDescription:
        if self.failure is not None:
            raise self.failure
        return LogDescription("c", "t", "i", start=0, tombstone_seconds=86_400.0, epoch_end=len(self.records))

    async def end_reading(self) -> LogPosition | None:
        return self.position


def make(path: Path, *, ready: bool = True) -> tuple[Registry, Log, Snapshots[Store]]:
    registry, memory = in_memory(ready=ready)
    log = Log(memory)
    return registry, log, Snapshots(registry, log, STATE_FORM, path / "s.snapshot", "1.0")


def list_files(path: Path) -> list[Path]:
    return list(path.iterdir())


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A directory with the snapshot of a registry with one schema."""
    _, log, snapshots = make(tmp_path)
    await log.append([(KEY, VALUE)])
    await snapshots.save()
    return tmp_path


async def test_a_state_is_continued_at_its_position(path: Path) -> None:
    registry, log, snapshots = make(path, ready=False)
    log.records = [TopicRecord(KEY, VALUE, 0, 0)]
    assert await snapshots.restore() == LogPosition(1, 0)
    assert snapshots.outcome is Outcome.USED
    assert registry.position == 1
    registry.begin_replay(1)
    assert registry.read().version("s", 1) is not None


async def test_a_cluster_that_does_not_answer_confirms_nothing(path: Path) -> None:
    """Neither at the start nor at the end."""
    before = (path / "s.snapshot").read_bytes()
    registry, log, snapshots = make(path, ready=False)
    log.failure = KafkaFailure("_TIMED_OUT", "no answer", retriable=True)
    assert await snapshots.restore() is None
    assert snapshots.outcome is Outcome.UNVERIFIED
    assert registry.position == 0
    registry.begin_replay(0)
    await log.append([(KEY, VALUE)])
    await snapshots.save()
    assert (path / "s.snapshot").read_bytes() == before


@pytest.mark.parametrize("position", [None, LogPosition(2, 0)])
async def test_a_state_of_no_known_offset_is_not_written(tmp_path: Path, position: LogPosition | None) -> None:
    """Records that were read and not applied, or of an unknown epoch."""
    _, log, snapshots = make(tmp_path)
    await log.append([(KEY, VALUE)])
    log.position = position
    await snapshots.save()
    assert list_files(tmp_path) == []


@pytest.mark.parametrize("is_lost", [False, True])
async def test_neither_half_a_state_nor_that_of_a_lost_topic_is_written(tmp_path: Path, *, is_lost: bool) -> None:
    registry, _, snapshots = make(tmp_path, ready=is_lost)
    if is_lost:
        registry.give_up("The topic was deleted.")
    await snapshots.save()
    assert list_files(tmp_path) == []


async def test_a_state_that_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    """MessagePack has no integers of more than 64 bits."""
    _, log, snapshots = make(tmp_path)
    await log.append([(KEY, VALUE[:-1] + b',"metadata":{"later":%d}}' % 2**70)])
    await snapshots.save()
    assert list_files(tmp_path) == []


async def test_a_state_in_memory_is_used_in_place_of_the_file(path: Path) -> None:
    file = path / "s.snapshot"
    loaded = load_snapshot(file, STATE_FORM)
    file.unlink()
    registry, log, _ = make(path, ready=False)
    log.records = [TopicRecord(KEY, VALUE, 0, 0)]
    snapshots = Snapshots(registry, log, STATE_FORM, None, "1.0", loaded=loaded)
    assert await snapshots.restore() == LogPosition(1, 0)
    assert snapshots.outcome is Outcome.USED
    assert registry.store.subjects_in(".") == {"s": {1: registry.store.version("s", 1)}}
    assert await snapshots.restore() is None  # it is given once
    await snapshots.save()
    assert list_files(path) == []


async def test_the_outcome_of_a_state_in_memory_is_that_of_its_file(path: Path) -> None:
    """Of which nothing may be left: the state is then what was read from the topic in its place."""
    loaded = load_snapshot(path / "s.snapshot", STATE_FORM)
    registry, log, _ = make(path, ready=False)
    log.records = [TopicRecord(KEY, VALUE, 0, 0)]
    outcome = Outcome.DAMAGED
    snapshots = Snapshots(registry, log, STATE_FORM, None, "1.0", loaded=loaded, loaded_outcome=outcome)
    assert await snapshots.restore() == LogPosition(1, 0)
    assert snapshots.outcome is Outcome.DAMAGED


async def test_a_state_in_memory_is_verified(path: Path) -> None:
    loaded = load_snapshot(path / "s.snapshot", STATE_FORM)
    registry, log, _ = make(path, ready=False)
    snapshots = Snapshots(registry, log, STATE_FORM, None, "2.0", loaded=loaded)
    assert await snapshots.restore() is None
    assert snapshots.outcome is Outcome.OTHER_RELEASE
    assert registry.position == 0


def test_a_file_that_is_missing_or_damaged_is_not_loaded(path: Path) -> None:
    file = path / "s.snapshot"
    assert load_snapshot(path / "missing", STATE_FORM) is None
    file.write_bytes(file.read_bytes()[:-1])
    assert load_snapshot(file, STATE_FORM) is None
