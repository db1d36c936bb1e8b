"""What records do to the state: whatever their order and origin, ids stay unique and nothing is lost."""

import json
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from karapace_like.registry import records
from karapace_like.registry.apply import apply
from karapace_like.registry.content import Content
from karapace_like.registry.records import ConfigRecord, DeleteSubjectRecord, Record, SchemaRecord, SchemaVersion
from karapace_like.registry.settings import Config
from karapace_like.registry.store import Deleted, Store
from karapace_like.schema.model import CompatibilityLevel, SchemaType

LEGACY_KEY = b'{"subject":"s","version":1,"magic":1,"keytype":"SCHEMA"}'
NULL_SUBJECT_KEY = b'{"keytype":"CONFIG","subject":null,"magic":0}'


def schema(subject: str, version: int, schema_id: int, text: str, *, deleted: bool = False) -> SchemaRecord:
    return SchemaRecord(subject, version, SchemaVersion(schema_id, Content(SchemaType.AVRO, text), deleted))


def replayed(*log: Record | tuple[bytes, bytes | None]) -> Store:
    """The state after these records, given as such or as bytes."""
    store = Store()
    for each in log:
        key, value = each if isinstance(each, tuple) else records.encode(each)
        apply(store, records.decode(key, value), key=key, timestamp=1, holds_value=bool(value))
    return store


def test_no_version_is_dropped_for_its_id() -> None:
    """An id means the schema that had it first, also after that is soft-deleted; the other version is there as well."""
    log = schema("a", 1, 1, '"int"'), schema("b", 1, 1, '"long"'), schema("a", 1, 1, '"int"', deleted=True)
    store = replayed(*log)
    assert store.context("a").mixed == {1}
    assert [each.content.text for each in store.context("a").ids[1]] == ['"int"', '"long"']
    meaning = store.meaning("b", 1)
    assert meaning is not None
    assert meaning.text == '"int"'
    assert [each.content.text for each in store.versions("b")] == ['"long"']
    store = replayed(*log, SchemaRecord("a", 1, None))
    assert store.context("a").mixed == set()
    assert store.meaning("b", 1) is None


def test_one_id_may_have_versions_in_many_subjects() -> None:
    """The id goes only with its last version."""
    store = replayed(schema("a", 1, 1, '"int"'), schema("b", 1, 1, '"int"'), SchemaRecord("a", 1, None))
    assert [each.subject for each in store.context("b").ids[1]] == ["b"]
    store = replayed(schema("a", 1, 1, '"int"'), SchemaRecord("a", 1, None))
    assert store.context("a").ids == {}
    assert store.context("a").by_key == {}
    assert store.context("a").max_id == 1


def test_contexts_have_ids_of_their_own() -> None:
    """The same id means different schemas in different contexts."""
    store = replayed(schema("a", 1, 1, '"int"'), schema(":.ctx:a", 1, 1, '"long"'))
    assert store.context("a").mixed == store.context(":.ctx:a").mixed == set()
    assert store.context(":.ctx:a").ids[1][0].content.text == '"long"'


def test_deleting_a_subject_marks_versions_up_to_the_one_named() -> None:
    """Later versions stay live."""
    store = replayed(
        schema("a", 1, 1, '"int"'),
        schema("a", 2, 2, '"long"'),
        DeleteSubjectRecord("a", 1),
        schema("a", 3, 3, '"string"'),
    )
    assert [(each.version, each.deleted) for each in store.versions("a", Deleted.INCLUDE)] == [
        (1, True),
        (2, False),
        (3, False),
    ]


def test_versions_are_in_ascending_order_whatever_order_they_were_written_in() -> None:
    """An import may write them in any order."""
    store = replayed(schema("a", 5, 1, '"int"'), schema("a", 2, 2, '"long"'))
    assert [each.version for each in store.versions("a")] == [2, 5]
    latest = store.version("a", -1)
    assert latest is not None
    assert latest.version == 5


def test_unknown_records_are_counted() -> None:
    """They change nothing."""
    assert replayed((b"?", b"?"), (b'{"keytype":"ASSOC"}', b"{}")).unknown == 2


def test_a_foreign_spelling_of_a_key_is_remembered_and_preferred() -> None:
    """An update goes under the key bytes that are there, and the canonical twin is known to be stale."""
    value = records.encode(schema("s", 1, 1, '"int"'))[1]
    canonical = records.encode_key(SchemaRecord("s", 1, None))
    store = replayed((LEGACY_KEY, value))
    assert list(store.live_keys(canonical)) == [LEGACY_KEY]
    store = replayed(schema("s", 1, 1, '"int"'), (LEGACY_KEY, value))
    assert list(store.live_keys(canonical)) == [LEGACY_KEY, canonical]
    store = replayed(schema("s", 1, 1, '"int"'), (LEGACY_KEY, value), (LEGACY_KEY, None))
    assert list(store.live_keys(canonical)) == []


def test_a_subject_that_is_qualified_by_the_default_context_is_the_bare_one() -> None:
    """What other registries have written under its key is one version with it, and is deleted with it."""
    value = records.encode(schema("s", 1, 1, '"int"'))[1]
    qualified = b'{"keytype":"SCHEMA","subject":":.:s","version":1,"magic":1}'
    canonical = records.encode_key(SchemaRecord("s", 1, None))
    store = replayed(schema("s", 1, 1, '"int"'), (qualified, value))
    assert list(store.live_keys(canonical)) == [qualified, canonical]
    assert [version.subject for version in store.versions("s")] == ["s"]


def test_both_spellings_of_the_global_config_are_one_setting() -> None:
    """The later record wins, under either key."""
    full = json.dumps({"compatibilityLevel": "FULL"}).encode()
    store = replayed(ConfigRecord(None, Config(compatibility_level=CompatibilityLevel.NONE)), (NULL_SUBJECT_KEY, full))
    assert store.configs[None].compatibility_level is CompatibilityLevel.FULL
    assert len(list(store.live_keys(records.encode_key(ConfigRecord(None, None))))) == 2


_subjects = st.sampled_from(["a", "b", ":.c:a"])
_log = st.lists(
    st.one_of(
        st.builds(
            schema,
            _subjects,
            st.integers(1, 3),
            st.integers(1, 4),
            st.sampled_from(['"int"', '"long"', '"string"']),
            deleted=st.booleans(),
        ),
        st.builds(SchemaRecord, _subjects, st.integers(1, 3), st.none()),
        st.builds(DeleteSubjectRecord, _subjects, st.integers(1, 3)),
    ),
    max_size=30,
)


@given(_log)
def test_after_any_log_the_indexes_agree_with_the_versions(log: Iterable[Record]) -> None:
    """Ids, digests and versions say the same; an id with more than one content is known as such."""
    store = replayed(*log)
    for context in store.contexts.values():
        by_id: dict[int, set[Content]] = {}
        for versions in context.subjects.values():
            assert versions
            for number, each in versions.items():
                assert each.version == number
                by_id.setdefault(each.id, set()).add(each.content)
        assert {schema_id for schema_id, contents in by_id.items() if len(contents) > 1} == context.mixed
        assert context.by_key.keys() == {each.key for contents in by_id.values() for each in contents}
        assert by_id.keys() == context.ids.keys()
        assert all(schema_id in context.ids for schema_id in context.by_key.values())
        assert context.max_id >= max(context.ids, default=0)
