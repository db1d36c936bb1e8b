"""What is measured: this service, or a peer, a registry and REST proxy of somebody else that runs already.

A peer is told as `name=registry,rest,pid`: addresses of its registry and its REST proxy, of which one may be empty, and
the process whose CPU, with that of its descendants, is what the calls cost. Of two programs that is the shell which
started both. The peer has to use the Kafka of this run to be asked for records that others wrote to it.
"""

import re
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException
from pathlib import Path as File
from urllib.parse import urlsplit

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from benchmarks import consume, generator, load
from benchmarks.generator import Found, LoadError
from benchmarks.paths import SCHEMAS, Path, new_paths, produce_paths, registry_paths

FAILURES = (LoadError, OSError, HTTPException, subprocess.SubprocessError, ValueError)
"""By which a target shows that it does not have a path."""
_NAME = re.compile(r"[\w.-]+")
_FILLING_SECONDS, _FILLINGS = 2, 5
_PROBE_SECONDS = 60
_READING_SECONDS = 60
"""After which a consumer ends that has not read its records."""


@dataclass(frozen=True)
class Target:
    """A registry and a REST proxy, whose paths can be measured by name."""

    name: str
    registry: str
    """Its address; empty for none."""
    rest: str
    """As the registry's."""
    pid: int
    topics: str = "bench"
    """With which the names of its topics begin."""

    @cached_property
    def paths(self) -> dict[str, Path]:
        """The calls by name, without those whose schemas the registry refuses. The first use registers the schemas."""
        paths = [*new_paths(), *produce_paths(self.registry, [], self.topics)]
        with suppress(*FAILURES):
            paths += registry_paths(self.registry)
        for name in SCHEMAS:
            with suppress(*FAILURES):
                paths += produce_paths(self.registry, [name], self.topics)
        return {path.name: path for path in paths}

    def probe(self, name: str) -> None:
        """Send one request of the path. Raises `LoadError` where the target lacks it or answers an error."""
        if name in consume.READINGS:
            if not self.rest:
                raise LoadError("no REST proxy is given")
            return
        path = self._find(name)
        number = str(next(load.draw_numbers()))
        body = path.body.replace(load.UNIQUE.encode(), number.encode())
        url = self._url_of(path) + path.path.replace(load.UNIQUE, number)
        headers = {"Content-Type": path.content_type} if path.content_type else {}
        request = urllib.request.Request(url, body or None, headers, method=path.method)
        try:
            urllib.request.urlopen(request, timeout=_PROBE_SECONDS).close()
        except urllib.error.HTTPError as error:
            raise LoadError(f"answers {error.code}") from error

    def find_fault(self, name: str) -> str:
        """Return why the path cannot be measured here; empty if it can."""
        try:
            self.probe(name)
        except FAILURES as error:
            return str(error) or type(error).__name__
        return ""

    def run(
        self, name: str, seconds: float, *, records: int | None = None, connections: int = 0, rate: float = 0
    ) -> Found:
        """Load the path for so long; a consumer where `records` are given until it has so many, or the last one.

        Connections are the path's own where none are given. Raises one of `FAILURES` where that cannot be done.
        """
        if (reading := consume.READINGS.get(name)) is not None:
            if not consume.is_native(name):
                reading = reading._replace(topic=f"{self.topics}-{reading.embedded}")
            if rate:
                raise LoadError("a consumer has no open loop")
            if records is not None:
                seconds = _READING_SECONDS
            return consume.run(self.pid, self.rest, reading, records or sys.maxsize, connections or 1, seconds)
        path = self._find(name)
        path = path._replace(connections=connections or path.connections)
        return generator.run(self.pid, self._url_of(path), path, seconds, rate)

    def count_connections(self, name: str) -> int:
        """Return with how many connections the path is loaded; 0 of one that is no call."""
        return self.paths[name].connections if name in self.paths else 0

    def fill(self, name: str, records: int) -> None:
        """Produce about so many records for the path of a consumer, unless the tools without HTTP write them.

        A target that is too slow for that produces fewer.
        """
        if consume.is_native(name):
            return
        produced = 0.0
        for _ in range(_FILLINGS):
            if produced < records:
                found = self.run(f"produce 100 {consume.READINGS[name].embedded}", _FILLING_SECONDS)
                produced += found.units_a_second * _FILLING_SECONDS

    def create_topics(self, bootstrap_servers: str) -> None:
        """Create the topics of the paths, since not every proxy does. Ones that exist are left as they are."""
        topics = {path.path.removeprefix("/topics/") for path in self.paths.values() if path.is_of_proxy}
        admin = AdminClient({"bootstrap.servers": bootstrap_servers})
        for created in admin.create_topics([NewTopic(topic, 1, 1) for topic in sorted(topics)]).values():
            with suppress(KafkaException):
                created.result()

    def _find(self, name: str) -> Path:
        if name not in self.paths:
            raise LoadError("does not have the path, or refuses its schema")
        return self.paths[name]

    def _url_of(self, path: Path) -> str:
        url = self.rest if path.is_of_proxy else self.registry
        if not url:
            raise LoadError(f"no {'REST proxy' if path.is_of_proxy else 'registry'} is given")
        return url


def parse_peer(text: str) -> Target:
    """Return the target of `name=registry,rest,pid`. Raises `ValueError` that says what is wrong."""
    name, _, rest_of_it = text.partition("=")
    parts = [part.strip().rstrip("/") for part in rest_of_it.split(",")]
    if _NAME.fullmatch(name) is None or len(parts) != 3:
        raise ValueError(f"a peer is name=registry,rest,pid, not {text!r}")
    registry, rest, pid = parts
    for url in filter(None, (registry, rest)):
        address = urlsplit(url)
        if address.scheme != "http" or address.port is None or address.path:
            raise ValueError(f"an address of a peer is http://host:port, not {url!r}")
    if not pid.isdecimal() or not File("/proc", pid).exists():
        raise ValueError(f"{pid!r} is not the id of a process that runs here")
    return Target(name, registry, rest, int(pid), topics=f"bench-{name}")
