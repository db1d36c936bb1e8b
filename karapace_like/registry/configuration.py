"""Reading and planning configs and modes of a subject, a context, or everything (subject None: the default context).

Source: Confluent API, /config and /mode.
"""

from collections.abc import Mapping
from typing import Any

from karapace_like.registry import deletion, errors, names, planning
from karapace_like.registry.records import ClearSubjectRecord, ConfigRecord, ModeRecord, Record, SchemaRecord
from karapace_like.registry.registration import Rules
from karapace_like.registry.settings import Config, Mode
from karapace_like.registry.store import Deleted, Store
from karapace_like.replication.planning import Plan

_TOP_SCOPES = frozenset({None, names.GLOBAL_SCOPE})
"""The scopes that always have a mode and a level: those of the service, unless others are set."""


def config(store: Store, subject: str | None, *, inherited: bool) -> Config:
    """What is configured; for a subject 40408 unless there is something, or `inherited` asks for what holds."""
    settings = store.configs.get(names.scope(subject))
    is_merged = inherited and store.inherits_config
    if is_merged or (settings is None and (inherited or names.scope(subject) in _TOP_SCOPES)):
        settings = store.config(subject) or Config()
    if settings is None:
        raise errors.no_subject_compatibility(subject or "")
    return settings


def set_config(store: Store, subject: str | None, changes: Mapping[str, Any]) -> Plan[Config]:
    """Merge the named fields into what is configured at this place; answers the whole."""
    if subject is not None:
        names.check(subject)
    planning.require_writable(store, subject)
    scope = names.scope(subject)
    merged = store.configs.get(scope, Config()).update(changes)
    for alias in filter(None, (changes.get("alias"), changes.get("alias_for_deks"))):
        names.check(alias)
    return Plan(merged, (ConfigRecord(scope, merged),))


def delete_config(store: Store, subject: str | None) -> Plan[Config]:
    """Remove what is configured at this place; answers what it was, 40401 for a subject without."""
    scope = names.scope(subject)
    previous = store.configs.get(scope)
    if previous is None and scope is not None:
        raise errors.subject_not_found_error(subject or "")
    planning.require_writable(store, subject)
    return Plan(Config()) if previous is None else Plan(previous, (ConfigRecord(scope, None),))


def mode(store: Store, subject: str | None, *, inherited: bool) -> Mode:
    """The mode that is set; for a subject 40409 unless there is one, or `inherited` asks for what holds.

    One that overrides all others is what is set everywhere.
    """
    scope = names.scope(subject)
    current = store.modes.get(scope)
    is_overridden = store.modes.get(None) is Mode.READONLY_OVERRIDE
    if is_overridden or (current is None and (inherited or scope in _TOP_SCOPES)):
        current = planning.effective_mode(store, subject)
    if current is None:
        raise errors.no_subject_mode(subject or "")
    return current


def set_mode(store: Store, subject: str | None, wanted: Mode, rules: Rules, *, force: bool) -> Plan[Mode]:
    """Set the mode; import mode wants a place without subjects, and forgets the soft-deleted ones, unless forced."""
    _require_mutable_modes(rules)
    if subject is not None:
        names.check(subject)
    if wanted is Mode.FORWARD and subject != names.GLOBAL_SCOPE:
        raise errors.forward_mode_not_global()
    scope = names.scope(subject)
    records: list[Record] = []
    if wanted is Mode.IMPORT and planning.effective_mode(store, subject) is not Mode.IMPORT and not force:
        records += _clear(store, subject)
    records.append(ModeRecord(scope, wanted))
    return Plan(wanted, tuple(records))


def delete_mode(store: Store, subject: str | None, rules: Rules, *, recursive: bool) -> Plan[Mode]:
    """Remove the mode, on request also those of the subjects inside; answers what it was, 40401 if it was not set."""
    _require_mutable_modes(rules)
    scope = names.scope(subject)
    previous = store.modes.get(scope)
    if previous is None:
        if scope is not None:
            raise errors.subject_not_found_error(subject or "")
        previous = planning.effective_mode(store, None)
    records: list[Record] = [ModeRecord(scope, None)] if scope in store.modes else []
    if recursive:
        records += [ModeRecord(other, None) for other in store.modes if other != scope and _inside(other, subject)]
    return Plan(previous, tuple(records))


def _require_mutable_modes(rules: Rules) -> None:
    if not rules.mode_mutability:
        raise errors.mode_changes_not_allowed_error()


def _clear(store: Store, subject: str | None) -> list[Record]:
    """Forget the soft-deleted versions of a place that becomes one for imports; 42206 if others refer to one."""
    versions = [version for version in store.all_versions() if _inside(version.subject, subject)]
    if any(not version.deleted for version in versions):
        raise errors.import_into_existing_subjects()
    for version in versions:
        referrers = store.references_to(version.subject, version.version, Deleted.INCLUDE)
        if not all(_inside(referrer.subject, subject) for referrer in referrers):
            raise errors.reference_exists(version.subject, version.version)
    records: list[Record] = [SchemaRecord(version.subject, version.version, None) for version in versions]
    for name in dict.fromkeys(version.subject for version in versions):
        records += (ClearSubjectRecord(name), *deletion.settings_of(store, name))
    return list(planning.with_counters(store, records))


def _inside(name: str | None, place: str | None) -> bool:
    """Whether a subject lies in a place: a subject, a context, the default context (None), or everything."""
    if name is None:
        return False
    if place == names.GLOBAL_SCOPE:
        return True
    if place is None or names.is_context(place):
        return names.context_of(name) == names.context_of(place or "")
    return names.canonical(name) == names.canonical(place)
