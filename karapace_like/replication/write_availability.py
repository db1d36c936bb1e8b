"""Whether this process can write, or which node can, and waiting for a change."""

import asyncio
import enum
from typing import NamedTuple


class WriteRole(enum.Enum):
    """What a process does with writes."""

    FOLLOWER = "follower"
    """Forwards them to the primary."""
    PRIMARY = "primary"
    WORKER = "worker"
    """Forwards them to the worker that takes part in the election for this node."""
    LEAVING = "leaving"
    """Has left the election for good and learns of no other primary."""


class WriteAvailability(NamedTuple):
    """The role of this process, and the primary that it knows."""

    role: WriteRole = WriteRole.FOLLOWER
    primary: str | None = None
    """The address to which writes are forwarded; None where none is known, or this process writes."""


class WriteAvailabilityBoard:
    """Holds the current availability of writes, and lets callers wait for a change."""

    def __init__(self) -> None:
        self.current = WriteAvailability()
        self._changed = asyncio.Event()

    def post(self, standing: WriteAvailability) -> None:
        """Publish an availability and wake the callers that wait."""
        if standing != self.current:
            self.current = standing
            self._changed.set()
            self._changed = asyncio.Event()

    async def wait_for_change_from(self, seen: WriteAvailability) -> WriteAvailability:
        """Return the availability once it differs from the one that the caller has seen."""
        while self.current == seen:
            await self._changed.wait()
        return self.current

    async def wait_for_other_primary(self, seen: WriteAvailability) -> None:
        """Return once writes are no longer for the primary that the caller has seen, as far as this process learns."""
        while (await self.wait_for_change_from(seen)).role is WriteRole.LEAVING:
            seen = self.current
