"""Plan changes of KEKs; the functions read the store and never change it. Source: Confluent API, "DEK registry"."""

from collections.abc import Mapping
from typing import Any

import msgspec

from karapace_like.keys import errors, lookups, rules
from karapace_like.keys.keys import Kek
from karapace_like.keys.records import KekRecord
from karapace_like.keys.rules import KeyRules
from karapace_like.keys.store import KeyStore
from karapace_like.replication.planning import Plan


def create(store: KeyStore, kek: Kek, limits: KeyRules) -> Plan[None]:
    """Create the KEK, or write an equivalent one again with another deletion mark; 40971 for any other that exists."""
    rules.check_kek(kek)
    kek = msgspec.structs.replace(kek, kms_type=rules.normalize_kms_type(kek.kms_type))
    existing = store.kek(kek.name)
    if existing is not None:
        if kek.deleted == existing.deleted or not kek.is_equivalent(existing):
            raise errors.key_exists(kek.name)
        if kek.deleted:
            _require_no_live_dek(store, kek.name)
    elif store.kek_count > limits.max_keys:
        raise errors.too_many_keys(limits.max_keys)
    return Plan(None, (KekRecord(kek.name, kek),))


def update(store: KeyStore, name: str, changes: Mapping[str, Any]) -> Plan[None]:
    """Set the named fields of a live KEK; nothing is written where they are the same."""
    kek = lookups.find_kek(store, name, deleted=False)
    updated = msgspec.structs.replace(kek, **changes)
    rules.check_details(updated)
    return Plan(None) if updated == kek else Plan(None, (KekRecord(name, updated),))


def delete(store: KeyStore, name: str, *, permanent: bool) -> Plan[None]:
    """Delete a KEK that has no live DEK, or permanently a soft-deleted one that has no DEK at all."""
    kek = lookups.find_kek(store, name, deleted=True)
    if permanent:
        if any(True for _ in store.deks_of(name)):
            raise errors.references_exist(name)
        if not kek.deleted:
            raise errors.not_soft_deleted_error(name)
        return Plan(None, (KekRecord(name, None),))
    _require_no_live_dek(store, name)
    if kek.deleted:
        return Plan(None)
    return Plan(None, (KekRecord(name, msgspec.structs.replace(kek, deleted=True)),))


def undelete(store: KeyStore, name: str) -> Plan[None]:
    """Restore a soft-deleted KEK; its DEKs stay as they are."""
    kek = lookups.find_kek(store, name, deleted=True)
    return Plan(None, (KekRecord(name, msgspec.structs.replace(kek, deleted=False)),)) if kek.deleted else Plan(None)


def _require_no_live_dek(store: KeyStore, name: str) -> None:
    if any(not dek.deleted for dek in store.deks_of(name)):
        raise errors.references_exist(name)
