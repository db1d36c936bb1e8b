"""Counting requests by route; `exposition.py` shows it.

Series are by route template, never by path: what is no route is one series. Counting is adding to plain numbers;
text is made when it is asked for (docs/adr/0009-metrics.md). Answers from remembered bytes are not timed: they count
as the shortest.
"""

from collections.abc import Iterator
from typing import Any

from aiohttp import web
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from karapace_like.measures import Cache, Histogram

PREFIX = "karapace_like_"
UNMATCHED = "unmatched"
"""The route of requests that no route takes."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""


class Series:
    """What is counted of one route."""

    __slots__ = ("method", "received", "remembered", "route", "seconds", "sent", "statuses")

    def __init__(self, method: str, route: str) -> None:
        self.method = method
        self.route = route
        self.statuses: dict[int, int] = {}
        """Status -> answers."""
        self.remembered = {200: 0, 304: 0}
        """Likewise, of those that were remembered."""
        self.seconds = Histogram(_BOUNDS)
        self.received = 0
        """Bytes of bodies."""
        self.sent = 0

    def count(self, status: int, seconds: float, received: int, sent: int) -> None:
        """One answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.seconds.observe(seconds)
        self.received += received
        self.sent += sent

    def count_remembered(self, status: int, received: int, sent: int) -> None:
        """One answer whose bytes were ready."""
        self.remembered[status] += 1
        self.received += received
        self.sent += sent


class HttpMetrics:
    """What is counted of all requests."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.learned = 0
        """How often it was learned how to answer requests from memory."""
        self.known = 0
        """Requests that are known so."""
        self._series: dict[tuple[object, str], Series] = {}
        """By aiohttp's resource, of which a route may have several, and method."""
        self._by_label: dict[tuple[str, str], Series] = {}

    def of(self, request: web.BaseRequest) -> Series:
        """The series that the request belongs to."""
        match = getattr(request, "_match_info", None)
        resource = None if match is None else match.route.resource
        found = self._series.get((resource, request.method))
        return self._new(resource, request.method) if found is None else found

    @property
    def answers(self) -> Cache:
        """How the answers that are remembered are used."""
        found = Cache("web.answers")
        found.hits = sum(sum(each.remembered.values()) for each in self._by_label.values())
        found.misses, found.size = self.learned, self.known
        return found

    def collect(self) -> Iterator[Metric]:
        """The families, for Prometheus' client."""
        labels = ("method", "route")
        requests = CounterMetricFamily(f"{PREFIX}http_requests", "Requests answered.", labels=(*labels, "status"))
        remembered = CounterMetricFamily(
            f"{PREFIX}http_remembered_answers", "Requests answered from remembered bytes.", labels=labels
        )
        seconds = HistogramMetricFamily(
            f"{PREFIX}http_request_duration_seconds", "From a request's head to its answer's end.", labels=labels
        )
        received = CounterMetricFamily(f"{PREFIX}http_request_bytes", "Bytes of requests' bodies.", labels=labels)
        sent = CounterMetricFamily(f"{PREFIX}http_response_bytes", "Bytes of answers' bodies.", labels=labels)
        for each in self._by_label.values():
            values = (each.method, each.route)
            for status in sorted({*each.statuses, *each.remembered}):
                count = each.statuses.get(status, 0) + each.remembered.get(status, 0)
                if count:
                    requests.add_metric((*values, str(status)), count)
            at_once = sum(each.remembered.values())
            remembered.add_metric(values, at_once)
            seconds.add_metric(values, *buckets(each.seconds, at_once))
            received.add_metric(values, each.received)
            sent.add_metric(values, each.sent)
        yield from (requests, remembered, seconds, received, sent)
        yield GaugeMetricFamily(f"{PREFIX}http_requests_in_flight", "Requests being answered.", self.in_flight)

    def _new(self, resource: Any, method: str) -> Series:
        """A series is made when it is first needed: a route that nobody asks for has none."""
        if resource is None:
            label = (method if method in _METHODS else "other", UNMATCHED)
        else:
            label = (method, resource.canonical.rstrip("/") or "/")
        series = self._by_label.setdefault(label, Series(*label))
        if resource is not None or method in _METHODS:
            self._series[resource, method] = series
        return series


def buckets(histogram: Histogram, shortest: int = 0) -> tuple[list[tuple[str, float]], float]:
    """(upper bound, values up to it) of each bucket, and the values' sum; with so many of the shortest besides."""
    found: list[tuple[str, float]] = []
    count = shortest
    for bound, here in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        count += here
        found.append(("+Inf" if bound == float("inf") else str(bound), count))
    return found, histogram.total
