"""One partition and the coordinator of one transactional id, as brokers treat idempotent producers (KIP-98, KIP-360).

The model decides by the bytes of record batches: an older epoch is refused, a new one begins with sequence 0, a batch
of known numbers is a duplicate and answered with the old offset, and a producer that is forgotten may begin anywhere.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiokafka.record.memory_records import MemoryRecords

INVALID_PRODUCER_EPOCH, OUT_OF_ORDER, PRODUCER_FENCED = 47, 45, 90
_CACHED_BATCHES = 5
_MAX_EPOCH = 32_767


class ModelRecord(NamedTuple):
    """One record as the partition got it."""

    key: bytes | None
    value: bytes | None
    timestamp: int
    offset: int
    headers: Sequence[tuple[str, bytes | None]] | None = None


class Producer(NamedTuple):
    id: int
    epoch: int


@dataclass
class _Known:
    """What the partition remembers of one producer."""

    epoch: int
    seen: float
    batches: deque[tuple[int, int, int]] = field(default_factory=lambda: deque(maxlen=_CACHED_BATCHES))
    """(first sequence, last sequence, offset)"""


class PartitionModel:
    """`clock` is the broker's; `append` gets the records and returns the offset of the first."""

    def __init__(self, clock: Callable[[], float], append: Callable[[Sequence[ModelRecord]], int]) -> None:
        self.expiry = float("inf")
        self.accepts_stale_epochs = False
        self.coordinator = Producer(1000, -1)
        """The transactional id's producer with the epoch that was given out last."""
        self.producers: dict[int, _Known] = {}
        self._clock = clock
        self._append = append

    def init_producer_id(self, current: Producer | None = None) -> tuple[int, Producer]:
        """(error code, producer): the next epoch."""
        if current is not None and current != self.coordinator:
            return PRODUCER_FENCED, Producer(-1, -1)
        producer_id, epoch = self.coordinator
        self.coordinator = Producer(producer_id + 1, 0) if epoch >= _MAX_EPOCH - 1 else Producer(producer_id, epoch + 1)
        return 0, self.coordinator

    def append(self, batch: bytes) -> tuple[int, int]:
        """(error code, offset of the first record)"""
        parsed: Any = MemoryRecords(batch).next_batch()
        assert parsed.validate_crc()
        found = [
            ModelRecord(record.key, record.value, record.timestamp, 0, record.headers or None) for record in parsed
        ]
        known = self._known(parsed.producer_id)
        first, last = parsed.base_sequence, parsed.base_sequence + len(found) - 1
        if known is not None:
            if parsed.producer_epoch < known.epoch and not self.accepts_stale_epochs:
                return INVALID_PRODUCER_EPOCH, -1
            if parsed.producer_epoch == known.epoch:
                for begun, ended, offset in known.batches:
                    if (begun, ended) == (first, last):
                        return 0, offset
                if first != known.batches[-1][1] + 1:
                    return OUT_OF_ORDER, -1
            elif first != 0:
                return OUT_OF_ORDER, -1
        if known is None or parsed.producer_epoch != known.epoch:
            known = self.producers[parsed.producer_id] = _Known(parsed.producer_epoch, 0.0)
        offset = self._append(found)
        known.seen = self._clock()
        known.batches.append((first, last, offset))
        return 0, offset

    def describe(self) -> list[Producer]:
        """Those that it remembers."""
        return [Producer(each, known.epoch) for each in list(self.producers) if (known := self._known(each))]

    def _known(self, producer_id: int) -> _Known | None:
        known = self.producers.get(producer_id)
        if known is not None and self._clock() - known.seen > self.expiry:
            del self.producers[producer_id]
            return None
        return known
