"""One worker: a process that the supervisor has forked from the template, and sends its orders.

It stops in order at SIGTERM and when the pipe from the supervisor closes. It exits within 30 s of the pipe's end, so
that no worker outlives the supervisor. Ctrl-C reaches every process of a terminal; only the supervisor acts on it.
"""

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeAlias

from karapace_like.background import BackgroundTaskError
from karapace_like.config import ConfigError
from karapace_like.errors import KafkaFailure
from karapace_like.ownership import Owner
from karapace_like.process import logs
from karapace_like.process.shared_claims import SharedClaims
from karapace_like.registry.snapshot_parts import LoadedState
from karapace_like.replication.shared_progress import SharedProgress
from karapace_like.serve.listeners import ListeningSocket
from karapace_like.serve.process import find_loop_factory
from karapace_like.serve.process_role import ProcessRole
from karapace_like.serve.service import Service, start_service
from karapace_like.workers.messages import (
    Failed,
    LastWorker,
    Member,
    Neighbours,
    Orders,
    Ready,
    Stopping,
    TopicRead,
    ToSupervisor,
    decode_for_worker,
    encode,
)

logger = logging.getLogger(__name__)

_ORPHAN_SECONDS = 30.0
_PIPE_BYTES = 65_536
News: TypeAlias = Neighbours | Stopping | LastWorker
"""What the supervisor tells a worker that runs."""


class _Supervisor:
    """The pipes to and from the supervisor."""

    def __init__(self, heard: int, said: BinaryIO) -> None:
        self._lines = _lines(heard)
        self._said = said
        self.is_gone = False
        """Whether the supervisor has ended before this worker."""

    def receive_orders(self) -> Orders:
        """Return the first message of the supervisor. Blocks."""
        orders = decode_for_worker(next(self._lines))
        assert isinstance(orders, Orders)
        return orders

    def send(self, message: ToSupervisor) -> None:
        """Send a message; it is lost if the supervisor has just ended."""
        try:
            self._said.write(encode(message))
        except OSError:
            logger.debug("The supervisor has ended")

    def listen(self, loop: asyncio.AbstractEventLoop, heard: asyncio.Queue[News], stopping: asyncio.Event) -> None:
        """Queue the messages of the supervisor; when it ends, stop this process, by force after 30 s. Blocks."""
        try:
            for line in self._lines:
                message = decode_for_worker(line)
                assert not isinstance(message, Orders)
                loop.call_soon_threadsafe(heard.put_nowait, message)
            self.is_gone = True
        except Exception:
            if loop.is_closed():
                return
            logger.critical("A message of the supervisor cannot be decoded; this worker stops", exc_info=True)
        with suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(stopping.set)
        threading.Event().wait(_ORPHAN_SECONDS)
        os._exit(1)


def _lines(descriptor: int) -> Iterator[bytes]:
    """Yield lines without Python's buffer: a thread that waits in a buffered reader keeps the process from ending."""
    rest = b""
    while chunk := os.read(descriptor, _PIPE_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines


async def _work(
    orders: Orders,
    supervisor: _Supervisor,
    loaded: LoadedState | None,
    shared: int,
    listeners: Sequence[int],
) -> None:
    stopping = asyncio.Event()
    heard: asyncio.Queue[News] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    threading.Thread(target=supervisor.listen, args=(loop, heard, stopping), daemon=True).start()
    role = ProcessRole(
        sockets=[
            ListeningSocket(socket.socket(fileno=descriptor), is_tls, dialect, roles)
            for descriptor, (is_tls, dialect, roles) in zip(listeners, orders.listeners, strict=True)
        ],
        owner=Owner(orders.node, int(Path(orders.socket).name)),
        is_elected_here=orders.number == 0 and orders.reader_file is None,
        unix_socket=Path(orders.socket),
        shared=SharedProgress(shared, orders.number),
        claims=SharedClaims(shared),
        reader_file=None if orders.reader_file is None else Path(orders.reader_file),
        loaded=loaded,
        snapshot_outcome=orders.snapshot_outcome,
        accepts_when_ready=orders.replaces,
        member_id=orders.member_id,
        on_member=lambda member_id: supervisor.send(Member(member_id)),
    )
    async with start_service(orders.settings, role, logger.info) as service:
        following = service.background.start("introduction of other workers", partial(_follow, service, heard))

        def on_ready() -> None:
            if orders.reader_file is None:
                supervisor.send(Ready())
                return
            supervisor.send(TopicRead(None if service.snapshots is None else service.snapshots.outcome))
            stopping.set()

        try:
            await service.run_until(stopping, on_ready)
        finally:
            following.cancel()


async def _follow(service: Service, heard: asyncio.Queue[News]) -> None:
    """Connect the service to the workers that the supervisor names, and announce the stop that it plans."""
    while True:
        message = await heard.get()
        if isinstance(message, Stopping):
            service.announce_stop()
            continue
        if isinstance(message, LastWorker):
            service.logs.stop_waiting_for_primary()
            continue
        neighbours = message
        try:
            await service.connect_to_workers(neighbours.sockets, neighbours.writer)
        except Exception:
            if heard.empty():
                heard.put_nowait(neighbours)  # for the next attempt
            raise


def main(loaded: LoadedState | None, heard: int, said: int, shared: int, *listeners: int) -> int:
    """Serve until the supervisor stops this worker, and return the exit code.

    `loaded` is the state that the node's reader has read; the other arguments are file descriptors: the pipes from and
    to the supervisor, the memory that all workers share (`SharedProgress`, `SharedClaims`), and the listening sockets.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    supervisor = _Supervisor(heard, os.fdopen(said, "wb", buffering=0))
    orders = supervisor.receive_orders()
    logs.configure(orders.settings.log_level, orders.settings.log_format)
    try:
        with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
            runner.run(_work(orders, supervisor, loaded, shared, listeners))
    except (KafkaFailure, ConfigError) as error:
        supervisor.send(Failed(str(error)))
        return 1
    except BackgroundTaskError:  # logged where it failed; a successor may succeed
        return 1
    finally:
        if supervisor.is_gone:
            _remove_socket(Path(orders.socket))
    return 0


def _remove_socket(path: Path) -> None:
    """Remove the socket, and the folder after the last worker, in place of the supervisor."""
    path.unlink(missing_ok=True)
    with suppress(OSError):
        path.parent.rmdir()
