"""Reading a topic through one consumer instance, 500 records a response, until it is at its end.

One request is always under way: the client counts the records of an answer while the next is made.
"""

import time
from collections.abc import Generator, Mapping
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks import load
from benchmarks.generator import Found
from benchmarks.paths import media_type

_RECORDS = 500
"""Of one response."""


class Reading(NamedTuple):
    """What is read."""

    topic: str
    embedded: str
    record_bytes: int
    """About."""


NATIVE_TOPIC = "bench-native"
"""Which the tools without HTTP write."""
READINGS: Mapping[str, Reading] = {
    "consume binary 1 KB": Reading(NATIVE_TOPIC, "binary", 1025),
    "consume avro": Reading("bench-avro", "avro", 75),
}
"""By the path's name."""


def run(pid: int, url: str, reading: Reading, records: int) -> Found:
    """Read that many records; times are of responses."""
    topic, embedded, record_bytes = reading
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=60)
    group = f"/consumers/bench-{topic}-{time.time_ns()}"
    _ask(connection, "POST", group, f'{{"name":"c","format":"{embedded}","auto.offset.reset":"earliest"}}')
    _ask(connection, "POST", f"{group}/instances/c/subscription", f'{{"topics":["{topic}"]}}')
    polled = f"{group}/instances/c/records?timeout=1000&max_bytes={_RECORDS * record_bytes}"
    polls = _polls(connection, polled, embedded)
    while not next(polls)[0]:
        pass
    read, times = 0, []
    before, begun = load.cpu_seconds(pid), time.perf_counter()
    while read < records:
        count, seconds = next(polls)
        read += count
        times.append(seconds)
    took, spent = time.perf_counter() - begun, load.cpu_seconds(pid) - before
    polls.close()
    _ask(connection, "DELETE", f"{group}/instances/c")
    times.sort()
    return Found(read / took, spent / read * 1e6, load.at(times, 0.5), load.at(times, 0.99), 0)


def _polls(connection: HTTPConnection, path: str, embedded: str) -> Generator[tuple[int, float], None, None]:
    """(records, seconds) of each answer."""

    def ask() -> None:
        connection.request("GET", path, headers={"Accept": media_type(embedded)})

    asked = time.perf_counter()
    ask()
    try:
        while True:
            body = connection.getresponse().read()
            answered = time.perf_counter()
            ask()
            yield body.count(b'"offset":'), answered - asked
            asked = answered
    finally:
        connection.getresponse().read()


def _ask(connection: HTTPConnection, method: str, path: str, body: str = "") -> None:
    connection.request(method, path, body, {"Content-Type": "application/vnd.kafka.v2+json"})
    answer = connection.getresponse()
    assert answer.read() is not None
    assert answer.status in {200, 204}, answer.status
