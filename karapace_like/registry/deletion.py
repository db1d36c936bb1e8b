"""Plan deletions: soft ones first, permanent ones afterwards; a version with references to it cannot be deleted.

Source: Confluent API, DELETE /subjects/{subject} and /subjects/{subject}/versions/{version}; modes and contexts.
"""

from collections.abc import Sequence

from karapace_like.registry import errors, lookups, names, planning
from karapace_like.registry.records import (
    ConfigRecord,
    ContextRecord,
    CounterRecord,
    DeleteSubjectRecord,
    ModeRecord,
    Record,
    SchemaRecord,
    SchemaVersion,
)
from karapace_like.registry.store import Deleted, Store, StoredVersion
from karapace_like.replication.planning import Plan


def subject(store: Store, name: str, *, permanent: bool) -> Plan[list[int]]:
    """Delete all versions; the answer is their numbers: the live ones, or all of them if permanent."""
    name = names.canonical(name)
    versions = store.versions(name, Deleted.INCLUDE)
    if not versions:
        raise errors.subject_not_found_error(name)
    live = [stored for stored in versions if not stored.deleted]
    if not permanent and not live:
        raise errors.subject_soft_deleted_error(name)
    planning.require_writable(store, name)
    if store.associations.of_subject(name):
        raise errors.association_for_subject_exists(name)
    for stored in versions if permanent else live:
        _require_no_referrers(store, stored, permanent=permanent, but_by=name)
        if permanent and not stored.deleted:
            raise errors.subject_not_soft_deleted_error(name)
    if not permanent:
        # The marker replaces an older one, which compaction removes, so it must cover the versions of both.
        return Plan([stored.version for stored in live], (DeleteSubjectRecord(name, versions[-1].version),))
    return Plan([stored.version for stored in versions], planning.with_counters(store, _erase(store, name, versions)))


def erase_subject(store: Store, name: str) -> list[Record]:
    """Return the tombstones of all versions, live ones too, without their contexts' counters; 42206 for a referrer."""
    versions = store.versions(name, Deleted.INCLUDE)
    for stored in versions:
        _require_no_referrers(store, stored, permanent=True, but_by=name)
    return _erase(store, name, versions)


def _erase(store: Store, name: str, versions: Sequence[StoredVersion]) -> list[Record]:
    # Whatever part of it is written first is a valid state: a version may refer to an earlier one of its subject, and
    # settings without versions would be left to the doctor.
    return settings_of(store, name) + [SchemaRecord(name, stored.version, None) for stored in reversed(versions)]


def version(store: Store, name: str, number: int, *, permanent: bool) -> Plan[int]:
    """Delete one version; the answer is its number."""
    name = names.canonical(name)
    stored = lookups.version(store, name, number, Deleted.INCLUDE)
    if not permanent and stored.deleted:
        raise errors.version_soft_deleted_error(name, stored.version)
    planning.require_writable(store, name)
    if store.associations.of_subject(name) and store.versions(name) == [stored]:
        raise errors.last_version_in_use(name)
    _require_no_referrers(store, stored, permanent=permanent)
    if permanent and not stored.deleted:
        raise errors.version_not_soft_deleted_error(name, stored.version)
    if not permanent:
        deleted = SchemaVersion(stored.id, stored.content, deleted=True)
        return Plan(stored.version, (SchemaRecord(name, stored.version, deleted),))
    records = settings_of(store, name) if len(store.versions(name, Deleted.INCLUDE)) == 1 else []
    records.append(SchemaRecord(name, stored.version, None))
    return Plan(stored.version, planning.with_counters(store, records))


def context(store: Store, name: str) -> Plan[None]:
    """Remove an empty context and its configs and modes; 42211 if it has subjects."""
    deleted = store.contexts.get(name)
    if deleted is not None and deleted.subjects:
        raise errors.context_not_empty(name)
    if deleted is None or name == names.DEFAULT_CONTEXT:
        return Plan(None)
    place = names.qualify(name, "")
    planning.require_writable(store, place)
    inside = [
        scope for scope in (*store.configs, *store.modes) if scope is not None and names.context_of(scope) == name
    ]
    records: list[Record] = [record for scope in dict.fromkeys(inside) for record in _settings_at(store, scope)]
    if deleted.max_id > store.counters.get(name, 0):
        records.append(CounterRecord(name, deleted.max_id))
    return Plan(None, (*records, ContextRecord(name, present=False)))


def _require_no_referrers(store: Store, stored: StoredVersion, *, permanent: bool, but_by: str | None = None) -> None:
    """Raise 42206 if a schema of a subject other than `but_by` refers to this version.

    For a permanent deletion soft-deleted referrers count, since they can be read and restored.
    """
    referrers = store.references_to(stored.subject, stored.version, Deleted.INCLUDE if permanent else Deleted.EXCLUDE)
    if any(referrer.subject != but_by for referrer in referrers):
        raise errors.reference_exists(stored.subject, stored.version)


def settings_of(store: Store, name: str) -> list[Record]:
    """Return tombstones for the config and mode of a subject that loses its last version; a context keeps its own."""
    return _settings_at(store, name) if names.local_name(name) else []


def _settings_at(store: Store, name: str) -> list[Record]:
    records: list[Record] = []
    if name in store.configs:
        records.append(ConfigRecord(name, None))
    if name in store.modes:
        records.append(ModeRecord(name, None))
    return records
