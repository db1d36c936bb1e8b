"""The position up to which a topic is applied, and waiting for a later one."""

import asyncio
from dataclasses import dataclass

from karapace_like.replication.shared_progress import SharedProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayProgress:
    """The progress of the replay."""

    position: int
    """The offset up to which the topic is applied."""
    end: int | None
    """The topic's end when the replay began; None before it is known."""
    is_ready: bool
    """Whether the replay has reached that end."""


class Position:
    """The offset up to which this process has applied the topic."""

    def __init__(self, shared: SharedProgress | None = None) -> None:
        """`shared` holds the positions of all workers of this node; None where there is only one."""
        self.offset = 0
        self.shared = shared
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []

    @property
    def is_furthest(self) -> bool:
        """Whether no other worker of the node is ahead."""
        return self.shared is None or self.offset >= self.shared.furthest

    def move(self, offset: int) -> None:
        """Set the position: the topic is applied up to this offset."""
        self.offset = offset
        if self.shared is not None:
            self.shared.reach(offset)
        reached = [waiter for wanted, waiter in self._waiters if wanted <= offset]
        self._waiters = [(wanted, waiter) for wanted, waiter in self._waiters if wanted > offset]
        for waiter in reached:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_for(self, offset: int) -> None:
        """Return when the topic is applied up to this offset."""
        if self.offset >= offset:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append((offset, waiter))
        await waiter
