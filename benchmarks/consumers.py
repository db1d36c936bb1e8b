"""What idle consumer instances cost: CPU, threads and memory of a running service, before and after they are parked.

python -m benchmarks.consumers [COUNT [PARK_SECONDS]]
"""

import os
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_WATCHED_SECONDS = 15.0
_SETTLING_SECONDS = 25.0
_PARK_SECONDS = 5
"""Unless the second argument says otherwise."""
_COUNT = 500
"""Unless the first argument says otherwise."""


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
    print(f"{label:24}{share:8.2%} of a core{threads:8} threads{megabytes:8.0f} MB", flush=True)


def main() -> None:
    """Print a line without instances, and one with many that nobody has used for long enough."""
    count, park_seconds = (*map(int, sys.argv[1:]), *(_COUNT, _PARK_SECONDS)[len(sys.argv) - 1 :])
    with Cluster() as kafka, ServiceProcess(kafka.bootstrap_servers, consumer_park_timeout=park_seconds) as service:
        _watch(service.pid, "none")
        _make_instances(service.url, count)
        time.sleep(_SETTLING_SECONDS)
        _watch(service.pid, f"{count} idle instances")


def _make_instances(url: str, count: int) -> None:
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port)
    for number in range(count):
        for path, body in (
            (f"/topics/idle-{number % 10}", '{"records": [{"value": "MQ=="}]}'),  # so that there is such a topic
            (f"/consumers/idle-{number}", '{"name": "c"}'),
            (f"/consumers/idle-{number}/instances/c/subscription", f'{{"topics": ["idle-{number % 10}"]}}'),
        ):
            connection.request("POST", path, body, {"Content-Type": "application/vnd.kafka.binary.v2+json"})
            response = connection.getresponse()
            text = response.read()
            assert response.status < 300, text


if __name__ == "__main__":
    main()
