"""Requests are repeated while a leader or a coordinator is elected, and for no other reason."""

from collections.abc import Awaitable, Callable

import pytest

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.elections import retry_during_elections


def fail_first(*names: str) -> tuple[list[str], Callable[[], Awaitable[str]]]:
    """Return the failures that are left, and an attempt that raises them in order before it succeeds."""
    left = list(names)

    async def attempt() -> str:
        if left:
            raise KafkaFailure(left.pop(0), "why", retriable=True)
        return "done"

    return left, attempt


@pytest.mark.parametrize(
    "name", ["UNKNOWN_LEADER_EPOCH", "LEADER_NOT_AVAILABLE", "NOT_LEADER_FOR_PARTITION", "COORDINATOR_NOT_AVAILABLE"]
)
async def test_an_election_is_waited_for(name: str) -> None:
    left, attempt = fail_first(name, name)
    assert await retry_during_elections(attempt, 10) == "done"
    assert not left


@pytest.mark.parametrize(
    ("name", "seconds"), [("_TIMED_OUT", 10), ("TOPIC_AUTHORIZATION_FAILED", 10), ("NOT_COORDINATOR", -1)]
)
async def test_what_no_election_causes_or_lasts_too_long_is_raised(name: str, seconds: float) -> None:
    left, attempt = fail_first(name, name)
    with pytest.raises(KafkaFailure, match="why"):
        await retry_during_elections(attempt, seconds)
    assert left == [name]
