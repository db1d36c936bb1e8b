"""Counts of requests by route, for `/metrics` (`exposition.py`).

Series are labelled by route template, never by path; requests without a route share one series. Counting adds to plain
numbers, and text is rendered on request (docs/adr/0009-metrics.md). Responses with cached bytes are not timed: they
count into the shortest bucket.
"""

from collections.abc import Iterator
from typing import Any

from aiohttp import web
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from karapace_like.process.measures import Cache, Histogram

PREFIX = "karapace_like_"
UNMATCHED = "unmatched"
"""The label of requests without a route."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""


class CachedTally:
    """The responses with cached bytes of one series to one principal: both sum up their tallies when they are read."""

    __slots__ = ("request_bytes", "response_bytes", "statuses")

    def __init__(self) -> None:
        self.statuses = {200: 0, 304: 0}
        """Status -> responses."""
        self.request_bytes = 0
        """Bytes of request bodies."""
        self.response_bytes = 0

    def count(self, status: int, request_bytes: int, response_bytes: int) -> None:
        """Count one response."""
        self.statuses[status] += 1
        self.request_bytes += request_bytes
        self.response_bytes += response_bytes


class Series:
    """The counts of one route and method."""

    __slots__ = ("method", "request_bytes", "response_bytes", "route", "seconds", "statuses", "tallies")

    def __init__(self, method: str, route: str) -> None:
        self.method = method
        self.route = route
        self.statuses: dict[int, int] = {}
        """Status -> responses."""
        self.tallies: list[CachedTally] = []
        """Responses with cached bytes, which are counted nowhere else."""
        self.seconds = Histogram(_BOUNDS)
        self.request_bytes = 0
        """Bytes of request bodies."""
        self.response_bytes = 0

    def count(self, status: int, seconds: float, request_bytes: int, response_bytes: int) -> None:
        """Count one response, which took so many seconds; bytes are those of bodies."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.seconds.observe(seconds)
        self.request_bytes += request_bytes
        self.response_bytes += response_bytes

    @property
    def cached_responses(self) -> dict[int, int]:
        """Status -> responses with cached bytes."""
        return {status: sum(tally.statuses[status] for tally in self.tallies) for status in (200, 304)}


class HttpMetrics:
    """The counts of all requests of one process."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.stored = 0
        """How often a response was stored in the response cache."""
        self.computed = 0
        """How many of these the cache has computed itself, for a request that it then answered."""
        self.entries = 0
        """Entries of the response cache."""
        self._series: dict[tuple[object, str], Series] = {}
        """By method and aiohttp's resource; a route may have several resources."""
        self._by_label: dict[tuple[str, str], Series] = {}

    def find_series(self, request: web.BaseRequest) -> Series:
        """Return the series of the request's route and method."""
        match = getattr(request, "_match_info", None)
        resource = None if match is None else match.route.resource
        series = self._series.get((resource, request.method))
        return self._new(resource, request.method) if series is None else series

    @property
    def response_cache_usage(self) -> Cache:
        """Hits, misses and entries of the response cache."""
        usage = Cache("web.answers")
        answered = sum(sum(series.cached_responses.values()) for series in self._by_label.values())
        usage.hits = answered - self.computed
        usage.misses, usage.size = self.stored, self.entries
        return usage

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families, for Prometheus' client."""
        labels = ("method", "route")
        requests = CounterMetricFamily(f"{PREFIX}http_requests", "Requests answered.", labels=(*labels, "status"))
        from_cache = CounterMetricFamily(
            f"{PREFIX}http_remembered_answers", "Requests answered from remembered bytes.", labels=labels
        )
        seconds = HistogramMetricFamily(
            f"{PREFIX}http_request_duration_seconds", "From a request's head to its answer's end.", labels=labels
        )
        request_bytes = CounterMetricFamily(f"{PREFIX}http_request_bytes", "Bytes of requests' bodies.", labels=labels)
        response_bytes = CounterMetricFamily(f"{PREFIX}http_response_bytes", "Bytes of answers' bodies.", labels=labels)
        for series in self._by_label.values():
            values = (series.method, series.route)
            by_status = series.cached_responses
            for status in sorted({*series.statuses, *by_status}):
                count = series.statuses.get(status, 0) + by_status.get(status, 0)
                if count:
                    requests.add_metric((*values, str(status)), count)
            cached = sum(by_status.values())
            from_cache.add_metric(values, cached)
            seconds.add_metric(values, *buckets(series.seconds, cached))
            request_bytes.add_metric(
                values, series.request_bytes + sum(tally.request_bytes for tally in series.tallies)
            )
            response_bytes.add_metric(
                values, series.response_bytes + sum(tally.response_bytes for tally in series.tallies)
            )
        yield from (requests, from_cache, seconds, request_bytes, response_bytes)
        yield GaugeMetricFamily(f"{PREFIX}http_requests_in_flight", "Requests being answered.", self.in_flight)

    def _new(self, resource: Any, method: str) -> Series:
        """Add a series at its first request: a route that is never called has none."""
        if resource is None:
            label = (method if method in _METHODS else "other", UNMATCHED)
        else:
            label = (method, resource.canonical.rstrip("/") or "/")
        series = self._by_label.setdefault(label, Series(*label))
        if resource is not None or method in _METHODS:
            self._series[resource, method] = series
        return series


def buckets(histogram: Histogram, shortest: int = 0) -> tuple[list[tuple[str, float]], float]:
    """Return (upper bound, count up to it) of each bucket, and the sum; `shortest` values are added to the first."""
    pairs: list[tuple[str, float]] = []
    count = shortest
    for bound, here in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        count += here
        pairs.append(("+Inf" if bound == float("inf") else str(bound), count))
    return pairs, histogram.total
