"""Prometheus' families as OpenTelemetry's metrics, so that what `/metrics` shows is counted once. Pure.

Counters are cumulative sums, histograms have Prometheus' buckets; names and labels stay. Summaries are left out: the
service has none.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import Metric as Family
from prometheus_client.samples import Sample

_CUMULATIVE = AggregationTemporality.CUMULATIVE


def metrics_data(
    families: Iterable[Family], resource: Resource, scope: InstrumentationScope, begun: int, now: int
) -> MetricsData:
    """What the families say `now`, having counted since `begun`; both are nanoseconds since the epoch."""
    metrics = [each for family in families if (each := _metric(family, begun, now)) is not None]
    return MetricsData([ResourceMetrics(resource, [ScopeMetrics(scope, metrics, "")], "")])


def _metric(family: Family, begun: int, now: int) -> Metric | None:
    def points(suffix: str) -> list[NumberDataPoint]:
        found = (each for each in family.samples if each.name == family.name + suffix)
        return [NumberDataPoint(each.labels, begun, now, float(each.value)) for each in found]

    data: Sum | Gauge | Histogram
    match family.type:
        case "counter":
            data = Sum(points("_total"), _CUMULATIVE, is_monotonic=True)
        case "gauge":
            data = Gauge(points(""))
        case "histogram":
            data = Histogram([_histogram(each, begun, now) for each in _of_one_series(family.samples)], _CUMULATIVE)
        case _:
            return None
    return Metric(family.name, family.documentation, "", data) if data.data_points else None


def _of_one_series(samples: Sequence[Sample]) -> Iterator[list[Sample]]:
    """A histogram's samples, series by series: each ends with its sum."""
    begin = 0
    for end, sample in enumerate(samples, 1):
        if sample.name.endswith("_sum"):
            yield list(samples[begin:end])
            begin = end


def _histogram(samples: list[Sample], begun: int, now: int) -> HistogramDataPoint:
    """Prometheus' buckets hold what the smaller ones hold, too; OpenTelemetry's do not."""
    buckets = [each for each in samples if each.name.endswith("_bucket")]
    up_to = [0, *(int(each.value) for each in buckets)]
    return HistogramDataPoint(
        attributes={name: value for name, value in buckets[0].labels.items() if name != "le"},
        start_time_unix_nano=begun,
        time_unix_nano=now,
        count=up_to[-1],
        sum=samples[-1].value,
        bucket_counts=[after - before for before, after in pairwise(up_to)],
        explicit_bounds=[float(each.labels["le"]) for each in buckets[:-1]],
        min=None,  # type: ignore[arg-type]  # not known, and left out of what is sent
        max=None,  # type: ignore[arg-type]  # likewise
    )
