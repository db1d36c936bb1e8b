"""Services without the second that their imports take: one process imports them, and forks each service.

A test process starts the server at its first service (`start`). The forked child runs the command line with the
arguments and the environment that it is given, as `python -m karapace_like` does, and ends as that does. The server
forks one process for each connection, and sends back its process id and, when it ends, its exit code.
"""

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any, TextIO
from uuid import uuid4

from karapace_like.cli import main
from karapace_like.web.http import request_ids

_DESCRIPTORS = 3
_PROGRAM = "karapace-like"
_HEADER_BYTES = 8
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
            code = status.recv(_HEADER_BYTES)
        self._returncode = int(code) if code else _KILLED
        self._has_ended.set()


def start(arguments: Sequence[str], environment: Mapping[str, str]) -> ForkedProcess:
    """Start `karapace-like` with these arguments in a forked process, with a pipe from its standard error."""
    reading, writing = os.pipe()
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    request = json.dumps([list(arguments), dict(environment), str(Path.cwd())]).encode()
    with theirs:
        server = _get_server()
        with _asking:
            socket.send_fds(server, [b"%*d" % (_HEADER_BYTES, len(request))], [1, writing, theirs.fileno()])
            server.sendall(request)
        os.close(writing)
    pid = int(ours.recv(_HEADER_BYTES))
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


class _Server:
    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._statuses: dict[int, socket.socket] = {}
        self._woken, self._waking = os.pipe()
        os.set_blocking(self._waking, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C in the terminal is for pytest
        signal.set_wakeup_fd(self._waking)

    def serve(self) -> Sequence[str] | None:
        """Fork until the requests end, and return None; return the arguments in each forked process."""
        while True:
            readable, _, _ = select.select([self._requests.fileno(), self._woken], [], [])
            if self._woken in readable:
                os.read(self._woken, 1024)
                self._report_ends()
            if self._requests.fileno() in readable:
                header, descriptors, _, _ = socket.recv_fds(self._requests, _HEADER_BYTES, _DESCRIPTORS)
                if not header:
                    return None
                arguments: Sequence[str]
                arguments, environment, folder = self._read_request(int(header))
                stdout, stderr, status = descriptors
                pid = os.fork()
                if not pid:
                    os.close(status)
                    self._become(environment, folder, stdout, stderr)
                    return arguments
                os.close(stdout)
                os.close(stderr)
                self._statuses[pid] = socket.socket(fileno=status)
                self._statuses[pid].sendall(str(pid).encode())

    def _read_request(self, length: int) -> Any:
        request = b""
        while len(request) < length:
            request += self._requests.recv(length - len(request))
        return json.loads(request)

    def _report_ends(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, ending = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                with self._statuses.pop(pid) as status, suppress(OSError):
                    status.sendall(str(os.waitstatus_to_exitcode(ending)).encode())

    def _become(self, environment: Mapping[str, str], folder: str, stdout: int, stderr: int) -> None:
        """Make the forked process like one that was started anew."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for descriptor in (self._requests.detach(), self._woken, self._waking):
            os.close(descriptor)
        for status in self._statuses.values():
            status.close()
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        for given, own in ((stdout, sys.stdout), (stderr, sys.stderr)):
            os.dup2(given, own.fileno())
            os.close(given)
        request_ids._BEGIN = str(uuid4())[:-12]  # drawn when the module was imported


def _run(requests: int) -> None:
    """Serve; in a forked process run the command line."""
    import_module("karapace_like.cli.serve")
    import_module("karapace_like.serve.process").find_loop_factory()
    gc.collect()
    gc.freeze()  # what is imported is shared by all, as long as no collection writes to it
    arguments = _Server(socket.socket(fileno=requests)).serve()
    if arguments is not None:
        sys.argv[1:] = arguments
        main(arguments, prog_name=_PROGRAM)


if __name__ == "__main__":
    _run(int(sys.argv[1]))
