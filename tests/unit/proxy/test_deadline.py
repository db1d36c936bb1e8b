"""One time limit for many tasks."""

import asyncio

import pytest

from karapace_like.proxy.deadline import SharedDeadline


async def test_each_task_that_takes_too_long_ends() -> None:
    """Also those that began while others were waiting; what is done in time is untouched."""
    deadline = SharedDeadline(0.02)
    first = [asyncio.create_task(deadline.keep(_forever())) for _ in range(3)]
    await asyncio.sleep(0.01)
    second = asyncio.create_task(deadline.keep(_forever()))
    assert await deadline.keep(_done()) == "done"
    ended = await asyncio.gather(*first, second, return_exceptions=True)
    assert [type(each) for each in ended] == [TimeoutError] * 4
    with pytest.raises(TimeoutError):  # the timer is there for who comes later, too
        await deadline.keep(_forever())


async def test_who_is_cancelled_hears_of_that_and_of_no_timeout() -> None:
    """The request's client has left."""
    deadline = SharedDeadline(60)
    task = asyncio.create_task(deadline.keep(_forever()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_failure_of_the_work_is_the_callers() -> None:
    """Not the deadline's."""
    with pytest.raises(LookupError):
        await SharedDeadline(60).keep(_failing())


async def _forever() -> None:
    await asyncio.Event().wait()


async def _done() -> str:
    return "done"


async def _failing() -> None:
    raise LookupError
