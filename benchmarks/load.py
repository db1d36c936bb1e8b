"""A load of keep-alive HTTP connections from a process of its own, and what it cost the serving process.

The client writes ready-made request bytes and looks at nothing but status and length, so that it costs little beside
the server. CPU time is the server's, all threads, user and system, from /proc: on a shared machine wall time says
little.
"""

import asyncio
import itertools
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from typing import cast

_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)\r\n")


@dataclass(frozen=True)
class Cost:
    """Of one run."""

    requests: int
    seconds: float
    cpu_us: float
    """Of the serving process, for each request."""
    p50_ms: float
    p99_ms: float
    failures: int

    def __str__(self) -> str:
        return f"{self.cpu_us:7.1f} us CPU  {self.requests / self.seconds:8.0f}/s  p50 {self.p50_ms:6.2f} ms" + (
            f"  {self.failures} FAILED" if self.failures else ""
        )


def request(method: str, path: str, host: str, body: bytes = b"", **headers: str) -> bytes:
    """The bytes of one request; header names are written with `_` for `-`."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Accept: */*"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body or method in {"POST", "PUT"}:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Connection(asyncio.Protocol):
    """A keep-alive connection on which one ready-made request at a time waits for its response."""

    def __init__(self) -> None:
        self._received = b""
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so

    def send(self, request: bytes) -> None:
        """Send the next request."""
        self._transport.write(request)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def finish_request(self, *, is_ok: bool) -> None:
        """Note that the response to the last request is complete, and whether it is a 200."""
        raise NotImplementedError

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        found = _LENGTH.search(self._received, 0, end + 2)
        if found is None or len(self._received) < end + 4 + int(found[1]):
            return
        is_ok = self._received.startswith(b"HTTP/1.1 200")
        self._received = b""
        self.finish_request(is_ok=is_ok)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        if not self.closed.done():
            self.closed.set_result(exc)


class _Client(Connection):
    """Sends the next request as soon as it has the response to the last one."""

    def __init__(self, sent: Iterator[bytes], until: float, times: list[float], failed: list[int]) -> None:
        super().__init__()
        self._sent, self._until, self._times, self._failed = sent, until, times, failed

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._send_next()

    def _send_next(self) -> None:
        request = next(self._sent, None)
        if request is None:
            self.close()
            return
        self._begun = time.perf_counter()
        self.send(request)

    def finish_request(self, *, is_ok: bool) -> None:
        self._times.append(time.perf_counter() - self._begun)
        if not is_ok:
            self._failed.append(1)
        if time.perf_counter() < self._until:
            self._send_next()
        else:
            self.close()


async def _drive(
    host: str, port: int, requests: Sequence[bytes], connections: int, seconds: float, *, once: bool
) -> tuple[list[float], int]:
    loop = asyncio.get_running_loop()
    times: list[float] = []
    failed: list[int] = []
    until = time.perf_counter() + seconds
    sent = iter(requests) if once else itertools.cycle(requests)
    made = [
        (await loop.create_connection(lambda: _Client(sent, until, times, failed), host, port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(each.closed for each in made))
    return times, len(failed)


def client(
    host: str, port: int, requests: Sequence[bytes], connections: int, seconds: float, *, once: bool = False
) -> tuple[list[float], int]:
    """Drive so many connections for so long: (seconds of each request, failures). In a process of its own."""
    import uvloop  # noqa: PLC0415 - only in the client's process

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_drive(host, port, requests, connections, seconds, once=once))


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, all threads."""
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - nothing else to do with it
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Load:
    """How hard and how long."""

    connections: int = 32
    seconds: float = 3.0
    once: bool = False
    """Whether each request is sent once, and the load ends with them if that is sooner."""


def measure(
    pid: int, host: str, port: int, requests: Sequence[bytes], load: Load, *, warm_up: Sequence[bytes] | None = None
) -> Cost:
    """Warm up for a second, with the same requests unless told, then load and see what it cost the process."""
    with get_context("spawn").Pool(1) as pool:
        pool.apply(client, (host, port, warm_up or requests, load.connections, 1.0), {"once": load.once})
        before, begun = cpu_seconds(pid), time.perf_counter()
        times, failures = pool.apply(
            client, (host, port, requests, load.connections, load.seconds), {"once": load.once}
        )
        wall, spent = time.perf_counter() - begun, cpu_seconds(pid) - before
    times.sort()
    return Cost(len(times), wall, spent / len(times) * 1e6, at(times, 0.5), at(times, 0.99), failures)


def at(times: list[float], share: float) -> float:
    """The time in milliseconds below which that share of sorted seconds is."""
    return times[int(len(times) * share)] * 1e3


def bare_aiohttp(body_bytes: int = 1200) -> tuple[subprocess.Popen[str], int]:
    """The bound beside which our routes are measured: aiohttp, its router, and a ready answer. (process, port)."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare", str(body_bytes)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())
