"""A process that imports once what others need, and forks each of them: they start at once, and share that memory.

Its client asks for a process by a message and file descriptors. The first descriptor is the handle of the process: a
socket on which the server writes the process id, then the exit code, and reads the numbers of signals for it. A number
has eight characters. The server has one thread and no connection but its client's, so nothing that is half done is
copied; it ends when that connection does.
"""

import os
import select
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

NUMBER_BYTES = 8
_MAX_DESCRIPTORS = 250
"""Of one message; the kernel passes 253 at most."""


class ForkRequest(NamedTuple):
    """What a process was asked for with."""

    message: bytes
    descriptors: Sequence[int]
    """The file descriptors after the handle, as they are numbered in this process."""


def send_request(server: socket.socket, message: bytes, handle: socket.socket, descriptors: Sequence[int]) -> None:
    """Ask the server for a process, of which `handle` is the server's end. Raises OSError if the server has ended."""
    socket.send_fds(server, [encode_number(len(message))], [handle.fileno(), *descriptors])
    server.sendall(message)


def encode_number(number: int) -> bytes:
    """Return the number as it is sent."""
    return b"%*d" % (NUMBER_BYTES, number)


class ForkServer:
    """The server's side of the connection."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._handles: dict[int, socket.socket] = {}
        """By process id, of the processes that have not ended."""
        self._woken, self._waking = os.pipe()
        os.set_blocking(self._waking, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C in the terminal is for the client
        signal.set_wakeup_fd(self._waking)

    def serve(self, prepare: Callable[[bytes], object] = lambda _: None) -> ForkRequest | None:
        """Fork until the client ends, and return None; return the request in each forked process.

        `prepare` gets the message of each request before the fork: what it loads is shared from then on.
        """
        while True:
            by_descriptor = {handle.fileno(): pid for pid, handle in self._handles.items()}
            requests = self._requests.fileno()
            readable, _, _ = select.select([requests, self._woken, *by_descriptor], [], [])
            for descriptor in readable:
                if descriptor in by_descriptor:
                    self._pass_signal(by_descriptor[descriptor])
            if self._woken in readable:
                os.read(self._woken, 1024)
                self._report_ends()
            if requests in readable:
                header, descriptors, _, _ = socket.recv_fds(self._requests, NUMBER_BYTES, _MAX_DESCRIPTORS)
                if not header:
                    return None
                request = ForkRequest(self._read(int(header)), descriptors[1:])
                prepare(request.message)
                if self._fork(descriptors[0], request):
                    return request

    def _read(self, length: int) -> bytes:
        message = b""
        while len(message) < length:
            message += self._requests.recv(length - len(message))
        return message

    def _fork(self, handle: int, request: ForkRequest) -> bool:
        """Fork, and return whether this is the new process."""
        pid = os.fork()
        if not pid:
            os.close(handle)
            self._become()
            return True
        for descriptor in request.descriptors:
            os.close(descriptor)
        self._handles[pid] = socket.socket(fileno=handle)
        self._send(pid, pid)
        return False

    def _pass_signal(self, pid: int) -> None:
        """Send the process a signal; here, where it surely is the process, since its end was not yet collected."""
        number = self._handles[pid].recv(NUMBER_BYTES)
        if number:
            os.kill(pid, int(number))
        else:
            self._handles.pop(pid).close()

    def _report_ends(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, ending = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if pid in self._handles:
                    self._send(pid, os.waitstatus_to_exitcode(ending))
                    self._handles.pop(pid).close()

    def _send(self, pid: int, number: int) -> None:
        with suppress(OSError):  # the client has ended
            self._handles[pid].sendall(encode_number(number))

    def _become(self) -> None:
        """Make the forked process like one that has just been started."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for descriptor in (self._requests.detach(), self._woken, self._waking):
            os.close(descriptor)
        for handle in self._handles.values():
            handle.close()
