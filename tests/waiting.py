"""Waiting for what must come: as long as it takes, and no longer than a test that hangs."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_SECONDS = 120.0
_PROBE_SECONDS = 0.05


def wait_until(holds: Callable[[], object]) -> None:
    """Return when the condition holds; blocks."""
    deadline = time.monotonic() + _SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(_PROBE_SECONDS)


async def until(found: Callable[[], Awaitable[T]]) -> T:
    """What is found, once that is true."""
    async with asyncio.timeout(_SECONDS):
        while not (answer := await found()):
            await asyncio.sleep(_PROBE_SECONDS)
    return answer
