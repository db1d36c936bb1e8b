"""What a start costs: a topic of schemas is written, then the service is started on it until it is ready.

python -m benchmarks.replay [--schemas 100000] [--bytes 1000] [--workers 1] [--rounds 3] [--snapshots]

CPU time is that of the serving process, all threads, from its exec to "Ready"; memory is its resident set then and its
peak before. Then 500 new schemas are registered, one after the other. With several workers all their processes count,
the supervisor and those that have ended by then included, and a page that some of them share counts once (PSS). With
`--snapshots` each start but the first has the snapshot that the one before wrote when it stopped. Everything is from
/proc: Linux only.
"""

import argparse
import json
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.error import HTTPError

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from benchmarks.load import cpu_seconds
from karapace_like.kafka.cluster import Cluster
from karapace_like.registry import records
from karapace_like.registry.content import Content
from karapace_like.registry.records import SchemaRecord, SchemaVersion
from karapace_like.schema.model import SchemaType
from tests.calling import call
from tests.service_process import ServiceProcess

TOPIC = "_schemas-of-the-benchmark"
_VERSIONS = 5
"""Of each subject."""
_REGISTRATIONS = 500
"""New schemas after each start, one after the other."""


def schema(number: int, size: int) -> str:
    """An Avro record of about that many bytes, unlike all others."""
    fields = [
        {"name": f"field_{position}_{number}", "type": ["null", "string"], "default": None}
        for position in range(max(1, size // 70))
    ]
    found = {"type": "record", "name": f"Record{number}", "namespace": "benchmark", "fields": fields}
    return json.dumps(found, separators=(",", ":"))


def write(bootstrap_servers: str, count: int, size: int, versions: int = _VERSIONS, topic_name: str = TOPIC) -> float:
    """Fill the topic with that many versions of each subject; the mean bytes of a schema."""
    topic = NewTopic(topic_name, num_partitions=1, replication_factor=1, config={"cleanup.policy": "compact"})
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    admin.create_topics([topic])[topic_name].result()
    producer = Producer(
        {"bootstrap.servers": bootstrap_servers, "linger.ms": 50, "queue.buffering.max.messages": 10**6}
    )
    total = 0
    for number in range(count):
        text = schema(number, size)
        total += len(text)
        content = Content(SchemaType.AVRO, text)
        subject, version = f"subject-{number // versions}-value", number % versions + 1
        key, value = records.encode(SchemaRecord(subject, version, SchemaVersion(number + 1, content)))
        _produce(producer, topic_name, key, value)
    producer.flush()
    return total / count


def _produce(producer: Producer, topic_name: str, key: bytes, value: bytes | None) -> None:
    """Hand a record to the client, and wait while its queue is full: a million schemas do not fit into it."""
    while True:
        try:
            producer.produce(topic_name, key=key, value=value)
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


def memory(pid: int, name: str, file: str = "status") -> float:
    """A line of such a file of the process in MB: VmRSS is now, VmHWM the most it ever was."""
    lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


class Start(NamedTuple):
    """What one start cost, until the service was ready: the sums over its processes."""

    cpu: float
    """Seconds."""
    wall: float
    resident_mb: float
    peak_mb: float
    proportional_mb: float
    """A page that several processes have counts once."""
    registration: float
    """Seconds of CPU that one new schema takes after the start."""

    def __str__(self) -> str:
        memory = f"{self.resident_mb:4.0f} MB RSS  {self.peak_mb:4.0f} MB peak  {self.proportional_mb:4.0f} MB PSS"
        registration = f"{self.registration * 1e6:4.0f} us CPU a registration"
        return f"{self.cpu:5.2f} s CPU  {self.wall:5.2f} s wall  {memory}  {registration}"


def start(bootstrap_servers: str, topic: str, workers: int = 1, snapshots: Path | None = None) -> Start:
    """Start on the topic; `snapshots` is the directory of snapshots, if any."""
    settings: dict[str, Any] = {} if snapshots is None else {"snapshot_directory": snapshots}
    service = ServiceProcess(bootstrap_servers, topic_name=topic, workers=workers, **settings)
    begun = time.perf_counter()
    with service:
        wall = time.perf_counter() - begun
        pids = service.pids
        cpu = sum(cpu_seconds(pid, with_ended=True) for pid in pids)
        resident = sum(memory(pid, "VmRSS") for pid in pids)
        peak = sum(memory(pid, "VmHWM") for pid in pids)
        proportional = sum(memory(pid, "Pss:", "smaps_rollup") for pid in pids)
        return Start(cpu, wall, resident, peak, proportional, measure_registration(service))


def measure_registration(service: ServiceProcess) -> float:
    """Return the seconds of CPU of one new schema, as the mean of many."""
    name = secrets.token_hex(8)

    def register(number: int) -> None:
        body = {"schema": schema(number, 1000).replace("Record", f"Record_{name}_")}
        call(service.url, "POST", f"/subjects/{name}-{number}/versions", body)

    while True:  # until the index of texts is built
        with suppress(HTTPError):
            register(0)
            break
    begun = sum(map(cpu_seconds, service.pids))
    for number in range(1, _REGISTRATIONS + 1):
        register(number)
    return (sum(map(cpu_seconds, service.pids)) - begun) / _REGISTRATIONS


def main() -> None:
    """Print a line for an empty topic, and one for each start on the full one."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--schemas", type=int, default=100_000)
    arguments.add_argument("--bytes", type=int, default=1000, help="of one schema, about")
    arguments.add_argument("--workers", type=int, default=1)
    arguments.add_argument("--rounds", type=int, default=3, help="starts on the full topic")
    arguments.add_argument("--snapshots", action="store_true")
    wanted = arguments.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed service has its bytecode
    with Cluster() as kafka, TemporaryDirectory() as folder:
        snapshots = Path(folder) / "snapshots" if wanted.snapshots else None
        print(f"{'an empty topic':32}{start(kafka.bootstrap_servers, TOPIC + '-empty', wanted.workers)}", flush=True)
        mean = write(kafka.bootstrap_servers, wanted.schemas, wanted.bytes)
        for _ in range(wanted.rounds):
            name = f"{wanted.schemas} schemas of {mean:.0f} B"
            print(f"{name:32}{start(kafka.bootstrap_servers, TOPIC, wanted.workers, snapshots)}", flush=True)


if __name__ == "__main__":
    main()
