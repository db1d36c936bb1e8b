"""Writes that are planned together: each as if the ones before it were applied, and none of them seen outside."""

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from karapace_like.errors import ApiError
from karapace_like.registry import apply, records, registration
from karapace_like.registry.drafts import draft_versions
from karapace_like.registry.engines import Engines
from karapace_like.registry.records import SchemaRecord
from karapace_like.registry.registration import Rules, Submission
from karapace_like.registry.store import Store
from karapace_like.registry.view import EVERYBODY
from karapace_like.replication.batches import Batch, BatchPlanner, plan_batch
from karapace_like.replication.planning import Plan, run_without_suspending
from karapace_like.schema.model import CompatibilityLevel, Reference, Subject, Version
from tests.unit.registry.immediate_engines import ImmediateEngines

ANYTHING = Rules(compatibility=CompatibilityLevel.NONE)


def _planner(subject: str, text: str, *references: tuple[str, int], rules: Rules = ANYTHING) -> BatchPlanner:
    submission = Submission(
        reader=EVERYBODY,
        text=text,
        references=tuple(Reference(f"ref.{a}", Subject(a), Version(b)) for a, b in references),
    )
    planner = partial(registration.plan, subject=subject, submission=submission, rules=rules)
    return partial(run_without_suspending, planner, engines=_engines)


_engines = ImmediateEngines()


def _plan_batch(store: Store, planners: Iterable[BatchPlanner]) -> Batch:
    return plan_batch(store, planners, draft_versions(store))


def _fixed(number: int) -> str:
    return f'{{"type":"fixed","name":"f{number}","size":4}}'


def _apply(store: Store, *planned: Any) -> None:
    for record in planned:
        apply.apply(store, record, key=records.encode_key(record), timestamp=0, holds_value=True)


def _state(store: Store) -> object:
    """Everything that a reader can find in the store, in the order in which it is found."""
    return (
        [
            (name, context.max_id, list(context.by_key.items()), _versions(context.subjects), _ids(context.ids))
            for name, context in store.contexts.items()
        ],
        [(target, list(referrers)) for target, referrers in store.referrers.items()],
        [store.census.schemas, store.census.versions, store.census.characters, store.unknown],
    )


def _versions(subjects: Any) -> object:
    return [
        (subject, [(each.version, each.id, each.deleted) for each in held.values()])
        for subject, held in subjects.items()
    ]


def _ids(ids: Any) -> object:
    return [(schema_id, [(each.subject, each.version) for each in held]) for schema_id, held in ids.items()]


WRITES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", ":.x:a"]),
        st.integers(0, 4).map(_fixed),
        st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 2)), max_size=1),
    ),
    max_size=12,
)


@given(before=WRITES, writes=WRITES)
def test_planning_leaves_no_trace_and_equals_planning_one_by_one(before: Any, writes: Any) -> None:
    """In any state, for any batch: applied afterwards, the records give what one batch a write gives."""
    together, apart = Store(), Store()
    for subject, text, references in before:
        for store in (together, apart):
            _apply(store, *_plan_batch(store, [_planner(subject, text, *references)]).records)
    state = _state(together)
    planners = [_planner(subject, text, *references) for subject, text, references in writes]
    while planners:
        batch = _plan_batch(together, planners)
        assert _state(together) == state
        for place, planner in enumerate(planners):
            if batch.holds(place):
                alone = _plan_batch(apart, [planner])
                _apply(apart, *alone.records)
                outcomes = [{**each.answers, **each.settled, **each.refused} for each in (batch, alone)]
                assert _comparable(outcomes[0][place]) == _comparable(outcomes[1][0])
        _apply(together, *batch.records)
        state = _state(together)
        planners = [planner for place, planner in enumerate(planners) if not batch.holds(place)]
    assert _state(together) == _state(apart)


def _comparable(answer: Any) -> object:
    return (answer.code, answer.message) if isinstance(answer, ApiError) else answer


def test_versions_of_one_subject_share_a_batch() -> None:
    """The second sees the first, also in its references."""
    store = Store()
    batch = _plan_batch(
        store,
        [
            _planner("a", _fixed(1)),
            _planner("a", _fixed(2)),
            _planner("a", _fixed(1)),
            _planner("b", '"string"', ("a", 2)),
        ],
    )
    assert [(each.subject, each.version) for each in batch.records if isinstance(each, SchemaRecord)] == [
        ("a", 1), ("a", 2), ("b", 1),
    ]  # fmt: skip
    assert batch.answers[2] == batch.answers[0]
    assert not batch.settled
    assert store.versions("a") == []


def test_a_version_that_an_earlier_one_of_the_batch_makes_incompatible_is_refused() -> None:
    backward = Rules(compatibility=CompatibilityLevel.BACKWARD)
    batch = _plan_batch(Store(), [_planner("a", _fixed(1), rules=backward), _planner("a", '"int"', rules=backward)])
    assert batch.answers[1].code == 40901
    assert not batch.refused  # it follows from a version that may not be written


def test_a_bug_in_one_plan_costs_no_other() -> None:
    def fail(_: Store) -> Plan[Any]:
        raise ZeroDivisionError

    batch = _plan_batch(Store(), [_planner("a", _fixed(1)), fail, _planner("b", _fixed(2))])
    assert list(batch.answers) == [0, 2]
    assert isinstance(batch.refused[1], ApiError)
    assert batch.refused[1].status == 500


async def test_a_plan_that_needs_an_engine_goes_back_to_compute() -> None:
    """It is planned once the engine has answered."""
    engines = Engines()
    text = f'{{"type":"fixed","name":"f","size":4,"doc":"{"x" * 5_000}"}}'
    planner = partial(
        registration.plan, subject="a", submission=Submission(reader=EVERYBODY, text=text), rules=ANYTHING
    )
    store = Store()
    attempt = partial(run_without_suspending, planner, engines=engines)
    assert _plan_batch(store, [attempt]).uncomputed == {0}
    await asyncio.wait_for(planner(store, engines), 30)
    assert list(_plan_batch(store, [attempt]).answers) == [0]
    await engines.close()
