"""Waiting for records: one timer looks for the arrivals of all consumers that wait in this process.

The Kafka client reports arrivals to no event loop. A look at one client takes some 8 µs.
"""

import asyncio
from collections.abc import Callable

_INTERVAL_SECONDS = 0.02
"""The time between two looks."""
_SECONDS_PER_WAITING = 0.00025
"""The interval for each that waits, where there are many: at most 4,000 looks a second in all."""


class Arrivals:
    """The waits of one event loop."""

    def __init__(self) -> None:
        self.rounds = 0
        """How often the timer has looked."""
        self._waits: dict[asyncio.Future[None], Callable[[], bool]] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, is_over: Callable[[], bool]) -> None:
        """Return once `is_over`, called at each look, is true; raise what it raises. It must not wait."""
        wait = asyncio.get_running_loop().create_future()
        self._waits[wait] = is_over
        self._schedule()
        try:
            await wait
        finally:
            self._waits.pop(wait, None)
            if not self._waits and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _schedule(self) -> None:
        if self._timer is None and self._waits:
            interval = max(_INTERVAL_SECONDS, len(self._waits) * _SECONDS_PER_WAITING)
            self._timer = asyncio.get_running_loop().call_later(interval, self._look)

    def _look(self) -> None:
        self._timer = None
        self.rounds += 1
        for wait, is_over in list(self._waits.items()):
            if wait.done():
                continue  # it was cancelled
            try:
                if is_over():
                    wait.set_result(None)
            except Exception as error:  # noqa: BLE001 - the waiting call raises it
                wait.set_exception(error)
            if wait.done():
                del self._waits[wait]
        self._schedule()
