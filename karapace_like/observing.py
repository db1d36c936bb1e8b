"""What `/metrics` shows beside requests: the registry, its election, Kafka's clients, caches and the event loop.

Collected when it is asked for, from numbers that the parts keep anyway; nothing is labelled by subject, topic, context
or client, so that the number of series does not grow with what is stored.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from karapace_like import __version__
from karapace_like.kafka.election import Election
from karapace_like.kafka.schemas_topic import SchemasTopic
from karapace_like.kafka.statistics import SharedStatistics, Statistics
from karapace_like.measures import Cache, Histogram
from karapace_like.registry.registry import Registry
from karapace_like.registry.remembering import CACHES
from karapace_like.registry.standing import Role
from karapace_like.web.health import Health
from karapace_like.web.metrics import PREFIX, HttpMetrics, buckets
from karapace_like.web.peers import Peers

_LOOP_SECONDS = 0.25
"""How often the event loop's delay is looked at."""
_LOOP_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


@dataclass(slots=True, eq=False)
class Observed:
    """The parts of one process that are looked at."""

    registry: Registry
    election: Election | None
    """None in a worker beside the one that takes part in it."""
    health: Health
    peers: Peers
    http: HttpMetrics
    topic: SchemasTopic
    clients: Mapping[str, Statistics | SharedStatistics]
    """What Kafka's clients say of themselves, by what they are for."""
    consumers: Sized | None
    """Consumer instances of the REST proxy, if it is served."""
    caches: Sequence[Cache]
    """Those of the REST proxy, if it is one for all callers."""
    delay: Histogram = field(default_factory=lambda: Histogram(_LOOP_BOUNDS))

    def collectors(self) -> CollectorRegistry:
        """Everything that `/metrics` shows."""
        found = CollectorRegistry(auto_describe=False)
        found.register(self.http)
        found.register(self)
        ProcessCollector(registry=found)
        return found

    async def watch_the_loop(self) -> None:
        """Measure how late the event loop is, until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            due = now() + _LOOP_SECONDS
            await asyncio.sleep(_LOOP_SECONDS)
            self.delay.observe(max(now() - due, 0.0))

    def collect(self) -> Iterator[Metric]:
        """The families, for Prometheus' client."""
        yield _gauge("build_info", "The version that runs.", ("version",), {(__version__,): 1})
        yield from self._registry()
        yield from self._election()
        yield from self._kafka()
        yield from _caches([*CACHES, self.http.answers, *self.caches])
        instances = 0 if self.consumers is None else len(self.consumers)
        yield _gauge("proxy_consumer_instances", "Consumer instances of the REST proxy.", (), {(): instances})
        delay = HistogramMetricFamily(
            f"{PREFIX}event_loop_delay_seconds", "How late the event loop wakes up.", labels=()
        )
        delay.add_metric((), *buckets(self.delay))
        yield delay

    def _registry(self) -> Iterator[Metric]:
        registry = self.registry
        store = registry.store
        census = store.census
        subjects = sum(len(each.subjects) for each in store.contexts.values())
        yield _gauge("registry_contexts", "Contexts.", (), {(): len(store.contexts)})
        yield _gauge("registry_subjects", "Subjects with a version, soft-deleted ones too.", (), {(): subjects})
        yield _gauge("registry_schemas", "Schemas, each counted once in its context.", ("type",), census.schemas)
        yield _gauge("registry_schema_characters", "Characters of their texts.", ("type",), census.characters)
        yield _gauge("registry_versions", "Versions.", ("type", "state"), census.versions)
        yield _gauge("registry_ready", "Whether reads are served.", (), {(): self.health.why_no_reads is None})
        yield _gauge("registry_writable", "Whether writes find a primary.", (), {(): self.health.why_no_writes is None})
        progress = registry.progress
        yield _gauge("registry_position", "The offset up to which the topic is applied.", (), {(): progress.position})
        end = max(self.topic.statistics.figures().end(self.topic.name) or 0, progress.end or 0)
        yield _gauge("registry_lag_records", "Offsets still to be applied.", (), {(): max(end - progress.position, 0)})
        yield _counter(
            "registry_unknown_records", "Records of the topic that are not understood.", (), {(): store.unknown}
        )
        yield _counter(
            "registry_id_conflicts", "Records that gave an id to a second schema.", (), {(): store.conflicts}
        )
        yield _counter("registry_transactions", "Batches written.", (), {(): registry.written.batches})
        yield _counter("registry_written_records", "Records written.", (), {(): registry.written.records})
        yield _counter(
            "registry_fenced_writes", "Batches refused, another node being primary.", (), {(): registry.written.fenced}
        )
        yield _counter(
            "registry_forwarded_requests", "Requests sent on to another node.", ("outcome",), self.peers.asked
        )

    def _election(self) -> Iterator[Metric]:
        is_primary = self.registry.board.current.role is Role.PRIMARY
        yield _gauge("election_is_primary", "Whether this process writes.", (), {(): is_primary})
        election = self.election
        if election is None:
            return
        yield _gauge(
            "election_generation",
            "The group's generation; -1 outside of it.",
            (),
            {(): -1 if election.generation is None else election.generation},
        )
        yield _counter("election_rounds", "Elections that this node took part in.", (), {(): election.rounds})
        yield _counter("election_terms", "Times that this node became primary.", (), {(): election.terms})

    def _kafka(self) -> Iterator[Metric]:
        found = {(name,): each.summary for name, each in self.clients.items()}
        for name, help_ in _STATE.items():
            values = {key: getattr(each.state, name) for key, each in found.items()}
            yield _gauge(f"kafka_{name}", help_, ("client",), values)
        for name, help_ in _COUNTS.items():
            values = {key: getattr(each.counts, name) for key, each in found.items()}
            yield _counter(f"kafka_{name}", help_, ("client",), values)


Values = Mapping[Any, float]
"""The labels' values -> the number."""


def _gauge(name: str, help_: str, labels: Sequence[str], values: Values) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, help_, labels=labels)
    for each, value in values.items():
        family.add_metric(each, value)
    return family


def _counter(name: str, help_: str, labels: Sequence[str], values: Values) -> Metric:
    family = CounterMetricFamily(PREFIX + name, help_, labels=labels)
    for each, value in values.items():
        family.add_metric(each, value)
    return family


_STATE = {
    "waiting_records": "Records waiting to be sent.",
    "waiting_bytes": "Their bytes.",
    "connected_brokers": "Brokers with a connection; those of several clients are added up.",
    "round_trip_seconds": "Of a request to the slowest broker, on average.",
}
_COUNTS = {
    "requests": "Requests to brokers.",
    "request_errors": "Requests that failed or timed out.",
    "sent_bytes": "Bytes to brokers.",
    "received_bytes": "Bytes from brokers.",
    "sent_records": "Records sent.",
    "received_records": "Records received.",
}
"""What is shown of librdkafka's figures, by the names of `State` and `Counts`."""


def _caches(caches: Sequence[Cache]) -> Iterator[Metric]:
    hits = {(each.name,): each.hits for each in caches}
    misses = {(each.name,): each.misses for each in caches}
    yield _counter("cache_hits", "Answers found.", ("cache",), hits)
    yield _counter("cache_misses", "Answers that had to be computed.", ("cache",), misses)
    yield _gauge("cache_entries", "Answers kept.", ("cache",), {(each.name,): each.size for each in caches})
