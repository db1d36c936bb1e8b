"""What a listing of a large registry takes from the event loop: its CPU, and its longest turn.

    python -m benchmarks.listings [--subjects 200000] [--versions 5]

In one process, without HTTP. The first listing sorts the names of all subjects, once; the service does that before it
is ready.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable
from typing import Any

from karapace_like.registry import apply, lookups, records
from karapace_like.registry.content import Content
from karapace_like.registry.lookups import ListPage
from karapace_like.registry.records import SchemaRecord, SchemaVersion
from karapace_like.registry.store import Deleted, Store
from karapace_like.schema.model import SchemaType

_PAGE = 1000
_EVERY_SUBJECT = ":*:"


def _fill(subjects: int, versions: int) -> Store:
    store = Store()
    for number in range(subjects * versions):
        # Not in the order of the names: compaction leaves none.
        subject = f"subject-{number % subjects * 7919 % subjects}-value"
        _add(store, subject, number // subjects + 1, number + 1)
    return store


def _add(store: Store, subject: str, version: int, schema_id: int) -> None:
    value = SchemaVersion(schema_id, Content(SchemaType.AVRO, f'"{schema_id}"'))
    record = SchemaRecord(subject, version, value)
    apply.apply(store, record, key=records.encode_key(record), timestamp=0, holds_value=True)


async def _measure(name: str, listing: Awaitable[list[Any]]) -> None:
    """Print how long the listing took, and the longest time for which no other task had its turn."""
    longest, is_done = 0.0, False

    async def watch() -> None:
        nonlocal longest
        last = time.thread_time()
        while not is_done:
            await asyncio.sleep(0)
            longest, last = max(longest, time.thread_time() - last), time.thread_time()

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    begun = time.thread_time()
    listed = await listing
    spent, is_done = time.thread_time() - begun, True
    await watching
    print(f"{name:44}{len(listed):8} listed {spent * 1e3:8.1f} ms CPU, longest turn {longest * 1e3:6.1f} ms")


async def _main(subjects: int, versions: int) -> None:
    store, deleted = _fill(subjects, versions), Deleted.EXCLUDE
    middle = subjects // 2
    for name, listing in (
        ("the first listing, with the sort", lookups.subjects(store, _EVERY_SUBJECT, deleted, ListPage(0, _PAGE))),
        ("subjects, first page", lookups.subjects(store, _EVERY_SUBJECT, deleted, ListPage(0, _PAGE))),
        ("subjects, page in the middle", lookups.subjects(store, _EVERY_SUBJECT, deleted, ListPage(middle, _PAGE))),
        ("subjects, all", lookups.subjects(store, _EVERY_SUBJECT, deleted, ListPage())),
        ("subjects with a prefix", lookups.subjects(store, "subject-777", deleted, ListPage())),
        ("versions, first page", lookups.list_versions(store, "", deleted, ListPage(0, _PAGE))),
        ("versions, page in the middle", lookups.list_versions(store, "", deleted, ListPage(middle, _PAGE))),
    ):
        await _measure(name, listing)
    _add(store, "subject-new", 1, subjects * versions + 1)
    first = lookups.subjects(store, _EVERY_SUBJECT, deleted, ListPage(0, _PAGE))
    await _measure("subjects, first page after a new subject", first)


def main() -> None:
    """Print a line for each listing."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--subjects", type=int, default=200_000)
    arguments.add_argument("--versions", type=int, default=5)
    wanted = arguments.parse_args()
    asyncio.run(_main(wanted.subjects, wanted.versions))


if __name__ == "__main__":
    main()
