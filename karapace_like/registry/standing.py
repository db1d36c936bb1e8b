"""Who writes, as far as this process knows, and waiting for that to change."""

import asyncio
import enum
from typing import NamedTuple


class Role(enum.Enum):
    """What a process does about writes."""

    FOLLOWER = "follower"
    """Pass them to the node that is the primary."""
    PRIMARY = "primary"
    WORKER = "worker"
    """Pass them to the worker that holds this node's part in the election: it writes, or passes them to the primary."""
    LEAVING = "leaving"
    """It has left the election for good, and will not hear of another primary."""


class Standing(NamedTuple):
    """One process's place among the others."""

    role: Role = Role.FOLLOWER
    primary: str | None = None
    """The address to which writes are passed; None where none is known, or this process writes."""


class StandingBoard:
    """Where the current standing is read, and where changes of it are waited for."""

    def __init__(self) -> None:
        self.current = Standing()
        self._changed = asyncio.Event()

    def post(self, standing: Standing) -> None:
        """Change the standing and wake who waits."""
        if standing != self.current:
            self.current = standing
            self._changed.set()
            self._changed = asyncio.Event()

    async def other_than(self, seen: Standing) -> Standing:
        """The standing, once it is not the one that was seen."""
        while self.current == seen:
            await self._changed.wait()
        return self.current
