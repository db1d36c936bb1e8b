"""Heavy work leaves the event loop, is done once, and its errors come back each time."""

import asyncio
import threading

import pytest

from karapace_like.registry.remembering import off_the_loop, remembered
from karapace_like.schema.model import InvalidSchemaError


async def test_work_is_done_once_and_on_another_thread() -> None:
    """However many calls ask for it, one after the other."""
    threads: list[str] = []

    @remembered(10)
    def double(number: int) -> int:
        threads.append(threading.current_thread().name)
        return number * 2

    @off_the_loop
    async def handler(number: int) -> int:
        return double(number) + double(number + 1)

    assert [await handler(1), await handler(1)] == [6, 6]
    assert len(threads) == 2
    assert threading.current_thread().name not in threads


async def test_light_work_is_done_at_once() -> None:
    """A thread would cost more than the work."""
    threads: list[str] = []

    @remembered(10, is_light=lambda number: number < 5)
    def double(number: int) -> int:
        threads.append(threading.current_thread().name)
        return number * 2

    @off_the_loop
    async def handler(number: int) -> int:
        return double(number)

    assert [await handler(each) for each in (1, 1, 9)] == [2, 2, 18]
    here = threading.current_thread().name
    assert [each == here for each in threads] == [True, False]


async def test_the_event_loop_goes_on_meanwhile() -> None:
    """A call that waits for heavy work does not hold up others."""
    released = threading.Event()

    @remembered(10)
    def wait() -> bool:
        return released.wait(30)

    @off_the_loop
    async def handler() -> bool:
        return wait()

    waiting = asyncio.create_task(handler())
    await asyncio.sleep(0)
    assert not waiting.done()
    released.set()
    assert await waiting


async def test_a_refusal_is_remembered_too() -> None:
    """It is raised again, without being found out again."""
    calls: list[str] = []

    @remembered(10)
    def refuse(text: str) -> str:
        calls.append(text)
        raise InvalidSchemaError(text)

    @off_the_loop
    async def handler() -> str:
        return refuse("no schema")

    for _ in range(2):
        with pytest.raises(InvalidSchemaError, match="no schema"):
            await handler()
    assert calls == ["no schema"]


def test_only_so_many_outcomes_are_kept() -> None:
    """The ones that were used last."""
    calls: list[int] = []

    @remembered(2)
    def note(number: int) -> int:
        calls.append(number)
        return number

    for number in (1, 2, 1, 3, 1, 2):
        note(number)
    assert calls == [1, 2, 3, 2]
