"""What can be wrong with the records of a schemas topic, and which records put it right.

Pure: `examine` reads the records as the topic holds them and answers the faults, each with its repair: keys and values
to be appended in this order. A repair changes nothing of what the registry serves, but for versions that it could not
serve at all. Source: what other registries write (`docs/schemas-topic.md`).
"""

import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from karapace_like.registry import apply, names, records
from karapace_like.registry.content import Content
from karapace_like.registry.log import LogRecord
from karapace_like.registry.records import (
    ConfigRecord,
    DeleteSubjectRecord,
    ModeRecord,
    Record,
    SchemaRecord,
    SchemaVersion,
    UnknownRecord,
)
from karapace_like.registry.store import Store

Bytes = tuple[bytes, bytes | None]
"""Key and value."""

_UNKNOWN_KIND = "key of an unknown kind"


class Kind(enum.StrEnum):
    """Kinds of faults."""

    EMPTY_TOMBSTONE = "empty tombstone"
    TWIN_KEYS = "twin keys"
    LEGACY_KEY = "legacy key"
    DUPLICATE_ID = "duplicate id"
    ORPHAN_SETTING = "orphan setting"
    ORPHAN_REFERENCE = "orphan reference"
    UNREADABLE = "unreadable record"
    TOPIC_SETTING = "wrong topic setting"


class Fault(NamedTuple):
    """One thing that is wrong."""

    kind: Kind
    place: str
    """Such as `orders-value version 3` or a key."""
    why: str
    """What is wrong and what comes of it."""
    repair: tuple[Bytes, ...] = ()
    """What is to be appended; nothing where only a person can tell what is right."""
    remedy: str = ""
    """What the repair does, or what to do by hand."""
    is_policy: bool = False
    """Whether the repair is to let the topic be compacted."""

    @property
    def is_repairable(self) -> bool:
        """Whether `doctor --repair` puts it right."""
        return bool(self.repair) or self.is_policy


@dataclass(slots=True)
class _Spelled:
    """Everything that the topic holds under the spellings of one key."""

    record: Record
    """The last one."""
    values: dict[bytes, bytes | None] = field(default_factory=dict)
    """Spelling -> its last value; the last written spelling is last."""


@dataclass(slots=True)
class _Topic:
    """The records, read once."""

    store: Store = field(default_factory=Store)
    spelled: dict[bytes, _Spelled] = field(default_factory=dict)
    """Canonical key -> what is there."""
    conflicts: dict[bytes, SchemaRecord] = field(default_factory=dict)
    """Canonical key -> the last record under it, where it was not taken because its id means another schema."""
    unreadable: dict[bytes, str] = field(default_factory=dict)
    """Key -> why its last record is not understood."""
    subjects: set[str] = field(default_factory=set)
    """Every subject of which there is a version, or the trace of one."""


def examine(held: Iterable[LogRecord]) -> list[Fault]:
    """Every fault, those of keys first."""
    topic = _read(held)
    return [
        *_unreadable(topic),
        *_duplicate_ids(topic),
        *_orphan_settings(topic),
        *_spellings(topic),
        *_orphan_references(topic),
    ]


def examine_settings(*, partitions: int, replicas: int, brokers: int, cleanup_policy: str) -> list[Fault]:
    """The faults of how the topic is set up; `replicas` are a partition's, `brokers` the cluster's."""
    found = []
    if cleanup_policy != "compact":
        found.append(
            Fault(
                Kind.TOPIC_SETTING,
                f"cleanup.policy={cleanup_policy}",
                "Kafka deletes schemas when they are old: no registry starts on such a topic",
                remedy="set it to compact",
                is_policy=True,
            )
        )
    if partitions != 1:
        found.append(
            Fault(
                Kind.TOPIC_SETTING,
                f"{partitions} partitions",
                "records of several partitions have no order, and registries read the first one only",
                remedy="export what the first partition holds, import it into a registry with another topic_name",
            )
        )
    if replicas == 1 < brokers:
        found.append(
            Fault(
                Kind.TOPIC_SETTING,
                "1 replica",
                f"the cluster has {brokers} brokers, but the loss of one would be the loss of every schema",
                remedy="add replicas: kafka-reassign-partitions",
            )
        )
    return found


def _read(held: Iterable[LogRecord]) -> _Topic:
    topic = _Topic()
    for each in held:
        key, value = each.key or b"", each.value
        record = records.decode(key, value)
        topic.unreadable.pop(key, None)
        if isinstance(record, UnknownRecord):
            if value and not record.reason.startswith(_UNKNOWN_KIND):
                topic.unreadable[key] = record.reason
            continue
        canonical = records.encode_key(record)
        before = topic.store.conflicts
        apply.apply(topic.store, record, key=key, timestamp=each.timestamp, holds_value=bool(value))
        topic.conflicts.pop(canonical, None)
        if isinstance(record, SchemaRecord):
            topic.subjects.add(names.canonical(record.subject))
            if topic.store.conflicts > before:
                topic.conflicts[canonical] = record
        spelled = topic.spelled.setdefault(canonical, _Spelled(record))
        spelled.record = record
        spelled.values.pop(key, None)
        spelled.values[key] = value
    return topic


def _unreadable(topic: _Topic) -> Iterator[Fault]:
    for key, reason in topic.unreadable.items():
        yield Fault(
            Kind.UNREADABLE,
            _shown(key),
            f"the registry cannot read it and leaves it out: {reason}",
            remedy="look at it, and write it anew or delete it",
        )


def _duplicate_ids(topic: _Topic) -> Iterator[Fault]:
    """A version whose id means another schema: the state before is written again, or it gets an id of its own."""
    given: dict[str, int] = {}
    for canonical, record in topic.conflicts.items():
        value = record.value
        assert value is not None
        served = topic.store.version(record.subject, record.version, deleted=True)
        if served is None:
            context = names.context_of(record.subject)
            new_id = topic.store.context(record.subject).by_digest.get(value.content.digest)
            if new_id is None:
                new_id = given[context] = max(given.get(context, 0), topic.store.context(record.subject).max_id) + 1
            right = SchemaVersion(new_id, value.content, value.deleted)
            remedy = f"give it the id {new_id}; data with the id {value.id} is read by the other schema, as until now"
        else:
            right = SchemaVersion(served.id, served.content, served.deleted)
            remedy = f"write again what the registry serves, with the id {served.id}, before compaction removes it"
        others = [(key, None) for key, held in topic.spelled[canonical].values.items() if key != canonical and held]
        yield Fault(
            Kind.DUPLICATE_ID,
            _name(record),
            f"its id {value.id} is that of another schema, so no registry serves it",
            (*others, (canonical, records.encode_value(SchemaRecord(record.subject, record.version, right)))),
            remedy,
        )


def _orphan_settings(topic: _Topic) -> Iterator[Fault]:
    """Configs and modes that a deleted subject has left; one of a subject that is still to come is no fault."""
    for spelled in topic.spelled.values():
        if _is_orphan_setting(topic, spelled.record):
            held = [(key, None) for key, value in spelled.values.items() if value is not None]
            yield Fault(
                Kind.ORPHAN_SETTING,
                _name(spelled.record),
                "the subject was deleted for good, and a new one of that name would get the setting",
                tuple(held),
                "delete it",
            )


def _is_orphan_setting(topic: _Topic, record: Record) -> bool:
    match record:
        case ConfigRecord(str(subject)):
            is_set = names.scope(subject) in topic.store.configs
        case ModeRecord(str(subject)):
            is_set = names.scope(subject) in topic.store.modes
        case _:
            return False
    subject = names.canonical(subject)
    return is_set and subject in topic.subjects and not topic.store.versions(subject, deleted=True)


def _spellings(topic: _Topic) -> Iterator[Fault]:
    """Keys that compaction would not replace by the canonical one, and deletions that it would not complete."""
    for canonical, spelled in topic.spelled.items():
        if canonical in topic.conflicts or _is_orphan_setting(topic, spelled.record):
            continue
        empty = [key for key, value in spelled.values.items() if value == b""]
        held = [key for key, value in spelled.values.items() if value]
        foreign = [key for key in held if key != canonical]
        if not empty and not foreign:
            continue
        repair = (*((key, None) for key in (*foreign, *empty)), *_now(topic, canonical, spelled))
        if empty:
            kind, remedy = Kind.EMPTY_TOMBSTONE, "write a real tombstone"
            why = "it was deleted with an empty value instead of a null, which compaction keeps and others cannot read"
        elif len(held) > 1:
            kind, remedy = Kind.TWIN_KEYS, "keep the last written value, under the key that this registry writes"
            why = f"{len(held)} keys hold it, and deleting one would bring the other back"
        else:
            kind, remedy = Kind.LEGACY_KEY, "write it under the key that this registry writes, and delete the other"
            why = f"its key has another form, {_shown(foreign[0])}: what others write does not replace it"
        yield Fault(kind, _name(spelled.record), why, repair, remedy)


def _now(topic: _Topic, canonical: bytes, spelled: _Spelled) -> list[Bytes]:
    """What the registry serves of this key, to be written under the canonical key after the others are deleted."""
    record = spelled.record
    if isinstance(record, SchemaRecord):
        stored = topic.store.version(record.subject, record.version, deleted=True)
        if stored is None:
            return []
        return [_version(stored.subject, stored.version, stored.id, stored.content, deleted=stored.deleted)]
    if isinstance(record, DeleteSubjectRecord):
        # The mark itself, written now, would also delete what was registered since.
        return [
            _version(each.subject, each.version, each.id, each.content, deleted=True)
            for each in topic.store.versions(record.subject, deleted=True)
            if each.deleted
        ]
    match record:
        case ConfigRecord(subject):
            found = topic.store.configs.get(names.scope(subject))
            return [] if found is None else [(canonical, records.encode_value(ConfigRecord(subject, found)))]
        case ModeRecord(subject):
            mode = topic.store.modes.get(names.scope(subject))
            return [] if mode is None else [(canonical, records.encode_value(ModeRecord(subject, mode)))]
    last = next((value for value in reversed(spelled.values.values()) if value is not None), None)
    return [(canonical, last)] if last else []


def _version(subject: str, version: int, schema_id: int, content: Content, *, deleted: bool) -> Bytes:
    return records.encode(SchemaRecord(subject, version, SchemaVersion(schema_id, content, deleted)))


def _orphan_references(topic: _Topic) -> Iterator[Fault]:
    for stored in topic.store.all_versions():
        for reference in stored.content.references:
            if topic.store.referenced(reference, stored.subject) is None:
                yield Fault(
                    Kind.ORPHAN_REFERENCE,
                    f"{stored.subject} version {stored.version}",
                    f"it refers to {reference.subject} version {reference.version}, which is not there",
                    remedy="import the missing version, or delete this one",
                )


def repairs(found: Sequence[Fault]) -> list[Bytes]:
    """What puts all faults right that can be, in order."""
    return [each for fault in found for each in fault.repair]


def _name(record: Record) -> str:
    match record:
        case SchemaRecord(subject, version):
            return f"{subject} version {version}"
        case ConfigRecord(subject):
            return f"config of {subject or 'the default context'}"
        case ModeRecord(subject):
            return f"mode of {subject or 'the default context'}"
        case DeleteSubjectRecord(subject):
            return f"soft deletion of {subject}"
        case _:
            return _shown(records.encode_key(record))


def _shown(key: bytes) -> str:
    return key.decode(errors="replace")[:200] or "a record without a key"
