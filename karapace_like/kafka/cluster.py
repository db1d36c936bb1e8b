"""The embedded Kafka: Apache Kafka in KRaft mode, as child processes, for `make run`, trials and tests.

    with Cluster(brokers=3) as kafka:
        Producer({"bootstrap.servers": kafka.bootstrap_servers})

Blocking calls: an event loop starts it from a thread. Not for production: one machine, no TLS, no authentication.
"""

import fcntl
import json
import os
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar, Self

from karapace_like.kafka.broker import HOST, Broker, Ports, await_ready
from karapace_like.kafka.broker_error import BrokerError, PortTakenError
from karapace_like.kafka.jars import can_archive_classes, find_class_archive, find_jars, keep_class_archive
from karapace_like.kafka.java import Java, find_java

_ATTEMPTS = 5
_WATCH_SECONDS = 0.5
_MARKER = "cluster.json"
# For a quick start and little memory: a broker with a few topics takes 180 to 220 MB, one with 2,000 some 400 MB.
_JVM_FLAGS = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError")


def default_data_folder() -> Path:
    """Return the folder in which the commands keep the data of a user's Kafka."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "karapace-like" / "kafka"


class Cluster:
    """One or several brokers in one KRaft quorum, every node a broker and a controller. Not thread-safe.

    `port` is the first broker's port, the others follow it; None chooses free ones. The folder `data` is kept and
    used again at the next start; None is a temporary folder, removed at the end.
    `properties` are further server properties of Kafka, for each broker. `features` are levels of features of a new
    cluster, by their names. `listeners` are further listeners on free ports: name -> security protocol. `advertised`
    are the ports that a listener advertises: name -> one port for each broker. `progress` is called with a line for
    each step that takes seconds.
    """

    temporary_folder: ClassVar[Path | None] = None
    """Where the folders of data that is not kept are created; None is the system's folder for temporary files."""

    def __init__(
        self,
        *,
        brokers: int = 1,
        port: int | None = None,
        data: Path | None = None,
        properties: Mapping[str, object] | None = None,
        features: Mapping[str, int] | None = None,
        listeners: Mapping[str, str] | None = None,
        advertised: Mapping[str, Sequence[int]] | None = None,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.brokers: tuple[Broker, ...] = ()
        self._size = brokers
        self._port = port
        self._data = data
        self._properties = properties or {}
        self._features = features or {}
        self._listeners = listeners or {}
        self._advertised = advertised or {}
        self._progress = progress
        self._resources = ExitStack()

    @property
    def bootstrap_servers(self) -> str:
        """`host:port,...` of all brokers, in the form of Kafka's clients."""
        return ",".join(broker.address for broker in self.brokers)

    def servers(self, listener: str) -> str:
        """Return the bootstrap servers of one of the `listeners`."""
        return ",".join(broker.more_addresses[listener] for broker in self.brokers)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start every broker, and return once clients can use all. Raises `BrokerError`, after stopping all again."""
        begun = time.monotonic()
        with ExitStack() as resources:
            java = find_java()
            jars = find_jars(java, self._progress)
            folder = self._open_folder(resources)
            lock = _lock(folder, resources)
            cluster_id = _read_or_create_cluster_id(folder, self._size)
            archive = find_class_archive(java, jars)
            # A broker that ends at once writes none: the first in a folder that is kept does it for all others.
            archives = archive is None and self._data is not None and can_archive_classes(java)
            if archives:
                resources.callback(self._keep_class_archive, java, jars)
            resources.callback(self._end_brokers)
            sharing = () if archive is None else (f"-XX:SharedArchiveFile={archive}", "-Xshare:auto")
            jvm = (str(java.home / "bin" / "java"), *_JVM_FLAGS, *sharing, "-Dlog4j2.level=INFO", "-cp", f"{jars}/*")
            for attempt in range(1, _ATTEMPTS + 1):
                ports = _choose_ports(self._size, self._port, self._listeners, self._advertised)
                self.brokers = tuple(
                    Broker(
                        node_id,
                        ports,
                        folder=folder / f"broker-{node_id}",
                        jvm=jvm,
                        lock=lock,
                        ephemeral=None if self._data else folder,
                        properties=self._properties,
                        listeners=self._listeners,
                        archives=archives and node_id == 1,
                    )
                    for node_id in range(1, self._size + 1)
                )
                self._progress(f"Starting Kafka at {self.bootstrap_servers}")
                try:
                    self._start_brokers(cluster_id)
                    break
                except PortTakenError:
                    # Another program can take a port between its choice and the broker's use of it.
                    if attempt == _ATTEMPTS:
                        raise
                    for broker in self.brokers:
                        broker.kill()
            if archives:
                resources.callback(self._progress, "Archiving Java's classes, for quicker starts (once)")
            self._resources = resources.pop_all()
        self._progress(f"Kafka is ready at {self.bootstrap_servers} ({time.monotonic() - begun:.1f} s)")

    def stop(self) -> None:
        """Stop all brokers and, without a `data` folder, remove their data. A second call does nothing."""
        self._resources.close()

    def watch(self) -> None:
        """Block until a broker ends by itself; raise `BrokerError` then."""
        while True:
            for broker in self.brokers:
                broker.check()
            time.sleep(_WATCH_SECONDS)

    def _open_folder(self, resources: ExitStack) -> Path:
        if self._data is None:
            folder = Path(tempfile.mkdtemp(prefix="karapace-like-kafka-", dir=self.temporary_folder))
            resources.callback(shutil.rmtree, folder, ignore_errors=True)
            return folder
        try:
            self._data.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise BrokerError(
                f"The data folder {self._data} cannot be created ({exc.strerror}): choose another folder."
            ) from exc
        return self._data.resolve()

    def _start_brokers(self, cluster_id: str) -> None:
        formatting = [process for broker in self.brokers if (process := broker.format(cluster_id, self._features))]
        for process in formatting:
            output, _ = process.communicate()
            if process.returncode != 0:
                raise BrokerError(f"Kafka could not format its data folder: {output.strip().splitlines()[-1]}")
        for broker in self.brokers:
            broker.launch()
        await_ready(self.brokers)

    def _end_brokers(self) -> None:
        for broker in self.brokers:
            broker.release()
        for broker in self.brokers:
            broker.join()

    def _keep_class_archive(self, java: Java, jars: Path) -> None:
        if self.brokers and (draft := self.brokers[0].class_archive):
            keep_class_archive(draft, java, jars)


def _lock(folder: Path, resources: ExitStack) -> int:
    """Lock the folder itself; return the lock's file descriptor.

    The brokers' supervisors inherit the lock, so that it outlives this program as they do.
    """
    lock = os.open(folder, os.O_RDONLY)
    resources.callback(os.close, lock)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise BrokerError(f"A running Kafka uses the data folder {folder}: stop it, or choose another folder.") from exc
    return lock


def _read_or_create_cluster_id(folder: Path, size: int) -> str:
    """Return the id of the cluster whose data the folder holds; a new id for an empty folder."""
    marker = folder / _MARKER
    if marker.exists():
        cluster = json.loads(marker.read_text())
        if cluster["brokers"] != size:
            raise BrokerError(
                f"The data folder {folder} belongs to another cluster "
                f"(number of brokers: {cluster['brokers']}, not {size}): start as many, or choose another folder."
            )
        return str(cluster["cluster_id"])
    if any(folder.iterdir()):
        raise BrokerError(
            f"The folder {folder} holds files that are not of a Kafka of this program: choose another data folder."
        )
    # Kafka's form: 16 random bytes as 22 characters. Its tool would read a leading dash as an option.
    cluster_id = secrets.token_urlsafe(16).replace("-", "_")
    # Written before the brokers' folders, so that the next start can complete an interrupted one.
    marker.write_text(json.dumps({"cluster_id": cluster_id, "brokers": size}))
    return cluster_id


def _choose_ports(
    size: int, first: int | None, listeners: Iterable[str], advertised: Mapping[str, Sequence[int]]
) -> list[Ports]:
    """Return ports that are free now for every node; each is bound until all are chosen, so that they differ."""
    with ExitStack() as held:
        clients = [_bind(first + i if first else 0, held) for i in range(size)]
        return [
            Ports(
                client,
                _bind(0, held),
                {name: _bind(0, held) for name in listeners},
                {name: ports[i] for name, ports in advertised.items()},
            )
            for i, client in enumerate(clients)
        ]


def _bind(port: int, held: ExitStack) -> int:
    listener = held.enter_context(socket.socket())
    listener.setsockopt(
        socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
    )  # as Kafka does: closed connections do not block a port
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as exc:
        raise PortTakenError(
            f"Port {port} of {HOST} is not available ({exc}): stop what listens there, choose another port, or "
            f"none to get a free one."
        ) from exc
    chosen: int = listener.getsockname()[1]
    return chosen
