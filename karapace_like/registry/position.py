"""How far the state has come in the schemas topic, and waiting for it to come further."""

import asyncio
from dataclasses import dataclass

from karapace_like.shared_progress import SharedProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the state has come."""

    position: int
    """The offset up to which the topic is applied."""
    end: int | None
    """The topic's end when the replay began; None before it is known."""

    @property
    def is_ready(self) -> bool:
        """Whether the replay has reached that end."""
        return self.end is not None and self.position >= self.end


class Position:
    """The offset up to which this process has applied the topic."""

    def __init__(self, shared: SharedProgress | None = None) -> None:
        """`shared` is how this node's workers know of each other's; None where there is only one."""
        self.offset = 0
        self.shared = shared
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []

    @property
    def is_furthest(self) -> bool:
        """Whether no worker of the node has come further."""
        return self.shared is None or self.offset >= self.shared.furthest

    def move(self, offset: int) -> None:
        """The topic is applied so far now."""
        self.offset = offset
        if self.shared is not None:
            self.shared.reach(offset)
        reached = [waiter for wanted, waiter in self._waiters if wanted <= offset]
        self._waiters = [(wanted, waiter) for wanted, waiter in self._waiters if wanted > offset]
        for waiter in reached:
            if not waiter.done():
                waiter.set_result(None)

    async def reached(self, offset: int) -> None:
        """Return when the topic is applied so far."""
        if self.offset >= offset:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append((offset, waiter))
        await waiter
