"""Listings of a large registry: in order, page by page, and never for long at a time."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karapace_like.process import turns
from karapace_like.registry import apply, lookups, records
from karapace_like.registry.content import Content
from karapace_like.registry.lookups import ListPage
from karapace_like.registry.records import SchemaRecord, SchemaVersion
from karapace_like.registry.store import Deleted, Store
from karapace_like.registry.subject_order import SubjectOrder
from karapace_like.schema.model import SchemaType
from tests.forms import count_examples

COUNT = 300


def put(store: Store, subject: str, number: int, *, version: int = 1, is_deleted: bool = False) -> None:
    value = SchemaVersion(number, Content(SchemaType.AVRO, f'"{number}"'), is_deleted)
    record = SchemaRecord(subject, version, value)
    apply.apply(store, record, key=records.encode_key(record), timestamp=0, holds_value=True)


def delete(store: Store, subject: str) -> None:
    record = SchemaRecord(subject, 1, None)
    apply.apply(store, record, key=records.encode_key(record), timestamp=0, holds_value=False)


def fill() -> Store:
    store = Store()
    numbers = list(range(COUNT))
    random.Random(1).shuffle(numbers)
    for number in numbers:
        put(store, f"s{number:03}", number + 1, is_deleted=number % 3 == 0)
        put(store, f":.x:s{number:03}", number + 1)
    return store


@settings(max_examples=count_examples(200))
@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "list"]), st.sampled_from("abcdef"))))
def test_names_stay_in_order_whatever_is_added_and_removed(steps: list[tuple[str, str]]) -> None:
    order, existing = SubjectOrder(), set[str]()
    for step, name in [*steps, ("list", "")]:
        if step == "list":
            listed = order.list_names(existing)
            assert [listed_name for listed_name in listed if listed_name in existing] == sorted(existing)
            assert len(set(listed)) == len(listed)
        elif step == "add" and name not in existing:
            existing.add(name)
            order.add(name)
        elif step == "remove" and name in existing:
            existing.discard(name)
            order.remove(name)


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["", "s", "s1", "s299", "t", ":.x:", ":.x:s2", ":*:", ":*:s01", ":.y:"])
@pytest.mark.parametrize("deleted", list(Deleted))
@pytest.mark.parametrize("limit", [-1, 1, 7, 1000])
async def test_pages_make_up_the_whole(prefix: str, deleted: Deleted, limit: int) -> None:
    store = fill()
    whole = await lookups.subjects(store, prefix, deleted, ListPage())
    assert whole == sorted(whole)
    paged: list[str] = []
    while page := await lookups.subjects(store, prefix, deleted, ListPage(len(paged), limit)):
        paged += page
        if limit < 0:
            break
    assert paged == whole
    versions = await lookups.list_versions(store, prefix, deleted, ListPage(2, 5))
    assert [stored.subject for stored in versions] == whole[2:7]


async def test_listings_follow_what_is_registered_and_deleted() -> None:
    store = fill()
    before = await lookups.subjects(store, "", Deleted.INCLUDE, ListPage())
    put(store, "s1000", 2000)
    put(store, "a", 2001)
    delete(store, "s001")
    after = await lookups.subjects(store, "", Deleted.INCLUDE, ListPage())
    assert after == sorted({*before, "s1000", "a"} - {"s001"})
    put(store, "s001", 2002)
    for name in before:
        delete(store, name)
    assert await lookups.subjects(store, "", Deleted.INCLUDE, ListPage()) == ["a", "s1000"]


async def test_other_tasks_have_their_turn_during_a_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what they delete meanwhile is not listed any more."""
    monkeypatch.setattr(turns, "_SECONDS", 0.0)
    store = fill()
    listing = asyncio.create_task(lookups.subjects(store, "", Deleted.INCLUDE, ListPage()))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not listing.done()
    delete(store, f"s{COUNT - 1}")
    listed = await listing
    assert listed == [f"s{number:03}" for number in range(COUNT - 1)]
