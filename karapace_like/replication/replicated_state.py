"""A replicated state: its callers read it, or change it by a write; by the election it leads or follows.

`replica.py` holds the state, and `write_path.py` writes to the topic.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from karapace_like.leadership import Term
from karapace_like.replication.batches import AddDraft
from karapace_like.replication.log import Log
from karapace_like.replication.replica import Replica
from karapace_like.replication.write_availability import WriteAvailability, WriteRole
from karapace_like.replication.write_path import WritePath, WriteStatistics
from karapace_like.replication.writes import Forwarder, WriteOutcome, WriteRequest

logger = logging.getLogger(__name__)

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")

DEFAULT_MAX_WAITING = 1_000


def refuse_drafts(_: object) -> AbstractContextManager[AddDraft]:
    """Let every write be appended alone: for a state whose plans depend on each other in any way."""
    return nullcontext(lambda _: False)


class ReplicatedState(Replica[S]):
    """The state and the only way to change it."""

    def __init__(
        self,
        log: Log,
        store: S,
        contents: str,
        *,
        pin_engines: Callable[[], Any] = lambda: None,
        draft: Callable[[S], AbstractContextManager[AddDraft]] = refuse_drafts,
        write_timeout: float = 60.0,
        max_waiting: int = DEFAULT_MAX_WAITING,
    ) -> None:
        """`pin_engines` and `draft`: see `WritePath`. `max_waiting` limits the writes that wait for the next batch.

        `write_timeout` is in seconds, from the barrier of a write until it is applied.
        """
        super().__init__(log, store, contents)
        self._waits_for_primary = True
        self._writes: WritePath[S, Any] = WritePath(
            self, pin_engines, draft, timeout=write_timeout, max_waiting=max_waiting
        )

    @property
    def write_statistics(self) -> WriteStatistics:
        """Statistics of the writes of this process since it started."""
        return self._writes.statistics

    def follow(self, primary: str | None) -> None:
        """Follow the primary at this URL; None while no primary is known."""
        is_leaving = primary is None and not self._waits_for_primary
        self.board.post(WriteAvailability(WriteRole.LEAVING if is_leaving else WriteRole.FOLLOWER, primary))

    def stop_waiting_for_primary(self) -> None:
        """Let writes fail at once while no primary is known, though this process is still in the election."""
        self._waits_for_primary = False
        if self.board.current == WriteAvailability():
            self.leave()

    def follow_local_primary(self, writer: str | None) -> None:
        """Forward writes to the worker of this node that takes part in the election; None while that is starting."""
        self.board.post(WriteAvailability() if writer is None else WriteAvailability(WriteRole.WORKER, writer))

    def leave(self) -> None:
        """Leave the election; writes that wait for a primary fail at once."""
        self.board.post(WriteAvailability(WriteRole.LEAVING))

    async def lead(self, term: Term) -> None:
        """Write for this term, until cancelled; raises DeposedError once another node has taken over."""
        now = asyncio.get_running_loop().time
        elected = now()

        def begin() -> None:
            self.extend_lease(self._lease_end)
            self.board.post(WriteAvailability(WriteRole.PRIMARY))
            logger.info("Writes of %s are accepted %.2f s after the election", self.contents, now() - elected)

        await self.wait_until_replayed()
        await self._prepare_to_lead()
        try:
            await self._writes.lead(term, begin)
        finally:
            self.extend_lease(0.0)
            self.follow(None)

    async def write(self, request: WriteRequest[T], forwarder: Forwarder[R]) -> WriteOutcome[T, R]:
        """Carry out a change here, or at the primary if this node may not write; see `WritePath.write`.

        Every node answers a request that changes nothing: the primary's workers at once during their lease, all others
        once they have caught up.
        """
        return await self._writes.write(request, forwarder)

    async def _prepare_to_lead(self) -> None:
        """Do what the first plan of a term needs."""
