"""Whatever happens to subjects, what is listed can be read, and no id is given out for a second schema."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from karapace_like.registry import configuration, deletion, names, parsing, records, registration
from karapace_like.registry.apply import apply
from karapace_like.registry.content import Content
from karapace_like.registry.errors import RegistryError
from karapace_like.registry.registration import Registered, Rules, Submission
from karapace_like.registry.settings import Mode
from karapace_like.registry.store import COUNTED_IDS, Store
from karapace_like.registry.view import EVERYBODY
from karapace_like.replication.planning import Plan, run_without_suspending
from karapace_like.schema.model import CompatibilityLevel, Reference, Subject, Version
from tests.unit.registry.immediate_engines import ImmediateEngines

ENGINES = ImmediateEngines()
RULES = Rules(compatibility=CompatibilityLevel.NONE)
SUBJECTS = st.sampled_from(["a", "b", ":.x:a"])
PLACES = st.sampled_from(["a", "b", ":.x:a", ":.x:", None, names.GLOBAL_SCOPE])
NUMBERS = st.integers(-1, 4)
REFERENCES = st.builds(Reference, st.just("R"), st.sampled_from([Subject("a"), Subject(":.x:a")]), NUMBERS.map(Version))
SUBMISSIONS = st.builds(
    Submission,
    reader=st.just(EVERYBODY),
    text=st.sampled_from(['"int"', '"long"', '"string"']),
    references=st.lists(REFERENCES, max_size=1).map(tuple),
)
IDS = st.one_of(st.integers(0, 6), st.sampled_from([2**30 - 1, 2**30, 2**31 - 1]))


@dataclass
class Topic:
    """A registry with its topic, and whom its ids were given to."""

    store: Store = field(default_factory=Store)
    log: list[tuple[bytes, bytes | None]] = field(default_factory=list)
    given: dict[tuple[str, int], Content] = field(default_factory=dict)

    def write(self, plan: Callable[..., Plan[Any]], *args: Any, **options: Any) -> Any:
        """What is answered, once it is applied; None where it is refused."""
        try:
            planned = plan(self.store, *args, **options)
        except RegistryError:
            return None
        self.append([records.encode(each) for each in planned.records])
        return planned.answer

    def append(self, batch: list[tuple[bytes, bytes | None]]) -> None:
        self.log += batch
        for key, value in batch:
            apply(self.store, records.decode(key, value), key=key, timestamp=1, holds_value=bool(value))

    def restart(self, clean: int) -> None:
        """Read the topic anew, of which compaction has cleaned so much."""
        kept = compacted(self.log[:clean]) + self.log[clean:]
        self.store, self.log = Store(), []
        self.append(kept)


def compacted(log: list[tuple[bytes, bytes | None]]) -> list[tuple[bytes, bytes | None]]:
    """The last record of each key, where it was written; nulls are gone."""
    last = {key: at for at, (key, _) in enumerate(log)}
    return [each for at, each in enumerate(log) if last[each[0]] == at and each[1] is not None]


def plan_registration(store: Store, subject: str, submission: Submission) -> Plan[Registered]:
    planner = partial(registration.plan, subject=subject, submission=submission, rules=RULES)
    plan = run_without_suspending(planner, store, ENGINES)
    assert plan is not None, "light schemas are computed at once"
    return plan


def register(topic: Topic, subject: str, submission: Submission) -> None:
    found = topic.write(plan_registration, subject, submission)
    if isinstance(found, Registered):
        place = names.context_of(subject), found.id
        if found.id >= COUNTED_IDS:  # may be given out again once it is deleted for good
            topic.given[place] = found.content
        assert topic.given.setdefault(place, found.content) == found.content
        stored = topic.store.version(subject, found.version)
        assert stored is not None
        assert (stored.id, stored.content) == (found.id, found.content)


def import_(topic: Topic, subject: str, submission: Submission, schema_id: int, version: int) -> None:
    """Whoever imports chooses the id, also one that is free again."""
    topic.write(configuration.set_mode, subject, Mode.IMPORT, RULES, force=True)
    chosen = Submission(
        reader=EVERYBODY, text=submission.text, references=submission.references, id=schema_id, version=version
    )
    found = topic.write(plan_registration, subject, chosen)
    topic.write(configuration.delete_mode, subject, RULES, recursive=False)
    if isinstance(found, Registered):
        topic.given[names.context_of(subject), found.id] = found.content


def clear(topic: Topic, place: str | None) -> None:
    topic.write(configuration.set_mode, place, Mode.IMPORT, RULES, force=False)
    topic.write(configuration.delete_mode, place, RULES, recursive=True)


def delete(topic: Topic, subject: str, number: int | None, permanent: bool) -> None:  # noqa: FBT001 - drawn by place
    if number is None:
        topic.write(deletion.subject, subject, permanent=permanent)
    else:
        topic.write(deletion.version, subject, number, permanent=permanent)


STEPS = st.one_of(
    st.tuples(st.just(register), SUBJECTS, SUBMISSIONS),
    st.tuples(st.just(register), SUBJECTS, SUBMISSIONS),
    st.tuples(st.just(import_), SUBJECTS, SUBMISSIONS, IDS, NUMBERS),
    st.tuples(st.just(delete), SUBJECTS, st.none() | NUMBERS, st.booleans()),
    st.tuples(st.just(delete), SUBJECTS, st.none() | NUMBERS, st.booleans()),
    st.tuples(st.just(clear), PLACES),
    st.tuples(st.just(lambda topic: topic.write(deletion.context, ".x"))),
    st.tuples(st.just(Topic.restart), st.integers(0, 60)),
)


@given(st.lists(STEPS, max_size=25))
def test_what_is_listed_can_be_read_and_ids_mean_one_schema(steps: list[tuple[Any, ...]]) -> None:
    """Also on a node that starts anew, however much of the topic is compacted by then."""
    topic = Topic()
    for step, *args in steps:
        step(topic, *args)
        for stored in topic.store.all_versions():
            parsing.dependencies_of(topic.store, stored.content.schema, stored.subject)
            assert topic.given[names.context_of(stored.subject), stored.id] == stored.content
    assert topic.store.unknown == 0
    assert not any(context.mixed for context in topic.store.contexts.values())
    before = topic.store
    topic.restart(len(topic.log))
    assert [(each.subject, each.version, each.id, each.deleted) for each in before.all_versions()] == [
        (each.subject, each.version, each.id, each.deleted) for each in topic.store.all_versions()
    ]
    for name, context in before.contexts.items():
        again = topic.store.context(names.qualify(name, ""))
        assert (again.max_id, again.by_key, again.twins) == (context.max_id, context.by_key, context.twins)
