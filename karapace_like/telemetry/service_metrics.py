"""Metrics of the service beside those of requests: registry, election, Kafka clients, caches and the event loop.

They are collected on request, from numbers that the parts keep anyway. No series is labelled by subject, topic or
context, so that the number of series does not grow with the data; those of principals are bounded, and so are those of
topics whose policies are violated.
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
from karapace_like.kafka.log_topic import LogTopic
from karapace_like.kafka.statistics import SharedStatistics, Statistics
from karapace_like.process.file_watcher import FileWatcher
from karapace_like.process.measures import Cache, Histogram
from karapace_like.proxy.contracts.violation_log import ViolationLog
from karapace_like.proxy.usage import ProxyUsage
from karapace_like.receipts.receipts import Receipts
from karapace_like.registry.registry import Registry
from karapace_like.registry.store import Store
from karapace_like.replication.snapshots import Snapshots
from karapace_like.replication.write_availability import WriteRole
from karapace_like.telemetry.certificates import CertificateExpiry
from karapace_like.telemetry.key_metrics import KeyMetrics
from karapace_like.web.callers.usage import UsageTable
from karapace_like.web.cluster.peers import Peers
from karapace_like.web.http.http_metrics import PREFIX, HttpMetrics, buckets
from karapace_like.web.operations.health import Health

_LOOP_SECONDS = 0.25
"""How often the event loop's delay is measured."""
_LOOP_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of one process that its gauges are compared with."""

    requests: int
    """Requests that are answered at the same time."""
    instances: int
    """Consumer instances of the REST proxy."""


@dataclass(slots=True, eq=False)
class ServiceMetrics:
    """The parts of one process whose metrics are exported."""

    registry: Registry
    election: Election | None
    """None in a worker that takes no part in it."""
    health: Health
    peers: Peers
    http: HttpMetrics
    usage: UsageTable
    violations: ViolationLog
    """Those of topic policies."""
    proxy: ProxyUsage
    receipts: Receipts | None
    topic: LogTopic
    snapshots: Snapshots[Store] | None
    group: str
    """The group of the election."""
    bounds: Bounds
    watchers: Sequence[FileWatcher]
    certificates: CertificateExpiry
    clients: Mapping[str, Statistics | SharedStatistics]
    """Statistics of the Kafka clients, by their purpose."""
    consumers: Sized | None
    """Consumer instances of the REST proxy, if it is served."""
    caches: Sequence[Cache]
    """Those of the REST proxy, if it is one for all callers."""
    keys: KeyMetrics | None = None
    """Those of the DEK registry, if it is served."""
    delay: Histogram = field(default_factory=lambda: Histogram(_LOOP_BOUNDS))

    def build_collector_registry(self) -> CollectorRegistry:
        """Return the registry of everything that `/metrics` shows."""
        collectors = CollectorRegistry(auto_describe=False)
        collectors.register(self.http)
        collectors.register(self.usage)
        collectors.register(self)
        ProcessCollector(registry=collectors)
        return collectors

    async def measure_loop_delay(self) -> None:
        """Measure how late the event loop wakes up, until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            due = now() + _LOOP_SECONDS
            await asyncio.sleep(_LOOP_SECONDS)
            self.delay.observe(max(now() - due, 0.0))

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families, for Prometheus' client."""
        yield _gauge("build_info", "The version that runs.", ("version",), {(__version__,): 1})
        labels = (self.topic.cluster_id or "", self.topic.name, self.group)
        yield _gauge("registry_info", "Whose schemas are served.", ("cluster", "topic", "group"), {labels: 1})
        yield from self._registry()
        yield from self._election()
        yield from self._files()
        yield from self._kafka()
        yield from () if self.keys is None else self.keys.collect()
        yield _counter(
            "policy_violations",
            "Keys and values that topic policies have refused (enforce), or would have refused (observe).",
            ("topic", "mode", "reason"),
            self.violations.count(),
        )
        yield from self._queues()
        yield from self._request_reply()
        yield from self._push()
        yield _counter(
            "transactions",
            "Transactions of atomic requests: committed, aborted, or of an outcome that brokers have not told.",
            ("outcome",),
            self.proxy.transactions.outcomes,
        )
        yield from self._receipts()
        warnings = len(self.health.warnings)
        yield _gauge("warnings", "Warnings that /health/ready shows.", (), {(): warnings})
        yield _counter(
            "background_failures",
            "Failures of what runs beside requests.",
            ("task",),
            self.health.background.failures,
        )
        yield from _caches([*self.registry.engines.cache_usage, self.http.response_cache_usage, *self.caches])
        instances = 0 if self.consumers is None else len(self.consumers)
        yield _gauge("proxy_consumer_instances", "Consumer instances of the REST proxy.", (), {(): instances})
        bounds = self.bounds
        yield _gauge("proxy_consumer_instances_limit", "The most that there can be.", (), {(): bounds.instances})
        yield _gauge("http_requests_limit", "Requests that are answered at the same time.", (), {(): bounds.requests})
        shared = self.health.shared
        restarts = 0 if shared is None else shared.restarts
        yield _counter("worker_restarts", "Workers of this node that were replaced.", (), {(): restarts})
        delay = HistogramMetricFamily(
            f"{PREFIX}event_loop_delay_seconds", "How late the event loop wakes up.", labels=()
        )
        delay.add_metric((), *buckets(self.delay))
        yield delay

    def _receipts(self) -> Iterator[Metric]:
        if self.receipts is None:
            return
        store = self.receipts.store
        yield _gauge("idempotency_keys", "Keys whose first answer is remembered.", (), {(): len(store)})
        yield _gauge("idempotency_bytes", "Memory that these answers take, about.", (), {(): store.bytes})
        yield _gauge("idempotency_bytes_limit", "Beyond it new keys are refused.", (), {(): store.max_bytes})
        yield _counter(
            "idempotency_requests",
            "Requests with a key that this process has decided.",
            ("outcome",),
            self.receipts.outcomes,
        )

    def _queues(self) -> Iterator[Metric]:
        queues = self.proxy.queues
        yield _gauge("queue_members", "Members of share groups that serve queues.", (), {(): queues.members})
        yield _gauge("queue_members_limit", "The most that there can be.", (), {(): queues.max_members})
        yield _gauge("queue_leases", "Members whose records are not all acknowledged.", (), {(): queues.leases})
        yield _gauge("queue_receivers", "Requests that wait for records of a queue.", (), {(): len(queues.receivers)})
        yield _counter("queue_records", "Records that receivers of queues have got.", (), {(): queues.received})
        yield _counter(
            "queue_acknowledgements",
            "Acknowledgements of records of queues, and those that were refused.",
            ("outcome",),
            queues.acknowledgements,
        )
        waits = HistogramMetricFamily(
            f"{PREFIX}queue_wait_seconds", "How long receivers that got records waited for them.", labels=()
        )
        waits.add_metric((), *buckets(queues.seconds))
        yield waits

    def _push(self) -> Iterator[Metric]:
        connections = self.proxy.push.connections
        yield _gauge("websocket_connections", "Open WebSocket connections.", (), {(): len(connections)})
        yield _gauge("websocket_connections_limit", "The most that there can be.", (), {(): connections.at_most})
        yield _gauge("websocket_topics", "Topics that they subscribe to.", (), {(): self.proxy.push.topics})
        yield _counter("websocket_records", "Records that were sent to them.", (), {(): self.proxy.push.pushed})

    def _request_reply(self) -> Iterator[Metric]:
        usage = self.proxy.request_reply
        waiting = {(): len(usage.waiting)}
        yield _gauge("request_reply_waiting", "Requests that wait for a reply.", (), waiting)
        yield _gauge("request_reply_waiting_limit", "The most that there can be.", (), {(): usage.waiting.at_most})
        yield _gauge("request_reply_late", "Requests whose late reply may still be fetched.", (), {(): usage.late})
        yield _gauge("request_reply_topics", "Reply topics that are read.", (), {(): usage.reply_topics})
        yield _counter("request_reply_requests", "Requests by what became of their reply.", ("outcome",), usage.replies)
        seconds = HistogramMetricFamily(
            f"{PREFIX}request_reply_seconds", "From a request to its reply, where that came in time.", labels=()
        )
        seconds.add_metric((), *buckets(usage.seconds))
        yield seconds

    def _registry(self) -> Iterator[Metric]:
        registry = self.registry
        store = registry.store
        census = store.census
        subjects = sum(len(context.subjects) for context in store.contexts.values())
        yield _gauge("registry_contexts", "Contexts.", (), {(): len(store.contexts)})
        yield _gauge("registry_subjects", "Subjects with a version, soft-deleted ones too.", (), {(): subjects})
        yield _gauge("registry_schemas", "Schemas, each counted once in its context.", ("type",), census.schemas)
        yield _gauge("registry_schema_characters", "Characters of their texts.", ("type",), census.characters)
        yield _gauge("registry_versions", "Versions.", ("type", "state"), census.versions)
        yield _gauge("registry_ready", "Whether reads are served.", (), {(): self.health.why_no_reads is None})
        yield _gauge("registry_writable", "Whether writes find a primary.", (), {(): self.health.why_no_writes is None})
        if self.snapshots is not None and self.snapshots.outcome is not None:
            outcome = {(self.snapshots.outcome.value,): 1}
            yield _gauge("registry_snapshot", "What became of the snapshot at the start.", ("outcome",), outcome)
        progress = registry.progress
        yield _gauge("registry_position", "The offset up to which the topic is applied.", (), {(): progress.position})
        end = max(self.topic.statistics.figures().find_end(self.topic.name) or 0, progress.end or 0)
        yield _gauge("registry_lag_records", "Offsets still to be applied.", (), {(): max(end - progress.position, 0)})
        yield _counter(
            "registry_unknown_records", "Records of the topic that are not understood.", (), {(): store.unknown}
        )
        yield _gauge(
            "registry_unreadable_records",
            "Keys of the topic whose last record cannot be read.",
            (),
            {(): len(store.unreadable)},
        )
        watch = registry.conflict_watch
        yield _gauge(
            "registry_conflicting_versions",
            "Versions whose id means another schema.",
            (),
            {(): len(watch.conflicts)},
        )
        yield _counter("registry_id_conflicts", "Versions found to have an id of another schema.", (), {(): watch.seen})
        yield _counter("registry_transactions", "Batches written.", (), {(): registry.write_statistics.batches})
        yield _counter("registry_written_records", "Records written.", (), {(): registry.write_statistics.records})
        yield _counter(
            "registry_fenced_writes",
            "Batches refused, another node being primary.",
            (),
            {(): registry.write_statistics.fenced},
        )
        yield _counter(
            "registry_forwarded_requests", "Requests sent on to another node.", ("outcome",), self.peers.outcomes
        )

    def _election(self) -> Iterator[Metric]:
        is_primary = self.registry.board.current.role is WriteRole.PRIMARY
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

    def _files(self) -> Iterator[Metric]:
        watchers = {(watcher.name,): watcher for watcher in self.watchers}
        yield _gauge(
            "file_reload_failing",
            "Whether a change of the files cannot be loaded.",
            ("files",),
            {key: watcher.is_failing for key, watcher in watchers.items()},
        )
        yield _counter(
            "file_reload_failures",
            "Attempts to load a change that failed.",
            ("files",),
            {key: watcher.failures for key, watcher in watchers.items()},
        )
        yield _gauge(
            "tls_certificate_expiry_timestamp_seconds",
            "When the first certificate of a file expires.",
            ("use",),
            {(use,): expiry for use, expiry in self.certificates},
        )

    def _kafka(self) -> Iterator[Metric]:
        summaries = {(name,): statistics.summary for name, statistics in self.clients.items()}
        for name, help_ in _STATE.items():
            values = {key: getattr(summary.state, name) for key, summary in summaries.items()}
            yield _gauge(f"kafka_{name}", help_, ("client",), values)
        for name, help_ in _COUNTS.items():
            values = {key: getattr(summary.counts, name) for key, summary in summaries.items()}
            yield _counter(f"kafka_{name}", help_, ("client",), values)


Values = Mapping[Any, float]
"""The labels' values -> the number."""


def _gauge(name: str, help_: str, labels: Sequence[str], values: Values) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, help_, labels=labels)
    for labelled, value in values.items():
        family.add_metric(labelled, value)
    return family


def _counter(name: str, help_: str, labels: Sequence[str], values: Values) -> Metric:
    family = CounterMetricFamily(PREFIX + name, help_, labels=labels)
    for labelled, value in values.items():
        family.add_metric(labelled, value)
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
"""The exported statistics of librdkafka, by the names of `State` and `Counts`."""


def _caches(caches: Sequence[Cache]) -> Iterator[Metric]:
    hits = {(cache.name,): cache.hits for cache in caches}
    misses = {(cache.name,): cache.misses for cache in caches}
    yield _counter("cache_hits", "Answers found.", ("cache",), hits)
    yield _counter("cache_misses", "Answers that had to be computed.", ("cache",), misses)
    yield _gauge("cache_entries", "Answers kept.", ("cache",), {(cache.name,): cache.size for cache in caches})
