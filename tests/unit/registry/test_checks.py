"""A check against many versions holds up nobody, and a write that depends on one does not go through it again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import pytest

from karapace_like.process import turns
from karapace_like.registry import apply, checks, records, registration
from karapace_like.registry.content import Content
from karapace_like.registry.engines import Engines, PinnedOutcomes
from karapace_like.registry.records import ConfigRecord, Record, SchemaRecord, SchemaVersion
from karapace_like.registry.registration import Rules, Submission
from karapace_like.registry.settings import Config
from karapace_like.registry.store import Store
from karapace_like.registry.view import EVERYBODY
from karapace_like.replication.planning import run_without_suspending
from karapace_like.schema.model import LATEST, CompatibilityLevel, Reference, SchemaType, Subject

_VERSIONS = 30


def text(number: int) -> str:
    field = f'{{"name":"f{number}","type":["null","int"],"default":null}}'
    return f'{{"type":"record","name":"R","fields":[{field}]}}'


def put(store: Store, subject: str, number: int, schema_id: int, *references: Reference) -> None:
    content = Content(SchemaType.AVRO, text(schema_id), references)
    take(store, SchemaRecord(subject, number, SchemaVersion(schema_id, content)))


def take(store: Store, record: Record) -> None:
    key, value = records.encode(record)
    apply.apply(store, record, key=key, timestamp=0, holds_value=value is not None)


@pytest.fixture
async def engines() -> AsyncIterator[Engines]:
    engines = Engines()
    yield engines
    await engines.close()


@pytest.fixture
def store() -> Store:
    store = Store()
    take(store, ConfigRecord("s", Config(compatibility_level=CompatibilityLevel.FULL_TRANSITIVE)))
    for number in range(1, _VERSIONS + 1):
        put(store, "s", number, number)
    return store


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The versions with which a schema was compared, in order."""
    versions: list[int] = []
    compare = checks.compare

    async def record_and_compare(store: Any, engines: Any, new: Any, old: Any, *rest: Any) -> Sequence[str]:
        versions.append(old.version)
        return await compare(store, engines, new, old, *rest)

    monkeypatch.setattr(checks, "compare", record_and_compare)
    return versions


async def test_a_plan_does_not_repeat_the_check_that_it_was_computed_with(
    store: Store, engines: Engines, compared: list[int]
) -> None:
    """With closures of hundreds of files, a comparison takes milliseconds before it finds its outcome."""
    submission = Submission(reader=EVERYBODY, text=text(1_000))
    planner = partial(registration.plan, subject="s", submission=submission, rules=Rules())
    pinned = PinnedOutcomes(engines)
    await planner(store, pinned)
    assert compared == list(range(_VERSIONS, 0, -1))
    plan = run_without_suspending(planner, store, pinned)
    assert plan is not None
    assert plan.answer.version == _VERSIONS + 1
    assert len(compared) == _VERSIONS
    put(store, "s", _VERSIONS + 1, _VERSIONS + 1)
    await planner(store, pinned)
    assert compared[_VERSIONS] == _VERSIONS + 1


async def test_other_tasks_have_their_turn_during_a_check_whose_outcomes_are_all_known(
    store: Store, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_SECONDS", 0.0)
    submission = Submission(reader=EVERYBODY, text=text(1_000))
    check = partial(registration.plan, subject="s", submission=submission, rules=Rules())
    await check(store, engines)
    count = 0

    async def count_turns() -> None:
        nonlocal count
        while True:
            count += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    await check(store, engines)
    assert count >= _VERSIONS
    counting.cancel()


def test_the_state_changes_for_its_readers_when_a_subject_grows_to_whose_latest_version_a_schema_refers() -> None:
    store = Store()
    put(store, "a", 1, 1)
    before = store.revision
    put(store, "a", 2, 2)
    assert store.revision == before
    put(store, "b", 1, 3, Reference("a", Subject("a"), LATEST))
    before = store.revision
    put(store, "a", 3, 4)
    assert store.revision > before
