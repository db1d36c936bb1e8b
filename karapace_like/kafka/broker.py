"""One broker of the embedded Kafka: its folder, its properties and its process. `cluster.py` runs several of them.

A node is broker and controller in one and listens on 127.0.0.1 only, without TLS: for trials and tests.
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
"""How long a broker may take to start."""
_PROBE_SECONDS = 0.05
_PAUSE_CHECK_SECONDS = 0.005
_GRACE_SECONDS = 10.0
"""How long a broker may take to stop before it is killed."""
_ARCHIVING_SECONDS = 60.0
"""How long it may take if its JVM archives classes at its end, which takes 5 s of a free processor."""
_STOPPED_STATES = frozenset("TtZX")
"""States of a thread that runs no more, for now or for good (`man 5 proc_pid_stat`)."""
_TERMINATED = 128 + signal.SIGTERM
"""The exit code of a JVM that has ended in order after SIGTERM."""
# Relative to the node's folder, where its JVM runs: Kafka would split a path at its commas.
_PROPERTIES = "server.properties"
_DATA = "data"
_CLASSES = "classes.jsa"
_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_EXCEPTION = re.compile(r"(?:Caused by: )?(?:[\w.$]+(?:Exception|Error): )+(.*)")
"""An exception in Kafka's log; the group is its message without the names of Java classes."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one node: for clients and the other brokers, and for the quorum of controllers."""

    client: int
    controller: int
    more: Mapping[str, int] = field(default_factory=dict)
    """Further listeners for clients: name -> port."""
    advertised: Mapping[str, int] = field(default_factory=dict)
    """Listener name -> advertised port, where that differs: for listeners behind a proxy."""


class Broker:
    """One node, running or not. Not thread-safe. After `stop` or `kill` it can be started again, on the same data.

    `jvm` is the command that runs a class of Kafka's jars. The broker's supervisor holds the file descriptor `lock`
    open for as long as the broker runs, and removes the folder `ephemeral` if this program dies. With `archives` the
    JVM writes an archive of its classes when it ends in order.
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
        archives: bool = False,
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
        self._archiving = (f"-XX:ArchiveClassesAtExit={_CLASSES}",) if archives else ()
        self._stop_seconds = _ARCHIVING_SECONDS if archives else _GRACE_SECONDS
        self._supervisor: subprocess.Popen[str] | None = None
        folder.mkdir(exist_ok=True)
        lines = (
            f"{name}={value}\n"
            for name, value in {**_build_properties(node_id, ports, listeners), **properties}.items()
        )
        (folder / _PROPERTIES).write_text("".join(lines))

    @property
    def is_running(self) -> bool:
        """Whether the process exists, paused or not."""
        return self._supervisor is not None and self._supervisor.poll() is None

    @property
    def class_archive(self) -> Path | None:
        """The archive of its classes that the broker wrote at its end; None if it has not ended in order."""
        archive = self._folder / _CLASSES
        in_order = self._supervisor is not None and self._supervisor.poll() == _TERMINATED
        return archive if in_order and archive.exists() else None

    def format(self, cluster_id: str, features: Mapping[str, int]) -> "subprocess.Popen[str] | None":
        """Start Kafka's tool that formats the data folder, and return its process; None for a formatted folder.

        Raises `BrokerError` for a folder of another cluster: Kafka itself would not notice.
        """
        formatted = self._folder / _DATA / "meta.properties"
        if formatted.exists():
            match = re.search(r"^cluster\.id=(.*)$", formatted.read_text(), re.MULTILINE)
            if match and match[1] != cluster_id:
                raise BrokerError(
                    f"The data folder {formatted.parent} belongs to cluster {match[1]}, not {cluster_id}: "
                    f"choose another folder."
                )
            return None
        tool = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "--cluster-id", cluster_id]
        for name, level in features.items():
            tool += ["--feature", f"{name}={level}"]
        return subprocess.Popen(  # noqa: S603 - the user's own Java
            [*self._jvm, *tool, "--config", _PROPERTIES],
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def start(self) -> None:
        """Start the broker, and return once clients can use it. Raises `BrokerError`."""
        self.launch()
        await_ready([self])

    def launch(self) -> None:
        """Start the process, for `await_ready` to follow. Raises `BrokerError`."""
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        (self._folder / _CLASSES).unlink(missing_ok=True)  # of an earlier start whose end was not observed
        grace, dropped = (0.0, str(self._ephemeral)) if self._ephemeral else (self._stop_seconds, "")
        supervisor = [sys.executable, "-I", "-S", str(_SUPERVISOR), str(grace), dropped]
        with self.log.open("w") as log:
            self._supervisor = subprocess.Popen(  # noqa: S603 - the user's own Java
                [*supervisor, *self._jvm, *self._archiving, "kafka.Kafka", _PROPERTIES],
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

    def is_ready_for(self, node_ids: Collection[int]) -> bool:
        """Whether the broker's metadata lists all of `node_ids` as running. Takes half a second at most."""
        client = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        with suppress(KafkaException):
            return client.list_topics(timeout=0.5).brokers.keys() >= set(node_ids)
        return False

    def check(self) -> None:
        """Raise `BrokerError`, with the cause that the log names, if the broker has ended."""
        if self.is_running:
            return
        cause = self.find_cause()
        kind = PortTakenError if "Address already in use" in cause else BrokerError
        raise kind(f"Kafka broker {self.node_id} ended: {cause}")

    def stop(self) -> None:
        """Stop the broker cleanly: leaders move to other brokers, files are closed. After the grace it is killed."""
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)  # a paused process handles no other signal
        assert self._supervisor
        try:
            self._supervisor.wait(self._stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self.release()

    def kill(self) -> None:
        """End the broker at once by SIGKILL, as a crash would."""
        self._signal(signal.SIGKILL)
        self.join()
        self.release()

    def pause(self) -> None:
        """Freeze the broker by SIGSTOP, and return once it is frozen: connections stay, and no request is answered.

        The kernel gives the signal to one thread. On a busy machine the others answer requests until that one runs.
        """
        self._signal(signal.SIGSTOP)
        while self.is_running and not _is_stopped(self.pid):
            time.sleep(_PAUSE_CHECK_SECONDS)

    def resume(self) -> None:
        """Resume the broker after `pause`."""
        self._signal(signal.SIGCONT)

    def release(self) -> None:
        """Have the supervisor end the broker as if this program had died. Returns at once."""
        if self._supervisor and self._supervisor.stdin:
            self._supervisor.stdin.close()

    def join(self) -> None:
        """Wait until the process has ended."""
        if self._supervisor:
            self._supervisor.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self.is_running:  # while the supervisor runs, the process id is the broker's
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def find_cause(self) -> str:
        """Return the last cause in the log, else its last line; with the log's path, if the folder is kept."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        causes = [match[1] for line in lines if (match := _EXCEPTION.match(line))]
        cause = (causes or lines or ["its log is empty"])[-1]
        return cause if self._ephemeral else f"{cause} (log: {self.log})"


def _is_stopped(pid: int) -> bool:
    """Return whether every thread of the process is stopped, or has ended; True where the system has no `/proc`."""
    states = set()
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):
            states.add(stat.read_text().rpartition(") ")[2][:1])
    return states <= _STOPPED_STATES


def await_ready(brokers: Sequence[Broker]) -> None:
    """Return once clients can use each of these brokers and each knows all of them. Raises `BrokerError`."""
    deadline = time.monotonic() + _READY_SECONDS
    node_ids = [broker.node_id for broker in brokers]
    while waiting := [broker for broker in brokers if not broker.is_ready_for(node_ids)]:
        for broker in brokers:
            broker.check()
        if time.monotonic() > deadline:
            raise BrokerError(f"Kafka was not ready within {_READY_SECONDS:.0f} s: {waiting[0].find_cause()}")
        time.sleep(_PROBE_SECONDS)


def _build_properties(node_id: int, ports: Sequence[Ports], listeners: Mapping[str, str]) -> dict[str, object]:
    """Return the node's properties: Kafka's defaults except listeners, replication factors and short delays."""
    own = ports[node_id - 1]
    replicas = min(3, len(ports))
    in_sync = min(2, replicas)
    more = "".join(f",{name}://{HOST}:{port}" for name, port in own.more.items())
    advertised = "".join(f",{name}://{HOST}:{own.advertised.get(name, port)}" for name, port in own.more.items())
    protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **listeners}
    return {
        "node.id": node_id,
        "process.roles": "broker,controller",
        "listeners": f"PLAINTEXT://{HOST}:{own.client},CONTROLLER://{HOST}:{own.controller}{more}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{own.client}{advertised}",
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
        "controller.listener.names": "CONTROLLER",
        # Static voters, not those of the metadata log: a kept data folder can start again on other ports.
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
        # The shortest session timeout of a group; the default is 6 s.
        "group.min.session.timeout.ms": 1000,
        # These decide how soon a killed broker's partitions get another leader.
        "broker.heartbeat.interval.ms": 500,
        "broker.session.timeout.ms": 3000,
        # The log cleaner allocates this at its start; the default is 128 MB.
        "log.cleaner.dedupe.buffer.size": 8 * 1024 * 1024,
    }
