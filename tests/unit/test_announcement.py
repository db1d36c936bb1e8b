"""The lines that `serve` prints once it is ready, and the memory of the supervisor that may print them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from karapace_like.config import Listener, Settings
from karapace_like.serve.announcement import announce_ready
from karapace_like.serve.listeners import ListeningSocket, open_listeners


@pytest.fixture
def sockets() -> Iterator[tuple[ListeningSocket, ...]]:
    opened = open_listeners([Listener("0.0.0.0", 0), Listener("127.0.0.1", 0, is_tls=True)])
    yield opened
    for listening in opened:
        listening.socket.close()


def test_the_announcement_names_the_next_addresses(sockets: tuple[ListeningSocket, ...]) -> None:
    """The documentation is at an address that a browser can open, the data folder is that of the embedded Kafka."""
    first, second = (listening.address.port for listening in sockets)
    settings = Settings(bootstrap_uri="kafka-1:9092")
    lines = announce_ready(settings, sockets, Path("/var/kafka")).splitlines()
    assert lines[0] == f"Ready at http://0.0.0.0:{first} and https://127.0.0.1:{second}"
    assert [line.split(maxsplit=2)[2] for line in lines[1:]] == [
        f"http://127.0.0.1:{first}/console",
        f"http://127.0.0.1:{first}/docs",
        "kafka-1:9092",
        "folder: /var/kafka",
    ]
    assert "folder" not in announce_ready(settings, sockets)


def test_an_ipv6_host_is_in_brackets() -> None:
    """As a URL needs it."""
    sockets = open_listeners([Listener("::1", 0)])
    try:
        assert f"http://[::1]:{sockets[0].address.port}/docs" in announce_ready(Settings(), sockets)
    finally:
        sockets[0].socket.close()


def test_the_supervisor_imports_no_server_and_no_client() -> None:
    """Several workers share one machine with it; the modules that serve would double its memory."""
    program = """
import sys
import karapace_like.workers.supervisor
print(sorted({"aiohttp", "aiokafka", "confluent_kafka"} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
