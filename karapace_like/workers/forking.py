"""The supervisor's side of the process from which workers are forked (`template.py`)."""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

from karapace_like.process.child_environment import build_child_environment
from karapace_like.process.fork_server import NUMBER_BYTES, encode_number, send_request

logger = logging.getLogger(__name__)

_MODULE = "karapace_like.workers.template"


class ForkedProcess:
    """A process that the template has forked, by its handle (see `process/fork_server.py`)."""

    def __init__(self, handle: socket.socket, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        """The exit code, or the negative number of the signal that ended the process; None while that is unknown."""
        self._handle = handle
        self._is_orphan = False

    async def wait(self) -> None:
        """Return when the process has ended, or the template before it; `returncode` stays None then."""
        with self._handle:
            self.returncode = await _receive_number(self._handle)
            self._is_orphan = self.returncode is None

    def send_signal(self, number: int) -> None:
        """Send the process a signal if it runs."""
        if self._is_orphan:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)
        elif self.returncode is None:
            with suppress(OSError):  # the process has ended just now
                self._handle.send(encode_number(number))


class TemplateEndedError(Exception):
    """The template has ended before it said that it had forked a process."""


class WorkerTemplate:
    """The supervisor's side: starts the template when a worker is needed, and again if it has ended."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._requests: socket.socket | None = None
        self._connecting = asyncio.Lock()

    async def fork(self, state_file: bytes, descriptors: Sequence[int]) -> ForkedProcess:
        """Return a new process that runs `worker.main` with these file descriptors.

        `state_file` is the path of the state that the template has loaded by then; empty for none. Raises
        TemplateEndedError, and starts another template at the next call.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            async with self._connecting:
                requests, template = await self._connect()
            with suppress(ConnectionError):  # then there is no number
                send_request(requests, state_file, theirs, descriptors)
        pid = await _receive_number(ours)
        if pid is None:
            ours.close()
            await template.wait()
            raise TemplateEndedError
        return ForkedProcess(ours, pid)

    async def close(self) -> None:
        """End the template; workers that run go on."""
        if self._requests is not None and self._process is not None:
            self._requests.close()
            await self._process.wait()

    async def _connect(self) -> tuple[socket.socket, asyncio.subprocess.Process]:
        if self._requests is not None and self._process is not None and self._process.returncode is None:
            return self._requests, self._process
        if self._requests is not None:
            self._requests.close()
            logger.error("The process from which workers are forked has ended; another one is started")
        self._requests, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", _MODULE, str(theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL, stdout=sys.stderr, pass_fds=(theirs.fileno(),),
                env=build_child_environment(),
            )  # fmt: skip
        return self._requests, self._process


async def _receive_number(handle: socket.socket) -> int | None:
    """Return the next number that the server writes; None if it has ended."""
    try:
        number = await asyncio.get_running_loop().sock_recv(handle, NUMBER_BYTES)
    except ConnectionError:
        return None
    return int(number) if number else None
