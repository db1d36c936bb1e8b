"""The records of the keys topic, byte for byte as Confluent's DEK registry writes them: its compaction compares bytes.

A soft deletion is the same key with `"deleted":true`, a permanent one a tombstone. Neither times nor unwrapped keys are
written.
"""

from typing import NamedTuple

import msgspec

from karapace_like.errors import NOT_JSON
from karapace_like.keys.keys import Dek, DekAlgorithm, DekId, Kek, KmsProperties

_TENANT = "default"
_KEK = "KEK"
_DEK = "DEK"


class KekRecord(NamedTuple):
    """One record about a KEK; None is a tombstone."""

    name: str
    kek: Kek | None


class DekRecord(NamedTuple):
    """One record about a DEK; None is a tombstone."""

    id: DekId
    dek: Dek | None


KeyRecord = KekRecord | DekRecord


class _KekKey(msgspec.Struct):
    tenant: str
    name: str
    type: str


class _DekKey(msgspec.Struct, rename="camel"):
    tenant: str
    kek_name: str
    subject: str
    algorithm: DekAlgorithm
    version: int
    type: str


class _KeyType(msgspec.Struct):
    type: str


class _KekValue(msgspec.Struct, rename="camel"):
    name: str
    kms_type: str
    kms_key_id: str
    kms_props: dict[str, str | None] | None = None
    doc: str | msgspec.UnsetType | None = msgspec.UNSET
    shared: bool = False
    deleted: bool = False
    type: str = _KEK


class _DekValue(msgspec.Struct, rename="camel"):
    kek_name: str
    subject: str
    algorithm: DekAlgorithm
    version: int
    encrypted_key_material: str | msgspec.UnsetType | None = msgspec.UNSET
    deleted: bool = False
    type: str = _DEK


_type_decoder = msgspec.json.Decoder(_KeyType)
_kek_key_decoder = msgspec.json.Decoder(_KekKey)
_dek_key_decoder = msgspec.json.Decoder(_DekKey)
_kek_decoder = msgspec.json.Decoder(_KekValue)
_dek_decoder = msgspec.json.Decoder(_DekValue)

MARK = msgspec.json.encode(_KekKey(_TENANT, "-", _KEK))
"""The key of the record that says nothing, a tombstone: other registries ignore it, since no KEK can have the name."""


def encode(record: KeyRecord) -> tuple[bytes, bytes | None]:
    """Return the key and value of the record."""
    if isinstance(record, KekRecord):
        value = None if record.kek is None else msgspec.json.encode(_write_kek(record.kek))
        return msgspec.json.encode(_KekKey(_TENANT, record.name, _KEK)), value
    key_id = record.id
    key = msgspec.json.encode(_DekKey(_TENANT, key_id.kek_name, key_id.subject, key_id.algorithm, key_id.version, _DEK))
    return key, None if record.dek is None else msgspec.json.encode(_write_dek(record.dek))


def decode(key: bytes | None, value: bytes | None) -> KeyRecord | None:
    """Return the record; None for one that is about no key, or cannot be read."""
    try:
        kind = _type_decoder.decode(key or b"").type
        if kind == _KEK:
            return _read_kek(_kek_key_decoder.decode(key or b"").name, value)
        if kind == _DEK:
            parsed = _dek_key_decoder.decode(key or b"")
            return _read_dek(DekId(parsed.kek_name, parsed.subject, parsed.algorithm, parsed.version), value)
    except NOT_JSON:
        return None
    return None


def _write_kek(kek: Kek) -> _KekValue:
    doc = msgspec.UNSET if kek.doc is None else kek.doc
    return _KekValue(kek.name, kek.kms_type, kek.kms_key_id, {**kek.kms_props}, doc, kek.shared, kek.deleted)


def _write_dek(dek: Dek) -> _DekValue:
    wrapped = msgspec.UNSET if dek.wrapped is None else dek.wrapped
    return _DekValue(dek.id.kek_name, dek.id.subject, dek.id.algorithm, dek.id.version, wrapped, dek.deleted)


def _read_kek(name: str, value: bytes | None) -> KekRecord:
    if value is None:
        return KekRecord(name, None)
    parsed = _kek_decoder.decode(value)
    kek = Kek(
        name=name,
        kms_type=parsed.kms_type,
        kms_key_id=parsed.kms_key_id,
        kms_props=KmsProperties({name: text for name, text in (parsed.kms_props or {}).items() if text is not None}),
        doc=None if parsed.doc is msgspec.UNSET else parsed.doc,
        shared=parsed.shared,
        deleted=parsed.deleted,
    )
    return KekRecord(name, kek)


def _read_dek(key_id: DekId, value: bytes | None) -> DekRecord:
    if value is None:
        return DekRecord(key_id, None)
    parsed = _dek_decoder.decode(value)
    wrapped = None if parsed.encrypted_key_material is msgspec.UNSET else parsed.encrypted_key_material
    return DekRecord(key_id, Dek(id=key_id, wrapped=wrapped, deleted=parsed.deleted))
