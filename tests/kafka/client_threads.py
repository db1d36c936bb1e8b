"""How many of Kafka's clients there are in this process."""

import asyncio
import gc
from contextlib import suppress
from pathlib import Path


def clients() -> int:
    """Of librdkafka; each has one main thread."""
    return sum(map(_is_main_thread_of_client, Path("/proc/self/task").iterdir()))


def _is_main_thread_of_client(thread: Path) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
        return (thread / "comm").read_text() == "rdk:main\n"
    return False


async def settled_clients() -> int:
    """How many there are once those of earlier tests are gone: a client goes with the last who knows it."""
    before = -1
    while before != clients():
        gc.collect()
        before = clients()
        await asyncio.sleep(0.3)
    return before
