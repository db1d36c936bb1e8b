"""A replicated state that the service can do without: the cluster may refuse its topic."""

import asyncio
import contextlib
from abc import abstractmethod
from typing import TypeVar

from karapace_like.replication.replicated_state import ReplicatedState

S = TypeVar("S")


class OptionalState(ReplicatedState[S]):
    """The state; while its topic cannot be opened it has a problem, and decides what it answers."""

    _settled: asyncio.Event
    """Set once the state is known, or why it is not."""

    @abstractmethod
    def report_problem(
        self, problem: str | None, *, is_missing: bool = False, is_denied: bool = False, is_transient: bool = False
    ) -> None:
        """Report why the topic cannot be opened; None once it can be.

        `is_missing`: the topic does not exist. `is_denied`: Kafka's ACLs deny it. `is_transient`: another attempt may
        succeed soon.
        """
        ...

    async def wait_until_settled(self, seconds: float) -> None:
        """Return once the state is known, or it is known why it is not; after so many seconds in any case."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._settled.wait()
