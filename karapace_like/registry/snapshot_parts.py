"""The registry's state in parts, for a snapshot: each part is a block of bytes, and all parts make up the state.

Versions are written in the order in which their ids list them; `apply.add_version` adds them, and derives what they
are found by. Left out: the file of the parts, and when it is trusted (`replication/snapshots.py`).
"""

from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, TypeAlias, TypeVar

import msgspec

from karapace_like.registry import apply
from karapace_like.registry.associations import Association
from karapace_like.registry.fingerprints import FingerprintIndex
from karapace_like.registry.settings import Config, Mode
from karapace_like.registry.store import Context, Store, StoredVersion
from karapace_like.replication.snapshots import LoadedSnapshot, StateForm

T = TypeVar("T")

_WEIGHT = 2_000_000
"""Of one part, unless one entry has more: characters, about. A part is added in a few milliseconds."""
_ENTRY = 100
"""The weight of an entry, without the text of a version."""
_ATTACHMENTS = 5_000
"""The weight of metadata and rules."""
_MAPPINGS = ("configs", "modes", "counters", "spellings", "unreadable")
"""Fields of `Store` that are written as they are."""


class Part(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Some entries of the state; the fields are those of `Store`."""

    contexts: dict[str, int] = {}
    """Name -> the largest id that was counted."""
    revision: int = 0
    unknown: int = 0
    context: str = ""
    """The context of the versions."""
    versions: list[StoredVersion] = []
    retired: list[tuple[str, StoredVersion]] = []
    configs: dict[str | None, Config] = {}
    modes: dict[str | None, Mode] = {}
    counters: dict[str, int] = {}
    spellings: dict[bytes, list[bytes]] = {}
    unreadable: dict[bytes, int] = {}
    associations: list[Association] = []
    fingerprints: bytes | None = None
    """Entries of the index, 8 bytes each; None in every part where it is not complete."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Part).decode


def dump_state(store: Store) -> Iterator[bytes]:
    """Yield the parts of the state, which must not change meanwhile.

    Raises OverflowError where metadata or rules have an integer of more than 64 bits.
    """
    return map(_encode, _list_parts(store))


class StateLoader:
    """Puts the parts of a state together again."""

    def __init__(self, store: Store) -> None:
        """`store` is empty and becomes the state."""
        self._store = store
        self._index: FingerprintIndex | None = None

    def add(self, block: bytes) -> None:
        """Add a part. Raises msgspec.DecodeError, and whatever an impossible state leads to."""
        store, part = self._store, _decode(block)
        for name, max_id in part.contexts.items():
            store.contexts[name] = Context(max_id=max_id)
        store.revision += part.revision
        store.unknown += part.unknown
        if part.versions:
            context = store.contexts[part.context]
            for version in part.versions:
                apply.add_version(store, context, version)
        for name, version in part.retired:
            store.retired.add(name, version)
        for field in _MAPPINGS:
            getattr(store, field).update(getattr(part, field))
        for association in part.associations:
            store.associations.put(association)
        if part.fingerprints is not None:
            self._index = self._index or FingerprintIndex()
            self._index.extend(array("Q", part.fingerprints))

    def finish(self) -> Store:
        """Return the state, once all parts are added."""
        if self._index is not None:
            self._index.is_complete = True
            self._store.fingerprints = self._index
        self._store.ordered_subjects()  # which sorts them; so they share it who share the state
        return self._store


STATE_FORM = StateForm(dump_state, lambda: StateLoader(Store()))
"""How the state is written into snapshots. Whether configs are inherited is a setting, which it does not have."""
LoadedState: TypeAlias = LoadedSnapshot[Store]
"""A snapshot of the state in memory."""


def _list_parts(store: Store) -> Iterator[Part]:
    max_ids = {name: context.max_id for name, context in store.contexts.items()}
    yield Part(contexts=max_ids, revision=store.revision, unknown=store.unknown)
    for name, context in store.contexts.items():
        for versions in _split(chain.from_iterable(context.ids.values()), _weigh):
            yield Part(context=name, versions=versions)
    for retired in _split(store.retired.list_versions(), lambda entry: _weigh(entry[1])):
        yield Part(retired=retired)
    for field in _MAPPINGS:
        entries: Iterable[tuple[Any, Any]] = getattr(store, field).items()
        for batch in _split(entries):
            part = Part()
            setattr(part, field, dict(batch))
            yield part
    for associations in _split(store.associations):
        yield Part(associations=associations)
    if store.fingerprints is not None and store.fingerprints.is_complete and not store.fingerprints.unindexed:
        yield Part(fingerprints=b"")
        for numbers in _split(store.fingerprints.entries):
            yield Part(fingerprints=array("Q", numbers).tobytes())


def _split(entries: Iterable[T], weigh: Callable[[T], int] = lambda _: _ENTRY) -> Iterator[list[T]]:
    """Yield the entries in lists that each weigh little more than `_WEIGHT`."""
    batch: list[T] = []
    weight = 0
    for entry in entries:
        batch.append(entry)
        weight += weigh(entry)
        if weight >= _WEIGHT:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


def _weigh(version: StoredVersion) -> int:
    content = version.content
    has_attachments = content.metadata is not None or content.rule_set is not None
    return len(content.text) + _ENTRY + _ATTACHMENTS * has_attachments
