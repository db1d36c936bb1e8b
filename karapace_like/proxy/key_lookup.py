"""The latest value of a key: a partition is read from its end backwards, window by window, within bounds."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from karapace_like.proxy import errors
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.ports import Reader
from karapace_like.records import ConsumedRecord, TopicPartition

DEFAULT_SCAN = 100_000
MAX_SCAN = 10_000_000
"""Offsets that one look-up goes back at most."""
_FIRST_WINDOW = 1_000
_GROWTH = 4
"""Each window is so many times as long as the one after it: most keys that are read were written lately."""
_BATCH = 2_000
_LOOK_SECONDS = 0.5
_AGAIN_SECONDS = 0.02

OpenReader = Callable[[dict[TopicPartition, int]], AbstractAsyncContextManager[Reader]]


class Bounds(Protocol):
    """What a look-up needs of the cluster."""

    async def bounds(self, at: TopicPartition) -> tuple[int, int]:
        """Return (beginning offset, end offset) of a partition."""
        ...


class KeyScan(NamedTuple):
    """The bounds of one look-up."""

    at: TopicPartition
    key: bytes
    length: int
    """Offsets to go back at most."""
    deadline: float
    """Of the event loop's clock."""
    is_wanted: Callable[[], bool]


async def find_latest(admin: Bounds, open_reader: OpenReader, scan: KeyScan) -> ConsumedRecord | None:
    """Return the last record of the key, which may be a tombstone; None where the partition has none.

    Raises ProxyError where the scan ends, by its length or its deadline, before that is known.
    """
    with errors.translate_kafka_failures():
        first, stop = await admin.bounds(scan.at)
    lowest, window = max(first, stop - scan.length), _FIRST_WINDOW
    while stop > lowest:
        start = max(stop - window, lowest)
        async with open_reader({scan.at: start}) as reader:
            record = await _find_last_within(reader, stop, scan)
        if record is not None:
            return record
        stop, window = start, window * _GROWTH
    if lowest > first:
        raise short_scan_error(scan.length, lowest - first)
    return None


async def _find_last_within(reader: Reader, stop: int, scan: KeyScan) -> ConsumedRecord | None:
    """Return the key's last record before the offset `stop`; later ones may have come meanwhile, and count, too."""
    loop = asyncio.get_running_loop()
    last, position = None, -1
    while position < stop and not reader.is_at_end:
        if not scan.is_wanted() or loop.time() > scan.deadline:
            raise scan_timeout_error()
        records = await reader.read(_BATCH, wait=_LOOK_SECONDS)
        for record in records:
            position = record.offset + 1
            if record.key == scan.key:
                last = record
        await asyncio.sleep(0 if records else _AGAIN_SECONDS)
    return last


def missing_key_error(topic: str, partition: int) -> ProxyError:
    return ProxyError(404, f"HTTP 404 Not Found: partition {partition} of topic {topic} has no record with this key.")


def deleted_key_error(topic: str, partition: int, offset: int) -> ProxyError:
    return ProxyError(
        404,
        f"HTTP 404 Not Found: the key was deleted: its last record is the tombstone at offset {offset} in partition "
        f"{partition} of topic {topic}.",
    )


def null_key_error() -> ProxyError:
    return ProxyError(422, "key must not be null: null is no key of a record that could be found by it")


def short_scan_error(length: int, rest: int) -> ProxyError:
    """Return the error for a key that may be among the `rest` offsets before those that were read."""
    return ProxyError(
        422,
        f"The key is not in the last {length} offsets of its partition, and may be in the {rest} before them; send a "
        "larger scan, or consume the topic.",
    )


def scan_timeout_error() -> ProxyError:
    return ProxyError(
        50003,
        "The partition could not be read in time; repeat the request, or send a smaller scan.",
        retry_after=1,
    )
