"""The index of fingerprints, and the conflicts of ids, follow the state through any log."""

import asyncio
import logging
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karapace_like.registry import apply, records, spellings
from karapace_like.registry.conflicts import ConflictWatch, find_conflicts_at_once
from karapace_like.registry.content import Content
from karapace_like.registry.records import Record, SchemaRecord, SchemaVersion
from karapace_like.registry.store import Store
from karapace_like.schema import spelling
from karapace_like.schema.model import Reference, SchemaType, Subject, Version
from tests.unit.registry.immediate_engines import ImmediateEngines

TEXTS = ('"int"', '"int" ', '{"type":"int"}', '"long"', '{"type":"map","values":"int"}', "no schema")


def take(store: Store, log: Sequence[Record]) -> None:
    for record in log:
        key, value = records.encode(record)
        apply.apply(store, record, key=key, timestamp=0, holds_value=value is not None)


def version(subject: str, number: int, schema_id: int, text: str, *references: Reference) -> SchemaRecord:
    return SchemaRecord(subject, number, SchemaVersion(schema_id, Content(SchemaType.AVRO, text, references)))


def fingerprint_of(content: Content) -> int:
    return spelling.fingerprint(content.type, content.text)


LOGS = st.lists(
    st.one_of(
        st.builds(
            version, st.sampled_from(["a", "b", ":.x:a"]), st.integers(1, 2), st.integers(1, 3), st.sampled_from(TEXTS)
        ),
        st.builds(SchemaRecord, st.sampled_from(["a", "b", ":.x:a"]), st.integers(1, 2), st.none()),
    ),
    max_size=20,
)


@given(LOGS, LOGS)
def test_the_index_has_every_schema_whenever_it_was_built(before: list[Record], after: list[Record]) -> None:
    """The ascending entries of 8 bytes find each id by each of its texts, and by any other spelling of it."""
    store = Store()
    take(store, before)
    asyncio.run(spellings.build_index(store))
    take(store, after)
    index = store.fingerprints
    assert index is not None
    assert index.is_complete
    assert all(one < other for one, other in pairwise(index.entries))
    for name, context in store.contexts.items():
        for schema_id, held in context.ids.items():
            assert all(schema_id in index.find(name, fingerprint_of(each.content)) for each in held)
    rest = [SchemaRecord(each.subject, each.version, None) for each in store.all_versions()]
    take(store, rest)
    assert not any(context.ids or context.mixed for context in store.contexts.values())


async def test_records_that_come_while_the_index_is_built_are_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a thread is at work on a large state meanwhile."""
    monkeypatch.setattr(spellings, "LIGHT_CHARACTERS", 0)
    store = Store()
    take(
        store,
        [
            version(f"s{number}", 1, number + 1, f'{{"type":"fixed","name":"F{number}","size":1}}')
            for number in range(500)
        ],
    )
    building = asyncio.create_task(spellings.build_index(store))
    await asyncio.sleep(0)
    late = version("late", 1, 900, '"bytes"')
    take(store, [late, SchemaRecord("s1", 1, None)])
    await building
    index = store.fingerprints
    assert index is not None
    assert index.find(".", fingerprint_of(store.versions("late")[0].content)) == [900]
    assert len(list(index.entries)) >= 500


def test_only_what_means_another_schema_is_in_conflict() -> None:
    """Other words are none, nor is a text that nobody can parse and is the same JSON; another type or reference is."""
    store = Store()
    missing = Reference("x", Subject("gone"), Version(1))
    take(
        store,
        [
            version("a", 1, 1, '"int"'),
            version("b", 1, 1, '{"type":"int"}'),
            version("c", 1, 1, '"long"'),
            SchemaRecord("d", 1, SchemaVersion(1, Content(SchemaType.JSON, '"int"'))),
            version("e", 1, 2, '{"a":1,"b":2}', missing),
            version("f", 1, 2, '{"b":2, "a":1}', missing),
            version("g", 1, 2, '{"a":1,"b":2}'),
            version(":.x:a", 1, 1, '"long"'),
        ],
    )
    assert [(each.version.subject, each.meaning.subject) for each in find_conflicts_at_once(store)] == [
        ("c", "a"),
        ("d", "a"),
        ("g", "e"),
    ]


async def test_a_conflict_is_logged_and_counted_once(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    watch = ConflictWatch(store, ImmediateEngines())
    await watch.look()
    assert (watch.warning, watch.seen) == (None, 0)
    take(store, [version("a", 1, 1, '"int"'), version("b", 1, 1, '"long"')])
    with caplog.at_level(logging.WARNING):
        await watch.look()
        await watch.look()
        take(store, [version("c", 1, 5, '"long"')])
        await watch.look()
    assert caplog.messages == ["b version 1 has the id 1, which means the schema of a version 1"]
    assert watch.seen == 1
    take(store, [SchemaRecord("b", 1, None)])
    await watch.look()
    assert (watch.conflicts, watch.warning, watch.seen) == ((), None, 1)
