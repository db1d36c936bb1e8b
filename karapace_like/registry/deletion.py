"""Planning deletions: soft first, for good afterwards; what others refer to stays.

Source: Confluent API, DELETE /subjects/{subject} and /subjects/{subject}/versions/{version}; modes and contexts.
"""

from karapace_like.registry import errors, lookups, names, planning
from karapace_like.registry.planning import Plan
from karapace_like.registry.records import (
    ConfigRecord,
    ContextRecord,
    DeleteSubjectRecord,
    ModeRecord,
    Record,
    SchemaRecord,
    SchemaVersion,
)
from karapace_like.registry.store import Store, StoredVersion


def subject(store: Store, name: str, *, permanent: bool) -> Plan[list[int]]:
    """Delete all versions; answers their numbers: the live ones, or all of them when permanent."""
    name = names.canonical(name)
    versions = store.versions(name, deleted=True)
    if not versions:
        raise errors.subject_not_found(name)
    live = [each for each in versions if not each.deleted]
    if not permanent and not live:
        raise errors.subject_soft_deleted(name)
    planning.require_writable(store, name)
    for each in versions if permanent else live:
        _require_unreferenced(store, each, permanent=permanent)
        if permanent and not each.deleted:
            raise errors.subject_not_soft_deleted(name)
    if not permanent:
        return Plan([each.version for each in live], (DeleteSubjectRecord(name, live[-1].version),))
    records: list[Record] = [SchemaRecord(name, each.version, None) for each in versions]
    return Plan([each.version for each in versions], (*records, *_settings_of(store, name)))


def version(store: Store, name: str, number: int, *, permanent: bool) -> Plan[int]:
    """Delete one version; answers its number."""
    name = names.canonical(name)
    found = lookups.version(store, name, number, deleted=True)
    if not permanent and found.deleted:
        raise errors.version_soft_deleted(name, found.version)
    planning.require_writable(store, name)
    _require_unreferenced(store, found, permanent=permanent)
    if permanent and not found.deleted:
        raise errors.version_not_soft_deleted(name, found.version)
    if not permanent:
        deleted = SchemaVersion(found.id, found.content, deleted=True)
        return Plan(found.version, (SchemaRecord(name, found.version, deleted),))
    records: list[Record] = [SchemaRecord(name, found.version, None)]
    if len(store.versions(name, deleted=True)) == 1:
        records += _settings_of(store, name)
    return Plan(found.version, tuple(records))


def context(store: Store, name: str) -> Plan[None]:
    """Remove an empty context; 42211 if it has subjects."""
    found = store.contexts.get(name)
    if found is not None and found.subjects:
        raise errors.context_not_empty(name)
    if found is None or name == names.DEFAULT_CONTEXT:
        return Plan(None)
    return Plan(None, (ContextRecord(name, present=False),))


def _require_unreferenced(store: Store, stored: StoredVersion, *, permanent: bool) -> None:
    """Raise 42206 if another subject's schema refers to this version; soft-deleted ones count when permanent."""
    referrers = store.references_to(stored.subject, stored.version, deleted=permanent)
    if any(each.subject != stored.subject for each in referrers):
        raise errors.reference_exists(stored.subject, stored.version)


def _settings_of(store: Store, name: str) -> list[Record]:
    """What is configured for a subject goes with its last version."""
    records: list[Record] = []
    if name in store.configs:
        records.append(ConfigRecord(name, None))
    if name in store.modes:
        records.append(ModeRecord(name, None))
    return records
