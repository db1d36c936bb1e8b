"""The `_schemas` topic's bytes: keys and values <-> typed records. Every known dialect is read here and only here.

Written: the reference registry's canonical keys and values, and a real null for a tombstone. Read besides: Karapace's
empty-byte tombstones, its `"subject":null` for global configs and its legacy key order, Redpanda's `seq`/`node` keys,
old values without newer fields. What is not understood becomes an `UnknownRecord` and is never fatal.
Source: `docs/schemas-topic.md`.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from karapace_like.errors import NOT_JSON
from karapace_like.registry.content import Content
from karapace_like.registry.settings import Config, Mode
from karapace_like.schema.model import Reference, SchemaType, Subject, Version

TENANT = "default"
_SCHEMA = "SCHEMA"
_MAGIC = frozenset({None, 0, 1})
"""Of the key of a schema."""
MAX_VERSION = 2**31 - 1


class SchemaRecord(msgspec.Struct, frozen=True, gc=False):
    """One version of a subject, or None where it was deleted for good."""

    subject: str
    version: int
    value: "SchemaVersion | None"


class SchemaVersion(msgspec.Struct, frozen=True, gc=False):
    """What a schema record holds."""

    id: int
    content: Content
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class ConfigRecord:
    """The config of a subject, a context (`:.ctx:`) or, with None, of the default context."""

    subject: str | None
    config: Config | None


@dataclass(frozen=True, slots=True)
class ModeRecord:
    """The mode of a subject, a context or, with None, of the default context."""

    subject: str | None
    mode: Mode | None


@dataclass(frozen=True, slots=True)
class DeleteSubjectRecord:
    """All versions up to this one are soft-deleted; None: the mark itself was removed."""

    subject: str
    version: int | None


@dataclass(frozen=True, slots=True)
class ClearSubjectRecord:
    """The soft-deleted versions of the subject are forgotten."""

    subject: str


@dataclass(frozen=True, slots=True)
class ContextRecord:
    """A context was made or, not present, removed."""

    context: str
    present: bool = True


@dataclass(frozen=True, slots=True)
class NoopRecord:
    """Says nothing; written after an election and to move the topic's end."""


@dataclass(frozen=True, slots=True)
class UnknownRecord:
    """A record that is not understood: kept in the topic, counted, never fatal."""

    reason: str


Record = (
    SchemaRecord
    | ConfigRecord
    | ModeRecord
    | DeleteSubjectRecord
    | ClearSubjectRecord
    | ContextRecord
    | NoopRecord
    | UnknownRecord
)


class _Key(msgspec.Struct, gc=False):
    keytype: str
    subject: str | None = None
    version: int | None = None
    magic: int | None = None
    context: str | None = None


class _SchemaKey(msgspec.Struct, gc=False):
    keytype: str
    subject: str
    version: int
    magic: int = 1


class _Reference(msgspec.Struct):
    name: str
    subject: str
    version: int


class _SchemaValue(msgspec.Struct, rename="camel", gc=False):
    id: int
    schema: str
    schema_type: SchemaType | None = None
    references: list[_Reference] | None = None
    metadata: dict[str, Any] | None = None
    rule_set: dict[str, Any] | None = None
    deleted: bool = False


class _ModeValue(msgspec.Struct):
    mode: Mode


class _DeleteSubjectValue(msgspec.Struct):
    version: int = MAX_VERSION
    """Redpanda writes none: it means all."""


_key_decoder = msgspec.json.Decoder(_Key)
_schema_decoder = msgspec.json.Decoder(_SchemaValue)
_config_decoder = msgspec.json.Decoder(dict[str, Any])
_mode_decoder = msgspec.json.Decoder(_ModeValue)
_delete_subject_decoder = msgspec.json.Decoder(_DeleteSubjectValue)
_encoder = msgspec.json.Encoder()


def decode(key: bytes | None, value: bytes | None) -> Record:
    """The record that these bytes say; never raises."""
    if not key:
        return UnknownRecord("the record has no key")
    try:
        parsed = _key_decoder.decode(key)
        return _schema_record(parsed, value) or _decoded(parsed, value or None)
    except (*NOT_JSON, ValueError) as error:
        return UnknownRecord(str(error))


def _schema_record(key: _Key, value: bytes | None) -> SchemaRecord | None:
    """What nearly all records are, found without the match, which takes four times as long; None for another kind."""
    subject, version = key.subject, key.version
    if key.keytype != _SCHEMA or subject is None or version is None or key.magic not in _MAGIC:
        return None
    return SchemaRecord(subject, version, _schema_version(value) if value else None)


def _decoded(key: _Key, value: bytes | None) -> Record:
    match key:
        case _Key(keytype="CONFIG", subject=subject):
            return ConfigRecord(subject or None, None if value is None else decoded_config(value))
        case _Key(keytype="MODE", subject=subject):
            return ModeRecord(subject or None, None if value is None else _mode_decoder.decode(value).mode)
        case _Key(keytype="DELETE_SUBJECT", subject=str(subject)):
            return DeleteSubjectRecord(
                subject, None if value is None else _delete_subject_decoder.decode(value).version
            )
        case _Key(keytype="CLEAR_SUBJECT", subject=str(subject)):
            return ClearSubjectRecord(subject)
        case _Key(keytype="CONTEXT", context=str(context)):
            return ContextRecord(context, present=value is not None)
        case _Key(keytype="NOOP"):
            return NoopRecord()
        case _:
            return UnknownRecord(f"key of an unknown kind: {key.keytype}")


def _schema_version(value: bytes) -> SchemaVersion:
    found = _schema_decoder.decode(value)
    references: tuple[Reference, ...] = ()
    if found.references:
        references = tuple(
            [Reference(each.name, Subject(each.subject), Version(each.version)) for each in found.references]
        )
    content = Content(found.schema_type or SchemaType.AVRO, found.schema, references, found.metadata, found.rule_set)
    return SchemaVersion(found.id, content, found.deleted)


_CONFIG_FIELDS = {
    spelled: name for name, spelled in zip(Config.__struct_fields__, Config.__struct_encode_fields__, strict=True)
}


def decoded_config(value: bytes) -> Config:
    """The config; a field whose value this version does not know counts as not set."""
    settings: dict[str, Any] = {}
    for spelled, found in _config_decoder.decode(value).items():
        if spelled in _CONFIG_FIELDS and found is not None:
            settings[_CONFIG_FIELDS[spelled]] = found
    for name in list(settings):
        try:
            settings[name] = msgspec.convert(settings[name], Config.__annotations__[name])
        except msgspec.ValidationError:
            del settings[name]
    return Config(**settings)


def encode(record: Record) -> tuple[bytes, bytes | None]:
    """The canonical key and the value of a record, byte for byte as the reference registry writes them."""
    return encode_key(record), encode_value(record)


def encode_key(record: Record) -> bytes:
    """The canonical key."""
    match record:
        case SchemaRecord(subject, version):
            return _encoder.encode(_SchemaKey(_SCHEMA, subject, version))
        case ConfigRecord(subject):
            return _settings_key("CONFIG", subject)
        case ModeRecord(subject):
            return _settings_key("MODE", subject)
        case DeleteSubjectRecord(subject):
            return _settings_key("DELETE_SUBJECT", subject)
        case ClearSubjectRecord(subject):
            return _settings_key("CLEAR_SUBJECT", subject)
        case ContextRecord(context):
            return _encoder.encode({"keytype": "CONTEXT", "tenant": TENANT, "context": context, "magic": 0})
        case NoopRecord():
            return _encoder.encode({"keytype": "NOOP", "magic": 0})
        case UnknownRecord(reason):
            raise ValueError(f"an unknown record cannot be written: {reason}")


def encode_value(record: Record) -> bytes | None:
    """The value; None is a tombstone."""
    match record:
        case SchemaRecord(subject, version, SchemaVersion() as value):
            return _schema_value(subject, version, value)
        case ConfigRecord(subject, Config() as config):
            return _settings_value(subject, msgspec.to_builtins(config))
        case ModeRecord(subject, Mode() as mode):
            return _settings_value(subject, {"mode": mode})
        case DeleteSubjectRecord(subject, int(version)):
            return _encoder.encode({"subject": subject, "version": version})
        case ClearSubjectRecord(subject):
            return _encoder.encode({"subject": subject})
        case ContextRecord(context, present=True):
            return _encoder.encode({"tenant": TENANT, "context": context})
        case _:
            return None


def _settings_key(keytype: str, subject: str | None) -> bytes:
    named = {} if subject is None else {"subject": subject}
    return _encoder.encode({"keytype": keytype, **named, "magic": 0})


def _settings_value(subject: str | None, settings: dict[str, Any]) -> bytes:
    named = {} if subject is None else {"subject": subject}
    return _encoder.encode({**named, **settings})


def _schema_value(subject: str, version: int, value: SchemaVersion) -> bytes:
    content = value.content
    fields = {"subject": subject, "version": version, "id": value.id, "schemaType": content.type, **content.attached}
    return _encoder.encode({**fields, "schema": content.text, "deleted": value.deleted})
