"""The records of a schemas topic as `faults.py` examines them: by canonical key, with each spelling's last value."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from karapace_like.registry import apply, names, records
from karapace_like.registry.records import ClearSubjectRecord, Record, SchemaRecord, SchemaVersion, UnknownRecord
from karapace_like.registry.store import Deleted, Store
from karapace_like.replication.log import LogRecord


@dataclass(slots=True)
class SpelledKey:
    """The values that the topic holds under the spellings of one key."""

    record: Record
    """The last record under any spelling."""
    at: int = 0
    """Its index among the records of the topic."""
    values: dict[bytes, bytes | None] = field(default_factory=dict)
    """Spelling -> its last value; the last written spelling is last."""


@dataclass(slots=True)
class HeldRecords:
    """The records of the topic, read once."""

    store: Store = field(default_factory=Store)
    spelled: dict[bytes, SpelledKey] = field(default_factory=dict)
    """Canonical key -> the values under its spellings."""
    conflicts: set[bytes] = field(default_factory=set)
    """Canonical keys of the versions whose ids mean other schemas."""
    former: dict[bytes, SchemaVersion] = field(default_factory=dict)
    """Canonical key -> what was under it before its id changed."""
    unreadable: dict[bytes, str] = field(default_factory=dict)
    """Key -> the offset of its last record and why the registry cannot read it."""
    emptied: dict[str, int] = field(default_factory=dict)
    """Subject without versions -> the index of the record that deleted its last one."""


def read(held: Iterable[LogRecord]) -> HeldRecords:
    """Return the records by their keys, with what the registry makes of them."""
    topic = HeldRecords()
    for at, log_record in enumerate(held):
        key, value = log_record.key or b"", log_record.value
        versions = records.decode(key, value)
        had_versions = isinstance(versions, SchemaRecord | ClearSubjectRecord) and topic.store.versions_by_number(
            versions.subject
        )
        _note_change_of_id(topic, versions)
        record = apply.replay(topic.store, log_record)
        topic.unreadable.pop(key, None)
        if isinstance(record, UnknownRecord):
            if key in topic.store.unreadable:
                topic.unreadable[key] = f"the registry cannot read it, at offset {log_record.offset}: {record.reason}"
            continue
        canonical = records.encode_key(record)
        if isinstance(record, SchemaRecord | ClearSubjectRecord) and not topic.store.versions_by_number(record.subject):
            subject = names.canonical(record.subject)
            if had_versions or subject not in topic.emptied:
                topic.emptied[subject] = at
        spelled = topic.spelled.setdefault(canonical, SpelledKey(record))
        spelled.record, spelled.at = record, at
        spelled.values.pop(key, None)
        spelled.values[key] = value
    return topic


def _note_change_of_id(topic: HeldRecords, record: Record) -> None:
    """Keep what a version was, where a record gives it another id; forget it where the record deletes the version."""
    if not isinstance(record, SchemaRecord):
        return
    before = topic.store.version(record.subject, record.version, Deleted.INCLUDE)
    if record.value is None or before is None:
        if topic.former:
            topic.former.pop(records.encode_key(record), None)
    elif before.id != record.value.id:
        topic.former[records.encode_key(record)] = SchemaVersion(before.id, before.content, before.deleted)
