"""How those that wait for records are woken: counted in looks, which cost the same however many wait."""

import asyncio
from collections import Counter
from functools import partial

import pytest

from karapace_like.kafka.arrivals import Arrivals

WAITING = 100


async def test_one_timer_looks_for_all_that_wait() -> None:
    """A hundred waits take as many looks of the timer as one, and only what has arrived wakes its task."""
    arrivals, looks, arrived = Arrivals(), Counter[int](), set[int]()

    def look(number: int) -> bool:
        looks[number] += 1
        return number in arrived

    waits = [asyncio.create_task(arrivals.wait(partial(look, number))) for number in range(WAITING)]
    await asyncio.sleep(0)
    arrived.add(7)
    await waits[7]
    assert [wait.done() for wait in waits].count(True) == 1
    arrived |= set(range(WAITING))
    await asyncio.gather(*waits)
    assert arrivals.rounds == 2
    assert looks == {number: 1 if number == 7 else 2 for number in range(WAITING)}


async def test_no_timer_runs_while_nobody_waits() -> None:
    """Nor after the last that waited was cancelled, and a failure is its own only."""
    arrivals = Arrivals()
    cancelled = asyncio.create_task(arrivals.wait(lambda: False))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait({cancelled})
    failing, other = asyncio.create_task(arrivals.wait(fail)), asyncio.create_task(arrivals.wait(lambda: True))
    with pytest.raises(ZeroDivisionError):
        await failing
    await other
    assert arrivals.rounds == 1


def fail() -> bool:
    raise ZeroDivisionError
