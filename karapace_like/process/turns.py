"""A long loop on the event loop that yields to other tasks, by the time that it took instead of by a count."""

import asyncio
import time

_SECONDS = 0.02
"""How long a loop may run at once: records of one request differ a thousandfold in what they cost."""


class Turn:
    """The turn of one task: check `is_over` in each round, and then `yield_to_others`."""

    def __init__(self) -> None:
        self._end = time.monotonic() + _SECONDS

    def is_over(self) -> bool:
        """Return whether others should have their turn."""
        return time.monotonic() >= self._end

    async def yield_to_others(self) -> None:
        """Wait until the other tasks have had their turn, and begin the next one."""
        await asyncio.sleep(0)
        self._end = time.monotonic() + _SECONDS
