"""The only process of a node: it serves until a signal stops it."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from karapace_like.config import Settings
from karapace_like.serve.announcement import announce_ready
from karapace_like.serve.election_member import ReportProgress
from karapace_like.serve.listeners import ListeningSocket, format_urls
from karapace_like.serve.process_role import ProcessRole
from karapace_like.serve.service import start_service
from karapace_like.serve.stop_signals import StopSignals


def run(
    settings: Settings,
    sockets: Sequence[ListeningSocket],
    progress: ReportProgress,
    data_folder: Path | None = None,
) -> None:
    """Serve at these sockets, in this process, until SIGINT or SIGTERM.

    `data_folder` is that of the embedded Kafka, for the announcement. Raises KafkaFailure.
    """
    progress(f"Listening at {format_urls(sockets)}")
    announcement = announce_ready(settings, sockets, data_folder)
    with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
        runner.run(_serve(settings, ProcessRole(sockets), progress, announcement))


async def _serve(settings: Settings, role: ProcessRole, progress: ReportProgress, announcement: str) -> None:
    signals = StopSignals(progress)
    async with start_service(settings, role, progress) as service:
        await service.run_until(signals.received, lambda: progress(announcement))
        if service.ready.done():
            await signals.delay_stop(settings.shutdown_delay_ms / 1000, service.announce_stop)
        progress("Stopping")


def find_loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the factory of uvloop's event loop; None on Windows, where asyncio's own is used."""
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not available on every platform

    return uvloop.new_event_loop
