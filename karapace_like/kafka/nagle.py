"""Nagle's algorithm for records: what comes while others are unacknowledged waits for them, and is sent together.

So a batch is as large as the time that brokers take makes it (RFC 896), and an idempotent client has nothing to send
before it may (ADR 13). Calls that write to different topics do not wait for each other.
"""

import asyncio
from time import monotonic
from typing import Final

_PATIENCE: Final = 0.005
"""Seconds for which a call waits at most: the partition of those before it may have no leader."""


class Nagle:
    """Lets the calls of one client pass in groups. Used on the event loop."""

    def __init__(self, *, is_ticking: bool) -> None:
        """`is_ticking`: whether `tick` is called at short intervals, until which the first call waits for others."""
        self._is_ticking = is_ticking
        self._unacknowledged: dict[str, int] = {}
        """Topic -> how many calls have passed and not ended."""
        self._waiting: dict[str, _Group] = {}
        """Topic -> the calls that pass next."""

    async def enter(self, topic: str) -> None:
        """Wait until the call may pass; `leave` has to be called at its end."""
        if self._is_ticking or topic in self._unacknowledged:
            group = self._waiting.get(topic) or self._waiting.setdefault(topic, _Group())
            await group.join()
        self._unacknowledged[topic] = self._unacknowledged.get(topic, 0) + 1

    def leave(self, topic: str) -> None:
        """Note the end of a call that has passed; the last one lets those pass that wait."""
        if count := self._unacknowledged[topic] - 1:
            self._unacknowledged[topic] = count
            return
        del self._unacknowledged[topic]
        if (group := self._waiting.pop(topic, None)) is not None:
            group.release()

    def tick(self) -> None:
        """Let those pass that wait for nothing, or for too long."""
        if not self._waiting:
            return
        overdue = monotonic() - _PATIENCE
        for topic, group in list(self._waiting.items()):
            if topic not in self._unacknowledged or group.begun < overdue:
                del self._waiting[topic]
                group.release()


class _Group:
    """Calls that wait for the same."""

    __slots__ = ("_passes", "begun")

    def __init__(self) -> None:
        self.begun = monotonic()
        self._passes: list[asyncio.Future[None]] = []
        """One for each, since a call that is cancelled cancels its own."""

    async def join(self) -> None:
        passes = asyncio.get_running_loop().create_future()
        self._passes.append(passes)
        await passes

    def release(self) -> None:
        for passes in self._passes:
            if not passes.done():
                passes.set_result(None)
