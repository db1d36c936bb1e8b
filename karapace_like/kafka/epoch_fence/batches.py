"""Record batches under a given producer id, epoch and first sequence number; and what fits into one. Pure."""

import time
from collections.abc import Iterator, Sequence

from aiokafka.record.default_records import DefaultRecordBatchBuilder

from karapace_like.kafka.epoch_fence.read_back import ProducerEpoch

Records = Sequence[tuple[bytes, bytes | None]]
"""(key, value) of each record; None is a tombstone."""
Headers = list[tuple[str, bytes | None]]

_GZIP = 1
_NO_LIMIT = 1 << 30
_HEADER_BYTES = 61
"""Of a batch, before its records (Kafka protocol guide, "Record Batch")."""
_OVERHEAD_BYTES = 21
"""Of one record at most, beside its key and value."""


def build_batch(
    producer: ProducerEpoch, sequence: int, records: Records, headers: Headers, *, is_compressed: bool = False
) -> bytes:
    """Return the bytes of one idempotent record batch with the time of now; `headers` are those of each record."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=_GZIP if is_compressed else 0,
        is_transactional=0,
        producer_id=producer.id,
        producer_epoch=producer.epoch,
        base_sequence=sequence,
        batch_size=_NO_LIMIT,
    )
    now_ms = int(time.time() * 1000)
    for offset, (key, value) in enumerate(records):
        builder.append(offset, now_ms, key, value, headers)
    return bytes(builder.build())


def split_by_size(records: Records, max_bytes: int) -> Iterator[Records]:
    """Yield the records in groups, each of which fits into a batch of `max_bytes`; a larger record is alone.

    Whatever prefix of the groups is written is a valid state: plans order their records so. One rule is left: a
    tombstone of another spelling of a key comes right before the value under the first one, and is not parted from it.
    """
    start, size = 0, _HEADER_BYTES
    for at, (key, value) in enumerate(records):
        added = len(key) + len(value or b"") + _OVERHEAD_BYTES
        if at > start and size + added > max_bytes:
            cut = at
            while value is not None and cut > start and records[cut - 1][1] is None:
                cut -= 1
            cut = cut if cut > start else at
            yield records[start:cut]
            start = cut
            size = _HEADER_BYTES + sum(len(key) + len(value or b"") + _OVERHEAD_BYTES for key, value in records[cut:at])
        size += added
    yield records[start:]
