"""Look-ups by GUID: the index is built by the first one, while the state may change, and follows it from then on."""

import asyncio
import hashlib
import uuid
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karapace_like.process import turns
from karapace_like.registry import apply, lookups, records
from karapace_like.registry.content import LONG_CHARACTERS, Content
from karapace_like.registry.drafts import draft_versions
from karapace_like.registry.errors import RegistryError
from karapace_like.registry.records import Record, SchemaRecord, SchemaVersion
from karapace_like.registry.store import Store
from karapace_like.schema.model import Reference, SchemaType, Subject, Version

LONG_TEXT = f'"{"x" * LONG_CHARACTERS}"'
"""Its digest is computed in a thread: so the index is certainly not complete at once."""


def schema(subject: str, version: int, schema_id: int, content: Content | str) -> SchemaRecord:
    content = Content(SchemaType.AVRO, content) if isinstance(content, str) else content
    return SchemaRecord(subject, version, SchemaVersion(schema_id, content))


def put(store: Store, *planned: Record) -> Store:
    for record in planned:
        key, value = records.encode(record)
        apply.apply(store, records.decode(key, value), key=key, timestamp=1, holds_value=bool(value))
    return store


def guid_of(text: str) -> str:
    return str(uuid.UUID(bytes=hashlib.md5(text.encode(), usedforsecurity=False).digest()))


async def find(store: Store, text: str) -> Sequence[tuple[str, int]]:
    """(subject, id) of what a look-up by the text's GUID finds, in each context."""
    try:
        return [(stored.subject, stored.id) for stored in await lookups.by_guid(store, guid_of(text))]
    except RegistryError as error:
        if error.code != 40403:
            raise
        return []


async def test_a_guid_is_found_in_each_context_by_the_smallest_id() -> None:
    log = (schema("a", 1, 7, '"int"'), schema("b", 1, 5, '"int"'), schema(":.c:a", 1, 9, '"int"'))
    store = put(Store(), *log, schema("a", 2, 1, '"long"'))
    assert await find(store, '"int"') == [("b", 5), (":.c:a", 9)]
    assert await find(store, '"long"') == [("a", 1)]
    assert await find(store, '"string"') == []


@pytest.mark.parametrize("guid", ["nope", "", "00", "0" * 31, "0" * 34, "é" * 32])
async def test_a_malformed_guid_is_not_found(guid: str) -> None:
    with pytest.raises(RegistryError, match="not found"):
        await lookups.by_guid(put(Store(), schema("a", 1, 1, '"int"')), guid)


def test_a_replay_computes_no_digest() -> None:
    """It would be a quarter of the time that a record takes."""
    store = put(Store(), schema("a", 1, 1, '"int"'), schema("b", 1, 1, '"int"'))
    assert store.guids is None
    assert [stored.content.known_digest for stored in store.all_versions()] == [b"", b""]


async def test_the_index_follows_the_state_once_it_is_built() -> None:
    store = put(Store(), schema("a", 1, 1, '"int"'))
    assert await find(store, '"int"') == [("a", 1)]
    put(store, schema("b", 1, 2, '"long"'), schema("a", 1, 3, '"string"'))
    assert [await find(store, text) for text in ('"int"', '"long"', '"string"')] == [[], [("b", 2)], [("a", 3)]]
    put(store, SchemaRecord("b", 1, None))
    assert await find(store, '"long"') == []


async def test_drafts_leave_nothing_in_the_index() -> None:
    store = put(Store(), schema("a", 1, 1, '"int"'))
    await find(store, '"int"')
    assert store.guids is not None
    before = list(store.guids.entries)
    with draft_versions(store) as add_draft:
        assert add_draft((schema("b", 1, 2, '"long"'),))
        assert add_draft((schema("c", 1, 1, '"int"'),))
    assert list(store.guids.entries) == before
    assert await find(store, '"int"') == [("a", 1)]


async def test_what_changes_while_the_index_is_built_is_in_it() -> None:
    store = put(Store(), schema("a", 1, 1, LONG_TEXT), schema("a", 2, 2, '"int"'), schema("a", 3, 3, '"long"'))
    first = asyncio.create_task(find(store, '"bytes"'))
    await asyncio.sleep(0)
    assert store.guids is not None
    assert not list(store.guids.entries)
    put(store, schema("b", 1, 4, '"bytes"'), SchemaRecord("a", 2, None), schema("a", 3, 5, '"string"'))
    put(store, schema(":.c:a", 1, 1, '"int"'), SchemaRecord("a", 1, None))
    assert await first == [("b", 4)]
    expected = {LONG_TEXT: [], '"int"': [(":.c:a", 1)], '"long"': [], '"string"': [("a", 5)]}
    assert {text: await find(store, text) for text in expected} == expected


async def test_look_ups_that_come_meanwhile_wait_for_the_same_index() -> None:
    store = put(Store(), schema("a", 1, 1, LONG_TEXT), schema("a", 2, 2, '"int"'))
    found = await asyncio.gather(find(store, '"int"'), find(store, '"int"'), find(store, LONG_TEXT))
    assert [*found] == [[("a", 2)], [("a", 2)], [("a", 1)]]


async def test_a_look_up_that_is_given_up_leaves_the_index_to_the_next() -> None:
    store = put(Store(), schema("a", 1, 1, LONG_TEXT), schema("a", 2, 2, '"int"'))
    first = asyncio.create_task(find(store, '"int"'))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await find(store, '"int"') == [("a", 2)]
    assert await find(store, LONG_TEXT) == [("a", 1)]


async def test_other_tasks_have_their_turns_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_SECONDS", 0.0)
    store = put(Store(), *(schema("a", number, number, f'"{number}"') for number in range(1, 101)))
    finding = asyncio.create_task(find(store, '"7"'))
    rounds = 0
    while not finding.done():
        await asyncio.sleep(0)
        rounds += 1
    assert rounds > 100
    assert await finding == [("a", 7)]


SUBJECTS = st.sampled_from(["a", "b", ":.c:a"])
NUMBERS = st.integers(1, 3)
CONTENTS = st.builds(
    Content,
    st.sampled_from([SchemaType.AVRO, SchemaType.JSON]),
    st.sampled_from(['"int"', '"long"']),
    st.sampled_from([(), (Reference("r", Subject("b"), Version(1)),)]),
    st.sampled_from([None, {}, {"properties": {"a": "b"}}]),
)
LOGS = st.lists(
    st.one_of(
        st.builds(schema, SUBJECTS, NUMBERS, NUMBERS, CONTENTS), st.builds(SchemaRecord, SUBJECTS, NUMBERS, st.none())
    ),
    max_size=20,
)


@given(LOGS, st.integers(0, 20))
def test_after_any_log_it_has_every_content(log: Sequence[Record], begin: int) -> None:
    """Wherever in the log the first look-up was."""

    async def check() -> None:
        store = put(Store(), *log[:begin])
        await store.ids_with_digest(b"")
        put(store, *log[begin:])
        for digest in {stored.content.digest for stored in store.all_versions()}:
            assert await store.ids_with_digest(digest) == [
                (name, schema_id)
                for name, context in sorted(store.contexts.items())
                for schema_id, holders in sorted(context.ids.items())
                if any(holder.content.digest == digest for holder in holders)
            ]

    asyncio.run(check())
