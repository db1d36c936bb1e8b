"""A process that only serves: it does until it is told to stop."""

import asyncio
import signal
import sys
from collections.abc import Callable

from karapace_like import listening, logs
from karapace_like.config import Settings
from karapace_like.serve.place import Place
from karapace_like.serve.service import running
from karapace_like.serve.taking_part import Progress


def run(settings: Settings, progress: Progress) -> None:
    """Serve in this process until SIGINT or SIGTERM; raises KafkaFailure, OSError if an address is taken."""
    logs.configure(settings.log_level, settings.log_format)
    doors = listening.opened(settings.addresses)
    progress(f"Listening at {listening.urls(doors)}")
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(settings, Place(doors), progress))


async def _serve(settings: Settings, place: Place, progress: Progress) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    urls = listening.urls(place.doors)
    async with running(settings, place, progress) as service:
        await service.until(stopping, lambda: progress(f"Ready at {urls}"))
        progress("Stopping")


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Of the fastest event loop that there is."""
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not available on every platform

    return uvloop.new_event_loop
