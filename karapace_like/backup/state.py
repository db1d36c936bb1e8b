"""States of a registry as the records that make them: filling a store, listing one, moving one to another context."""

from collections.abc import Iterable, Iterator

from karapace_like.registry import apply, names, records
from karapace_like.registry.content import Content
from karapace_like.registry.records import ConfigRecord, ContextRecord, ModeRecord, Record, SchemaRecord, SchemaVersion
from karapace_like.registry.store import Store, StoredVersion
from karapace_like.schema.model import Reference, Subject


def store_of(found: Iterable[Record]) -> Store:
    """The state that these records make, in their order."""
    store = Store()
    for record in found:
        take(store, record)
    return store


def take(store: Store, record: Record, timestamp: int = 0) -> None:
    """One record more, as if it were read from a topic under its canonical key."""
    if isinstance(record, records.UnknownRecord):
        store.unknown += 1
        return
    key, value = records.encode(record)
    apply.apply(store, record, key=key, timestamp=timestamp, holds_value=value is not None)


def record_of(stored: StoredVersion) -> SchemaRecord:
    """The record of one version."""
    return SchemaRecord(stored.subject, stored.version, SchemaVersion(stored.id, stored.content, stored.deleted))


def records_of(store: Store) -> Iterator[Record]:
    """The fewest records that make the state, in an order that depends on nothing but the state."""
    for context in sorted(store.contexts):
        if context != names.DEFAULT_CONTEXT:
            yield ContextRecord(context)
    for scope in sorted(store.configs, key=_none_first):
        yield ConfigRecord(scope, store.configs[scope])
    for scope in sorted(store.modes, key=_none_first):
        yield ModeRecord(scope, store.modes[scope])
    for stored in store.all_versions():
        yield record_of(stored)


def in_context(store: Store, context: str, to: str) -> Store:
    """The state of one context alone, as that of the context `to`, with the references inside of it."""

    def moved(subject: str) -> str:
        return names.qualified(to, names.local_name(subject))

    def inside(scope: str | None) -> bool:
        return scope != names.GLOBAL_SCOPE and names.context_of(scope or "") == context

    result = Store()
    for record in records_of(store):
        match record:
            case ConfigRecord(scope, config) if inside(scope):
                take(result, ConfigRecord(names.scope(moved(scope or "")), config))
            case ModeRecord(scope, mode) if inside(scope):
                take(result, ModeRecord(names.scope(moved(scope or "")), mode))
            case SchemaRecord(subject, version, SchemaVersion() as value) if inside(subject):
                content = _moved_content(value.content, context, to)
                take(result, SchemaRecord(moved(subject), version, SchemaVersion(value.id, content, value.deleted)))
    return result


def _moved_content(content: Content, context: str, to: str) -> Content:
    """The content with its qualified references to the context changed; unqualified ones mean their own context."""
    if not content.references:
        return content
    references = tuple(
        Reference(each.name, Subject(names.qualified(to, names.local_name(each.subject))), each.version)
        if each.subject.startswith(":.") and names.context_of(each.subject) == context
        else each
        for each in content.references
    )
    return Content(content.type, content.text, references, content.metadata, content.rule_set)


def _none_first(scope: str | None) -> tuple[bool, str]:
    return scope is not None, scope or ""
