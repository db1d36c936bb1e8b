"""Conversion of Prometheus' metric families to OpenTelemetry's metrics: both are exported from the same counts. Pure.

Counters become cumulative sums, histograms keep Prometheus' buckets, names and labels stay. Summaries are left out: the
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


def convert_metrics(
    families: Iterable[Family], resource: Resource, scope: InstrumentationScope, begun: int, now: int
) -> MetricsData:
    """Return the families at `now`, counted since `begun`; both are nanoseconds since the epoch."""
    metrics = [metric for family in families if (metric := _convert_family(family, begun, now)) is not None]
    return MetricsData([ResourceMetrics(resource, [ScopeMetrics(scope, metrics, "")], "")])


def _convert_family(family: Family, begun: int, now: int) -> Metric | None:
    def points(suffix: str) -> list[NumberDataPoint]:
        samples = (sample for sample in family.samples if sample.name == family.name + suffix)
        return [NumberDataPoint(sample.labels, begun, now, float(sample.value)) for sample in samples]

    data: Sum | Gauge | Histogram
    match family.type:
        case "counter":
            data = Sum(points("_total"), _CUMULATIVE, is_monotonic=True)
        case "gauge":
            data = Gauge(points(""))
        case "histogram":
            data = Histogram(
                [_convert_histogram(series, begun, now) for series in _group_by_series(family.samples)], _CUMULATIVE
            )
        case _:
            return None
    return Metric(family.name, family.documentation, "", data) if data.data_points else None


def _group_by_series(samples: Sequence[Sample]) -> Iterator[list[Sample]]:
    """Yield a histogram's samples, series by series: each series ends with its sum."""
    begin = 0
    for end, sample in enumerate(samples, 1):
        if sample.name.endswith("_sum"):
            yield list(samples[begin:end])
            begin = end


def _convert_histogram(samples: list[Sample], begun: int, now: int) -> HistogramDataPoint:
    """Return a histogram's data point: Prometheus' buckets are cumulative, OpenTelemetry's are not."""
    buckets = [sample for sample in samples if sample.name.endswith("_bucket")]
    up_to = [0, *(int(bucket.value) for bucket in buckets)]
    return HistogramDataPoint(
        attributes={name: value for name, value in buckets[0].labels.items() if name != "le"},
        start_time_unix_nano=begun,
        time_unix_nano=now,
        count=up_to[-1],
        sum=samples[-1].value,
        bucket_counts=[after - before for before, after in pairwise(up_to)],
        explicit_bounds=[float(bucket.labels["le"]) for bucket in buckets[:-1]],
        min=None,  # type: ignore[arg-type]  # not known, and left out of what is sent
        max=None,  # type: ignore[arg-type]  # likewise
    )
