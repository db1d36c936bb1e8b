"""The DEK registry of the service: keys replicated through a topic of their own, which the primary writes.

Where Kafka does not let the service use the topic, the registry answers 503 with the reason, and nothing else is hurt.
"""

import asyncio
from collections.abc import Sequence

from karapace_like.keys import errors, records
from karapace_like.keys.records import MARK, KeyRecord
from karapace_like.keys.store import KeyStore
from karapace_like.replication.log import Log, LogRecord
from karapace_like.replication.optional_state import OptionalState
from karapace_like.replication.replicated_state import DEFAULT_MAX_WAITING


class DekRegistry(OptionalState[KeyStore]):
    """The keys, and the only way to change them."""

    def __init__(self, log: Log, *, write_timeout: float = 60.0, max_waiting: int = DEFAULT_MAX_WAITING) -> None:
        """`write_timeout` and `max_waiting`: see `ReplicatedState`."""
        super().__init__(log, KeyStore(), "keys", write_timeout=write_timeout, max_waiting=max_waiting)
        self._problem: str | None = None
        self._settled = asyncio.Event()

    def read(self) -> KeyStore:
        """Return the keys; raises ApiError 503 before the topic is replayed, and where it cannot be used."""
        if self._problem is not None:
            raise errors.unavailable(self._problem)
        return super().read()

    def report_problem(
        self,
        problem: str | None,
        *,
        is_missing: bool = False,  # noqa: ARG002 - keys are not served without their topic
        is_denied: bool = False,  # noqa: ARG002
        is_transient: bool = False,
    ) -> None:
        """Report why the topic cannot be opened: until it can be, keys are neither read nor written."""
        self._problem = problem
        if problem is not None and not is_transient:
            self._settled.set()

    async def wait_until_replayed(self) -> None:
        """See `Replica`."""
        await super().wait_until_replayed()
        self._settled.set()

    @property
    def warnings(self) -> list[str]:
        """Sentences for operators: why keys are not served, and which records cannot be read."""
        warnings = [reason for reason in (self._failure, self._problem) if reason is not None]
        if self._store.unknown:
            warnings.append(f"{self._store.unknown} records of the keys topic cannot be read, and have no effect.")
        return warnings

    def _apply(self, record: LogRecord) -> None:
        key = records.decode(record.key, record.value)
        if key is None:
            self._store.unknown += 1
        elif record.key != MARK:
            self._store.apply(key, record.timestamp, record.offset)

    def _encode(self, planned: Sequence[KeyRecord]) -> list[tuple[bytes, bytes | None]]:
        return [records.encode(record) for record in planned]
