"""What the registry's plans share: their types, the counters that deletions need, and the modes that forbid changes.

Plans are made by functions that read the store and never change it (`registration.py`, `deletion.py`,
`configuration.py`).
"""

from collections.abc import Iterable
from typing import TypeAlias, TypeVar

from karapace_like.registry import errors, names
from karapace_like.registry.engines import EngineAccess
from karapace_like.registry.records import CounterRecord, Record, SchemaRecord
from karapace_like.registry.settings import Mode
from karapace_like.registry.store import COUNTED_IDS, Deleted, Store
from karapace_like.replication import planning

T = TypeVar("T")

Planner: TypeAlias = planning.Planner[Store, EngineAccess, T]
"""Plans a change of the registry."""


def with_counters(store: Store, records: Iterable[Record]) -> tuple[Record, ...]:
    """Return the records, preceded by the counter of each context whose largest id they remove from the topic.

    Without the counter that id would be assigned again, since nothing else records its use after compaction.
    """
    planned = tuple(records)
    taken_out = {
        names.context_of(record.subject)
        for record in planned
        if isinstance(record, SchemaRecord) and store.version(record.subject, record.version, Deleted.INCLUDE)
    }
    if not taken_out:
        return planned
    touched = {
        (names.canonical(record.subject), record.version): record.value
        for record in planned
        if isinstance(record, SchemaRecord)
    }
    counters = []
    for name in sorted(taken_out):
        context = store.contexts[name]
        written = (value.id for (subject, _), value in touched.items() if value and names.context_of(subject) == name)
        if context.max_id <= store.counters.get(name, 0) or any(
            context.max_id <= schema_id < COUNTED_IDS for schema_id in written
        ):
            continue
        if all((place.subject, place.version) in touched for place in context.ids.get(context.max_id, ())):
            counters.append(CounterRecord(name, context.max_id))
    return (*counters, *planned)


def effective_mode(store: Store, subject: str | None) -> Mode:
    """Return the effective mode of the subject or context."""
    return store.mode(subject) or Mode.READWRITE


def require_writable(store: Store, subject: str | None) -> None:
    """Raise 42205 where the mode forbids every change."""
    if effective_mode(store, subject).is_readonly:
        raise refusal(subject, "is in read-only mode")


def refusal(subject: str | None, condition: str) -> errors.RegistryError:
    """Return the error 42205 that names the subject and its context as Confluent's registry does."""
    name = names.canonical(subject or "")
    context = names.context_of(name)
    return errors.not_permitted_error(name, names.qualify(context, ""), condition)
