"""Real workers of Kafka Connect: Apache's own, distributed, each a process that does not outlive this one.

They convert records as plain text, and notice within seconds that one of them is gone.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from karapace_like.kafka import supervisor
from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.jars import JarSet, find_jars
from karapace_like.kafka.java import find_java
from tests.waiting import wait_until

_JARS = JarSet("Kafka Connect", "connect", Path(__file__).with_name("pom.xml"), 54, "connect-runtime-*.jar")
_JVM_FLAGS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=INFO")
_LISTENING = re.compile(r"Advertised URI: (http://\S+?)/?$")
_SECONDS = 120


class ConnectWorker:
    """One worker of the Connect cluster `group`, on a free port; `folder` is its own."""

    def __init__(self, kafka: Cluster, group: str, folder: Path) -> None:
        self.url = ""
        self.lines: list[str] = []
        self._folder = folder
        self._listening = threading.Event()
        self._supervisor: subprocess.Popen[str] | None = None
        self._pid = 0
        folder.mkdir(parents=True, exist_ok=True)
        lines = (f"{name}={value}\n" for name, value in _properties(kafka.bootstrap_servers, group).items())
        (folder / "worker.properties").write_text("".join(lines))

    def __enter__(self) -> Self:
        java = find_java()
        jars = find_jars(java, lambda _: None, _JARS)
        jvm = (str(java.home / "bin" / "java"), *_JVM_FLAGS, "-cp", f"{jars}/*")
        self._supervisor = subprocess.Popen(
            [sys.executable, "-I", "-S", supervisor.__file__, "0", "", *jvm, _MAIN, "worker.properties"],
            cwd=self._folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._supervisor.stdout
        self._pid = int(self._supervisor.stdout.readline())
        threading.Thread(target=self._watch, args=(self._supervisor,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._supervisor
        assert self._supervisor.stdin
        assert self._supervisor.stdout
        self._supervisor.stdin.close()
        self._supervisor.stdout.close()
        self._supervisor.wait()

    def await_ready(self) -> None:
        """Return when it is a member of its group and takes calls."""
        assert self._listening.wait(_SECONDS)
        wait_until(self._is_healthy)

    def kill(self) -> None:
        """End at once, as a crash would."""
        assert self._supervisor
        os.kill(self._pid, signal.SIGKILL)
        self._supervisor.wait()

    def _is_healthy(self) -> bool:
        assert self._supervisor
        assert self._supervisor.poll() is None, "\n".join(self.lines)
        with suppress(urllib.error.URLError), urllib.request.urlopen(f"{self.url}/health", timeout=_SECONDS) as answer:
            return bool(answer.status == 200)
        return False

    def _watch(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr
        with process.stderr:
            for line in process.stderr:
                self.lines.append(line.rstrip())
                if found := _LISTENING.search(line.rstrip()):
                    self.url = found[1]
                    self._listening.set()
        self._listening.set()


_MAIN = "org.apache.kafka.connect.cli.ConnectDistributed"


def _properties(bootstrap_servers: str, group: str) -> dict[str, object]:
    storages = {
        f"{kind}.storage.{name}": value
        for kind in ("config", "offset", "status")
        for name, value in (("topic", f"{group}-{kind}"), ("replication.factor", 1))
    }
    return {
        "bootstrap.servers": bootstrap_servers,
        "group.id": group,
        "listeners": "http://127.0.0.1:0",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        **storages,
        "offset.storage.partitions": 1,
        "status.storage.partitions": 1,
        "offset.flush.interval.ms": 500,
        "scheduled.rebalance.max.delay.ms": 0,
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 1000,
        # A killed worker's sink is still a member of its own group, which assigns nothing to the next until then.
        "consumer.session.timeout.ms": 6000,
        "consumer.heartbeat.interval.ms": 1000,
        "plugin.discovery": "service_load",
    }
