"""Draft new versions: they are in the store until the whole batch is planned (`replication/batches.py`).

New versions share a batch, even several of one subject, since they arrive by the hundred. All other writes are appended
alone.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from karapace_like.registry import apply, names
from karapace_like.registry.records import Record, SchemaRecord, SchemaVersion
from karapace_like.registry.store import Deleted, Store
from karapace_like.replication.batches import AddDraft


@contextmanager
def draft_versions(store: Store) -> Iterator[AddDraft]:
    """Yield the function that adds new versions to the store; all of them are removed at the end."""
    added: list[tuple[SchemaRecord, apply.IdState]] = []

    def add_draft(records: Iterable[Record]) -> bool:
        versions = _new_versions(store, records)
        for record, value in versions or ():
            added.append((record, apply.put_draft(store, record, value)))
        return versions is not None

    try:
        yield add_draft
    finally:
        for record, before in reversed(added):
            apply.remove_draft(store, record, before)


def _new_versions(store: Store, records: Iterable[Record]) -> list[tuple[SchemaRecord, SchemaVersion]] | None:
    """Return the new versions if the records are nothing else and their contexts exist; None otherwise."""
    versions: list[tuple[SchemaRecord, SchemaVersion]] = []
    for record in records:
        match record:
            case SchemaRecord(subject, version, SchemaVersion(deleted=False) as value) if (
                names.context_of(subject) in store.contexts
                and store.version(subject, version, Deleted.INCLUDE) is None
                and not any(version.subject == subject for version, _ in versions)
            ):
                versions.append((record, value))
            case _:
                return None
    return versions
