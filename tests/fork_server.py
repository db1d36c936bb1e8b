"""Services without the second that their imports take: one process imports them, and forks each service.

A test process starts the server at its first service (`start`). The forked child runs the command line with the
arguments and the environment that it is given, as `python -m karapace_like` does, and ends as that does. The server
forks one process for each connection, and sends back its process id and, when it ends, its exit code.
"""

import atexit
import gc
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, TextIO

from karapace_like.cli import run
from karapace_like.process.fork_server import NUMBER_BYTES, ForkServer, send_request

_KILLED = -9
"""The exit code of a process whose server has ended before it."""


class ForkedProcess:
    """A process of the server, with the methods of `subprocess.Popen` that tests of services need."""

    def __init__(self, pid: int, stderr: TextIO, status: socket.socket) -> None:
        self.pid = pid
        self.stderr: IO[str] | None = stderr
        self._returncode: int | None = None
        self._has_ended = threading.Event()
        threading.Thread(target=self._await_end, args=(status,), daemon=True).start()

    def poll(self) -> int | None:
        """Return the exit code; None while the process runs."""
        return self._returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once the process has ended. Raises `subprocess.TimeoutExpired`."""
        if not self._has_ended.wait(timeout):
            raise subprocess.TimeoutExpired("serve", timeout or 0)
        assert self._returncode is not None
        return self._returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to the process if it runs."""
        if self._returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _await_end(self, status: socket.socket) -> None:
        with status:
            code = status.recv(NUMBER_BYTES)
        self._returncode = int(code) if code else _KILLED
        self._has_ended.set()


def start(arguments: Sequence[str], environment: Mapping[str, str]) -> ForkedProcess:
    """Start `karapace-like` with these arguments in a forked process, with a pipe from its standard error."""
    reading, writing = os.pipe()
    ours, theirs = socket.socketpair()
    request = json.dumps([list(arguments), dict(environment), str(Path.cwd())]).encode()
    with theirs:
        server = _get_server()
        with _asking:
            send_request(server, request, theirs, [1, writing])
        os.close(writing)
    pid = int(ours.recv(NUMBER_BYTES))
    return ForkedProcess(pid, os.fdopen(reading), ours)


_asking = threading.Lock()


@cache
def _get_server() -> socket.socket:
    """Start the server; it ends when the socket closes, as it does at the end of this process."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen([sys.executable, "-m", __name__, str(theirs.fileno())], pass_fds=(theirs.fileno(),))

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _become(environment: Mapping[str, str], folder: str, stdout: int, stderr: int) -> None:
    """Make the forked process like one that was started by a shell."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for given, own in ((stdout, sys.stdout), (stderr, sys.stderr)):
        os.dup2(given, own.fileno())
        os.close(given)


def _run(requests: int) -> None:
    """Serve; in a forked process run the command line."""
    import_module("karapace_like.cli.serve")
    import_module("karapace_like.serve.process").find_loop_factory()
    gc.collect()
    gc.freeze()  # what is imported is shared by all, as long as no collection writes to it
    request = ForkServer(socket.socket(fileno=requests)).serve()
    if request is not None:
        arguments, environment, folder = json.loads(request.message)
        _become(environment, folder, *request.descriptors)
        sys.argv[1:] = arguments
        run()


if __name__ == "__main__":
    _run(int(sys.argv[1]))
