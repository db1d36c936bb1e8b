"""apply(store, record): the only place where the registry's state changes.

Own writes and other nodes' arrive here alike, read back from the topic in its order, so every node that has applied
the same offset holds the same state.
"""

from collections.abc import Sequence
from typing import TypeVar

from karapace_like.registry import names, records
from karapace_like.registry.content import Content
from karapace_like.registry.records import (
    ClearSubjectRecord,
    ConfigRecord,
    ContextRecord,
    DeleteSubjectRecord,
    ModeRecord,
    NoopRecord,
    Record,
    SchemaRecord,
    SchemaVersion,
    UnknownRecord,
)
from karapace_like.registry.store import Context, Store, StoredVersion

T = TypeVar("T")


def apply(store: Store, record: Record, *, key: bytes, timestamp: int, holds_value: bool) -> None:
    """Take one record into the state; `key` is its key as the topic has it, `holds_value` false for a tombstone."""
    spellings = _spellings_before(store, record, key)
    if isinstance(record, SchemaRecord) and record.value is not None:
        _put(store, record, record.value, timestamp)
    else:
        _change(store, record)
    if spellings is not None:
        _remember_spelling(store, record, [each for each in spellings if each != key], key if holds_value else None)


def _change(store: Store, record: Record) -> None:
    match record:
        case NoopRecord():
            return
        case SchemaRecord(subject, version):
            _forget(store, names.canonical(subject), version)
        case ConfigRecord(subject, config):
            _set(store.configs, names.scope(subject), config)
        case ModeRecord(subject, mode):
            _set(store.modes, names.scope(subject), mode)
        case DeleteSubjectRecord(subject, version):
            _soft_delete(store, subject, version or 0)
        case ClearSubjectRecord(subject):
            for each in store.versions(subject, deleted=True):
                if each.deleted:
                    _forget(store, each.subject, each.version)
        case ContextRecord(context, present):
            _set_context(store, context, present=present)
        case UnknownRecord():
            store.unknown += 1
    store.revision += 1


def _put(store: Store, record: SchemaRecord, value: SchemaVersion, timestamp: int) -> None:
    """Done for every schema when a node starts: what few of them need is not looked at without a reason."""
    subject, number = names.canonical(record.subject), record.version
    context_name = names.context_of(subject)
    context = store.contexts.get(context_name)
    if context is None:
        context = store.contexts[context_name] = Context()
    content: Content | None = value.content
    if value.id in context.ids:
        content = _content_of(context.ids[value.id], value.content, (subject, number))
    if content is None:
        store.conflicts += 1
        return
    versions = context.subjects.get(subject)
    is_new = versions is None or number not in versions
    if not is_new:
        _forget(store, subject, number)
        versions = context.subjects.get(subject)
    if versions is None:
        versions = context.subjects[subject] = {}
    latest = versions[next(reversed(versions))] if versions else None
    if latest is not None:
        subject = latest.subject  # one text for all versions
    stored = StoredVersion(subject, number, value.id, content, value.deleted, timestamp)
    versions[number] = stored
    if latest is not None and latest.version > number:
        context.subjects[subject] = dict(sorted(versions.items()))
        is_new = False
    if (subject, number) in store.referrers:
        is_new = False  # schemas that could not be resolved can be now
    _index(store, context, stored)
    if not is_new:
        store.revision += 1


def _content_of(holders: Sequence[StoredVersion], content: Content, at: tuple[str, int]) -> Content | None:
    """The content as it is kept already; None if the id stands for another one, in another version than this."""
    other = next((each for each in holders if (each.subject, each.version) != at), None)
    if other is None:
        return content
    return other.content if other.content == content else None


def _index(store: Store, context: Context, stored: StoredVersion) -> None:
    """Let the version be found by its id, its content and what it refers to, and count it."""
    content = stored.content
    if stored.id in context.ids:
        context.ids[stored.id].append(stored)
    else:
        context.ids[stored.id] = [stored]
        store.census.schema(content, 1)
    store.census.version(content, 1, deleted=stored.deleted)
    context.max_id = max(context.max_id, stored.id)
    known = context.by_digest.setdefault(content.digest, stored.id)
    if known > stored.id:
        context.by_digest[content.digest] = stored.id
    for target in _targets(content, stored.subject) if content.references else ():
        store.referrers.setdefault(target, {})[stored.subject, stored.version] = stored


def _forget(store: Store, subject: str, number: int) -> bool:
    """Drop the version; whether there was one."""
    context = store.context(subject)
    versions = context.subjects.get(subject, {})
    stored = versions.pop(number, None)
    if stored is None:
        return False
    store.census.version(stored.content, -1, deleted=stored.deleted)
    if not versions:
        del context.subjects[subject]
    holders = context.ids[stored.id]
    holders.remove(stored)
    if not holders:
        del context.ids[stored.id]
        store.census.schema(stored.content, -1)
        if context.by_digest.get(stored.content.digest) == stored.id:
            del context.by_digest[stored.content.digest]
    for target in _targets(stored.content, subject):
        referrers = store.referrers.get(target, {})
        referrers.pop((subject, number), None)
        if not referrers:
            store.referrers.pop(target, None)
    return True


def _targets(content: Content, subject: str) -> list[tuple[str, int]]:
    return [(names.resolve_reference(each.subject, subject), each.version) for each in content.references]


def _soft_delete(store: Store, subject: str, up_to: int) -> None:
    for each in store.versions(subject):
        if each.version <= up_to:
            each.deleted = True
            store.census.version(each.content, -1, deleted=False)
            store.census.version(each.content, 1, deleted=True)


def _set(settings: dict[str | None, T], scope: str | None, value: T | None) -> None:
    if value is None:
        settings.pop(scope, None)
    else:
        settings[scope] = value


def _set_context(store: Store, context: str, *, present: bool) -> None:
    if present:
        store.contexts.setdefault(context, Context())
    elif context != names.DEFAULT_CONTEXT and not store.contexts.get(context, Context()).subjects:
        store.contexts.pop(context, None)


def _spellings_before(store: Store, record: Record, key: bytes) -> list[bytes] | None:
    """The spellings of the record's key that hold a value; None while the canonical one is the only one ever seen."""
    if isinstance(record, UnknownRecord):
        return None
    canonical = records.encode_key(record)
    if canonical in store.spellings:
        return store.spellings[canonical]
    if key == canonical:
        return None
    return [canonical] if _is_set(store, record) else []


def _is_set(store: Store, record: Record) -> bool:
    match record:
        case SchemaRecord(subject, version):
            return store.version(subject, version, deleted=True) is not None
        case ConfigRecord(subject):
            return names.scope(subject) in store.configs
        case ModeRecord(subject):
            return names.scope(subject) in store.modes
        case _:
            return False


def _remember_spelling(store: Store, record: Record, others: list[bytes], key: bytes | None) -> None:
    spellings = others if key is None else [*others, key]
    canonical = records.encode_key(record)
    if spellings and spellings != [canonical]:
        store.spellings[canonical] = spellings
    else:
        store.spellings.pop(canonical, None)
