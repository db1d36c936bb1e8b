"""One broker of the embedded Kafka: its folder, its properties, its process. `cluster.py` puts them together.

A node is broker and controller in one and listens on 127.0.0.1 only, in plain text: for trials and tests.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from karapace_like.kafka.broker_error import BrokerError, PortTakenError

HOST = "127.0.0.1"
_READY_SECONDS = 120.0
_PROBE_SECONDS = 0.05
_GRACE_SECONDS = 10.0
# Relative to the node's folder, where its JVM runs: Kafka would split a path at its commas.
_PROPERTIES = "server.properties"
_DATA = "data"
_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_EXCEPTION = re.compile(r"(?:Caused by: )?([\w.$]+(?:Exception|Error): .*)")


@dataclass(frozen=True, slots=True)
class Ports:
    """Where one node listens: for clients and the other brokers, and for the controllers' quorum."""

    client: int
    controller: int
    more: Mapping[str, int] = field(default_factory=dict)
    """Of more listeners for clients, by their names."""
    told: Mapping[str, int] = field(default_factory=dict)
    """Where clients are told that these are, if that is elsewhere: behind something that passes it on."""


class Broker:
    """One node, started or not. Not thread-safe. After `stop` or `kill` it can be started again, on the same data.

    `jvm` is the command that runs a class of Kafka's jars. `lock` is a file descriptor that the broker's supervisor
    holds open as long as the broker runs. `ephemeral` is the folder to remove should this program die.
    """

    def __init__(
        self,
        node_id: int,
        ports: Sequence[Ports],
        *,
        folder: Path,
        jvm: Sequence[str],
        lock: int,
        ephemeral: Path | None,
        properties: Mapping[str, object],
        listeners: Mapping[str, str],
    ) -> None:
        self.node_id = node_id
        self.address = f"{HOST}:{ports[node_id - 1].client}"
        self.more_addresses = {name: f"{HOST}:{port}" for name, port in ports[node_id - 1].more.items()}
        self.log = folder / "server.log"
        self.pid = 0
        self._folder = folder
        self._jvm = jvm
        self._lock = lock
        self._ephemeral = ephemeral
        self._supervisor: subprocess.Popen[str] | None = None
        folder.mkdir(exist_ok=True)
        lines = (
            f"{name}={value}\n" for name, value in {**_properties(node_id, ports, listeners), **properties}.items()
        )
        (folder / _PROPERTIES).write_text("".join(lines))

    @property
    def running(self) -> bool:
        """Whether the process is there, paused or not."""
        return self._supervisor is not None and self._supervisor.poll() is None

    def format(self, cluster_id: str) -> "subprocess.Popen[str] | None":
        """Begin to format the data folder by Kafka's own tool, which sets its features too. None if it is formatted.

        Raises `BrokerError` if that is for another cluster: Kafka itself would not notice.
        """
        formatted = self._folder / _DATA / "meta.properties"
        if formatted.exists():
            found = re.search(r"^cluster\.id=(.*)$", formatted.read_text(), re.MULTILINE)
            if found and found[1] != cluster_id:
                raise BrokerError(
                    f"{formatted.parent} is of cluster {found[1]}, not {cluster_id}: choose another folder."
                )
            return None
        tool = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "--cluster-id", cluster_id]
        return subprocess.Popen(  # noqa: S603 - the user's own Java
            [*self._jvm, *tool, "--config", _PROPERTIES],
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def start(self) -> None:
        """Start and wait until clients can use it. Raises `BrokerError`."""
        self.launch()
        await_ready([self])

    def launch(self) -> None:
        """Start the process, for `await_ready` to follow. Raises `BrokerError`."""
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        grace, dropped = (0.0, str(self._ephemeral)) if self._ephemeral else (_GRACE_SECONDS, "")
        supervisor = [sys.executable, "-I", "-S", str(_SUPERVISOR), str(grace), dropped]
        with self.log.open("w") as log:
            self._supervisor = subprocess.Popen(  # noqa: S603 - the user's own Java
                [*supervisor, *self._jvm, "kafka.Kafka", _PROPERTIES],
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                pass_fds=(self._lock,),
                start_new_session=True,  # a Ctrl-C in the terminal is for the starting program, which ends us in order
            )
        assert self._supervisor.stdout
        with self._supervisor.stdout as stdout:
            pid = stdout.readline()
        if not pid:
            self.join()
            self.check()
        self.pid = int(pid)

    def knows(self, node_ids: Collection[int]) -> bool:
        """Whether it answers clients, and tells of all of `node_ids` as running. Takes half a second at most."""
        client = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        with suppress(KafkaException):
            return client.list_topics(timeout=0.5).brokers.keys() >= set(node_ids)
        return False

    def check(self) -> None:
        """Raise `BrokerError`, with the reason that the log gives, if the broker has ended."""
        if self.running:
            return
        words = self.last_words()
        kind = PortTakenError if "Address already in use" in words else BrokerError
        raise kind(f"Kafka broker {self.node_id} ended: {words}")

    def stop(self) -> None:
        """End in order: leaders move to other brokers, files are closed. Killed if that takes 10 s."""
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)  # a paused process takes no other signal
        assert self._supervisor
        try:
            self._supervisor.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self.release()

    def kill(self) -> None:
        """End at once by SIGKILL, as a crash would."""
        self._signal(signal.SIGKILL)
        self.join()
        self.release()

    def pause(self) -> None:
        """Freeze by SIGSTOP: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after `pause`."""
        self._signal(signal.SIGCONT)

    def release(self) -> None:
        """Let the supervisor end the broker as if this program had died. Returns at once."""
        if self._supervisor and self._supervisor.stdin:
            self._supervisor.stdin.close()

    def join(self) -> None:
        """Wait until the process is gone."""
        if self._supervisor:
            self._supervisor.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self.running:  # as long as the supervisor is there, the process id is the broker's
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def last_words(self) -> str:
        """The cause that the log gives last, else its last line; and where the log is, if it stays."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        causes = [cause[1] for line in lines if (cause := _EXCEPTION.match(line))]
        words = (causes or lines or ["its log is empty"])[-1]
        return words if self._ephemeral else f"{words} (log: {self.log})"


def await_ready(brokers: Sequence[Broker]) -> None:
    """Wait until clients can use each of these brokers and all know of all. Raises `BrokerError`."""
    deadline = time.monotonic() + _READY_SECONDS
    node_ids = [broker.node_id for broker in brokers]
    while waiting := [broker for broker in brokers if not broker.knows(node_ids)]:
        for broker in brokers:
            broker.check()
        if time.monotonic() > deadline:
            raise BrokerError(f"Kafka was not ready after {_READY_SECONDS:.0f} s: {waiting[0].last_words()}")
        time.sleep(_PROBE_SECONDS)


def _properties(node_id: int, ports: Sequence[Ports], listeners: Mapping[str, str]) -> dict[str, object]:
    """Kafka's defaults but for: where to listen, replicas that fit the number of brokers, and little waiting."""
    own = ports[node_id - 1]
    replicas = min(3, len(ports))
    in_sync = min(2, replicas)
    more = "".join(f",{name}://{HOST}:{port}" for name, port in own.more.items())
    told = "".join(f",{name}://{HOST}:{own.told.get(name, port)}" for name, port in own.more.items())
    protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **listeners}
    return {
        "node.id": node_id,
        "process.roles": "broker,controller",
        "listeners": f"PLAINTEXT://{HOST}:{own.client},CONTROLLER://{HOST}:{own.controller}{more}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{own.client}{told}",
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
        "controller.listener.names": "CONTROLLER",
        # Voters by configuration, not in the metadata log: kept data starts again on other ports.
        "controller.quorum.voters": ",".join(f"{id_}@{HOST}:{port.controller}" for id_, port in enumerate(ports, 1)),
        "log.dirs": _DATA,
        "auto.create.topics.enable": "true",
        "default.replication.factor": replicas,
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        "group.initial.rebalance.delay.ms": 0,
        # How soon a group may notice that a member is gone; the default is 6 s.
        "group.min.session.timeout.ms": 1000,
        # How soon a killed broker's partitions get another leader.
        "broker.heartbeat.interval.ms": 500,
        "broker.session.timeout.ms": 3000,
        # The cleaner takes this from the heap at once; the default is 128 MB.
        "log.cleaner.dedupe.buffer.size": 8 * 1024 * 1024,
    }
