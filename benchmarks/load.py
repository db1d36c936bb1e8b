"""A load of keep-alive HTTP connections from a process of its own, and what it cost the serving process.

The client writes ready-made request bytes and looks at nothing but status and length, so that it costs little beside
the server. A closed loop sends the next request of a connection when the last one is answered. An open loop has a rate:
each request has a time at which it is due, whatever became of the others, and its latency counts from there. CPU time
is the server's, all threads, user and system, from /proc: on a shared machine wall time says little.
"""

import asyncio
import itertools
import os
import re
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import cast

UNIQUE = "UNIQUE_NUMBER_16"
"""In a request: a number that no other request has, of as many digits as this has characters: microseconds."""
_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)\r\n")
_CHUNKED = re.compile(rb"\r\n[Tt]ransfer-[Ee]ncoding: *chunked\r\n")
_LAST_CHUNK = b"0\r\n\r\n"
_GRACE_SECONDS = 10
"""For responses after the load has ended; a request without one by then has failed."""


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
        self._is_waiting = False
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so

    def send(self, request: bytes) -> None:
        """Send the next request."""
        self._is_waiting = True
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
        if not self._is_complete():
            return
        is_ok = self._received.startswith(b"HTTP/1.1 200")
        self._received, self._is_waiting = b"", False
        self.finish_request(is_ok=is_ok)

    def _is_complete(self) -> bool:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return False
        length = _LENGTH.search(self._received, 0, end + 2)
        if length is None and _CHUNKED.search(self._received, 0, end + 2):
            return self._received.endswith(_LAST_CHUNK)
        return length is not None and len(self._received) >= end + 4 + int(length[1])

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        if not self.closed.done():
            self.closed.set_result(exc)


class _Client(Connection):
    """Sends each request when it is due, or as soon as it has the response to the last one."""

    def __init__(self, sent: Iterator[bytes], due: Iterator[float], times: list[float], failed: list[int]) -> None:
        super().__init__()
        self._sent, self._due, self._times, self._failed = sent, due, times, failed
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._send_next()

    def _send_next(self) -> None:
        request, due = next(self._sent, None), next(self._due, None)
        if request is None or due is None:
            self.close()
        elif (pause := due - time.perf_counter()) > 0:
            self._loop.call_later(pause, self._send_due, request, due)
        else:
            self._send_due(request, due)

    def _send_due(self, request: bytes, due: float) -> None:
        self._begun = due
        self.send(request)

    def finish_request(self, *, is_ok: bool) -> None:
        self._times.append(time.perf_counter() - self._begun)
        if not is_ok:
            self._failed.append(1)
        self._send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_waiting:
            self._failed.append(1)
        super().connection_lost(exc)


async def _drive(
    host: str, port: int, requests: Sequence[bytes], connections: int, seconds: float, *, once: bool, rate: float
) -> tuple[list[float], int]:
    loop = asyncio.get_running_loop()
    times: list[float] = []
    failed: list[int] = []
    sent = iter(requests) if once else _repeat(requests)
    begun = time.perf_counter()
    due = (
        (begun + number / rate for number in range(int(rate * seconds)))
        if rate
        else itertools.takewhile((begun + seconds).__gt__, iter(time.perf_counter, None))
    )
    made = [
        (await loop.create_connection(lambda: _Client(sent, due, times, failed), host, port))[1]
        for _ in range(connections)
    ]
    _, unanswered = await asyncio.wait([each.closed for each in made], timeout=seconds + _GRACE_SECONDS)
    return times, len(failed) + len(unanswered)


def _repeat(requests: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the requests again and again, each unique one with the next number."""
    numbers = draw_numbers()
    for request in itertools.cycle(requests):
        yield request.replace(UNIQUE.encode(), b"%d" % next(numbers)) if UNIQUE.encode() in request else request


def draw_numbers() -> Iterator[int]:
    """Return numbers that no earlier call has had: from the microseconds of now, of which more pass than are drawn."""
    return itertools.count(time.time_ns() // 1000)


def client(
    host: str,
    port: int,
    requests: Sequence[bytes],
    connections: int,
    seconds: float,
    *,
    once: bool = False,
    rate: float = 0,
) -> tuple[list[float], int]:
    """Drive so many connections for so long: (seconds of each request, failures). In a process of its own.

    With a rate, so many requests a second are due; as many as there are connections can be under way, and the others
    wait for one, which is part of their latency.
    """
    with asyncio.Runner(loop_factory=_open_punctual_loop if rate else _open_fast_loop) as runner:
        return runner.run(_drive(host, port, requests, connections, seconds, once=once, rate=rate))


def _open_fast_loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 - only in the client's process

    return uvloop.new_event_loop()


def _open_punctual_loop() -> asyncio.AbstractEventLoop:
    """Return a loop whose timers are late by less than 0.1 ms: those of uvloop and epoll have whole milliseconds."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def cpu_seconds(pid: int, *, with_ended: bool = False) -> float:
    """User and system time of a process so far, all threads; also of its child processes that have ended, if wanted."""
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - nothing else to do with it
        fields = stat.read().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if with_ended else 13])) / os.sysconf("SC_CLK_TCK")


def tree_cpu_seconds(pid: int) -> float:
    """User and system time so far of a process and of its descendants that run."""
    children = []
    with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
        children = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    seconds = cpu_seconds(pid)
    for child in " ".join(children).split():
        with suppress(FileNotFoundError, ProcessLookupError):
            seconds += tree_cpu_seconds(int(child))
    return seconds


@dataclass(frozen=True)
class Load:
    """How hard and how long."""

    connections: int = 32
    seconds: float = 3.0
    once: bool = False
    """Whether each request is sent once, and the load ends with them if that is sooner."""
    rate: float = 0
    """Requests that are due in a second (an open loop); 0 is as many as the connections do (a closed loop)."""


def measure(
    pid: int,
    host: str,
    port: int,
    requests: Sequence[bytes],
    load: Load,
    *,
    warm_up: Sequence[bytes] | None = None,
) -> Cost:
    """Warm up for a second, with the same requests unless told, then load and see what it cost the process.

    The warm-up is a closed loop, so that an open one begins without a backlog.
    """
    with get_context("spawn").Pool(1) as pool:
        pool.apply(client, (host, port, warm_up or requests, load.connections, 1.0), {"once": load.once})
        before, begun = tree_cpu_seconds(pid), time.perf_counter()
        how = {"once": load.once, "rate": load.rate}
        times, failures = pool.apply(client, (host, port, requests, load.connections, load.seconds), how)
        wall, spent = time.perf_counter() - begun, tree_cpu_seconds(pid) - before
    times.sort()
    return Cost(len(times), wall, spent / max(len(times), 1) * 1e6, at(times, 0.5), at(times, 0.99), failures)


def at(times: list[float], share: float) -> float:
    """The time in milliseconds below which that share of sorted seconds is; 0 of none."""
    return times[int(len(times) * share)] * 1e3 if times else 0.0


def bare_aiohttp(body_bytes: int = 1200) -> tuple[subprocess.Popen[str], int]:
    """The bound beside which our routes are measured: aiohttp, its router, and a ready answer. (process, port)."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare", str(body_bytes)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())
