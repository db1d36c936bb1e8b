"""The process that starts the workers, replaces those that end, and stops them; it answers no request itself.

It opens the listening sockets, so that they outlive every worker, and the folder of the workers' Unix sockets. Each
worker is a process with a pipe from the supervisor. When the pipe closes, because the supervisor stops or is killed,
the worker stops as well. Worker 0 takes part in the election; the others get its address and stop before it. Workers
are forked from one process that has imported everything (`template.py`). One that comes before them, the reader, reads
the schemas topic and writes the state to a file, which that process loads: so the topic is read once, and its state is
in memory once.
"""

import asyncio
import itertools
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from karapace_like.config import Settings
from karapace_like.ownership import Owner
from karapace_like.replication.shared_progress import SharedProgress
from karapace_like.serve.announcement import announce_ready
from karapace_like.serve.listeners import ListeningSocket, format_urls
from karapace_like.serve.stop_signals import StopSignals
from karapace_like.workers.errors import WorkerFailedError
from karapace_like.workers.forking import ForkedProcess, TemplateEndedError, WorkerTemplate
from karapace_like.workers.messages import (
    Failed,
    LastWorker,
    Member,
    Neighbours,
    Orders,
    Stopping,
    TopicRead,
    ToWorker,
    decode_for_supervisor,
    encode,
)

logger = logging.getLogger(__name__)

ReportProgress = Callable[[str], None]

_STOP_SECONDS = 30.0
"""Time for a worker to complete its requests before it is killed."""
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_MAX_FORKS = 3
"""Attempts to fork one worker; after the first, each is with a new template."""
_STABLE_SECONDS = 60.0
"""A worker that ran this long did not end because of its start; the back-off begins again."""


class _Worker:
    """One worker process and the pipes to it."""

    def __init__(
        self,
        number: int,
        path: Path,
        process: ForkedProcess,
        orders: asyncio.WriteTransport,
        messages: asyncio.StreamReader,
    ) -> None:
        self.number = number
        self.path = path
        self.process = process
        self.is_ready = False
        self.messages = messages
        """The worker's messages, one a line."""
        self._orders = orders
        self.ending: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        """Done when the process has ended."""

    def send(self, message: ToWorker) -> None:
        """Send a message; it is lost if the process has just ended."""
        if not self._orders.is_closing():
            self._orders.write(encode(message))

    async def stop(self) -> None:
        """Let the worker complete its requests, and return when it has ended."""
        self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await asyncio.shield(self.ending)
        except TimeoutError:
            logger.warning("Worker %d has not ended in time and is killed", self.number)
            self.process.send_signal(signal.SIGKILL)
            await self.ending

    def disconnect(self) -> None:
        """Close the pipe to the worker, at which it ends if it has not ended yet."""
        self._orders.close()


class Supervisor:
    """Keeps the configured number of workers running until `stop` is called."""

    def __init__(
        self,
        settings: Settings,
        sockets: Sequence[ListeningSocket],
        folder: Path,
        shared: int,
        on_ready: Callable[[], None],
    ) -> None:
        """`shared` is the file descriptor of the memory that the workers share."""
        self._settings = settings
        self._shared = shared
        self._sockets = sockets
        self._folder = folder
        self._on_ready = on_ready
        self._node = Owner.create().node
        self._template = WorkerTemplate()
        self._names = itertools.count()
        """Names of the Unix sockets, never reused: an instance id that names a worker never leads to its successor."""
        self._workers: dict[int, _Worker] = {}
        self._is_stop_announced = False
        self._was_ready = False
        self._stopping = asyncio.Event()
        self._failed: str | None = None
        self._member_id = ""
        self._state_file = settings.snapshot_file or folder / "schemas.snapshot"
        """Where the reader writes what the workers share."""
        self._topic_read = TopicRead(None)

    @property
    def was_ready(self) -> bool:
        """Whether all workers have been ready at the same time once."""
        return self._was_ready

    def announce_stop(self) -> None:
        """Let the readiness probe fail in every worker, those included that start from now on; all of them serve."""
        self._is_stop_announced = True
        for worker in self._workers.values():
            worker.send(Stopping())

    def stop(self) -> None:
        """Begin to stop the workers; end them at once when called again."""
        for worker in self._workers.values() if self._stopping.is_set() else ():
            worker.process.send_signal(signal.SIGKILL)
        self._stopping.set()

    async def run(self) -> None:
        """Return when all workers have stopped; raises WorkerFailedError if the node cannot serve."""
        await self._read()
        keeping = [asyncio.create_task(self._keep(number)) for number in range(self._settings.workers)]
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([stopped, *keeping], return_when=asyncio.FIRST_COMPLETED)
        self._stopping.set()
        for listening in self._sockets:
            listening.socket.close()
        writer = self._workers.get(0)
        if writer is not None:
            writer.send(LastWorker())
        await asyncio.gather(*(worker.stop() for worker in list(self._workers.values()) if worker is not writer))
        if writer is not None:
            await writer.stop()
        await asyncio.gather(*keeping)
        await self._template.close()
        if self._failed is not None:
            raise WorkerFailedError(self._failed)

    async def _read(self) -> None:
        """Have a worker read the schemas topic for all, and return when it has ended; where it fails, each reads it."""
        reader = self._workers[0] = await self._start(0, replaces=False, is_reader=True)
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([stopped, reader.ending], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if self._stopping.is_set():
            await reader.stop()
        self._forget(reader)
        if reader.process.returncode != 0 and not self._stopping.is_set():
            logger.error("The reader has ended (%s); each worker reads the topic", _describe_end(reader.process))

    async def _keep(self, number: int) -> None:
        """Keep a worker of this number running until the node stops."""
        pause, replaces = 0.0, False
        while not self._stopping.is_set():
            begun = asyncio.get_running_loop().time()
            worker = self._workers[number] = await self._start(number, replaces=replaces)
            self._introduce()
            if self._stopping.is_set():
                await worker.stop()
            await worker.ending
            self._forget(worker)
            if self._failed is not None or self._stopping.is_set():
                return
            lived = asyncio.get_running_loop().time() - begun
            pause = 0.0 if lived > _STABLE_SECONDS else pause
            logger.error(
                "Worker %d has ended (%s); its successor starts %s", number, _describe_end(worker.process),
                f"in {pause:g} s" if pause else "now",
            )  # fmt: skip
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            SharedProgress(self._shared, number).count_restart()
            pause, replaces = min(max(2 * pause, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS), True

    async def _start(self, number: int, *, replaces: bool, is_reader: bool = False) -> _Worker:
        path = self._folder / str(next(self._names))
        replaces &= any(worker.is_ready for worker in self._workers.values())
        SharedProgress(self._shared, number).begin(accepts_when_ready=replaces)
        process, orders, messages = await self._fork(is_reader=is_reader)
        if not is_reader and self._state_file.parent == self._folder:
            self._state_file.unlink(missing_ok=True)  # the template has loaded it
        logger.info("%s is process %d", "The reader" if is_reader else f"Worker {number}", process.pid)
        worker = _Worker(number, path, process, await _open_to_write(orders), await _open_to_read(messages))
        worker.send(
            Orders(
                number=number,
                socket=str(path),
                listeners=tuple(listening[1:] for listening in self._sockets),
                node=self._node,
                reader_file=str(self._state_file) if is_reader else None,
                snapshot_outcome=self._topic_read.snapshot_outcome,
                replaces=replaces,
                member_id=self._member_id if number == 0 else "",
                settings=self._settings,
            )
        )
        if self._is_stop_announced:
            worker.send(Stopping())
        # Its pipe ends with the process, also where the template can no longer say so.
        worker.ending = asyncio.gather(self._listen(worker), process.wait())
        return worker

    async def _fork(self, *, is_reader: bool) -> tuple[ForkedProcess, int, int]:
        """Return a new process, with the pipes to and from it.

        Where the template has ended, perhaps killed together with a worker, it is forked from the next one. It gets
        pipes of its own, which the former template may have given to a process, too.
        """
        for _ in range(_MAX_FORKS):
            heard, orders = os.pipe()
            messages, said = os.pipe()
            try:
                process = await self._template.fork(
                    b"" if is_reader else os.fsencode(self._state_file),
                    [heard, said, self._shared, *(listening.socket.fileno() for listening in self._sockets)],
                )
            except TemplateEndedError:
                os.close(orders)
                os.close(messages)
            else:
                return process, orders, messages
            finally:
                os.close(heard)
                os.close(said)
        raise WorkerFailedError(f"The process from which workers are forked has ended {_MAX_FORKS} times.")

    async def _listen(self, worker: _Worker) -> None:
        """Handle the messages of the worker until it ends."""
        async for line in worker.messages:
            message = decode_for_supervisor(line)
            if isinstance(message, Failed):
                if not self._was_ready:
                    self._failed = self._failed or message.message
                    self._stopping.set()
                else:
                    logger.error("Worker %d: %s", worker.number, message.message)
                continue
            if isinstance(message, Member):
                self._member_id = message.id
                continue
            if isinstance(message, TopicRead):
                self._topic_read = message
                continue
            worker.is_ready = True
            logger.info("Worker %d is ready", worker.number)
            self._introduce()
            if (
                not self._was_ready
                and sum(worker.is_ready for worker in self._workers.values()) == self._settings.workers
            ):
                self._was_ready = True
                self._on_ready()

    def _forget(self, worker: _Worker) -> None:
        worker.disconnect()
        del self._workers[worker.number]
        worker.path.unlink(missing_ok=True)
        self._introduce()

    def _introduce(self) -> None:
        """Send every worker the addresses of the others."""
        writer = self._workers.get(0)
        address = str(writer.path) if writer is not None and writer.is_ready else None
        for worker in self._workers.values():
            others = tuple(str(other.path) for other in self._workers.values() if other is not worker)
            worker.send(Neighbours(others, address if worker is not writer else None))


async def _open_to_write(descriptor: int) -> asyncio.WriteTransport:
    pipe = os.fdopen(descriptor, "wb", buffering=0)
    return (await asyncio.get_running_loop().connect_write_pipe(asyncio.BaseProtocol, pipe))[0]


async def _open_to_read(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader


def _describe_end(process: ForkedProcess) -> str:
    code = process.returncode
    if code is None:
        return "for an unknown reason"
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def run(
    settings: Settings,
    sockets: Sequence[ListeningSocket],
    progress: ReportProgress,
    data_folder: Path | None = None,
) -> None:
    """Serve at these sockets with several workers, and return when all have stopped.

    `data_folder` is that of the embedded Kafka, for the announcement. Raises WorkerFailedError.
    """
    with ExitStack() as stack:
        # Only this user can enter the folder (mode 0700).
        folder = Path(tempfile.mkdtemp(prefix="karapace-like-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        shared = stack.enter_context(tempfile.TemporaryFile())
        shared.truncate(SharedProgress.size(settings.workers))
        progress(f"Listening at {format_urls(sockets)}")
        announcement = announce_ready(settings, sockets, data_folder)
        supervisor = Supervisor(settings, sockets, folder, shared.fileno(), lambda: progress(announcement))
        ended_by = asyncio.run(_wait_until_stopped(supervisor, settings.shutdown_delay_ms / 1000, progress))
        if ended_by is not None:
            sys.exit(128 + ended_by)


async def _wait_until_stopped(supervisor: Supervisor, delay: float, progress: ReportProgress) -> int | None:
    """Return the number of the signal that ended the workers at once, None where they had time to stop."""
    ended_by: list[int] = []

    def end_at_once(number: int) -> None:
        progress("Ending at once, with requests in flight")
        ended_by.append(number)
        supervisor.stop()

    signals = StopSignals(progress, end_at_once)

    async def stop() -> None:
        await signals.received.wait()
        if supervisor.was_ready:
            await signals.delay_stop(delay, supervisor.announce_stop)
        progress("Stopping")
        supervisor.stop()

    stopping = asyncio.create_task(stop())
    await supervisor.run()
    stopping.cancel()
    return ended_by[0] if ended_by else None
