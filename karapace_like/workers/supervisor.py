"""The process that starts the workers, replaces those that end, and stops them; it answers no request itself.

It opens the listening sockets, so that they outlive every worker, and the folder of the workers' Unix sockets. Each
worker is a new process with a pipe from here: when the pipe ends, because this process stops or is killed, so does
the worker. Worker 0 takes part in the election; the others are told where it is, and stop before it does.
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

from karapace_like import listening, logs
from karapace_like.config import ENVIRONMENT_PREFIX, Settings
from karapace_like.listening import Door
from karapace_like.ownership import Owner
from karapace_like.shared_progress import SharedProgress
from karapace_like.workers.errors import WorkerFailedError
from karapace_like.workers.messages import Failed, Member, Neighbours, Orders, ToWorker, encode, to_supervisor

logger = logging.getLogger(__name__)

Progress = Callable[[str], None]

_STOP_SECONDS = 30.0
"""How long a worker may take to answer what it was asked before it is killed."""
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_STABLE_SECONDS = 60.0
"""A worker that has lived for so long did not end because of how it was started."""


class _Worker:
    """One process and the pipes to it."""

    def __init__(self, number: int, path: Path, process: asyncio.subprocess.Process) -> None:
        self.number = number
        self.path = path
        self.process = process
        self.is_ready = False

    def tell(self, message: ToWorker) -> None:
        """Say something; nobody hears it if the process has just ended."""
        assert self.process.stdin is not None
        with suppress(OSError, RuntimeError):
            self.process.stdin.write(encode(message))

    async def stop(self) -> None:
        """Let it answer what it was asked, and return when it has ended."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self.process.wait()
        except TimeoutError:
            logger.warning("Worker %d does not end, and is killed", self.number)
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


class Supervisor:
    """Keeps as many workers as the settings say; `run` it until `stop` is called."""

    def __init__(
        self, settings: Settings, doors: Sequence[Door], folder: Path, shared: int, on_ready: Callable[[], None]
    ) -> None:
        """`shared` is the file descriptor of the memory that the workers share."""
        self._settings = settings
        self._shared = shared
        self._doors = doors
        self._folder = folder
        self._on_ready = on_ready
        self._node = Owner.drawn().node
        self._names = itertools.count()
        """Of the sockets: an instance id that names a worker leads to no successor of it."""
        self._workers: dict[int, _Worker] = {}
        self._was_ready = False
        """Whether all workers have been ready at the same time."""
        self._stopping = asyncio.Event()
        self._failed: str | None = None
        self._member_id = ""

    def stop(self) -> None:
        """Begin to stop."""
        self._stopping.set()

    async def run(self) -> None:
        """Return when all workers have stopped; raises WorkerFailedError if the node cannot serve."""
        keeping = [asyncio.create_task(self._keep(number)) for number in range(self._settings.workers)]
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([stopped, *keeping], return_when=asyncio.FIRST_COMPLETED)
        self._stopping.set()
        for door in self._doors:
            door.socket.close()
        writer = self._workers.get(0)
        await asyncio.gather(*(each.stop() for each in list(self._workers.values()) if each is not writer))
        if writer is not None:
            await writer.stop()
        await asyncio.gather(*keeping)
        if self._failed is not None:
            raise WorkerFailedError(self._failed)

    async def _keep(self, number: int) -> None:
        """Have a worker of this number, until the node stops."""
        pause, replaces = 0.0, False
        while not self._stopping.is_set():
            begun = asyncio.get_running_loop().time()
            worker = self._workers[number] = await self._started(number, replaces=replaces)
            self._introduce()
            if self._stopping.is_set():
                await worker.stop()
            await asyncio.gather(self._listen(worker), worker.process.wait())
            self._forget(worker)
            if self._failed is not None or self._stopping.is_set():
                return
            lived = asyncio.get_running_loop().time() - begun
            pause = 0.0 if lived > _STABLE_SECONDS else pause
            logger.error(
                "Worker %d has ended (%s); another one is started %s", number, _ending(worker.process),
                f"in {pause:g} s" if pause else "now",
            )  # fmt: skip
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause, replaces = min(max(2 * pause, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS), True

    async def _started(self, number: int, *, replaces: bool) -> _Worker:
        path = self._folder / str(next(self._names))
        replaces &= any(each.is_ready for each in self._workers.values())
        SharedProgress(self._shared, number).begin(accepts_when_ready=replaces)
        descriptors = tuple(each.socket.fileno() for each in self._doors)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "karapace_like.workers.worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, pass_fds=(*descriptors, self._shared),
            # The settings are in the orders; what was in the environment may be a secret.
            env={name: value for name, value in os.environ.items() if not name.upper().startswith(ENVIRONMENT_PREFIX)},
        )  # fmt: skip
        logger.info("Worker %d is process %d", number, process.pid)
        worker = _Worker(number, path, process)
        worker.tell(
            Orders(
                number=number,
                socket=str(path),
                shared=self._shared,
                listeners=tuple((each.socket.fileno(), each.is_tls) for each in self._doors),
                node=self._node,
                replaces=replaces,
                member_id=self._member_id if number == 0 else "",
                settings=self._settings,
            )
        )
        return worker

    async def _listen(self, worker: _Worker) -> None:
        """Take in what the worker says, until it ends."""
        assert worker.process.stdout is not None
        async for line in worker.process.stdout:
            said = to_supervisor(line)
            if isinstance(said, Failed):
                if not self._was_ready:
                    self._failed = self._failed or said.message
                    self._stopping.set()
                else:
                    logger.error("Worker %d: %s", worker.number, said.message)
                continue
            if isinstance(said, Member):
                self._member_id = said.id
                continue
            worker.is_ready = True
            logger.info("Worker %d is ready", worker.number)
            self._introduce()
            if not self._was_ready and sum(each.is_ready for each in self._workers.values()) == self._settings.workers:
                self._was_ready = True
                self._on_ready()

    def _forget(self, worker: _Worker) -> None:
        del self._workers[worker.number]
        worker.path.unlink(missing_ok=True)
        self._introduce()

    def _introduce(self) -> None:
        """Tell all workers of each other."""
        writer = self._workers.get(0)
        address = str(writer.path) if writer is not None and writer.is_ready else None
        for each in self._workers.values():
            others = tuple(str(other.path) for other in self._workers.values() if other is not each)
            each.tell(Neighbours(others, address if each is not writer else None))


def _ending(process: asyncio.subprocess.Process) -> str:
    code = process.returncode
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


def run(settings: Settings, progress: Progress) -> None:
    """Serve with several workers; returns when all have stopped. Raises OSError, WorkerFailedError."""
    logs.configure(settings.log_level, settings.log_format)
    with ExitStack() as stack:
        doors = listening.opened(settings.addresses)
        # Only this user may enter it (0700).
        folder = Path(tempfile.mkdtemp(prefix="karapace-like-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        shared = stack.enter_context(tempfile.TemporaryFile())
        shared.truncate(SharedProgress.size(settings.workers))
        urls = listening.urls(doors)
        progress(f"Listening at {urls}")
        supervisor = Supervisor(settings, doors, folder, shared.fileno(), lambda: progress(f"Ready at {urls}"))
        asyncio.run(_until_stopped(supervisor, progress))


async def _until_stopped(supervisor: Supervisor, progress: Progress) -> None:
    def stop() -> None:
        progress("Stopping")
        supervisor.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await supervisor.run()
