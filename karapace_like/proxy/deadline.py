"""One time limit that many tasks share, with one timer for all of them: `asyncio.timeout` takes one for each.

Its part of a request that writes one record was 5 of 75 us.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class SharedDeadline:
    """Ends what takes longer than so many seconds. Made and used on one event loop."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()  # asked for each task, it would cost a call of the system
        self._ends: dict[asyncio.Task[Any], float] = {}
        """When each task's time is up: as all have the same, the first is the next."""
        self._expired: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def keep(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work, in time; raises TimeoutError. A task does one such work at a time."""
        loop = self._loop
        task = asyncio.current_task(loop)
        assert task is not None
        self._ends[task] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._expire)
        cancelled = task.cancelling()
        try:
            return await work
        except asyncio.CancelledError:
            if task in self._expired and task.uncancel() <= cancelled:
                raise TimeoutError from None
            raise
        finally:
            self._ends.pop(task, None)
            self._expired.discard(task)

    def _expire(self) -> None:
        """Cancel whose time is up, and come again for the next."""
        self._timer = None
        for task, end in list(self._ends.items()):
            if end > self._loop.time():
                self._timer = self._loop.call_at(end, self._expire)
                break
            del self._ends[task]
            self._expired.add(task)
            task.cancel()
