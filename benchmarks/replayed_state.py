"""What one schema costs in memory and CPU when the topic is replayed, by part: in this process, without Kafka.

    python -m benchmarks.replayed_state [--schemas 50000] [--bytes 1000]

Records of the topic are decoded and applied as at a start; then the index of texts is built, which a primary needs, and
that of GUIDs, which the first look-up of one builds, and a snapshot of that state is written and loaded. The bytes by
line of code are from a second, smaller replay under tracemalloc, since that makes everything slower.
"""

import argparse
import asyncio
import gc
import os
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.replay import memory, schema
from karapace_like.kafka.log_topic_reader import TopicRecord
from karapace_like.registry import apply, records, snapshot_parts, spellings
from karapace_like.registry.content import Content
from karapace_like.registry.records import SchemaRecord, SchemaVersion
from karapace_like.registry.store import Store
from karapace_like.replication import snapshot_file
from karapace_like.schema.model import SchemaType

_BATCH = 500
_VERSIONS = 5
"""Of each subject."""
_TRACED = 20_000
_SHOWN = 10


def _batches(count: int, size: int) -> Iterator[list[TopicRecord]]:
    """Yield the records of so many schemas, a few at a time: the topic is never in memory as a whole."""
    for begin in range(0, count, _BATCH):
        batch = []
        for number in range(begin, min(begin + _BATCH, count)):
            version = SchemaVersion(number + 1, Content(SchemaType.AVRO, schema(number, size)))
            subject = f"subject-{number // _VERSIONS}-value"
            key, value = records.encode(SchemaRecord(subject, number % _VERSIONS + 1, version))
            batch.append(TopicRecord(key, value, 1_700_000_000_000 + number, number))
        yield batch


def replay(count: int, size: int) -> tuple[Store, float]:
    """Return the state after so many schemas, and the CPU seconds that applying them took."""
    store, seconds = Store(), 0.0
    for batch in _batches(count, size):
        begun = time.process_time()
        for record in batch:
            apply.replay(store, record)
        seconds += time.process_time() - begun
    gc.collect()
    return store, seconds


def _measure_snapshot(store: Store, path: Path, count: int) -> None:
    begun = time.process_time()
    size = snapshot_file.write_blocks(path, snapshot_parts.dump_state(store))
    written = time.process_time()
    loader = snapshot_parts.StateLoader(Store())
    gc.disable()  # as the service does
    for block in snapshot_file.read_blocks(path):
        loader.add(block)
    loaded = time.process_time()
    gc.enable()
    assert loader.finish().census == store.census
    writing, loading = (written - begun) / count * 1e6, (loaded - written) / count * 1e6
    print(f"snapshot {writing:5.1f} us a schema to write, {loading:.1f} to load  {size / count:6.0f} bytes a schema")


def main() -> None:
    """Print a line for the replay, one for the index, and one for each line of code that allocated much."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--schemas", type=int, default=50_000)
    arguments.add_argument("--bytes", type=int, default=1000, help="of one schema, about")
    wanted = arguments.parse_args()
    before = memory(os.getpid(), "VmRSS")
    store, seconds = replay(wanted.schemas, wanted.bytes)
    grown = (memory(os.getpid(), "VmRSS") - before) * 2**20
    print(f"replay  {seconds / wanted.schemas * 1e6:6.1f} us a schema  {grown / wanted.schemas:6.0f} bytes a schema")
    begun = time.process_time()
    asyncio.run(spellings.build_index(store))
    print(f"index   {(time.process_time() - begun) / wanted.schemas * 1e6:6.1f} us a schema", flush=True)
    begun = time.process_time()
    asyncio.run(store.ids_with_digest(b""))
    print(f"guids   {(time.process_time() - begun) / wanted.schemas * 1e6:6.1f} us a schema", flush=True)
    with TemporaryDirectory() as folder:
        _measure_snapshot(store, Path(folder) / "snapshot", wanted.schemas)
    tracemalloc.start(1)
    traced, _ = replay(_TRACED, wanted.bytes)
    for line in tracemalloc.take_snapshot().statistics("lineno")[:_SHOWN]:
        frame = line.traceback[0]
        print(f"{line.size / _TRACED:8.1f} bytes a schema  {Path(frame.filename).name}:{frame.lineno}")
    assert traced.census.schemas


if __name__ == "__main__":
    main()
