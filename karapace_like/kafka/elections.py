"""Retries of requests while the leader of a partition or the coordinator of a group is elected."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from karapace_like.errors import KafkaFailure

T = TypeVar("T")

_PASSING = frozenset(
    {
        "COORDINATOR_LOAD_IN_PROGRESS",
        "COORDINATOR_NOT_AVAILABLE",
        "FENCED_LEADER_EPOCH",
        "LEADER_NOT_AVAILABLE",
        "NOT_COORDINATOR",
        "NOT_LEADER_FOR_PARTITION",
        "UNKNOWN_LEADER_EPOCH",
    }
)
"""A partition's leader or a group's coordinator is being elected, as for a moment after their creation."""
_AGAIN_SECONDS = 0.05


async def retry_during_elections(attempt: Callable[[], Awaitable[T]], seconds: float) -> T:
    """Return the result of the attempt, repeated while a leader or coordinator is elected. Raises KafkaFailure.

    No attempt begins after so many seconds.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        try:
            return await attempt()
        except KafkaFailure as failure:
            if failure.name not in _PASSING or loop.time() > deadline:
                raise
        await asyncio.sleep(_AGAIN_SECONDS)
