"""apply(store, record): the only place where the registry's state changes.

Own writes and other nodes' arrive here alike, read back from the topic in its order, so every node that has applied
the same offset holds the same state.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

import msgspec

from karapace_like.registry import names, records
from karapace_like.registry.content import Content
from karapace_like.registry.records import (
    AssociationRecord,
    ClearSubjectRecord,
    ConfigRecord,
    ContextRecord,
    CounterRecord,
    DeleteSubjectRecord,
    ModeRecord,
    NoopRecord,
    Record,
    SchemaRecord,
    SchemaVersion,
    UnknownRecord,
)
from karapace_like.registry.store import COUNTED_IDS, Context, Deleted, Store, StoredVersion
from karapace_like.replication.log import LogRecord
from karapace_like.schema.model import LATEST

logger = logging.getLogger(__name__)

T = TypeVar("T")


def replay(store: Store, logged: LogRecord) -> Record:
    """Take one record of the topic into the state, and answer what it says.

    A fault of the record, whatever it is, leaves the state as it was, and is counted: every node that reads the record
    finds the same, and continues with the next. Raises MemoryError: that is the fault of a node, and its state is of no
    use any more.
    """
    key, value = logged.key or b"", logged.value
    record = records.decode(key, value)
    if store.unreadable:
        store.unreadable.pop(key, None)
    try:
        apply(store, record, key=key, timestamp=logged.timestamp, holds_value=bool(value))
    except MemoryError:
        raise
    except Exception as error:
        logger.exception("The record at offset %d of the schemas topic could not be applied", logged.offset)
        record = UnknownRecord(type(error).__name__)
        store.unknown += 1
    if isinstance(record, UnknownRecord) and value and not record.is_foreign:
        store.unreadable[key] = logged.offset
    return record


def apply(store: Store, record: Record, *, key: bytes, timestamp: int, holds_value: bool) -> None:
    """Take one record into the state; `key` is its key as the topic has it, `holds_value` false for a tombstone."""
    spellings = _spellings_before(store, record, key)
    if isinstance(record, SchemaRecord) and record.value is not None:
        _put(store, record, record.value, timestamp)
    else:
        _change(store, record, timestamp)
    if spellings is not None:
        _remember_spelling(
            store, record, [spelling for spelling in spellings if spelling != key], key if holds_value else None
        )


class IdState(NamedTuple):
    """The id state of a context before a draft was put into it."""

    max_id: int
    id_of_content: int | None


def put_draft(store: Store, record: SchemaRecord, value: SchemaVersion) -> IdState:
    """Put a new version, which is planned and not written, into an existing context; `remove_draft` takes it out.

    Drafts are found by their very texts, so the indexes of fingerprints and GUIDs need not have them.
    """
    context = store.contexts[names.context_of(record.subject)]
    before = IdState(context.max_id, context.by_key.get(value.content.key))
    with _pause_indexes(store):
        _put(store, record, value, timestamp=0)
    return before


def remove_draft(store: Store, record: SchemaRecord, before: IdState) -> None:
    """Leave the state as it was before the draft, which was put last; only `Store.revision` may have grown."""
    subject = names.canonical(record.subject)
    context = store.context(subject)
    assert record.value is not None
    with _pause_indexes(store):
        _forget(store, subject, record.version)
    context.max_id = before.max_id
    if before.id_of_content is not None:
        context.by_key[record.value.content.key] = before.id_of_content


@contextmanager
def _pause_indexes(store: Store) -> Iterator[None]:
    """Leave the indexes of fingerprints and GUIDs as they are meanwhile."""
    fingerprints, guids = store.fingerprints, store.guids
    store.fingerprints = store.guids = None
    try:
        yield
    finally:
        store.fingerprints, store.guids = fingerprints, guids


def _change(store: Store, record: Record, timestamp: int) -> None:
    match record:
        case NoopRecord():
            return
        case UnknownRecord():
            store.unknown += 1
            return
        case SchemaRecord(subject, version):
            _delete(store, names.canonical(subject), version)
        case ConfigRecord() | ModeRecord() | CounterRecord():
            _change_settings(store, record)
        case DeleteSubjectRecord(subject, version):
            _soft_delete(store, subject, version or 0)
        case ClearSubjectRecord(subject):
            for stored in store.versions(subject, Deleted.INCLUDE):
                if stored.deleted:
                    _delete(store, stored.subject, stored.version)
        case ContextRecord(context, present):
            _set_context(store, context, present=present)
        case AssociationRecord():
            _associate(store, record, timestamp)
    store.revision += 1


def _change_settings(store: Store, record: ConfigRecord | ModeRecord | CounterRecord) -> None:
    match record:
        case ConfigRecord(subject, config):
            _set(store.configs, names.scope(subject), config)
        case ModeRecord(subject, mode):
            _set(store.modes, names.scope(subject), mode)
        case CounterRecord(context, max_id):
            _set_counter(store, context, max_id)


def _associate(store: Store, record: AssociationRecord, timestamp: int) -> None:
    if record.value is None:
        store.associations.remove(record.key)
    else:
        store.associations.put(msgspec.structs.replace(record.value, created=timestamp, updated=timestamp))


def _put(store: Store, record: SchemaRecord, value: SchemaVersion, timestamp: int) -> None:
    """Done for every schema when a node starts: what few of them need is not looked at without a reason."""
    subject, number = names.canonical(record.subject), record.version
    context_name = names.context_of(subject)
    context = store.contexts.get(context_name)
    if context is None:
        context = store.contexts[context_name] = store.new_context(context_name)
    stored = StoredVersion(subject, number, value.id, value.content, value.deleted, timestamp)
    versions = context.subjects.get(subject)
    if versions is not None and number in versions:
        _replace(store, context, stored, versions[number])
        store.revision += 1
    elif not add_version(store, context, stored) or (store.referrers and _is_referred_to(store, subject, number)):
        store.revision += 1


def _replace(store: Store, context: Context, stored: StoredVersion, replaced: StoredVersion) -> None:
    """Put a version in the place of the one with the same number."""
    place = _place_of(context, replaced, stored)
    _forget(store, replaced.subject, replaced.version)
    add_version(store, context, stored, place)
    if replaced.id != stored.id:
        _retire(store, replaced)


def _is_referred_to(store: Store, subject: str, number: int) -> bool:
    """Whether schemas that could not be resolved can be now, or mean this version instead of the latest before it."""
    referrers = store.referrers
    return (subject, number) in referrers or (subject, LATEST) in referrers


def add_version(store: Store, context: Context, stored: StoredVersion, place: int | None = None) -> bool:
    """Add a version that the context does not have; return whether it is the last one of its subject.

    `place` is that among the holders of the id; None for the last.
    """
    number = stored.version
    versions = context.subjects.get(stored.subject)
    is_last = True
    if versions is None:
        context.subjects[stored.subject] = {number: stored}
        store.subject_order.add(stored.subject)
    else:
        latest = versions[next(reversed(versions))]
        stored.subject = latest.subject  # one text for all versions
        versions[number] = stored
        if latest.version > number:
            context.subjects[stored.subject] = dict(sorted(versions.items()))
            is_last = False
    _index(store, context, stored, place)
    return is_last


def _place_of(context: Context, replaced: StoredVersion, stored: StoredVersion) -> int | None:
    """The place of a version among the holders of its id, which it keeps where only its deletion is written."""
    if replaced.id != stored.id or replaced.content != stored.content:
        return None
    return context.ids[replaced.id].index(replaced)


def _index(store: Store, context: Context, stored: StoredVersion, place: int | None) -> None:
    """Let the version be found by its id, its content and what it refers to, and count it."""
    schema_id, content, is_new = stored.id, stored.content, True
    holders = context.ids.get(schema_id)
    if holders is None:
        context.ids[schema_id] = [stored]
    else:
        content = stored.content = _share(holders, content)
        first, last = holders[0].content, holders[-1].content
        is_new = content is not first and content is not last and all(holder.content != content for holder in holders)
        if content is not first:  # nearly always they are one object
            context.mixed.add(schema_id)
        holders.insert(len(holders) if place is None else place, stored)
    if is_new:
        if context.max_id < schema_id < COUNTED_IDS:
            context.max_id = schema_id
        key = content.key
        first_id = context.by_key.setdefault(key, schema_id)
        if first_id != schema_id:
            context.twins.setdefault(key, {first_id}).add(schema_id)
            context.by_key[key] = min(first_id, schema_id)
        if store.fingerprints is not None:
            store.fingerprints.add(names.context_of(stored.subject), content, schema_id)
        if store.guids is not None:
            store.guids.add(names.context_of(stored.subject), content, schema_id)
    store.census.count(content, is_new, not stored.deleted, stored.deleted)
    if content.references:
        for target in _targets(content, stored.subject):
            store.referrers.setdefault(target, {})[stored.subject, stored.version] = stored


def _share(holders: Sequence[StoredVersion], content: Content) -> Content:
    """The content as it is kept already, if it is: for the first or the last holder of its id."""
    for holder in (holders[0], holders[-1]):
        if holder.content == content:
            return holder.content
    return content


def _delete(store: Store, subject: str, number: int) -> None:
    """Drop the version, and remember what its id means where it was the last one that had it."""
    version = store.version(subject, number, Deleted.INCLUDE)
    if version is not None:
        _forget(store, subject, number)
        _retire(store, version)


def _retire(store: Store, version: StoredVersion) -> None:
    """Remember the id of a version that is gone, if no other has it."""
    if not store.holders(version.subject, version.id):
        store.retired.add(names.context_of(version.subject), version)


def _forget(store: Store, subject: str, number: int) -> bool:
    """Drop the version; whether there was one."""
    context = store.context(subject)
    versions = context.subjects.get(subject, {})
    stored = versions.pop(number, None)
    if stored is None:
        return False
    store.census.count(stored.content, live=stored.deleted - 1, deleted=-stored.deleted)
    if not versions:
        del context.subjects[subject]
        store.subject_order.remove(subject)
    holders = context.ids[stored.id]
    holders.remove(stored)
    if not holders:
        del context.ids[stored.id]
        _forget_content(store, context, stored)
    elif stored.id in context.mixed and all(holder.content != stored.content for holder in holders):
        _forget_content(store, context, stored)
    if stored.id in context.mixed and all(holder.content == holders[0].content for holder in holders):
        context.mixed.discard(stored.id)
    for target in _targets(stored.content, subject):
        referrers = store.referrers.get(target, {})
        referrers.pop((subject, number), None)
        if not referrers:
            store.referrers.pop(target, None)
    return True


def _forget_content(store: Store, context: Context, stored: StoredVersion) -> None:
    """Let the content be found by the smallest of its other ids, if it has any: the version was its last one here."""
    schema_id, key = stored.id, stored.content.key
    store.census.count(stored.content, schemas=-1)
    if store.fingerprints is not None and schema_id not in context.ids:  # another spelling has the same fingerprint
        store.fingerprints.discard(names.context_of(stored.subject), stored.content, schema_id)
    if any(holder.content.key == key for holder in context.ids.get(schema_id, ())):
        return  # the same text, as a schema of another type
    if store.guids is not None:
        store.guids.discard(names.context_of(stored.subject), stored.content, schema_id)
    twins = context.twins.get(key)
    if twins is None:
        context.by_key.pop(key, None)
        return
    twins.discard(schema_id)
    context.by_key[key] = min(twins)
    if len(twins) == 1:
        del context.twins[key]


def _targets(content: Content, subject: str) -> list[tuple[str, int]]:
    return [
        (names.resolve_reference(reference.subject, subject), reference.version) for reference in content.references
    ]


def _soft_delete(store: Store, subject: str, up_to: int) -> None:
    for version in store.versions(subject):
        if version.version <= up_to:
            version.deleted = True
            store.census.count(version.content, live=-1, deleted=1)


def _set(settings: dict[str | None, T], scope: str | None, value: T | None) -> None:
    if value is None:
        settings.pop(scope, None)
    else:
        settings[scope] = value


def _set_counter(store: Store, name: str, max_id: int | None) -> None:
    if max_id is None or not 0 < max_id < COUNTED_IDS:
        store.counters.pop(name, None)
        return
    store.counters[name] = max_id
    if name in store.contexts:
        store.contexts[name].count(max_id)


def _set_context(store: Store, context: str, *, present: bool) -> None:
    if present:
        if context not in store.contexts:
            store.contexts[context] = store.new_context(context)
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
            return store.version(subject, version, Deleted.INCLUDE) is not None
        case ConfigRecord(subject):
            return names.scope(subject) in store.configs
        case ModeRecord(subject):
            return names.scope(subject) in store.modes
        case AssociationRecord(key):
            return store.associations.get(key) is not None
        case _:
            return False


def _remember_spelling(store: Store, record: Record, others: list[bytes], key: bytes | None) -> None:
    spellings = others if key is None else [*others, key]
    canonical = records.encode_key(record)
    if spellings and spellings != [canonical]:
        store.spellings[canonical] = spellings
    else:
        store.spellings.pop(canonical, None)
