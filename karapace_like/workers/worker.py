"""One worker: `python -m karapace_like.workers.worker`, started by the supervisor with its orders on standard input.

It ends in order at SIGTERM and when the pipe from the supervisor ends, and at once if that takes too long then:
nothing outlives the supervisor. Ctrl-C reaches every process of a terminal, and is the supervisor's to act upon.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from karapace_like import logs
from karapace_like.config import ConfigError
from karapace_like.errors import KafkaFailure
from karapace_like.listening import Door
from karapace_like.ownership import Owner
from karapace_like.serve import Place, Service, loop_factory, running
from karapace_like.shared_progress import SharedProgress
from karapace_like.workers.messages import Failed, Member, Neighbours, Orders, Ready, ToSupervisor, encode, to_worker

logger = logging.getLogger(__name__)

_ORPHAN_SECONDS = 30.0
_PIPE_BYTES = 65_536


class _Supervisor:
    """The pipes to it."""

    def __init__(self, heard: int, said: BinaryIO) -> None:
        self._lines = _lines(heard)
        self._said = said
        self.is_gone = False
        """Whether it has ended before this worker."""

    def orders(self) -> Orders:
        """The first that it says."""
        found = to_worker(next(self._lines))
        assert isinstance(found, Orders)
        return found

    def say(self, message: ToSupervisor) -> None:
        """Tell it something; nobody hears it if it has just ended."""
        try:
            self._said.write(encode(message))
        except OSError:
            logger.debug("The supervisor has ended")

    def listen(
        self, loop: asyncio.AbstractEventLoop, heard: asyncio.Queue[Neighbours], stopping: asyncio.Event
    ) -> None:
        """Hand over what it says; begin to stop when it ends, and see that this process does. Blocks."""
        for line in self._lines:
            message = to_worker(line)
            assert isinstance(message, Neighbours)
            loop.call_soon_threadsafe(heard.put_nowait, message)
        self.is_gone = True
        loop.call_soon_threadsafe(stopping.set)
        threading.Event().wait(_ORPHAN_SECONDS)
        os._exit(1)


def _lines(descriptor: int) -> Iterator[bytes]:
    """Unbuffered by Python: a thread that waits in a buffered reader would not let the process end."""
    rest = b""
    while found := os.read(descriptor, _PIPE_BYTES):
        *lines, rest = (rest + found).split(b"\n")
        yield from lines


async def _work(orders: Orders, supervisor: _Supervisor) -> None:
    stopping = asyncio.Event()
    heard: asyncio.Queue[Neighbours] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    threading.Thread(target=supervisor.listen, args=(loop, heard, stopping), daemon=True).start()
    place = Place(
        doors=[Door(socket.socket(fileno=descriptor), is_tls) for descriptor, is_tls in orders.listeners],
        owner=Owner(orders.node, int(Path(orders.socket).name)),
        is_elected_here=orders.number == 0,
        asked_at=Path(orders.socket),
        shared=SharedProgress(orders.shared, orders.number),
        accepts_when_ready=orders.replaces,
        member_id=orders.member_id,
        on_member=lambda member_id: supervisor.say(Member(member_id)),
    )
    async with running(orders.settings, place, logger.info) as service:
        following = asyncio.create_task(_follow(service, heard))
        try:
            await service.until(stopping, lambda: supervisor.say(Ready()))
        finally:
            following.cancel()


async def _follow(service: Service, heard: asyncio.Queue[Neighbours]) -> None:
    """Work beside whichever workers the supervisor names."""
    while True:
        found = await heard.get()
        await service.work_beside(found.sockets, found.writer)


def main() -> int:
    """Work until told to stop; the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    said = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what anything prints is no message
    supervisor = _Supervisor(sys.stdin.fileno(), said)
    orders = supervisor.orders()
    logs.configure(orders.settings.log_level, orders.settings.log_format)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_work(orders, supervisor))
    except (KafkaFailure, ConfigError) as error:
        supervisor.say(Failed(str(error)))
        return 1
    finally:
        if supervisor.is_gone:
            _tidy_up(Path(orders.socket))
    return 0


def _tidy_up(path: Path) -> None:
    """Do what is the supervisor's to do: the last worker removes the folder."""
    path.unlink(missing_ok=True)
    with suppress(OSError):
        path.parent.rmdir()


if __name__ == "__main__":
    sys.exit(main())
