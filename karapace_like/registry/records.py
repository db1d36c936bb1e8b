"""Encode and decode the records of the schemas topic. All its dialects are read here, and nowhere else.

Written are Confluent's canonical keys and values, and a null for a tombstone. Read are also Karapace's empty
tombstones, its `"subject":null` for global configs and its old key order, Redpanda's keys with `seq` and `node`, and
values without newer fields. A record that cannot be read becomes an `UnknownRecord` and is never fatal.
Source: `docs/schemas-topic.md`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from karapace_like.registry import association_records, names
from karapace_like.registry.associations import Association, AssociationKey
from karapace_like.registry.content import Content, check_metadata, check_rule_set
from karapace_like.registry.settings import Config, Mode
from karapace_like.schema.model import (
    MAX_NUMBER,
    IdNumber,
    Reference,
    ReferenceVersion,
    SchemaType,
    Subject,
    Version,
    VersionNumber,
)

T = TypeVar("T")

TENANT = "default"
_SCHEMA = "SCHEMA"
_MAGIC = frozenset({None, 0, 1})
"""Values of `magic` in the key of a schema."""
_KINDS = frozenset({_SCHEMA, "CONFIG", "MODE", "DELETE_SUBJECT", "CLEAR_SUBJECT", "CONTEXT", "NOOP"})
_MAX_DEPTH = 200
"""Nested objects and lists; whether a node can read deeper ones depends on its version of Python."""
_SHALLOW_BYTES = 2 * _MAX_DEPTH
"""JSON of so few bytes cannot be deeper."""
_MAX_REASON = 200
"""Characters of the reason for which a record cannot be read; it is logged and may quote the record."""
_ID_DIGITS = 10


class SchemaRecord(msgspec.Struct, frozen=True, gc=False):
    """One version of a subject; the value is None after a permanent deletion."""

    subject: str
    version: int
    value: "SchemaVersion | None"


class SchemaVersion(msgspec.Struct, frozen=True, gc=False):
    """The value of a schema record."""

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
class CounterRecord:
    """The largest id that a context has assigned, written when its version is deleted; None deletes the counter."""

    context: str
    max_id: int | None


@dataclass(frozen=True, slots=True)
class DeleteSubjectRecord:
    """All versions up to this one are soft-deleted; None removes the marker itself."""

    subject: str
    version: int | None


@dataclass(frozen=True, slots=True)
class ClearSubjectRecord:
    """The soft-deleted versions of the subject are removed."""

    subject: str


@dataclass(frozen=True, slots=True)
class ContextRecord:
    """A context was created or, if not present, removed."""

    context: str
    present: bool = True


@dataclass(frozen=True, slots=True)
class AssociationRecord:
    """A subject that a resource uses; the value is None after its deletion."""

    key: AssociationKey
    value: Association | None


@dataclass(frozen=True, slots=True)
class NoopRecord:
    """A record without meaning, written after an election and to move the topic's end."""


@dataclass(frozen=True, slots=True)
class UnknownRecord:
    """A record that cannot be read: it stays in the topic, is counted, and is never fatal."""

    reason: str
    is_foreign: bool = False
    """Whether it is of a kind that other registries write for themselves, which is no fault."""


Record = (
    SchemaRecord
    | ConfigRecord
    | ModeRecord
    | CounterRecord
    | DeleteSubjectRecord
    | ClearSubjectRecord
    | ContextRecord
    | AssociationRecord
    | NoopRecord
    | UnknownRecord
)


class _Key(msgspec.Struct, gc=False):
    keytype: str
    subject: str | None = None
    version: VersionNumber | None = None
    magic: int | None = None
    context: str | None = None


class _SchemaKey(msgspec.Struct, gc=False):
    keytype: str
    subject: str
    version: int
    magic: int = 1


class _AnyReference(msgspec.Struct, gc=False):
    subject: str
    version: ReferenceVersion
    name: str = ""
    """Confluent's registry omits an empty name."""


class _Reference(_AnyReference, forbid_unknown_fields=True, gc=False):
    """A reference with exactly these fields."""


class _AnySchemaValue(msgspec.Struct, rename="camel", gc=False):
    """The value of a schema record of any registry; unknown fields are ignored."""

    id: IdNumber
    schema: str
    schema_type: SchemaType | None = None
    references: Sequence[_AnyReference] | None = None
    metadata: dict[str, Any] | None = None
    rule_set: dict[str, Any] | None = None
    deleted: bool = False


class _SchemaValue(_AnySchemaValue, rename="camel", forbid_unknown_fields=True, gc=False):
    """The value of nearly all schema records: exactly these fields, of bounded depth."""

    references: Sequence[_Reference] | None = None
    subject: str | None = None
    version: int | None = None
    md5: str | None = None
    guid: str | None = None
    offset: int | None = None
    ts: int | None = None


class _ModeValue(msgspec.Struct):
    mode: Mode
    subject: str | None = None


class _DeleteSubjectValue(msgspec.Struct):
    version: ReferenceVersion = MAX_NUMBER
    """Redpanda writes none, which means all versions."""


_key_decoder = msgspec.json.Decoder(_Key)
_schema_decoder = msgspec.json.Decoder(_SchemaValue)
_any_schema_decoder = msgspec.json.Decoder(_AnySchemaValue)
_config_decoder = msgspec.json.Decoder(dict[str, Any])
_mode_decoder = msgspec.json.Decoder(_ModeValue)
_delete_subject_decoder = msgspec.json.Decoder(_DeleteSubjectValue)
_encoder = msgspec.json.Encoder()


def decode(key: bytes | None, value: bytes | None) -> Record:
    """Decode a record; one that cannot be read, for any reason, becomes an UnknownRecord.

    Its subject has the canonical spelling, whatever the key has: `a` for `:.:a`.

    Every other record can be applied, served and written again. Raises only MemoryError, which is not the fault of the
    record: another node would read it.
    """
    if not key:
        return UnknownRecord("the record has no key")
    try:
        parsed = _key_decoder.decode(key)
        if len(key) > _SHALLOW_BYTES:
            _check_depth(key)
        if parsed.keytype == association_records.KEYTYPE:
            return AssociationRecord(*association_records.decode(key, value or None))
        return _schema_record(parsed, value) or _decode(parsed, value or None)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - one record must not stand in the way of those after it
        return UnknownRecord(_shorten(str(error) or type(error).__name__))


def _schema_record(key: _Key, value: bytes | None) -> SchemaRecord | None:
    """Decode a schema record without the general match, which takes four times as long; None for another kind."""
    subject, version = key.subject, key.version
    if key.keytype != _SCHEMA or subject is None or version is None or key.magic not in _MAGIC:
        return None
    return SchemaRecord(names.canonical(subject), version, _schema_version(value) if value else None)


def _decode(key: _Key, value: bytes | None) -> Record:
    match key:
        case _Key(keytype="CONFIG", subject=subject):
            return ConfigRecord(names.scope(subject), None if value is None else decode_config(value))
        case _Key(keytype="MODE", subject=subject):
            parsed = None if value is None else _decode_with(_mode_decoder, value)
            if subject is not None and names.local_name(subject) == names.COUNTER:
                return CounterRecord(names.context_of(subject), None if parsed is None else _parse_counter(parsed))
            return ModeRecord(names.scope(subject), None if parsed is None else parsed.mode)
        case _Key(keytype="DELETE_SUBJECT", subject=str(subject)):
            return DeleteSubjectRecord(
                names.canonical(subject),
                None if value is None else _decode_with(_delete_subject_decoder, value).version,
            )
        case _Key(keytype="CLEAR_SUBJECT", subject=str(subject)):
            return ClearSubjectRecord(names.canonical(subject))
        case _Key(keytype="CONTEXT", context=str(context)) if names.is_context_name(context):
            return ContextRecord(context, present=value is not None)
        case _Key(keytype="NOOP"):
            return NoopRecord()
        case _Key(keytype=kind) if kind in _KINDS:
            return UnknownRecord(f"its key has not what a key of the kind {kind} must have")
        case _:
            return UnknownRecord(_shorten(f"key of an unknown kind: {key.keytype}"), is_foreign=True)


def _parse_counter(value: _ModeValue) -> int | None:
    digits = value.subject or ""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _ID_DIGITS else None


def _schema_version(value: bytes) -> SchemaVersion:
    parsed: _AnySchemaValue
    try:
        parsed = _schema_decoder.decode(value)
    except msgspec.ValidationError:  # maybe for a field of another registry
        parsed = _decode_with(_any_schema_decoder, value)
    references: tuple[Reference, ...] = ()
    if parsed.references:
        references = tuple(
            [
                Reference(reference.name, Subject(reference.subject), Version(reference.version))
                for reference in parsed.references
            ]
        )
    if parsed.metadata is not None or parsed.rule_set is not None:
        _check_depth(value)
        check_metadata(parsed.metadata)
        check_rule_set(parsed.rule_set)
    content = Content(
        parsed.schema_type or SchemaType.AVRO, parsed.schema, references, parsed.metadata, parsed.rule_set
    )
    return SchemaVersion(parsed.id, content, parsed.deleted)


def _decode_with(decoder: msgspec.json.Decoder[T], text: bytes) -> T:
    parsed = decoder.decode(text)
    _check_depth(text)
    return parsed


_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


def _check_depth(text: bytes) -> None:
    """Raise ValueError for JSON that nests too deep for other nodes, or for code that descends into it.

    The limit of Python differs by version and by call.
    """
    if len(text) <= _SHALLOW_BYTES:
        return
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", text)):
        depth += 1 if bracket in b"[{" else -1
        if depth > _MAX_DEPTH:
            raise ValueError(f"more than {_MAX_DEPTH} objects and lists inside of each other")


def _shorten(reason: str) -> str:
    """Return a short text without control characters, for messages."""
    shown = reason if len(reason) <= _MAX_REASON else reason[:_MAX_REASON] + "…"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in shown)


_CONFIG_FIELDS = {
    spelled: name for name, spelled in zip(Config.__struct_fields__, Config.__struct_encode_fields__, strict=True)
}


def decode_config(value: bytes) -> Config:
    """Decode a config; a field with a value that this version does not know counts as not set."""
    settings: dict[str, Any] = {}
    for spelled, setting in _decode_with(_config_decoder, value).items():
        if spelled in _CONFIG_FIELDS and setting is not None:
            settings[_CONFIG_FIELDS[spelled]] = setting
    for name in list(settings):
        try:
            settings[name] = msgspec.convert(settings[name], Config.__annotations__[name])
            check_metadata(settings[name]) if name.endswith("_metadata") else None
            check_rule_set(settings[name]) if name.endswith("_rule_set") else None
        except msgspec.ValidationError:
            del settings[name]
    return Config(**settings)


def encode(record: Record) -> tuple[bytes, bytes | None]:
    """Return the canonical key and the value of a record, byte for byte as Confluent's registry writes them."""
    return encode_key(record), encode_value(record)


def encode_key(record: Record) -> bytes:
    """Return the canonical key."""
    if isinstance(record, SchemaRecord):  # nearly every record; the match takes longer
        return _encoder.encode(_SchemaKey(_SCHEMA, record.subject, record.version))
    match record:
        case ConfigRecord(subject):
            return _settings_key("CONFIG", subject)
        case ModeRecord(subject):
            return _settings_key("MODE", subject)
        case CounterRecord(context):
            return _settings_key("MODE", names.qualify(context, names.COUNTER))
        case DeleteSubjectRecord(subject):
            return _settings_key("DELETE_SUBJECT", subject)
        case ClearSubjectRecord(subject):
            return _settings_key("CLEAR_SUBJECT", subject)
        case ContextRecord(context):
            return _encoder.encode({"keytype": "CONTEXT", "tenant": TENANT, "context": context, "magic": 0})
        case AssociationRecord(key):
            return association_records.encode_key(key)
        case NoopRecord():
            return _encoder.encode({"keytype": "NOOP", "magic": 0})
        case UnknownRecord(reason):
            raise ValueError(f"an unknown record cannot be written: {reason}")


def encode_value(record: Record) -> bytes | None:
    """Return the value; None for a tombstone."""
    match record:
        case SchemaRecord(subject, version, SchemaVersion() as value):
            return _schema_value(subject, version, value)
        case ConfigRecord(subject, Config() as config):
            return _settings_value(subject, msgspec.to_builtins(config))
        case ModeRecord(subject, Mode() as mode):
            return _settings_value(subject, {"mode": mode})
        case CounterRecord(_, int(max_id)):
            # Other registries read it as the mode of a subject that does not exist; none accepts an unknown field.
            return _settings_value(str(max_id), {"mode": Mode.READWRITE})
        case DeleteSubjectRecord(subject, int(version)):
            return _encoder.encode({"subject": subject, "version": version})
        case ClearSubjectRecord(subject):
            return _encoder.encode({"subject": subject})
        case ContextRecord(context, present=True):
            return _encoder.encode({"tenant": TENANT, "context": context})
        case AssociationRecord(_, Association() as association):
            return association_records.encode_value(association)
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
    fields = {"subject": subject, "version": version, "id": value.id, "schemaType": content.type, **content.attachments}
    return _encoder.encode({**fields, "schema": content.text, "deleted": value.deleted})
