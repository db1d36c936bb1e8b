"""Timers that repeat: those of the kernel, and those of the event loop, which other systems have."""

import asyncio
import resource
import sys
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path

import pytest

from karapace_like.kafka.fine_timer import KernelTimer, LoopTimer, RepeatingTimer, create_timer
from tests.waiting import until

NEVER = 3_600.0
OFTEN = 0.0002

KERNEL = pytest.param(
    KernelTimer, marks=pytest.mark.skipif(sys.platform != "linux", reason="These timers are those of Linux.")
)
CreateTimer = Callable[[Callable[[], None]], RepeatingTimer]
request_of = ContextVar("request_of", default="none")


def count_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("create", [KERNEL, LoopTimer])
async def test_a_timer_calls_at_intervals_until_it_is_closed(create: CreateTimer) -> None:
    calls: list[str] = []
    request_of.set("a request")
    timer = create(lambda: calls.append(request_of.get()))
    timer.repeat(NEVER)
    timer.repeat(OFTEN)

    async def has_called_often() -> bool:
        return len(calls) >= 3

    await until(has_called_often)
    assert set(calls) == {"none"}, "what it calls belongs to no request"
    timer.close()
    before = len(calls)
    await asyncio.sleep(20 * OFTEN)
    assert len(calls) == before


@pytest.mark.parametrize("create", [KERNEL, LoopTimer])
async def test_a_longer_interval_replaces_the_one_before(create: CreateTimer) -> None:
    calls: list[None] = []
    timer = create(lambda: calls.append(None))
    timer.repeat(OFTEN)

    async def has_called() -> bool:
        return bool(calls)

    await until(has_called)
    timer.repeat(NEVER)
    before = len(calls)
    await asyncio.sleep(20 * OFTEN)
    assert len(calls) == before
    timer.close()


@pytest.mark.skipif(sys.platform != "linux", reason="These timers are those of Linux.")
async def test_a_closed_timer_of_the_kernel_has_no_descriptor() -> None:
    before = count_descriptors()
    timer = create_timer(lambda: None)
    assert isinstance(timer, KernelTimer)
    assert count_descriptors() == before + 1
    timer.close()
    assert count_descriptors() == before


@pytest.mark.skipif(sys.platform != "linux", reason="These timers are those of Linux.")
async def test_an_interval_that_the_kernel_refuses_is_an_error() -> None:
    timer = create_timer(lambda: None)
    with pytest.raises(OSError, match="Invalid argument"):
        timer.repeat(-1)
    timer.close()


@pytest.mark.skipif(sys.platform != "linux", reason="These timers are those of Linux.")
async def test_where_the_kernel_gives_no_timer_the_event_loop_has_one() -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        timer = create_timer(lambda: None)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert isinstance(timer, LoopTimer)
    timer.close()
