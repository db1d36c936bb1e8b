"""How a service ends that never reached Kafka: no path of its start or end waits for a broker that is away."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.service_process import ServiceProcess

pytestmark = pytest.mark.slow


@pytest.fixture
def closed_address() -> Iterator[str]:
    """An address that nothing listens at."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{reserved.getsockname()[1]}"


@pytest.fixture(params=[1, 2], ids=["one process", "two workers"])
def unready(closed_address: str, request: pytest.FixtureRequest) -> Iterator[ServiceProcess]:
    """A service that has tried to reach Kafka, and tries on."""
    service = ServiceProcess(closed_address, workers=request.param)
    service.start(wait=False)
    try:
        wait_for_line(service, "Connect failed", "Connection refused")
        yield service
    finally:
        service.stop(signal.SIGKILL)


def wait_for_line(service: ServiceProcess, *parts: str) -> None:
    """Return when a line has one of the parts."""
    while not any(part in line for line in list(service.lines) for part in parts):
        assert service.running, "\n".join(service.lines)
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_that_never_reached_kafka_ends_with_the_first_signal(
    unready: ServiceProcess, number: signal.Signals
) -> None:
    """Before its first request to Kafka has timed out: the service would say that it waits."""
    assert unready.stop(number) == 0
    assert "Stopping" in unready.lines
    assert not any("Waiting for Kafka" in line or "killed" in line for line in unready.lines)


def test_the_second_signal_ends_a_service_at_once(unready: ServiceProcess) -> None:
    """Although a request is in flight, which the first one lets complete."""
    url = urlsplit(unready.url)
    with socket.create_connection((url.hostname, url.port)) as client:
        client.sendall(
            b"POST /topics/t HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/vnd.kafka.json.v2+json\r\n"
            b"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n"
        )
        assert client.recv(1000).startswith(b"HTTP/1.1 100 ")
        os.kill(unready.pid, signal.SIGTERM)
        wait_for_line(unready, "Stopping")
        assert unready.stop(signal.SIGTERM) == 128 + signal.SIGTERM
    assert any("Ending at once" in line for line in unready.lines)


@pytest.mark.long
@pytest.mark.parametrize("workers", [1, 2])
def test_a_service_whose_lines_nobody_reads_ends_with_the_first_signal(closed_address: str, workers: int) -> None:
    """As after the end of a log collector at the other end of a pipe."""
    settings = {"BOOTSTRAP_URI": closed_address, "PORT": "0", "WORKERS": str(workers)}
    process = subprocess.Popen(
        [sys.executable, "-m", "karapace_like", "serve"],
        env={**os.environ, **{f"KARAPACE_{name}": value for name, value in settings.items()}},
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if b"Connect failed" in line or b"Connection refused" in line:
                break
        process.stderr.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.wait()
