"""Planning several writes for one transaction, each as if the ones before it were applied already.

What can share a batch is what happens by the hundred: registrations of new versions, each for a subject of its own.
Of those, one plan can only see another through the ids: so the ids that earlier plans of the batch give out are held
in the store while the batch is planned, which nobody else sees. Everything else is written alone. Pure.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from karapace_like.errors import ApiError
from karapace_like.registry import names
from karapace_like.registry.planning import Plan
from karapace_like.registry.records import Record, SchemaRecord, SchemaVersion
from karapace_like.registry.store import Store

Planner = Callable[[Store], Plan[Any]]


@dataclass(slots=True)
class Batch:
    """What becomes of each write that waited, by its place among them."""

    answers: dict[int, Any] = field(default_factory=dict)
    """Of those whose records are below: what to answer once these are applied."""
    settled: dict[int, Any] = field(default_factory=dict)
    """What to answer those that need not write."""
    refused: dict[int, ApiError] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)

    def holds(self, place: int) -> bool:
        """Whether the write at this place is dealt with; if not it has to wait for the next batch."""
        return place in self.answers or place in self.settled or place in self.refused


def planned(store: Store, planners: Iterable[Planner]) -> Batch:
    """Plan as many of the writes as can go into one transaction; at least the first that writes."""
    batch = Batch()
    subjects: set[str] = set()
    with _held_ids(store) as held:
        for place, plan in enumerate(planners):
            try:
                found = plan(store)
            except ApiError as error:
                batch.refused[place] = error
                continue
            new = _new_versions(store, found.records)
            if not found.records:
                batch.settled[place] = found.answer
            elif new is None:
                if not batch.records:
                    batch.answers[place] = found.answer
                    batch.records += found.records
                    return batch
            elif not subjects & new.keys() and all(held.allow(subject, each) for subject, each in new.items()):
                for subject, each in new.items():
                    held.add(subject, each)
                subjects |= new.keys()
                batch.answers[place] = found.answer
                batch.records += found.records
    return batch


def _new_versions(store: Store, records: Iterable[Record]) -> dict[str, SchemaVersion] | None:
    """Subject -> its new version, if the records are nothing but that, in contexts that exist."""
    found: dict[str, SchemaVersion] = {}
    for record in records:
        match record:
            case SchemaRecord(subject, _, SchemaVersion(deleted=False) as value) if (
                subject not in found and names.context_of(subject) in store.contexts
            ):
                found[subject] = value
            case _:
                return None
    return found


class _HeldIds:
    """The ids that the batch gives out, put into the store until it is planned."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._versions: dict[tuple[str, int], SchemaVersion] = {}
        self._before: list[tuple[str, int, bytes, int | None]] = []

    def allow(self, subject: str, value: SchemaVersion) -> bool:
        """Whether the id stands for the same content wherever the batch gives it out."""
        held = self._versions.get((names.context_of(subject), value.id))
        return held is None or held.content == value.content

    def add(self, subject: str, value: SchemaVersion) -> None:
        name, digest = names.context_of(subject), value.content.digest
        context = self._store.contexts[name]
        self._versions[name, value.id] = value
        self._before.append((name, context.max_id, digest, context.by_digest.get(digest)))
        context.max_id = max(context.max_id, value.id)
        context.by_digest.setdefault(digest, value.id)

    def release(self) -> None:
        for name, max_id, digest, schema_id in reversed(self._before):
            context = self._store.contexts[name]
            context.max_id = max_id
            if schema_id is None:
                del context.by_digest[digest]


@contextmanager
def _held_ids(store: Store) -> Iterator[_HeldIds]:
    held = _HeldIds(store)
    try:
        yield held
    finally:
        held.release()
