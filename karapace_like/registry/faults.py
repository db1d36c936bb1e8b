"""The faults that records of a schemas topic can have, and the records that repair them.

Pure: `examine` reads the records as the topic holds them and returns the faults, each with its repair: keys and values
to append in this order. A repair changes nothing that the registry serves, except versions that it could not serve
at all. Source: what other registries write (`docs/schemas-topic.md`).
"""

from collections.abc import Iterable, Iterator, Sequence

from karapace_like.registry import held_records, names, records
from karapace_like.registry.conflicts import find_conflicts_at_once
from karapace_like.registry.content import Content
from karapace_like.registry.fault import Bytes, Fault, FaultKind
from karapace_like.registry.held_records import HeldRecords, SpelledKey
from karapace_like.registry.records import (
    ConfigRecord,
    CounterRecord,
    DeleteSubjectRecord,
    ModeRecord,
    Record,
    SchemaRecord,
    SchemaVersion,
)
from karapace_like.registry.store import COUNTED_IDS, Deleted
from karapace_like.replication.log import LogRecord

_HANGING_SECONDS = 60.0
"""Longer than a registry's transaction may take."""
_FEW_IDS = 2**20
"""Below COUNTED_IDS: when there is time left to act."""


def examine(held: Iterable[LogRecord]) -> list[Fault]:
    """Return every fault, those of keys first."""
    topic = held_records.read(held)
    return [
        *_unreadable(topic),
        *_duplicate_ids(topic),
        *_orphan_settings(topic),
        *_spellings(topic),
        *_orphan_references(topic),
        *_ids(topic),
    ]


def examine_settings(*, partitions: int, replicas: int, brokers: int, cleanup_policy: str) -> list[Fault]:
    """Return the faults of the topic's settings; `replicas` is the count of one partition, `brokers` of the cluster."""
    faults = []
    if cleanup_policy != "compact":
        faults.append(
            Fault(
                FaultKind.TOPIC_SETTING,
                f"cleanup.policy={cleanup_policy}",
                "Kafka deletes schemas when they are old: no registry starts on such a topic",
                remedy="set it to compact",
                is_policy=True,
            )
        )
    if partitions != 1:
        faults.append(
            Fault(
                FaultKind.TOPIC_SETTING,
                f"{partitions} partitions",
                "records of several partitions have no order, and registries read the first one only",
                remedy="export what the first partition holds, import it into a registry with another topic_name",
            )
        )
    if replicas == 1 < brokers:
        faults.append(
            Fault(
                FaultKind.TOPIC_SETTING,
                "1 replica",
                f"the cluster has {brokers} brokers, but the loss of one would be the loss of every schema",
                remedy="add replicas: kafka-reassign-partitions",
            )
        )
    return faults


def examine_transaction(*, producer_id: int, start: int, age: float) -> list[Fault]:
    """The fault of a transaction that is open in the topic; `age` is in seconds since its last record."""
    if age < _HANGING_SECONDS:
        return []
    why = f"producer {producer_id} has written nothing for {age:.0f} s, and consumers stop at its first record"
    return [
        Fault(
            FaultKind.OPEN_TRANSACTION,
            f"offset {start}",
            why,
            remedy="abort it: kafka-transactions.sh --bootstrap-server ... abort --topic ... --partition 0 "
            f"--start-offset {start}",
        )
    ]


def _unreadable(topic: HeldRecords) -> Iterator[Fault]:
    for key, why in topic.unreadable.items():
        now = _now_under(topic, key)
        others = [(key, None)] if now and all(other != key for other, _ in now) else []
        yield Fault(
            FaultKind.UNREADABLE,
            _show(key),
            why,
            (*others, *now),
            "write again what the registry serves, before compaction removes it"
            if now
            else "look at it, and rewrite or delete it",
        )


def _now_under(topic: HeldRecords, key: bytes) -> list[Bytes]:
    """Return the records that the registry still serves for this key; none if the key cannot be decoded."""
    record = records.decode(key, None)
    if not isinstance(record, SchemaRecord | ConfigRecord | ModeRecord):
        return []
    return _now(topic, records.encode_key(record), SpelledKey(record))


def _duplicate_ids(topic: HeldRecords) -> Iterator[Fault]:
    """Find versions whose id means another schema: the repair restores the earlier id, or assigns a new one.

    Nothing is lost: text, deletion and version stay, and the other schema keeps the id.
    """
    numbers: dict[str, int] = {}
    for version, meaning in find_conflicts_at_once(topic.store):
        name, context = names.context_of(version.subject), topic.store.context(version.subject)
        canonical = records.encode_key(SchemaRecord(version.subject, version.version, None))
        topic.conflicts.add(canonical)
        former = topic.former.get(canonical)
        new_id = context.id_of(version.content)
        if new_id is None and former is not None and former.content == version.content and former.id not in context.ids:
            new_id = former.id
        if new_id is None:
            new_id = numbers[name] = context.next_id(numbers.get(name, 0))
        others = [(key, None) for key, held in topic.spelled[canonical].values.items() if key != canonical and held]
        yield Fault(
            FaultKind.DUPLICATE_ID,
            f"{version.subject} version {version.version}",
            f"its id {version.id} means another schema, that of {meaning.subject} version {meaning.version}, so no "
            "look-up or registration answers with it",
            (*others, _version(version.subject, version.version, new_id, version.content, deleted=version.deleted)),
            f"give it the id {new_id}; data with the id {version.id} is read by the other schema, as until now",
        )


def _orphan_settings(topic: HeldRecords) -> Iterator[Fault]:
    """Find configs and modes of deleted subjects; those of a subject without any version so far are no fault."""
    for spelled in topic.spelled.values():
        if _is_orphan_setting(topic, spelled):
            held = [(key, None) for key, value in spelled.values.items() if value is not None]
            yield Fault(
                FaultKind.ORPHAN_SETTING,
                _name(spelled.record),
                "the subject was deleted for good, and a new one of that name would get the setting",
                tuple(held),
                "delete it",
            )


def _is_orphan_setting(topic: HeldRecords, spelled: SpelledKey) -> bool:
    match spelled.record:
        case ConfigRecord(str(subject)):
            is_set = names.scope(subject) in topic.store.configs
        case ModeRecord(str(subject)):
            is_set = names.scope(subject) in topic.store.modes
        case _:
            return False
    subject = names.canonical(subject)
    return is_set and not topic.store.versions_by_number(subject) and spelled.at < topic.emptied.get(subject, 0)


def _spellings(topic: HeldRecords) -> Iterator[Fault]:
    """Find keys that compaction would not replace by the canonical one, and deletions that it would not complete."""
    for canonical, spelled in topic.spelled.items():
        if canonical in topic.conflicts or _is_orphan_setting(topic, spelled):
            continue
        empty = [key for key, value in spelled.values.items() if value == b""]
        held = [key for key, value in spelled.values.items() if value]
        foreign = [key for key in held if key != canonical]
        if not empty and not foreign:
            continue
        repair = (*((key, None) for key in (*foreign, *empty)), *_now(topic, canonical, spelled))
        if empty:
            kind, remedy = FaultKind.EMPTY_TOMBSTONE, "write a real tombstone"
            why = "it was deleted with an empty value instead of a null, which compaction keeps and others cannot read"
        elif len(held) > 1:
            kind, remedy = FaultKind.TWIN_KEYS, "keep the last written value, under the key that this registry writes"
            why = f"{len(held)} keys hold it, and deleting one would bring the other back"
        else:
            kind, remedy = (
                FaultKind.LEGACY_KEY,
                "write it under the key that this registry writes, and delete the other",
            )
            why = f"its key has another form, {_show(foreign[0])}: what others write does not replace it"
        yield Fault(kind, _name(spelled.record), why, repair, remedy)


def _now(topic: HeldRecords, canonical: bytes, spelled: SpelledKey) -> list[Bytes]:
    """Return the records to write under the canonical key, once the other spellings are deleted."""
    record = spelled.record
    if isinstance(record, SchemaRecord):
        stored = topic.store.version(record.subject, record.version, Deleted.INCLUDE)
        if stored is None:
            return []
        return [_version(stored.subject, stored.version, stored.id, stored.content, deleted=stored.deleted)]
    if isinstance(record, DeleteSubjectRecord):
        # The mark itself, written now, would also delete what was registered since.
        return [
            _version(version.subject, version.version, version.id, version.content, deleted=True)
            for version in topic.store.versions(record.subject, Deleted.INCLUDE)
            if version.deleted
        ]
    match record:
        case ConfigRecord(subject):
            config = topic.store.configs.get(names.scope(subject))
            return [] if config is None else [(canonical, records.encode_value(ConfigRecord(subject, config)))]
        case ModeRecord(subject):
            mode = topic.store.modes.get(names.scope(subject))
            return [] if mode is None else [(canonical, records.encode_value(ModeRecord(subject, mode)))]
    last = next((value for value in reversed(spelled.values.values()) if value is not None), None)
    return [(canonical, last)] if last else []


def _version(subject: str, version: int, schema_id: int, content: Content, *, deleted: bool) -> Bytes:
    return records.encode(SchemaRecord(subject, version, SchemaVersion(schema_id, content, deleted)))


def _orphan_references(topic: HeldRecords) -> Iterator[Fault]:
    for stored in topic.store.all_versions():
        for reference in stored.content.references:
            if topic.store.resolve_reference(reference, stored.subject) is None:
                yield Fault(
                    FaultKind.ORPHAN_REFERENCE,
                    f"{stored.subject} version {stored.version}",
                    f"it refers to {reference.subject} version {reference.version}, which is not there",
                    remedy="import the missing version, or delete this one",
                )


def _ids(topic: HeldRecords) -> Iterator[Fault]:
    """Find ids that would be assigned twice, ids beyond the counter, and counters near their end."""
    for name, context in sorted(topic.store.contexts.items()):
        place = f"ids of context {name}"
        far = [schema_id for schema_id in context.ids if schema_id >= COUNTED_IDS]
        highest = max((schema_id for schema_id in context.ids if schema_id < COUNTED_IDS), default=0)
        if max(highest, topic.store.counters.get(name, 0)) < context.max_id:
            yield Fault(
                FaultKind.FORGOTTEN_ID,
                place,
                f"what had the id {context.max_id} was deleted for good by another registry or an older version: once "
                "the topic is compacted, the id is given out again, to another schema",
                (records.encode(CounterRecord(name, context.max_id)),),
                "write down that it was in use",
            )
        if far:
            yield Fault(
                FaultKind.FAR_ID,
                place,
                f"{len(far)} ids were imported from {COUNTED_IDS} up, such as {far[0]}: they do not move the counter "
                "here, but Confluent's, which ends at 2147483647",
                remedy="where no data was written with them, delete their versions for good",
            )
        if context.max_id >= COUNTED_IDS - _FEW_IDS:
            yield Fault(
                FaultKind.FEW_IDS,
                place,
                f"the counter stands at {context.max_id}; from {COUNTED_IDS} up, ids that are deleted for good may be "
                "given out again",
                remedy="register new schemas in another context",
            )


def repairs(faults: Sequence[Fault]) -> list[Bytes]:
    """Return the records that repair all repairable faults, in order."""
    return [record for fault in faults for record in fault.repair]


def _name(record: Record) -> str:
    match record:
        case SchemaRecord(subject, version):
            return f"{subject} version {version}"
        case ConfigRecord(subject):
            return f"config of {subject or 'the default context'}"
        case ModeRecord(subject):
            return f"mode of {subject or 'the default context'}"
        case CounterRecord(context):
            return f"counter of context {context}"
        case DeleteSubjectRecord(subject):
            return f"soft deletion of {subject}"
        case _:
            return _show(records.encode_key(record))


def _show(key: bytes) -> str:
    return key.decode(errors="replace")[:200] or "a record without a key"
