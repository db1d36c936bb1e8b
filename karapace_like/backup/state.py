"""Conversions between the state of a registry and its records: filling a store, listing it, renaming a context."""

from collections.abc import Iterable, Iterator

from karapace_like.backup import associations
from karapace_like.registry import apply, names, records
from karapace_like.registry.content import Content
from karapace_like.registry.records import (
    AssociationRecord,
    ConfigRecord,
    ContextRecord,
    ModeRecord,
    Record,
    SchemaRecord,
    SchemaVersion,
)
from karapace_like.registry.store import Store, StoredVersion
from karapace_like.schema.model import Reference, Subject


def build_store(listed: Iterable[Record]) -> Store:
    """Return the state after these records, in their order."""
    store = Store()
    for record in listed:
        add_record(store, record)
    return store


def add_record(store: Store, record: Record, timestamp: int = 0) -> None:
    """Apply a record, as if it were read from a topic under its canonical key."""
    if isinstance(record, records.UnknownRecord):
        store.unknown += 1
        return
    key, value = records.encode(record)
    apply.apply(store, record, key=key, timestamp=timestamp, holds_value=value is not None)


def make_record(stored: StoredVersion) -> SchemaRecord:
    """Return the record of one version."""
    return SchemaRecord(stored.subject, stored.version, SchemaVersion(stored.id, stored.content, stored.deleted))


def list_records(store: Store) -> Iterator[Record]:
    """Yield the fewest records that make the state, in an order that depends only on the state."""
    for context in sorted(store.contexts):
        if context != names.DEFAULT_CONTEXT:
            yield ContextRecord(context)
    for scope in sorted(store.configs, key=_none_first):
        yield ConfigRecord(scope, store.configs[scope])
    for scope in sorted(store.modes, key=_none_first):
        yield ModeRecord(scope, store.modes[scope])
    for stored in store.all_versions():
        yield make_record(stored)
    yield from associations.list_records(store)


def extract_context(store: Store, context: str, to: str) -> Store:
    """Return the state of one context, renamed to `to` together with its internal references."""

    def move_subject(subject: str) -> str:
        return names.qualify(to, names.local_name(subject))

    def is_inside(scope: str | None) -> bool:
        return scope != names.GLOBAL_SCOPE and names.context_of(scope or "") == context

    result = Store()
    for record in list_records(store):
        match record:
            case ConfigRecord(scope, config) if is_inside(scope):
                add_record(result, ConfigRecord(names.scope(move_subject(scope or "")), config))
            case ModeRecord(scope, mode) if is_inside(scope):
                add_record(result, ModeRecord(names.scope(move_subject(scope or "")), mode))
            case AssociationRecord(key) if is_inside(key.subject) and to == context:
                # A copy has none: its resources use the subjects of the original.
                add_record(result, record)
            case SchemaRecord(subject, version, SchemaVersion() as value) if is_inside(subject):
                content = _move_references(value.content, context, to)
                add_record(
                    result,
                    SchemaRecord(move_subject(subject), version, SchemaVersion(value.id, content, value.deleted)),
                )
    return result


def add_prefix(store: Store, prefix: str) -> Store:
    """Return the versions and the settings of subjects, all with this prefix before the local name, and references too.

    Settings of contexts are left out: they hold for subjects without the prefix as well.
    """

    def move(subject: str) -> str:
        return names.qualify(names.context_of(subject), prefix + names.local_name(subject))

    def is_subject(scope: str | None) -> bool:
        return scope is not None and scope != names.GLOBAL_SCOPE and not names.is_context(scope)

    result = Store()
    for record in list_records(store):
        match record:
            case ConfigRecord(scope, config) if is_subject(scope):
                add_record(result, ConfigRecord(move(scope or ""), config))
            case ModeRecord(scope, mode) if is_subject(scope):
                add_record(result, ModeRecord(move(scope or ""), mode))
            case SchemaRecord(subject, version, SchemaVersion() as value):
                content = value.content
                references = tuple(
                    Reference(reference.name, Subject(_prefix_reference(reference.subject, prefix)), reference.version)
                    for reference in content.references
                )
                moved = Content(content.type, content.text, references, content.metadata, content.rule_set)
                add_record(result, SchemaRecord(move(subject), version, SchemaVersion(value.id, moved, value.deleted)))
    return result


def _prefix_reference(subject: str, prefix: str) -> str:
    if not subject.startswith(":."):
        return prefix + subject
    return names.qualify(names.context_of(subject), prefix + names.local_name(subject))


def _move_references(content: Content, context: str, to: str) -> Content:
    """Return the content with renamed qualified references; unqualified ones follow their own context."""
    if not content.references:
        return content
    references = tuple(
        Reference(reference.name, Subject(names.qualify(to, names.local_name(reference.subject))), reference.version)
        if reference.subject.startswith(":.") and names.context_of(reference.subject) == context
        else reference
        for reference in content.references
    )
    return Content(content.type, content.text, references, content.metadata, content.rule_set)


def _none_first(scope: str | None) -> tuple[bool, str]:
    return scope is not None, scope or ""
