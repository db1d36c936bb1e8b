"""A state that was dumped, loaded and continued is the state of the whole log, wherever the snapshot was taken."""

import re
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from karapace_like.registry import apply, records, spellings
from karapace_like.registry.associations import Association, Lifecycle, Resource
from karapace_like.registry.content import Content
from karapace_like.registry.records import SchemaVersion
from karapace_like.registry.settings import Config, Mode
from karapace_like.registry.snapshot_parts import StateLoader, dump_state
from karapace_like.registry.store import Store, StoredVersion
from karapace_like.schema.model import Reference, SchemaType, Subject, Version
from tests.fuzz.test_replay_fuzz import LOGS, Bytes, Logged
from tests.web import schemas_topics

SUBJECTS = st.sampled_from(["a", "b", ":.c:a"])
NUMBERS = st.integers(1, 3)
TEXTS = st.sampled_from(['"int"', '"long"', '{"type":"string"}', '"string"'])


def associate(resource: str, subject: str, *, present: bool) -> records.AssociationRecord:
    found = Association(
        guid=resource,
        resource=Resource(resource, "-", resource),
        association_type="value",
        subject=subject,
        lifecycle=Lifecycle.WEAK,
        frozen=False,
    )
    return records.AssociationRecord(found.key, found if present else None)


def value(schema_id: int, text: str, references: Sequence[str], *, deleted: bool) -> SchemaVersion:
    found = tuple(Reference("r", Subject(subject), Version(1)) for subject in references)
    return SchemaVersion(schema_id, Content(SchemaType.AVRO, text, found), deleted)


VERSIONS = st.builds(value, NUMBERS, TEXTS, st.lists(SUBJECTS, max_size=2), deleted=st.booleans())
RECORDS = st.one_of(
    st.builds(records.SchemaRecord, SUBJECTS, NUMBERS, VERSIONS),
    st.builds(records.SchemaRecord, SUBJECTS, NUMBERS, VERSIONS),
    st.builds(records.SchemaRecord, SUBJECTS, NUMBERS, st.none()),
    st.builds(records.DeleteSubjectRecord, SUBJECTS, NUMBERS),
    st.builds(records.ClearSubjectRecord, SUBJECTS),
    st.builds(records.ConfigRecord, SUBJECTS, st.one_of(st.none(), st.just(Config(alias="b")))),
    st.builds(records.ModeRecord, SUBJECTS, st.one_of(st.none(), st.sampled_from(Mode))),
    st.builds(records.CounterRecord, st.sampled_from([".", ".c"]), st.one_of(st.none(), NUMBERS)),
    st.builds(associate, st.sampled_from(["t", "u"]), SUBJECTS, present=st.booleans()),
    st.builds(records.ContextRecord, st.just(".c"), st.booleans()),
)
SENSIBLE_LOGS = st.lists(RECORDS.map(records.encode), max_size=25)


def replay(store: Store, log: Sequence[Bytes], begin: int = 0) -> Store:
    for offset, (key, held) in enumerate(log[begin:], begin):
        apply.replay(store, Logged(offset, key, held, 1_000 + offset))
    return store


def reload(store: Store) -> Store:
    """The state after it went through a snapshot."""
    loader = StateLoader(Store())
    for block in list(dump_state(store)):
        loader.add(block)
    return loader.finish()


def run(building: Coroutine[Any, Any, object]) -> None:
    """Run to its end what needs no event loop here, since the texts are few."""
    try:
        building.send(None)
    except StopIteration:
        return
    raise AssertionError("it has suspended")


def name(versions: Iterable[StoredVersion]) -> list[tuple[str, int]]:
    return [(version.subject, version.version) for version in versions]


def look(store: Store) -> Any:
    """Everything that can be read from the state."""
    versions = {
        (version.subject, version.version): (
            version.id,
            version.deleted,
            version.timestamp,
            version.content.guid,
            version.content.text,
            version.content.type,
            version.content.references,
            version.content.metadata,
            version.content.rule_set,
        )
        for version in store.all_versions()
    }
    contexts = {
        found: (
            {subject: list(numbers) for subject, numbers in context.subjects.items()},
            [(schema_id, name(holders)) for schema_id, holders in context.ids.items()],
            (context.by_key, context.twins, context.mixed, context.max_id),
        )
        for found, context in store.contexts.items()
    }
    return {
        "versions": versions,
        "contexts": contexts,
        # The names in order may have some of subjects that are gone.
        "order": [*store.contexts, *filter(store.versions_by_number, store.ordered_subjects())],
        "settings": [*store.configs.items(), *store.modes.items(), *store.counters.items()],
        "referrers": {target: set(found) for target, found in store.referrers.items()},
        "spellings": store.spellings,
        "associations": store.associations,
        "counts": (store.revision, store.unknown, store.unreadable, store.census),
        "retired": [(found, *name([version])[0], version.id) for found, version in store.retired.list_versions()],
        "fingerprints": None if store.fingerprints is None else list(store.fingerprints.entries),
    }


def check_every_cut(log: Sequence[Bytes], *, index: bool) -> None:
    """The snapshot is taken before each record of the log, and once after all of them."""
    for cut in range(len(log) + 1):
        whole = Store()
        replay(whole, log[:cut])
        if index:
            run(spellings.build_index(whole))
        restored = reload(whole)
        replay(whole, log, cut)
        replay(restored, log, cut)
        assert look(restored) == look(whole), cut


@given(log=SENSIBLE_LOGS, index=st.booleans())
def test_a_snapshot_of_any_moment_continues_as_the_log_does(log: Sequence[Bytes], *, index: bool) -> None:
    check_every_cut(log, index=index)


def is_too_long(log: Sequence[Bytes]) -> bool:
    """Whether there may be an integer of more than 64 bits, with which no snapshot is written."""
    return any(re.search(rb"\d{19}", found or b"") for record in log for found in record)


@given(LOGS)
def test_so_does_one_of_a_topic_that_holds_anything(log: Sequence[Bytes]) -> None:
    assume(not is_too_long(log))
    check_every_cut(log, index=False)


def test_so_does_one_of_each_products_topic() -> None:
    logs = [found for found in vars(schemas_topics).values() if isinstance(found, list)]
    assert len(logs) > 1
    for log in logs:
        check_every_cut(log, index=True)
