"""The topic's bytes, both ways: the reference registry's exactly, every other dialect read."""

import json

import pytest

from karapace_like.registry import records
from karapace_like.registry.content import Content
from karapace_like.registry.records import (
    ClearSubjectRecord,
    ConfigRecord,
    ContextRecord,
    DeleteSubjectRecord,
    ModeRecord,
    NoopRecord,
    Record,
    SchemaRecord,
    SchemaVersion,
    UnknownRecord,
)
from karapace_like.registry.settings import Config, Mode
from karapace_like.schema.model import CompatibilityLevel, Reference, SchemaType, Subject, Version

INT = Content(SchemaType.AVRO, '"int"')
FULL = Content(
    SchemaType.JSON,
    "{}",
    (Reference("a.json", Subject("a"), Version(2)),),
    {"properties": {"owner": "x"}},
    {"domainRules": [{"name": "r"}]},
)

CANONICAL: list[tuple[Record, bytes, bytes | None]] = [
    (
        SchemaRecord("s", 1, SchemaVersion(7, INT)),
        b'{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}',
        b'{"subject":"s","version":1,"id":7,"schemaType":"AVRO","schema":"\\"int\\"","deleted":false}',
    ),
    (
        SchemaRecord("s", 2, SchemaVersion(8, FULL, deleted=True)),
        b'{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}',
        (
            b'{"subject":"s","version":2,"id":8,"schemaType":"JSON",'
            b'"references":[{"name":"a.json","subject":"a","version":2}],"metadata":{"properties":{"owner":"x"}},'
            b'"ruleSet":{"domainRules":[{"name":"r"}]},"schema":"{}","deleted":true}'
        ),
    ),
    (SchemaRecord("s", 1, None), b'{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}', None),
    (
        ConfigRecord(None, Config(compatibility_level=CompatibilityLevel.FULL)),
        b'{"keytype":"CONFIG","magic":0}',
        b'{"compatibilityLevel":"FULL"}',
    ),
    (
        ConfigRecord("s", Config(alias="t", normalize=True, compatibility_level=CompatibilityLevel.NONE)),
        b'{"keytype":"CONFIG","subject":"s","magic":0}',
        b'{"subject":"s","alias":"t","normalize":true,"compatibilityLevel":"NONE"}',
    ),
    (ConfigRecord("s", None), b'{"keytype":"CONFIG","subject":"s","magic":0}', None),
    (
        ModeRecord("s", Mode.IMPORT),
        b'{"keytype":"MODE","subject":"s","magic":0}',
        b'{"subject":"s","mode":"IMPORT"}',
    ),
    (ModeRecord(None, Mode.READONLY), b'{"keytype":"MODE","magic":0}', b'{"mode":"READONLY"}'),
    (
        DeleteSubjectRecord("s", 3),
        b'{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}',
        b'{"subject":"s","version":3}',
    ),
    (ClearSubjectRecord("s"), b'{"keytype":"CLEAR_SUBJECT","subject":"s","magic":0}', b'{"subject":"s"}'),
    (
        ContextRecord(".ctx"),
        b'{"keytype":"CONTEXT","tenant":"default","context":".ctx","magic":0}',
        b'{"tenant":"default","context":".ctx"}',
    ),
    (
        ContextRecord(".ctx", present=False),
        b'{"keytype":"CONTEXT","tenant":"default","context":".ctx","magic":0}',
        None,
    ),
    (NoopRecord(), b'{"keytype":"NOOP","magic":0}', None),
]


@pytest.mark.parametrize(("record", "key", "value"), CANONICAL)
def test_a_record_is_written_byte_for_byte_and_read_back(record: Record, key: bytes, value: bytes | None) -> None:
    """What is written is the reference registry's form, and reading it gives the same record."""
    assert records.encode(record) == (key, value)
    assert records.decode(key, value) == record


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        pytest.param(
            b'{"subject":"s","version":1,"magic":1,"keytype":"SCHEMA"}',
            b'{"subject":"s","version":1,"id":7,"schema":"\\"int\\"","deleted":false}',
            SchemaRecord("s", 1, SchemaVersion(7, INT)),
            id="Karapace's legacy key order, and no type for Avro",
        ),
        pytest.param(
            b'{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}',
            b"",
            SchemaRecord("s", 1, None),
            id="Karapace's empty bytes for a tombstone",
        ),
        pytest.param(
            b'{"keytype":"CONFIG","subject":null,"magic":0}',
            b'{"compatibilityLevel":"NONE"}',
            ConfigRecord(None, Config(compatibility_level=CompatibilityLevel.NONE)),
            id="Karapace's global config",
        ),
        pytest.param(
            b'{"keytype":"SCHEMA","subject":"s","version":1,"magic":1,"seq":12,"node":0}',
            b'{"subject":"s","version":1,"id":7,"schema":"\\"int\\"","deleted":false}',
            SchemaRecord("s", 1, SchemaVersion(7, INT)),
            id="Redpanda's sequence numbers",
        ),
        pytest.param(
            b'{"keytype":"SCHEMA","subject":"s","version":1,"magic":0}',
            b'{"subject":"s","version":1,"id":7,"md5":"x","schemaType":"AVRO","schema":"\\"int\\"","deleted":false,'
            b'"offset":5,"ts":9}',
            SchemaRecord("s", 1, SchemaVersion(7, INT)),
            id="magic 0 and the fields of a rewritten record",
        ),
        pytest.param(
            b'{"keytype":"CONFIG","subject":"s","magic":0}',
            b'{"compatibilityLevel":"SOMETIMES","compatibilityPolicy":"LENIENT","new":1}',
            ConfigRecord("s", Config(compatibility_policy="LENIENT")),  # type: ignore[arg-type]
            id="a config with a level that is not known",
        ),
    ],
)
def test_other_dialects_are_read(key: bytes, value: bytes | None, expected: Record) -> None:
    """A topic that another product wrote says the same."""
    assert records.decode(key, value) == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, b"{}"),
        (b"", b"{}"),
        (b"no json", b"{}"),
        (b"[]", b"{}"),
        (b'{"magic":1}', b"{}"),
        (b'{"keytype":"ASSOC","subject":"s","magic":0}', b"{}"),
        (b'{"keytype":"SCHEMA","subject":"s","version":1,"magic":2}', b"{}"),
        (b'{"keytype":"SCHEMA","subject":"s","magic":1}', b"{}"),
        (b'{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}', b"{"),
        (b'{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}', b'{"id":1,"schema":"x","schemaType":"XML"}'),
        (b'{"keytype":"MODE","subject":"s","magic":0}', b'{"mode":"SIDEWAYS"}'),
        (b'{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}', b'{"version":"x"}'),
        (b"\xff\xfe", b"\xff"),
        (b'{"keytype":"CONFIG","subject":"\xff","magic":0}', b"{}"),
        (b'{"keytype":"CONFIG","magic":' + b"[" * 100_000, b"{}"),
        (b'{"keytype":"CONFIG","subject":"s","magic":0}', b'{"x":' + b"[" * 100_000),
    ],
)
def test_what_is_not_understood_is_never_fatal(key: bytes | None, value: bytes | None) -> None:
    """Reading answers an unknown record that says why."""
    found = records.decode(key, value)
    assert isinstance(found, UnknownRecord)
    assert found.reason


def test_metadata_that_is_not_known_survives() -> None:
    """A later version's metadata and rules are kept as they are."""
    metadata = {"properties": {}, "later": [1, {"deep": None}]}
    value = {"id": 1, "schema": "x", "metadata": metadata}
    record = records.decode(b'{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}', json.dumps(value).encode())
    _, written = records.encode(record)
    assert written is not None
    assert json.loads(written)["metadata"] == metadata
