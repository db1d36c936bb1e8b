"""What idle consumer instances cost: CPU, threads and memory of a running service, before and after they are parked.

python -m benchmarks.consumers [COUNT [PARK_SECONDS [TOPIC_MEGABYTES]]]

With TOPIC_MEGABYTES, all instances read a topic with so many records of 500 kB from its beginning, and are polled once.
"""

import base64
import os
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_WATCHED_SECONDS = 15.0
_SETTLING_SECONDS = 25.0
_PARK_SECONDS = 5
"""Unless the second argument says otherwise."""
_COUNT = 500
"""Unless the first argument says otherwise."""
_RECORD_BYTES = 500_000
_BINARY = "application/vnd.kafka.binary.v2+json"


def _usage(pid: int) -> tuple[float, int, float]:
    """(CPU seconds, threads, resident megabytes) of the process (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return cpu, int(fields[17]), int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _watch(pid: int, label: str) -> None:
    before, _, _ = _usage(pid)
    time.sleep(_WATCHED_SECONDS)
    after, threads, megabytes = _usage(pid)
    share = (after - before) / _WATCHED_SECONDS
    status = Path(f"/proc/{pid}/status").read_text().split()
    peak = int(status[status.index("VmHWM:") + 1]) / 1024
    print(f"{label:24}{share:8.2%} of a core{threads:8} threads{megabytes:8.0f} MB, at most {peak:.0f}", flush=True)


def main() -> None:
    """Print a line without instances, and one with many that nobody has used for long enough."""
    count, park_seconds, megabytes = (*map(int, sys.argv[1:]), *(_COUNT, _PARK_SECONDS, 0)[len(sys.argv) - 1 :])
    bounds: dict[str, Any] = {"consumer_max_instances": count, "consumer_max_instances_of_user": count}
    with (
        Cluster() as kafka,
        ServiceProcess(kafka.bootstrap_servers, consumer_park_timeout=park_seconds, **bounds) as service,
    ):
        _watch(service.pid, "none")
        _make_instances(service.url, count, megabytes * 1_000_000 // _RECORD_BYTES)
        time.sleep(_SETTLING_SECONDS)
        _watch(service.pid, f"{count} idle instances")


def _make_instances(url: str, count: int, records: int) -> None:
    """Create instances: of one topic with so many large records, or of ten that have one small record each."""
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port)

    def ask(method: str, path: str, body: str = "") -> None:
        connection.request(method, path, body, {"Content-Type": _BINARY, "Accept": f"{_BINARY}, */*;q=0.5"})
        response = connection.getresponse()
        text = response.read()
        assert response.status < 300, text

    large = base64.b64encode(os.urandom(_RECORD_BYTES)).decode()
    for _ in range(records):
        ask("POST", "/topics/full", f'{{"records": [{{"value": "{large}"}}]}}')
    for number in range(count):
        topic = "full" if records else f"idle-{number % 10}"
        if not records:
            ask("POST", f"/topics/{topic}", '{"records": [{"value": "MQ=="}]}')  # so that there is such a topic
        ask("POST", f"/consumers/idle-{number}", '{"name": "c", "auto.offset.reset": "earliest"}')
        ask("POST", f"/consumers/idle-{number}/instances/c/subscription", f'{{"topics": ["{topic}"]}}')
        if records:
            ask("GET", f"/consumers/idle-{number}/instances/c/records?timeout=5000&max_bytes=1000000")


if __name__ == "__main__":
    main()
