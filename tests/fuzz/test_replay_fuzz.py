"""Replay of whatever a topic holds: never ended, the same in any batches, and everything in it can be served."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from karapace_like.backup.state import build_store, list_records
from karapace_like.registry import content as contents
from karapace_like.registry import faults, records
from karapace_like.registry.records import SchemaRecord, UnknownRecord
from karapace_like.registry.registration import Rules
from karapace_like.registry.registry import Registry
from karapace_like.registry.store import Store
from tests.web.conftest import MemoryLog


class Logged(NamedTuple):
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int


Bytes = tuple[bytes | None, bytes | None]

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, -1, 1, 2, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32, 2**63, 2**64]),
)
SUBJECTS = st.sampled_from(["a", "b", "", ":.c:a", ":.c:", ":.:a", ":.", ":*:a", ":.__GLOBAL:", "\x00", "ß/ö"])
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)


def odd(*usual: Any) -> st.SearchStrategy[Any]:
    """One of these nearly always, else anything."""
    return st.one_of(*(st.just(each) for each in usual), *(st.just(each) for each in usual), JSON)


def fields(**named: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=named)


RULES = odd([{"name": "r", "type": "T"}], [], [{"name": []}], ["r"])
METADATA = st.one_of(
    JSON, fields(tags=odd({"**.x": ["PII"]}), properties=odd({"owner": "x"}), sensitive=odd(["owner"]), later=JSON)
)
RULE_SET = st.one_of(JSON, fields(migrationRules=RULES, domainRules=RULES, encodingRules=RULES, enableAt=JSON))
REFERENCES = st.lists(
    st.fixed_dictionaries(
        {"name": odd("r"), "subject": st.one_of(SUBJECTS, JSON), "version": st.one_of(NUMBERS, JSON)}
    ),
    max_size=2,
)
KEYS = st.fixed_dictionaries(
    {"keytype": odd("SCHEMA", "CONFIG", "MODE", "DELETE_SUBJECT", "CLEAR_SUBJECT", "CONTEXT", "NOOP", "ASSOC")},
    optional={
        "subject": st.one_of(SUBJECTS, SUBJECTS, JSON),
        "version": st.one_of(st.integers(1, 3), st.integers(1, 3), NUMBERS, JSON),
        "magic": odd(0, 1),
        "context": odd(".", ".c", "c", ":.c:"),
        "seq": JSON,
    },
)
VALUES = fields(
    subject=st.one_of(SUBJECTS, JSON),
    version=st.one_of(st.integers(1, 3), NUMBERS),
    id=st.one_of(st.integers(1, 3), NUMBERS, JSON),
    schema=odd('"int"', '"long"'),
    schemaType=odd("AVRO", "JSON", "PROTOBUF"),
    references=st.one_of(REFERENCES, JSON),
    metadata=METADATA,
    ruleSet=RULE_SET,
    deleted=odd(False, True),
    mode=odd("IMPORT", "READONLY"),
    compatibilityLevel=odd("FULL"),
    alias=odd("b"),
    normalize=odd(True),
    defaultMetadata=METADATA,
    overrideRuleSet=RULE_SET,
    later=JSON,
)
SCHEMA_KEYS = st.builds(
    lambda subject, version: {"keytype": "SCHEMA", "subject": subject, "version": version, "magic": 1},
    SUBJECTS,
    st.integers(1, 3),
)


def text(found: Any) -> bytes:
    return json.dumps(found).encode()


WELL_FORMED = st.tuples(
    st.one_of(KEYS, SCHEMA_KEYS).map(text),
    st.one_of(
        st.none(),
        st.just(b""),
        VALUES.map(text),
        # what all versions have, so that many are taken
        VALUES.map(lambda found: text({"id": 1, "schema": '"int"', **found})),
    ),
)
ANYTHING = st.tuples(st.one_of(st.none(), st.binary(max_size=20)), st.one_of(st.none(), st.binary(max_size=20)))
LOGS = st.lists(st.one_of(WELL_FORMED, WELL_FORMED, ANYTHING), max_size=12)


def version(value: bytes) -> Bytes:
    return b'{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}', value


def nested(depth: int) -> bytes:
    return b'{"x":' * depth + b"1" + b"}" * depth


def replayed(log: Sequence[Bytes], splits: Sequence[int] = ()) -> Registry:
    """A node that has read the log, in batches that end at these places."""
    logged = [Logged(offset, key, value, 1) for offset, (key, value) in enumerate(log)]
    registry = Registry(MemoryLog(), Rules())
    registry.begin_replay(len(logged))
    ends = sorted({min(each, len(logged)) for each in splits} | {len(logged)})
    begin = 0
    for end in ends:
        registry.apply_batch(logged[begin:end], end)
        begin = end
    assert registry.failure is None
    assert registry.progress.is_ready
    return registry


def state(store: Store) -> Any:
    """Everything that the store holds, in a form that can be compared; fails if any of it cannot be written again."""
    return (
        [records.encode(each) for each in list_records(store)],
        {
            name: (context.max_id, context.by_key, list(context.ids), context.mixed)
            for name, context in store.contexts.items()
        },
        {target: list(found) for target, found in store.referrers.items()},
        (store.spellings, store.unknown, store.unreadable, store.census),
    )


@given(LOGS, st.lists(st.integers(0, 12), max_size=4))
@example([version(b'{"id":1,"schema":"x","references":[{"name":"r","subject":"b","version":2147483648}]}')], [])
@example([version(b'{"id":2147483648,"schema":"x"}')], [])
@example([version(b'{"id":1,"schema":"x","later":%b}' % nested(940))], [])
@example([version(b'{"id":1,"schema":"x","metadata":%b}' % nested(300))], [])
@example([version(b'{"id":1,"schema":"\\ud800"}')], [])
@example([version(b'{"id":1,"schema":"x","metadata":{"later":1e999}}')], [])
@example([version(b'{"id":1,"schema":"x","metadata":{"later":%b}}' % (b"9" * 5000))], [])
@example([version(b'{"id":1,"id":2,"schema":"x","schema":"y"}')], [])
@example(
    [
        version(b'{"id":1,"schema":"x"}'),
        (b'{"keytype":"SCHEMA","subject":":.:a","version":2,"magic":1}', b'{"id":1,"schema":"y"}'),
    ],
    [],
)
def test_any_log_is_replayed_and_gives_one_state(log: Sequence[Bytes], splits: Sequence[int]) -> None:
    """In whatever batches it comes; and what it holds can be written, read back and examined."""
    registry = replayed(log, splits)
    store = registry.store
    found = state(store)
    assert found == state(replayed(log).store)
    again = build_store(records.decode(*records.encode(each)) for each in list_records(store))
    assert again.unknown == 0
    assert [records.encode(each) for each in list_records(again)] == found[0]
    faults.examine([Logged(offset, key, value, 1) for offset, (key, value) in enumerate(log)])


@given(LOGS)
def test_an_unreadable_record_changes_nothing_but_the_count(log: Sequence[Bytes]) -> None:
    """The state is that of the log without it."""
    understood = [each for each in log if not isinstance(records.decode(*each), UnknownRecord)]
    found, expected = state(replayed(log).store), state(replayed(understood).store)
    assert found[:3] == expected[:3]
    assert found[3][1] == len(log) - len(understood)


@given(st.tuples(METADATA, RULE_SET, METADATA, RULE_SET))
@example(({"later": [{"name": []}]}, None, {"later": [{"name": []}]}, None))
def test_metadata_and_rules_that_are_read_can_be_worked_with(parts: tuple[Any, Any, Any, Any]) -> None:
    """Those of a version, with those of a config above. Passes if nothing raises."""
    value = text({"id": 1, "schema": "x", "metadata": parts[0], "ruleSet": parts[1]})
    record = records.decode(*version(value))
    config = records.decode_config(text({"defaultMetadata": parts[2], "overrideRuleSet": parts[3]}))
    if not isinstance(record, SchemaRecord) or record.value is None:
        return
    content = record.value.content
    metadata = contents.merge(config.default_metadata, content.metadata, None)
    rule_set = contents.merge(None, content.rule_set, config.override_rule_set)
    contents.metadata_property(metadata, "owner")
    contents.has_rule_of_type(rule_set, "T")
    contents.rule_set_fault(rule_set)
    msgspec.json.encode([contents.with_property(metadata, "a", "b"), contents.without_rules(rule_set, ("r",))])


@given(st.integers(150, 1200), st.sampled_from(["later", "metadata", "ruleSet", "reference", "key"]))
def test_how_deep_a_record_may_be_is_the_same_for_every_node(depth: int, where: str) -> None:
    """Whatever its Python allows, and from wherever it is called: the topic's own bound is lower."""
    deep = nested(depth)
    key, value = version(b'{"id":1,"schema":"x","%b":%b}' % (where.encode(), deep))
    if where == "reference":
        value = b'{"id":1,"schema":"x","references":[{"name":"r","subject":"a","version":1,"later":%b}]}' % deep
    if where == "key":
        key, value = b'{"keytype":"SCHEMA","subject":"a","version":1,"seq":%b}' % deep, b'{"id":1,"schema":"x"}'
    found = records.decode(key, value)
    around = 3 if where == "reference" else 1
    assert isinstance(found, UnknownRecord) == (depth + around > 200)
