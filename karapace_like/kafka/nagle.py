"""Nagle's algorithm for records: what comes while others are unacknowledged waits for them, and is sent together.

So a batch is as large as the time that brokers take makes it (RFC 896), and an idempotent client has nothing to send
before it may (ADR 13). Calls that write to different topics do not wait for each other.
"""

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final, NamedTuple

_PATIENCE: Final = 0.005
"""Seconds for which a call waits at most: the partition of those before it may have no leader."""


class Nagle:
    """Begins the calls of one client in groups. Used on the event loop."""

    def __init__(self, *, is_ticking: bool) -> None:
        """`is_ticking`: whether `tick` is called at short intervals, until which the first call waits for others."""
        self._is_ticking = is_ticking
        self._unacknowledged: dict[str, int] = {}
        """Topic -> how many calls have begun and not ended."""
        self._waiting: dict[str, _Group] = {}
        """Topic -> the calls that begin next."""

    def enter(self, topic: str, begin: Callable[[], object]) -> None:
        """Begin the call, now or later; `leave` has to be called at its end."""
        if (group := self._waiting.get(topic)) is not None:
            group.calls.append(begin)
        elif self._is_ticking or topic in self._unacknowledged:
            self._waiting[topic] = _Group(monotonic(), [begin])
        else:
            self._begin(topic, [begin])

    def leave(self, topic: str) -> None:
        """Note the end of a call that has begun; after the last one, those begin that wait for it."""
        if count := self._unacknowledged[topic] - 1:
            self._unacknowledged[topic] = count
            return
        del self._unacknowledged[topic]
        if (group := self._waiting.pop(topic, None)) is not None:
            self._begin(topic, group.calls)

    def tick(self) -> None:
        """Begin those that wait for nothing, or for too long."""
        if not self._waiting:
            return
        overdue = monotonic() - _PATIENCE
        for topic, group in list(self._waiting.items()):
            if topic not in self._unacknowledged or group.since < overdue:
                del self._waiting[topic]
                self._begin(topic, group.calls)

    def _begin(self, topic: str, calls: Sequence[Callable[[], object]]) -> None:
        self._unacknowledged[topic] = self._unacknowledged.get(topic, 0) + len(calls)
        for begin in calls:
            begin()


class _Group(NamedTuple):
    """Calls that wait for the same."""

    since: float
    calls: list[Callable[[], object]]
