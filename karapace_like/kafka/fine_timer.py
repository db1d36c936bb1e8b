"""A repeating timer of the event loop that may be finer than a millisecond.

Event loops round their timers up to milliseconds (libuv's clock, asyncio's epoll), so that one of a millisecond takes
up to two. On Linux the kernel's timers are descriptors, which a loop watches as it does sockets: timerfd_create(2).
"""

import asyncio
import contextvars
import ctypes
import os
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

_ITIMERSPEC: Final = struct.Struct("llll")
"""Interval and first expiration, in seconds and nanoseconds each."""
_EXPIRATIONS_BYTES: Final = 8
_RELATIVE: Final = 0


class RepeatingTimer(Protocol):
    """Calls a function at intervals, on the event loop and in a context of its own."""

    def repeat(self, seconds: float) -> None:
        """Call at this interval from now on, instead of at the one before."""
        ...

    def close(self) -> None:
        """Call no more; the timer cannot be used again."""
        ...


def create_timer(call: Callable[[], None]) -> RepeatingTimer:
    """Return the finest timer that there is here, which is not running yet. `call` must not raise."""
    if sys.platform == "linux":
        with suppress(OSError):  # no descriptor is left, or a sandbox forbids the call
            return KernelTimer(call)
    return LoopTimer(call)


class KernelTimer:
    """A timer of Linux, in nanoseconds."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._check(self._libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC))
        self._loop = asyncio.get_running_loop()
        contextvars.Context().run(self._loop.add_reader, self._descriptor, self._expire)

    def repeat(self, seconds: float) -> None:
        """See `RepeatingTimer`."""
        whole, nanoseconds = divmod(round(seconds * 1e9), 1_000_000_000)
        spec = _ITIMERSPEC.pack(whole, nanoseconds, whole, nanoseconds)
        self._check(self._libc.timerfd_settime(self._descriptor, _RELATIVE, spec, None))

    def close(self) -> None:
        """See `RepeatingTimer`."""
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _expire(self) -> None:
        try:
            os.read(self._descriptor, _EXPIRATIONS_BYTES)
        except BlockingIOError:  # the interval was set anew since the loop saw the descriptor
            return
        self._call()

    @staticmethod
    def _check(result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result


class LoopTimer:
    """A timer of the event loop, in milliseconds."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.Context()
        self._seconds = 0.0
        self._next: asyncio.TimerHandle | None = None

    def repeat(self, seconds: float) -> None:
        """See `RepeatingTimer`."""
        self.close()
        self._seconds = seconds
        self._next = self._loop.call_later(seconds, self._expire, context=self._context)

    def close(self) -> None:
        """See `RepeatingTimer`."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _expire(self) -> None:
        self._next = self._loop.call_later(self._seconds, self._expire, context=self._context)
        self._call()
