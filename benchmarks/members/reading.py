"""Reading 1 KB records by fetches of our own, with aiokafka's record parser, beside librdkafka: CPU of each record.

Not for production: one broker, one topic, no transactions, no retries. It also measures what shapes the design. A
broker answers the requests of one connection one after the other, so that a fetch which waits for records delays what
is sent after it. And a new librdkafka client takes some time to its first record from a given offset.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from typing import Any

from aiokafka.conn import AIOKafkaConnection
from aiokafka.record.memory_records import MemoryRecords
from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as ClientPartition

from benchmarks.members.measures import read_usage
from benchmarks.members.requests import Fetch, Metadata
from karapace_like.kafka.admin.protocol import SingleVersionRequest
from karapace_like.kafka.messages import convert_messages
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.wire import connect, request_group_coordinator
from karapace_like.records import ConsumedRecord, TopicPartition

_BATCH = 500
_FETCH_BYTES = 1_048_576
_NO_EPOCH = -1
_READ_COMMITTED = 1
_REVIVALS = 20


class Reader:
    """Reads one partition in a fetch session of one broker."""

    def __init__(self, connection: AIOKafkaConnection, topic: str, topic_id: tuple[int, int]) -> None:
        self._connection = connection
        self._at = TopicPartition(topic, 0)
        self._topic_id = topic_id
        self._session, self._epoch = 0, 0
        self._next = 0

    async def fetch(self, wait_ms: int = 500) -> list[ConsumedRecord]:
        """Return the records of one fetch."""
        partition: tuple[Any, ...] = (0, _NO_EPOCH, self._next, _NO_EPOCH, -1, _FETCH_BYTES, {})
        topics: list[Any] = [(*self._topic_id, [partition], {})]
        limits = (wait_ms, 1, _FETCH_BYTES, _READ_COMMITTED)
        request: tuple[Any, ...] = (-1, *limits, self._session, self._epoch, topics, [], "", {})
        response = await self._connection.send(SingleVersionRequest(Fetch, *request))
        assert response.error_code == 0, response
        self._session, self._epoch = response.session_id, self._epoch + 1
        records: list[ConsumedRecord] = []
        for *_, partitions, _tags in response.topics:
            for fetched in partitions:
                assert fetched[1] == 0, fetched[1]
                records += self._parse(fetched[-2])
        return records

    def _parse(self, data: bytes) -> Iterator[ConsumedRecord]:
        batches = MemoryRecords(data)
        while (batch := batches.next_batch()) is not None:
            for record in batch:
                if record.offset >= self._next:  # a batch may begin before the offset that was asked for
                    yield _convert(self._at, record)
            self._next = batch.next_offset


def _convert(at: TopicPartition, record: Any) -> ConsumedRecord:
    key, value, headers = record.key, record.value, record.headers
    size = (len(value) if value else 0) + (len(key) if key else 0)
    return ConsumedRecord(at, record.offset, key, value, record.timestamp, tuple(headers) if headers else (), size or 1)


async def _open_reader(bootstrap: str, topic: str) -> Reader:
    connection = await connect(KafkaSettings(bootstrap_servers=bootstrap), bootstrap, timeout_ms=60_000)
    metadata = await connection.send(SingleVersionRequest(Metadata, [(0, 0, topic, {})], False, False, {}))
    _, _, high, low, *_ = metadata.topics[0]
    return Reader(connection, topic, (high, low))


async def read_by_fetches(bootstrap: str, topic: str, count: int) -> float:
    """Return the CPU microseconds of each record."""
    reader = await _open_reader(bootstrap, topic)
    before, read = read_usage(), 0
    while read < count:
        read += len(await reader.fetch())
    return (read_usage().cpu_seconds - before.cpu_seconds) / read * 1e6


def read_by_client(bootstrap: str, topic: str, count: int) -> float:
    """Return the CPU microseconds of each record, all threads of librdkafka included."""
    before, read = read_usage(), 0
    client = _assign(bootstrap, topic)
    while read < count:
        read += len(convert_messages(client.consume(_BATCH, 0.1), _fail))
    return (read_usage().cpu_seconds - before.cpu_seconds) / read * 1e6


def revive_clients(bootstrap: str, topic: str) -> tuple[float, float]:
    """Return the median milliseconds from a new client with a given position to its first record, and its CPU in ms."""
    before, times = read_usage(), []
    for _ in range(_REVIVALS):
        begun = time.perf_counter()
        client = _assign(bootstrap, topic)
        while not client.consume(1, 0.1):
            pass
        times.append((time.perf_counter() - begun) * 1000)
        client.close()
    return sorted(times)[_REVIVALS // 2], (read_usage().cpu_seconds - before.cpu_seconds) / _REVIVALS * 1000


async def time_behind_fetches(bootstrap: str, topic: str, fetches: int, wait_ms: int) -> float:
    """Return the milliseconds of a small request behind so many fetches that find nothing, on one connection."""
    readers = [await _open_reader(bootstrap, topic) for _ in range(fetches)]
    shared = readers[0]._connection  # noqa: SLF001 - the prototype's own
    for reader in readers:
        reader._connection = shared  # noqa: SLF001
        reader._next = 1  # noqa: SLF001 - the end of a topic with one record
    waiting = [asyncio.ensure_future(reader.fetch(wait_ms)) for reader in readers]
    await asyncio.sleep(0)
    begun = time.perf_counter()
    await shared.send(request_group_coordinator("any"))
    took = (time.perf_counter() - begun) * 1000
    await asyncio.gather(*waiting)
    return took


def _assign(bootstrap: str, topic: str) -> Consumer:
    client = Consumer(
        KafkaSettings(bootstrap_servers=bootstrap).client_options(
            group_id="unused", enable_auto_commit=False, fetch_wait_max_ms=100
        )
    )
    client.assign([ClientPartition(topic, 0, 0)])
    return client


def _fail(_: Any, error: Any) -> None:
    raise AssertionError(error)


def main() -> None:
    """Print one measurement, for the parent process."""
    kind, bootstrap, topic, *numbers = sys.argv[1:]
    if kind == "fetches":
        print(asyncio.run(read_by_fetches(bootstrap, topic, int(numbers[0]))))
    elif kind == "client":
        print(read_by_client(bootstrap, topic, int(numbers[0])))
    elif kind == "revival":
        print(*revive_clients(bootstrap, topic))
    else:
        print(asyncio.run(time_behind_fetches(bootstrap, topic, int(numbers[0]), int(numbers[1]))))


if __name__ == "__main__":
    main()
