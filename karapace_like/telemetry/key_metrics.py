"""Metrics of the DEK registry: its topic, its keys, and the calls of key management services."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from karapace_like.kafka.log_topic import LogTopic
from karapace_like.web.http.http_metrics import PREFIX
from karapace_like.web.keys.services import KeyHandling


class KeyMetrics:
    """The metrics of one process."""

    def __init__(self, keys: KeyHandling, topic: LogTopic) -> None:
        self._keys = keys
        self._topic = topic

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families."""
        registry = self._keys.registry
        store, progress = registry.store, registry.progress
        counts = GaugeMetricFamily(PREFIX + "keys", "Keys, soft-deleted ones too.", labels=("kind",))
        counts.add_metric(("kek",), store.kek_count)
        counts.add_metric(("dek",), store.dek_count)
        yield counts
        end = max(self._topic.statistics.figures().find_end(self._topic.name) or 0, progress.end or 0)
        yield GaugeMetricFamily(
            PREFIX + "keys_position", "The offset up to which the topic of keys is applied.", progress.position
        )
        yield GaugeMetricFamily(
            PREFIX + "keys_lag_records", "Offsets of it still to be applied.", max(end - progress.position, 0)
        )
        yield CounterMetricFamily(
            PREFIX + "keys_unknown_records", "Records of it that are not understood.", store.unknown
        )
        calls = CounterMetricFamily(
            PREFIX + "kms_calls", "Calls of key management services.", labels=("type", "operation", "outcome")
        )
        for labels, count in self._keys.kms.calls.items():
            calls.add_metric(labels, count)
        yield calls
