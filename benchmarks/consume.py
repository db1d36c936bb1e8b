"""Reading a topic through one consumer instance, 500 records a response, until it is at its end."""

import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

from benchmarks import load
from benchmarks.generator import Found
from benchmarks.paths import media_type

_RECORDS = 500
"""Of one response."""


def run(pid: int, url: str, topic: str, embedded: str, *, record_bytes: int, records: int) -> Found:
    """Read that many records of about that size; times are of responses."""
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=60)
    group = f"/consumers/bench-{topic}-{time.time_ns()}"
    _ask(connection, "POST", group, f'{{"name":"c","format":"{embedded}","auto.offset.reset":"earliest"}}')
    _ask(connection, "POST", f"{group}/instances/c/subscription", f'{{"topics":["{topic}"]}}')
    polled = f"{group}/instances/c/records?timeout=1000&max_bytes={_RECORDS * record_bytes}"
    while not _poll(connection, polled, embedded):
        pass
    read, times = 0, []
    before, begun = load.cpu_seconds(pid), time.perf_counter()
    while read < records:
        asked = time.perf_counter()
        read += _poll(connection, polled, embedded)
        times.append(time.perf_counter() - asked)
    took, spent = time.perf_counter() - begun, load.cpu_seconds(pid) - before
    _ask(connection, "DELETE", f"{group}/instances/c")
    times.sort()
    return Found(read / took, spent / read * 1e6, load.at(times, 0.5), load.at(times, 0.99), 0)


def _poll(connection: HTTPConnection, path: str, embedded: str) -> int:
    connection.request("GET", path, headers={"Accept": media_type(embedded)})
    return connection.getresponse().read().count(b'"offset":')


def _ask(connection: HTTPConnection, method: str, path: str, body: str = "") -> None:
    connection.request(method, path, body, {"Content-Type": "application/vnd.kafka.v2+json"})
    answer = connection.getresponse()
    assert answer.read() is not None
    assert answer.status in {200, 204}, answer.status
