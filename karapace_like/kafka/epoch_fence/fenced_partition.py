"""The partition of a log's topic as one node fences it: its leader, what was read back, and the NOOPs."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from karapace_like.kafka.epoch_fence.batches import Headers, Records, build_batch
from karapace_like.kafka.epoch_fence.read_back import FenceMark, ProducerEpoch, ReadBack


def read_boot_time() -> float:
    """Return seconds by a clock that advances while the machine is suspended, as Python's monotonic one may not."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Leader(Protocol):
    """The port to the partition's leader and the coordinator; `partition.PartitionLeader` implements it."""

    @property
    def is_connected(self) -> bool: ...  # noqa: D102 - see there

    async def connect(self) -> None: ...  # noqa: D102

    def disconnect(self) -> None: ...  # noqa: D102

    async def append(self, batch: bytes) -> int: ...  # noqa: D102

    async def fetch_end(self) -> int: ...  # noqa: D102

    async def fetch_epoch(self, producer_id: int) -> int | None: ...  # noqa: D102

    async def take_epoch(self, current: ProducerEpoch | None = None) -> ProducerEpoch: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class FencedPartition:
    """The partition, for `Fencer` and `EpochWriter`."""

    leader: Leader
    read_back: ReadBack
    noop_key: bytes
    transactional_id: str
    now: Callable[[], float] = read_boot_time
    """Seconds; it must advance while the machine is suspended."""

    @property
    def noop(self) -> Records:
        """The one record of a NOOP."""
        return [(self.noop_key, None)]

    def mark(self, mark: FenceMark) -> Headers:
        """Return the headers of a NOOP that fences."""
        return mark.encode(self.transactional_id)

    def build_noop(self, producer: ProducerEpoch, mark: FenceMark | None) -> bytes:
        """Return the first batch of an epoch; without a mark it does not fence."""
        return build_batch(producer, 0, self.noop, [] if mark is None else self.mark(mark))
