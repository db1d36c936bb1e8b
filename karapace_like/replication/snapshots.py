"""A snapshot of a replicated state in a local file, so that a restart need not read the whole topic.

The topic is the truth. A snapshot is used only while it can be nothing but the state of the topic at its offset, and
while the topic still has every later record, tombstones too; in any doubt the topic is read from its beginning. It is
written when the process stops, since the state does not change then.
"""

import asyncio
import enum
import gc
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec

from karapace_like.errors import KafkaFailure
from karapace_like.process.turns import Turn
from karapace_like.records import LogDescription, LogPosition
from karapace_like.replication.replica import Replica
from karapace_like.replication.snapshot_file import DamagedFileError, read_blocks, write_blocks

logger = logging.getLogger(__name__)

S = TypeVar("S")
"""The state."""
T_co = TypeVar("T_co", covariant=True)
"""The state that is loaded."""

_SAVE_SECONDS = 5.0
"""How long the questions to the cluster may take when the process stops."""
_TOMBSTONE_SHARE = 0.5
"""Of the time for which the topic keeps tombstones: the rest is for clocks that differ, and for reading."""
_REPLAY_SECONDS = 7 * 24 * 3600.0
"""The topic is read from its beginning at least so often, so that no fault of a state outlives many restarts."""


class Outcome(enum.StrEnum):
    """What became of the snapshot at the start, as a label of metrics."""

    USED = "used"
    MISSING = "missing"
    DAMAGED = "damaged"
    OTHER_RELEASE = "other_release"
    OTHER_TOPIC = "other_topic"
    OTHER_RECORDS = "other_records"
    """The topic has lost records since."""
    TOO_OLD = "too_old"
    UNVERIFIED = "unverified"
    """The cluster did not say what it had to be compared with."""


class Doubt(NamedTuple):
    """Why a snapshot is not used."""

    outcome: Outcome
    reason: str


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first block of the file."""

    release: str
    """The version of the service."""
    cluster_id: str
    topic: str
    topic_id: str
    start: int
    """See `LogDescription`."""
    position: LogPosition
    ended: float
    """A time at which the topic had no record at the offset, in seconds since the epoch."""
    replayed: float
    """When the state was last replayed from the beginning of the topic."""


class SnapshotLog(Protocol):
    """The log as a snapshot needs it; failures are raised as KafkaFailure."""

    async def end(self) -> int:
        """Return the offset after the last readable record."""
        ...

    async def describe(self, leader_epoch: int, /) -> LogDescription:
        """Return what the cluster says of the topic and this leader epoch."""
        ...

    async def end_reading(self) -> LogPosition | None:
        """Read no more, and return the position after the last record, which is applied; None where it is unknown."""
        ...


class Loader(Protocol[T_co]):
    """Puts the parts of a state together."""

    def add(self, block: bytes, /) -> None:
        """Add a part, in a few milliseconds."""
        ...

    def finish(self) -> T_co:
        """Return the state, once all parts are added."""
        ...


class StateForm(NamedTuple, Generic[S]):
    """How a state becomes blocks of bytes, and blocks a state."""

    dump: Callable[[S], Iterator[bytes]]
    create_loader: Callable[[], Loader[S]]


class LoadedSnapshot(NamedTuple, Generic[S]):
    """A snapshot in memory, not verified yet."""

    header: Header
    state: S


def load_snapshot(path: Path, form: StateForm[S]) -> LoadedSnapshot[S] | None:
    """Return the snapshot at the path; None if there is none, or it cannot be loaded. Blocks."""
    loader = form.create_loader()
    try:
        blocks = read_blocks(path)
        header = msgspec.msgpack.decode(next(blocks, b""), type=Header)
        with _pause_collector():
            for block in blocks:
                loader.add(block)
            return LoadedSnapshot(header, loader.finish())
    except FileNotFoundError:
        return None
    except Exception:
        logger.exception("The snapshot %s cannot be loaded", path)
        return None


class Snapshots(Generic[S]):
    """The snapshot of one state, in one file or in memory."""

    def __init__(
        self,
        replica: Replica[S],
        log: SnapshotLog,
        form: StateForm[S],
        path: Path | None,
        release: str,
        *,
        loaded: LoadedSnapshot[S] | None = None,
        loaded_outcome: Outcome = Outcome.USED,
    ) -> None:
        """Without a path nothing is written. `loaded` takes the place of the file that is there at the start.

        `loaded_outcome` is the outcome if it is used: what became of the file, which may have been written anew.
        """
        self.outcome: Outcome | None = None
        """None before the start has come to it."""
        self._replica = replica
        self._log = log
        self._form = form
        self._path = path
        self._release = release
        self._loaded = loaded
        self._used_outcome = Outcome.USED if loaded is None else loaded_outcome
        self._replayed = time.time()

    async def restore(self) -> LogPosition | None:
        """Give the replica the state of the snapshot, and return its position; None where it is not used."""
        begun, place = time.monotonic(), self._path if self._loaded is None else "in memory"
        try:
            header, state = await self._load()
        except FileNotFoundError:
            self.outcome = Outcome.MISSING
            return None
        except _UnusedError as unused:
            self.outcome, reason = unused.doubt
            logger.warning("The snapshot %s is not used, and the topic is read instead: %s.", place, reason)
            return None
        finally:
            self._loaded = None
        position = header.position
        self._replica.restore(state, position.offset)
        self._replayed = header.replayed
        self.outcome = self._used_outcome
        seconds = time.monotonic() - begun
        logger.info("The snapshot %s was loaded in %.1f s, up to offset %d", place, seconds, position.offset)
        return position

    async def save(self) -> None:
        """Write the snapshot of the state that the replica has; it reads no more then. A failure is logged."""
        if self._path is None or not self._replica.is_readable:
            return
        try:
            async with asyncio.timeout(_SAVE_SECONDS):
                header = await self._describe_state()
            if header is None:
                return
            blocks = self._form.dump(self._replica.store)
            size = await asyncio.to_thread(write_blocks, self._path, _prepend(header, blocks))
        except Exception as error:  # noqa: BLE001 - whatever it is, the next start reads the topic
            reason = error.message if isinstance(error, KafkaFailure) else f"{type(error).__name__}: {error}"
            logger.warning("The snapshot %s was not written: %s", self._path, reason)
        else:
            offset = header.position.offset
            logger.info("The snapshot %s was written: %.1f MB, up to offset %d", self._path, size / 1e6, offset)

    async def _describe_state(self) -> Header | None:
        """Return the header of the state, which has the whole topic; None where it has not, or that is unknown."""
        now = time.time()
        await self._replica.wait_until_applied(await self._log.end())
        position = await self._log.end_reading()
        if position is None or position.offset > self._replica.position or not self._replica.is_readable:
            return None
        log = await self._log.describe(position.leader_epoch)
        return Header(
            release=self._release,
            cluster_id=log.cluster_id,
            topic=log.topic,
            topic_id=log.topic_id,
            start=log.start,
            position=position,
            ended=now,
            replayed=self._replayed,
        )

    async def _load(self) -> tuple[Header, S]:
        """Return the state and its header. Raises _UnusedError, and FileNotFoundError."""
        try:
            if self._loaded is not None:
                await self._verify(self._loaded.header)
                return self._loaded
            return await self._load_file()
        except (FileNotFoundError, _UnusedError):
            raise
        except KafkaFailure as failure:
            reason = f"the cluster does not say what it has to be compared with: {failure.message.rstrip('.')}"
            raise _UnusedError(Doubt(Outcome.UNVERIFIED, reason)) from failure
        except (DamagedFileError, OSError) as error:
            raise _UnusedError(Doubt(Outcome.DAMAGED, str(error))) from error
        except Exception as error:
            logger.exception("The snapshot %s cannot be loaded", self._path)
            reason = f"it cannot be loaded: {type(error).__name__}"
            raise _UnusedError(Doubt(Outcome.DAMAGED, reason)) from error

    async def _load_file(self) -> tuple[Header, S]:
        if self._path is None:
            raise FileNotFoundError
        loader, blocks = self._form.create_loader(), read_blocks(self._path)
        header = msgspec.msgpack.decode(await asyncio.to_thread(next, blocks, b""), type=Header)
        await self._verify(header)
        with _pause_collector():
            await _add_blocks(loader, blocks)
        return header, loader.finish()

    async def _verify(self, header: Header) -> None:
        """Raise _UnusedError where the snapshot may not be the state of the topic at its offset."""
        log = await self._log.describe(header.position.leader_epoch)
        doubt = find_doubt(header, log, self._release, time.time())
        if doubt is not None:
            raise _UnusedError(doubt)


class _UnusedError(Exception):
    def __init__(self, doubt: Doubt) -> None:
        super().__init__(doubt.reason)
        self.doubt = doubt


def find_doubt(header: Header, log: LogDescription, release: str, now: float) -> Doubt | None:
    """Return why a snapshot with this header may not be the state of the log at its offset; None if it is.

    `log` is for the header's leader epoch; `now` is in seconds since the epoch.
    """
    if header.release != release:
        return Doubt(Outcome.OTHER_RELEASE, f"the release {header.release} wrote it, and this is {release}")
    if not (log.topic_id and log.cluster_id):
        return Doubt(Outcome.UNVERIFIED, "the brokers do not tell the id of the topic and the cluster")
    written, present = (header.cluster_id, header.topic, header.topic_id), (log.cluster_id, log.topic, log.topic_id)
    if written != present:
        return Doubt(
            Outcome.OTHER_TOPIC, f"it is of another topic (cluster, name, id): {written}, and not of {present}"
        )
    if log.start != header.start:
        return Doubt(
            Outcome.OTHER_RECORDS, f"the topic begins at offset {log.start} now, and began at {header.start} before"
        )
    offset, leader_epoch, _ = header.position
    if log.epoch_end < offset:
        return Doubt(
            Outcome.OTHER_RECORDS,
            f"the topic has lost records: those of leader epoch {leader_epoch} end at offset {log.epoch_end}, and the "
            f"snapshot has them up to {offset}",
        )
    return _find_age(header, log, now)


def _find_age(header: Header, log: LogDescription, now: float) -> Doubt | None:
    """Compaction removes tombstones some time after they were written: a state from before may have what is deleted."""
    age, limit = now - header.ended, log.tombstone_seconds * _TOMBSTONE_SHARE
    if not 0 <= age <= limit:
        return Doubt(
            Outcome.TOO_OLD,
            f"it is {age:.0f} s old, and deletions are sure to be in the topic for {limit:.0f} s only (half of "
            "delete.retention.ms)",
        )
    if not 0 <= now - header.replayed <= _REPLAY_SECONDS:
        return Doubt(Outcome.TOO_OLD, "the topic was last read from its beginning more than seven days ago")
    return None


def _prepend(header: Header, blocks: Iterable[bytes]) -> Iterator[bytes]:
    yield msgspec.msgpack.encode(header)
    yield from blocks


async def _add_blocks(loader: Loader[S], blocks: Iterator[bytes]) -> None:
    """Add all blocks; a thread reads the next one meanwhile, and other tasks have their turns."""
    read_next = partial(asyncio.to_thread, next, blocks, b"")
    reading = asyncio.create_task(read_next())
    turn = Turn()
    try:
        while block := await reading:
            reading = asyncio.create_task(read_next())
            loader.add(block)
            if turn.is_over():
                await turn.yield_to_others()
    finally:
        await asyncio.wait([reading])


@contextmanager
def _pause_collector() -> Iterator[None]:
    """Collect no garbage meanwhile: a state has none, and the collector would look through it again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
