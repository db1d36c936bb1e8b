"""One process's copy of a state: replayed from the topic, and kept up to date.

Own records come back through `apply_batch`, like every other node's; nothing else changes the state. Kafka is behind
`Log` (`log.py`). Left out: what is written (`write_path.py`).
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from karapace_like.errors import ApiError, KafkaFailure, UnknownOutcomeFailure
from karapace_like.leadership import Takeover, Term
from karapace_like.records import LogEntry, RefusedEntriesError
from karapace_like.replication import errors
from karapace_like.replication.log import Log, LogRecord
from karapace_like.replication.position import Position, ReplayProgress
from karapace_like.replication.shared_progress import SharedProgress
from karapace_like.replication.write_availability import WriteAvailabilityBoard

logger = logging.getLogger(__name__)

S = TypeVar("S")
"""The state."""

_RETRY_SECONDS = 0.1
"""Pause before the topic's end is read again."""


class Replica(ABC, Generic[S]):
    """The state, its position, and the log that it follows. A subclass applies and encodes the records."""

    def __init__(self, log: Log, store: S, contents: str) -> None:
        """`contents` names what the topic holds, in messages: such as "schemas"."""
        self.board = WriteAvailabilityBoard()
        self.contents = contents
        self.term: Term | None = None
        """The term for which this process writes; None where it does not."""
        self._log = log
        self._store = store
        self._position = Position()
        self._replay_end: int | None = None
        self._has_begun = asyncio.Event()
        self._failure: str | None = None
        self._on_failure: Callable[[], object] = lambda: None
        self._shared_barrier: asyncio.Task[None] | None = None
        self._beside: Callable[[int], Awaitable[None]] | None = None
        self._lease_end = 0.0

    @abstractmethod
    def _apply(self, record: LogRecord) -> None:
        """Change the state as the record says; one that cannot be read changes nothing."""

    @abstractmethod
    def _encode(self, planned: Sequence[Any]) -> Sequence[LogEntry]:
        """Return the entries of planned records, in order; further ones may follow."""

    def explain_failure(self, failure: KafkaFailure) -> ApiError:
        """Return the error of a write that Kafka has refused."""
        return errors.store_failure(self.contents, failure.message, retriable=failure.retriable)

    @property
    def store(self) -> S:
        """The state, even before the replay has ended, for statistics. Responses use `read`."""
        return self._store

    @property
    def position(self) -> int:
        """The offset up to which the topic is applied."""
        return self._position.offset

    @property
    def progress(self) -> ReplayProgress:
        """The progress of the replay."""
        return ReplayProgress(position=self._position.offset, end=self._replay_end, is_ready=self._is_replayed)

    @property
    def failure(self) -> str | None:
        """Why this process gave up; None while it serves."""
        return self._failure

    def restore(self, store: S, position: int) -> None:
        """Continue with this state, which has the topic up to the position; before the replay has begun."""
        self._store = store
        self._position.move(position)

    def begin_replay(self, end: int) -> None:
        """Set the topic's end: reads are refused until the state has reached it."""
        self._replay_end = end
        self._has_begun.set()

    async def wait_until_replayed(self) -> None:
        """Return when the replay has reached its end."""
        await self._has_begun.wait()
        assert self._replay_end is not None
        await self.wait_until_applied(self._replay_end)

    def apply_batch(self, batch: Sequence[LogRecord], position: int) -> None:
        """Apply records in the topic's order; `position` is the offset up to which the topic is read now.

        A process that has given up applies nothing more: after half a batch its state would match no offset.
        Raises failures that are no fault of a record, such as MemoryError.
        """
        if self._failure is not None:
            return
        try:
            for record in batch:
                self._apply(record)
        except BaseException as error:
            # Not the fault of a record: other nodes can apply it and continue without this one.
            self.give_up(
                f"The {self.contents} topic could not be applied from offset {self._position.offset} on: {error!r}"
            )
            raise
        self._position.move(position)

    def give_up(self, reason: str) -> None:
        """Refuse all reads and writes from now on, because the topic is no longer the one that was read."""
        logger.error("%s", reason)
        self._failure = reason
        self._on_failure()

    def on_failure(self, do: Callable[[], object]) -> None:
        """Call `do` when this process gives up."""
        self._on_failure = do

    async def wait_until_applied(self, offset: int) -> None:
        """Return when the topic is applied up to the offset."""
        await self._position.wait_for(offset)

    def share_with(self, beside: Callable[[int], Awaitable[None]], shared: SharedProgress | None = None) -> None:
        """Answer a write only once `beside` returns: the node's other workers have applied up to the offset.

        `shared` holds the positions of all workers; None where there are no others.
        """
        self._beside, self._position.shared = beside, shared

    async def wait_until_applied_by_all_workers(self, offset: int) -> None:
        """Return when every worker of this node has applied up to the offset: the next request may reach any one."""
        await self.wait_until_applied(offset)
        if self._beside is not None:
            await self._beside(offset)

    async def catch_up(self) -> None:
        """Return when the state contains every write that was acknowledged before this call.

        During the lease of this node, its most advanced worker has them; otherwise the topic's end is read. Callers
        that arrive during such a read share the next one.
        """
        if self._position.shared is not None and self._has_lease:
            return await self.wait_until_applied(self._position.shared.furthest)
        begun_before = self._shared_barrier
        if begun_before is not None:
            await asyncio.wait([begun_before])
        if self._shared_barrier is begun_before:
            self._shared_barrier = asyncio.create_task(self.barrier())
        assert self._shared_barrier is not None
        return await asyncio.shield(self._shared_barrier)

    @property
    def is_readable(self) -> bool:
        """Whether `read` returns the state."""
        return self._failure is None and self._is_replayed

    def read(self) -> S:
        """Return the state, which callers must not change; raises 503 before the replay has ended."""
        if self._failure is not None:
            raise errors.topic_lost_error(self.contents, self._failure)
        if not self._is_replayed:
            raise errors.not_ready(self.contents, self._position.offset, self._replay_end)
        return self._store

    @property
    def _is_replayed(self) -> bool:
        return self._replay_end is not None and self._position.offset >= self._replay_end

    def extend_lease(self, until: float) -> None:
        """Extend the lease: if this process writes, no other node can before that time; see `Election`."""
        self._lease_end = until
        if self._position.shared is not None:
            self._position.shared.extend_lease(until if self.term is not None else 0.0)

    async def take_over(self, term: Term) -> Takeover:
        """Fence every earlier primary, and return what must be applied before the first write."""
        return await self._log.take_over(term)

    def mark_end(self) -> None:
        """Let readers see the topic's end, once what was written last is applied here."""
        self._log.mark()

    @property
    def _has_lease(self) -> bool:
        """Whether no other node can write now, by the lease of this node."""
        if self.term is not None:
            return self.term.has_lease()
        return self._position.shared is not None and self._position.shared.has_lease

    @property
    def is_current(self) -> bool:
        """Whether the state contains every acknowledged write."""
        return self._has_lease and self._position.is_furthest

    async def append(self, planned: Sequence[Any]) -> None:
        """Append the records and return when every worker of this node has applied them; for the write path only."""
        reached = self._position.offset
        try:
            end = await self._log.append(self._encode(planned))
        except RefusedEntriesError as refused:
            await self.wait_until_applied(refused.end)
            raise
        if end <= reached:
            reason = f"The {self.contents} topic ends before what was read from it: records were lost."
            self.give_up(reason)
            raise UnknownOutcomeFailure("OFFSET_OUT_OF_RANGE", reason)
        await self.wait_until_applied(end)
        self.mark_end()
        await self.wait_until_applied_by_all_workers(end)

    async def barrier(self) -> None:
        """Return when the state has reached the topic's end, retrying while Kafka is unavailable.

        An end before the applied position means that the topic has lost records: the call waits until this process has
        given up, or the topic has grown.
        """
        while True:
            reached = self._position.offset
            try:
                end = await self._log.end()
            except KafkaFailure as error:
                if not error.retriable:
                    raise
            else:
                if end >= reached:
                    return await self.wait_until_applied(end)
            await asyncio.sleep(_RETRY_SECONDS)
