"""The load generator counts what a client sees: late responses, lost ones, and numbers that nobody had before."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks import load

FIRST_PAUSE = 0.4


class Handler(BaseHTTPRequestHandler):
    """Answers as its server's path says, the first request of all after a pause."""

    protocol_version = "HTTP/1.1"
    bodies: list[bytes]
    lock = threading.Lock()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.lock:
            self.bodies.append(body)
            is_first = len(self.bodies) == 1
        if self.path == "/slow" and is_first:
            time.sleep(FIRST_PAUSE)
        if self.path == "/lost":
            self.close_connection = True
            return
        self.send_response(200 if self.path != "/refused" else 500)
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"2\r\nab\r\n")
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ab")

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def answering() -> Iterator[tuple[int, list[bytes]]]:
    """A server: its port, and the bodies that it got."""
    bodies: list[bytes] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), type("OneHandler", (Handler,), {"bodies": bodies})) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, bodies
        finally:
            server.shutdown()
            thread.join()


def send(port: int, path: str, body: bytes = b"", *, connections: int = 1, rate: float = 0) -> tuple[list[float], int]:
    sent = load.request("POST", path, "host", body)
    return load.client("127.0.0.1", port, [sent], connections, 0.1, rate=rate)


def test_an_open_loop_counts_from_when_a_request_was_due() -> None:
    with answering() as (port, bodies):
        times, failures = send(port, "/slow", rate=100)
    assert (len(times), len(bodies), failures) == (10, 10, 0)
    assert min(times) > FIRST_PAUSE - 0.1  # the last one was due 0.09 s after the first, which held the only connection


def test_a_closed_loop_sends_nothing_while_it_waits() -> None:
    with answering() as (port, bodies):
        times, _ = send(port, "/slow")
    assert times[0] > FIRST_PAUSE
    assert len(bodies) == 1


@pytest.mark.parametrize("rate", [0, 50])
def test_no_two_requests_have_the_same_number(rate: float) -> None:
    with answering() as (port, bodies):
        send(port, "/", f'{{"a": {load.UNIQUE}}}'.encode(), connections=3, rate=rate)
        send(port, "/", f'{{"a": {load.UNIQUE}}}'.encode(), connections=3, rate=rate)
    assert len(set(bodies)) == len(bodies) > 1
    assert {len(body) for body in bodies} == {len(f'{{"a": {load.UNIQUE}}}')}


@pytest.mark.parametrize(("path", "expected"), [("/chunked", 0), ("/refused", 5), ("/lost", 1)])
def test_chunked_responses_end_and_failures_count(path: str, expected: int) -> None:
    with answering() as (port, _):
        times, failures = send(port, path, rate=50)
    assert failures == expected
    assert len(times) == (0 if path == "/lost" else 5)


def test_the_cpu_of_descendants_counts() -> None:
    """Whoever started the processes of a peer stands for all of them."""
    import multiprocessing
    import os

    context = multiprocessing.get_context("spawn")
    ready, stop = context.Event(), context.Event()
    child = context.Process(target=burn, args=(ready, stop))
    child.start()
    assert child.pid is not None
    try:
        assert ready.wait(60)
        own = load.cpu_seconds(os.getpid())
        assert load.tree_cpu_seconds(os.getpid()) >= own + 0.1
    finally:
        stop.set()
        child.join()


def burn(ready: threading.Event, stop: threading.Event) -> None:
    """Use 0.2 s of CPU, and wait."""
    while time.process_time() < 0.2:
        pass
    ready.set()
    stop.wait()
