"""One Kafka for all processes of a test run: the process that started pytest holds it, and its workers ask where it is.

It starts when a test first needs it, so that a run without Kafka starts none, and ends after the last worker.
"""

import os
import shutil
import threading
from contextlib import suppress
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from tempfile import TemporaryDirectory

from karapace_like.kafka.broker_error import BrokerError
from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.jars import can_archive_classes, find_class_archive, find_jars
from karapace_like.kafka.java import find_java


class KafkaOfWorkers:
    """Starts the broker for the first worker that asks, and tells all of them its address."""

    def __init__(self) -> None:
        self._cluster = Cluster(properties=PROPERTIES)
        self._listener = Listener(family="AF_UNIX")
        self._started = False
        self.address = str(self._listener.address)
        """The path of the socket at which workers ask."""
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Stop the broker, if it was started."""
        self._listener.close()
        self._cluster.stop()

    def _serve(self) -> None:
        with suppress(OSError):  # raised once the listener is closed
            while True:
                with self._listener.accept() as connection:
                    self._answer(connection)

    def _answer(self, connection: Connection) -> None:
        try:
            if not self._started:
                _archive_classes()
                self._cluster.start()
                self._started = True
        except BrokerError as error:
            connection.send((None, str(error)))
        else:
            connection.send((self._cluster.bootstrap_servers, ""))


def _archive_classes() -> None:
    """Let a broker archive its classes, once per user: all others of the run then start in half the time."""
    java = find_java()
    if can_archive_classes(java) and find_class_archive(java, find_jars(java, lambda _: None)) is None:
        with TemporaryDirectory() as data, Cluster(data=Path(data)):
            pass


class KafkaElsewhere(Cluster):
    """The running broker of another process: it has an address, and is not for this process to start or stop."""

    def __init__(self, address: str) -> None:
        """Ask at this socket where it is; return when it runs. Raises `BrokerError`."""
        super().__init__()
        with Client(address) as connection:
            servers, failure = connection.recv()
        if servers is None:
            raise BrokerError(failure)
        self._servers = str(servers)

    @property
    def bootstrap_servers(self) -> str:
        return self._servers


_IN_MEMORY = Path("/dev/shm")
_MIN_FREE_BYTES = 4 << 30
PROPERTIES = {"log.cleaner.backoff.ms": 200, "log.retention.check.interval.ms": 86_400_000}
"""Beside the embedded Kafka's own: the cleaner soon looks again for what to compact; no record is too old to keep."""


def keep_data_in_memory() -> None:
    """Let the test process's brokers keep their data in memory, where there is room.

    A broker syncs several files for each partition that it creates, which takes seconds for a hundred on some disks.
    """
    if os.access(_IN_MEMORY, os.W_OK) and shutil.disk_usage(_IN_MEMORY).free >= _MIN_FREE_BYTES:
        Cluster.temporary_folder = _IN_MEMORY


def guard() -> None:
    """Let only tests start a Kafka that are marked for it: `make test-fast` leaves out the marked ones."""
    start = Cluster.start

    def start_if_allowed(self: Cluster) -> None:
        assert _allowed[-1], "A test that starts a Kafka is marked with `pytest.mark.kafka`."
        start(self)

    Cluster.start = start_if_allowed  # type: ignore[method-assign]


def allow(*, start: bool) -> None:
    """Say of the test that comes next whether it may start a Kafka."""
    _allowed[-1] = start


_allowed = [True]
