"""The registry as its callers see it: read the state, or change it by a write (`replication/`)."""

import asyncio
from collections.abc import Sequence, Sized
from typing import NamedTuple

from karapace_like.registry import apply, records, spellings
from karapace_like.registry.conflicts import ConflictWatch
from karapace_like.registry.drafts import draft_versions
from karapace_like.registry.engines import Engines, PinnedOutcomes
from karapace_like.registry.records import Record, UnknownRecord
from karapace_like.registry.registration import Rules
from karapace_like.registry.store import Store
from karapace_like.registry.unknown_log import UnknownLog
from karapace_like.replication.log import Log, LogRecord
from karapace_like.replication.replicated_state import DEFAULT_MAX_WAITING, ReplicatedState

MARK = records.encode_key(records.NoopRecord())
"""The key of the record that says nothing."""


class CacheValidity(NamedTuple):
    """The validity of a cached response: while it is current, the same request has the same response."""

    registry: "Registry"
    revision: int
    versions: Sized
    """The stored versions from which the response was chosen; they grow when another one is registered."""
    size: int
    needs_term: bool
    """Whether the response is valid only while no other node can be the primary."""

    def is_current(self) -> bool:
        """Return whether a response with this validity may still be sent."""
        return self.registry.is_valid(self)

    def is_unchanged(self) -> bool:
        """Return whether nothing has changed here that the response depends on: it may be sent after a `confirm`."""
        return self.registry.is_valid(self, has_caught_up=True)

    async def confirm(self) -> bool:
        """Wait for every write that was acknowledged before, and return whether the response may still be sent.

        Raises KafkaFailure.
        """
        await self.registry.catch_up()
        return self.is_unchanged()


class Registry(ReplicatedState[Store]):
    """The state and the only way to change it."""

    def __init__(
        self, log: Log, rules: Rules, *, write_timeout: float = 60.0, max_waiting: int = DEFAULT_MAX_WAITING
    ) -> None:
        """`write_timeout` and `max_waiting`: see `ReplicatedState`."""
        self.rules = rules
        self.engines = engines = Engines()
        store = Store(inherits_config=rules.inherits_config)
        self.conflict_watch = ConflictWatch(store, engines)
        self._indexing = asyncio.Lock()
        self._unknown_log = UnknownLog()
        super().__init__(
            log,
            store,
            "schemas",
            pin_engines=lambda: PinnedOutcomes(engines),
            draft=draft_versions,
            write_timeout=write_timeout,
            max_waiting=max_waiting,
        )

    def cache_validity(self, versions: Sized, *, needs_term: bool = False) -> CacheValidity:
        """Return the validity of a response that was chosen from these versions, of a subject or of an id."""
        return CacheValidity(self, self._store.revision, versions, len(versions), needs_term)

    def is_valid(self, validity: CacheValidity, *, has_caught_up: bool = False) -> bool:
        """Return whether nothing has changed that the response depends on; `has_caught_up`: just now."""
        return (
            self._store.revision == validity.revision
            and len(validity.versions) == validity.size
            and self._failure is None
            and (has_caught_up or not validity.needs_term or self.is_current)
        )

    def restore(self, store: Store, position: int) -> None:
        """Continue with this state, which has the topic up to the position; before the replay has begun."""
        store.inherits_config = self.rules.inherits_config
        super().restore(store, position)
        self.conflict_watch = ConflictWatch(store, self.engines)

    async def index_texts(self) -> None:
        """Build the index of stored texts, or complete it: a primary needs it to give another spelling the same id."""
        async with self._indexing:
            index = self._store.fingerprints
            if index is None or not index.is_complete:
                index = await spellings.build_index(self._store)
            await spellings.index_long_texts(index, self.engines)

    async def _prepare_to_lead(self) -> None:
        await self.index_texts()

    def _apply(self, record: LogRecord) -> None:
        applied = apply.replay(self._store, record)
        if isinstance(applied, UnknownRecord):
            self._unknown_log.note(record.offset, applied)

    def _encode(self, planned: Sequence[Record]) -> list[tuple[bytes, bytes | None]]:
        """Return the bytes of the records; a key that the topic holds in another spelling keeps that spelling."""
        batch: list[tuple[bytes, bytes | None]] = []
        for record in planned:
            key, value = records.encode(record)
            keys = list(self._store.live_keys(key)) or [key]
            batch += [(other, None) for other in keys[1:]]
            batch.append((keys[0], value))
        return batch
