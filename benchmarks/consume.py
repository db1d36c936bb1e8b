"""Reading a topic through one consumer instance, 500 records a response, until it is at its end.

One request is always under way: the client counts the records of an answer while the next is made.
"""

import itertools
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks import load
from benchmarks.generator import Found, LoadError
from benchmarks.paths import media_type
from karapace_like.web.http.media_types import MESSAGE_PACK

_RECORDS = 500
"""Of one response."""
_OFFSET = (b'"offset":', b"\xa6offset")
"""Which a response in JSON or MessagePack has as often as records."""
_START_SECONDS = 60
"""Within which an instance has read its first records."""


class Reading(NamedTuple):
    """What is read."""

    topic: str
    embedded: str
    record_bytes: int
    """About."""
    accept: str = ""
    """Instead of the media type of the format in JSON."""


NATIVE_TOPIC = "bench-native"
"""Which the tools without HTTP write."""
READINGS: Mapping[str, Reading] = {
    "consume binary 1 KB": Reading(NATIVE_TOPIC, "binary", 1025),
    "consume MessagePack 1 KB": Reading(NATIVE_TOPIC, "binary", 1025, MESSAGE_PACK),
    "consume avro": Reading("bench-avro", "avro", 75),
}
"""By the path's name."""


def is_native(name: str) -> bool:
    """Return whether the path of that name reads what the tools without HTTP write."""
    return name in READINGS and READINGS[name].topic == NATIVE_TOPIC


def run(pid: int, url: str, reading: Reading, records: int, connections: int, seconds: float) -> Found:
    """Read that many records, or for so long, with each of so many instances; times are of responses."""
    with ThreadPoolExecutor(connections) as threads:
        readers = [_Reader(url, reading, number) for number in range(connections)]
        list(threads.map(_Reader.start, readers))
        before, begun = load.tree_cpu_seconds(pid), time.perf_counter()
        took = max(threads.map(lambda reader: reader.read(records, begun + seconds), readers)) - begun
        spent = load.tree_cpu_seconds(pid) - before
        list(threads.map(_Reader.close, readers))
    read = sum(reader.records for reader in readers)
    if not read:
        raise LoadError(f"{reading.topic} has no more than one response of records")
    times = sorted(itertools.chain.from_iterable(reader.times for reader in readers))
    return Found(read / took, spent / read * 1e6, load.at(times, 0.5), load.at(times, 0.99), 0)


class _Reader:
    """One consumer instance in a group of its own, and its connection."""

    def __init__(self, url: str, reading: Reading, number: int) -> None:
        self._topic, self._embedded, record_bytes, accept = reading
        self._accept = accept or media_type(self._embedded)
        self._offset = _OFFSET[accept == MESSAGE_PACK]
        address = urlsplit(url)
        self._connection = HTTPConnection(address.hostname or "", address.port, timeout=_START_SECONDS)
        self._group = f"/consumers/bench-{self._topic}-{time.time_ns()}-{number}"
        self._instance = f"{self._group}/instances/c"
        self._poll = f"{self._instance}/records?timeout=1000&max_bytes={_RECORDS * record_bytes}"
        self.records = 0
        self.times: list[float] = []
        """Seconds of each response."""

    def start(self) -> None:
        """Create the instance, subscribe, and wait for the first records."""
        created = f'{{"name":"c","format":"{self._embedded}","auto.offset.reset":"earliest"}}'
        self._request("POST", self._group, created)
        self._request("POST", f"{self._instance}/subscription", f'{{"topics":["{self._topic}"]}}')
        until = time.perf_counter() + _START_SECONDS
        while time.perf_counter() < until:
            self._send_poll()
            if self._receive_records().count(self._offset):
                return
        raise LoadError(f"no record of {self._topic} within {_START_SECONDS} s: is it in the Kafka that is used?")

    def read(self, records: int, until: float) -> float:
        """Read so many records, to the end of the topic or until then; return when the last one was there."""
        ended = sent = time.perf_counter()
        self._send_poll()
        while self.records < records and ended < until:
            body = self._receive_records()
            answered = time.perf_counter()
            self._send_poll()
            if not (count := body.count(self._offset)):
                break
            self.records += count
            self.times.append(answered - sent)
            ended = sent = answered
        return ended

    def close(self) -> None:
        """Delete the instance, after the response to the last poll."""
        self._receive_records()
        self._request("DELETE", self._instance)
        self._connection.close()

    def _send_poll(self) -> None:
        self._connection.request("GET", self._poll, headers={"Accept": self._accept})

    def _receive_records(self) -> bytes:
        response = self._connection.getresponse()
        body = response.read()
        if response.status != HTTPStatus.OK:
            raise LoadError(f"polling {self._topic} was answered {response.status}: {body[:200]!r}")
        return body

    def _request(self, method: str, path: str, body: str = "") -> None:
        headers = {"Content-Type": "application/vnd.kafka.v2+json"} if body else {}
        self._connection.request(method, path, body or None, headers)
        response = self._connection.getresponse()
        text = response.read()
        if response.status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
            raise LoadError(f"{method} {path} was answered {response.status}: {text[:200]!r}")
