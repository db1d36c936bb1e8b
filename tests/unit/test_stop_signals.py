"""The signals that end a node, sent to this process."""

import asyncio
import os
import signal

from karapace_like.serve.stop_signals import StopSignals


async def test_a_second_signal_ends_the_delay_and_a_third_one_the_process() -> None:
    """The delay would be ten minutes."""
    told: list[str] = []
    ended: asyncio.Queue[int] = asyncio.Queue()
    signals = StopSignals(told.append, ended.put_nowait)
    os.kill(os.getpid(), signal.SIGTERM)
    await signals.received.wait()
    delaying = asyncio.create_task(signals.delay_stop(600, lambda: told.append("announced")))
    while len(told) < 2:
        await asyncio.sleep(0)
    assert told == [
        "announced",
        "Not ready any more; requests are served for another 600 s (setting shutdown_delay_ms)",
    ]
    os.kill(os.getpid(), signal.SIGINT)
    await delaying
    os.kill(os.getpid(), signal.SIGINT)
    assert await ended.get() == signal.SIGINT


async def test_a_second_signal_ends_the_process_where_there_is_no_delay() -> None:
    ended: asyncio.Queue[int] = asyncio.Queue()
    signals = StopSignals(lambda _: None, ended.put_nowait)
    os.kill(os.getpid(), signal.SIGTERM)
    await signals.received.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    assert await ended.get() == signal.SIGTERM


async def test_the_delay_ends_by_itself() -> None:
    told: list[str] = []
    await StopSignals(lambda _: None).delay_stop(0.01, lambda: told.append("announced"))
    assert told == ["announced"]


async def test_without_a_delay_nothing_is_announced() -> None:
    told: list[str] = []
    await StopSignals(told.append).delay_stop(0, lambda: told.append("announced"))
    assert told == []
