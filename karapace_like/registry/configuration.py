"""Reading and planning configs and modes of a subject, a context, or everything (subject None: the default context).

Source: Confluent API, /config and /mode.
"""

from collections.abc import Mapping
from typing import Any

from karapace_like.registry import errors, names, planning
from karapace_like.registry.planning import Plan
from karapace_like.registry.records import ClearSubjectRecord, ConfigRecord, ModeRecord, Record, SchemaRecord
from karapace_like.registry.registration import Rules
from karapace_like.registry.settings import Config, Mode
from karapace_like.registry.store import Store


def config(store: Store, subject: str | None, *, inherited: bool) -> Config:
    """What is configured; for a subject 40408 unless there is something, or `inherited` asks for what holds."""
    found = store.configs.get(names.scope(subject))
    if found is None and (inherited or names.scope(subject) is None):
        found = store.config(subject) or Config()
    if found is None:
        raise errors.no_subject_compatibility(subject or "")
    return found


def set_config(store: Store, subject: str | None, changes: Mapping[str, Any]) -> Plan[Config]:
    """Merge the named fields into what is configured at this place; answers the whole."""
    if subject is not None:
        names.check(subject)
    planning.require_writable(store, subject)
    scope = names.scope(subject)
    merged = store.configs.get(scope, Config()).updated(changes)
    return Plan(merged, (ConfigRecord(scope, merged),))


def delete_config(store: Store, subject: str | None) -> Plan[Config]:
    """Remove what is configured at this place; answers what it was, 40401 for a subject without."""
    scope = names.scope(subject)
    found = store.configs.get(scope)
    if found is None and scope is not None:
        raise errors.subject_not_found(subject or "")
    planning.require_writable(store, subject)
    return Plan(Config()) if found is None else Plan(found, (ConfigRecord(scope, None),))


def mode(store: Store, subject: str | None, *, inherited: bool) -> Mode:
    """The mode that is set; for a subject 40409 unless there is one, or `inherited` asks for what holds.

    One that overrides all others is what is set everywhere.
    """
    scope = names.scope(subject)
    found = store.modes.get(scope)
    is_overridden = store.modes.get(None) is Mode.READONLY_OVERRIDE
    if is_overridden or (found is None and (inherited or scope is None)):
        found = planning.effective_mode(store, subject)
    if found is None:
        raise errors.no_subject_mode(subject or "")
    return found


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
        records += _cleared(store, subject)
    records.append(ModeRecord(scope, wanted))
    return Plan(wanted, tuple(records))


def delete_mode(store: Store, subject: str | None, rules: Rules, *, recursive: bool) -> Plan[Mode]:
    """Remove the mode, on request also those of the subjects inside; answers what it was, 40401 if it was not set."""
    _require_mutable_modes(rules)
    scope = names.scope(subject)
    found = store.modes.get(scope)
    if found is None:
        if scope is not None:
            raise errors.subject_not_found(subject or "")
        found = planning.effective_mode(store, None)
    records: list[Record] = [ModeRecord(scope, None)] if scope in store.modes else []
    if recursive:
        records += [ModeRecord(each, None) for each in store.modes if each != scope and _inside(each, subject)]
    return Plan(found, tuple(records))


def _require_mutable_modes(rules: Rules) -> None:
    if not rules.mode_mutability:
        raise errors.mode_changes_not_allowed()


def _cleared(store: Store, subject: str | None) -> list[Record]:
    """Forget the soft-deleted versions of a place that becomes one for imports; 42206 if others refer to one."""
    versions = [each for each in store.all_versions() if _inside(each.subject, subject)]
    if any(not each.deleted for each in versions):
        raise errors.import_into_existing_subjects()
    for each in versions:
        referrers = store.references_to(each.subject, each.version, deleted=True)
        if not all(_inside(referrer.subject, subject) for referrer in referrers):
            raise errors.reference_exists(each.subject, each.version)
    records: list[Record] = [SchemaRecord(each.subject, each.version, None) for each in versions]
    return records + [ClearSubjectRecord(each) for each in dict.fromkeys(each.subject for each in versions)]


def _inside(name: str | None, place: str | None) -> bool:
    """Whether a subject lies in a place: a subject, a context, the default context (None), or everything."""
    if name is None:
        return False
    if place == names.GLOBAL_SCOPE:
        return True
    if place is None or names.is_context(place):
        return names.context_of(name) == names.context_of(place or "")
    return names.canonical(name) == names.canonical(place)
