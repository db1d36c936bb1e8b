"""Creates group consumers, and owns the threads that they share."""

from karapace_like.kafka import translate
from karapace_like.kafka.blocking import CallThreads
from karapace_like.kafka.consumer import Consumer, ConsumerSettings
from karapace_like.kafka.prefetch import PrefetchBudget
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.statistics import SharedStatistics
from karapace_like.records import Isolation

_BUDGET_KBYTES = 256 * 1024
_RESETS = {"none": "error"}
"""Values of `auto.offset.reset` that librdkafka spells differently from Kafka's Java clients."""


class ConsumerFactory:
    """Creates consumers; satisfies `proxy.ports.KafkaConsumers`."""

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: ConsumerSettings,
        statistics: SharedStatistics | None = None,
        budget: PrefetchBudget | None = None,
    ) -> None:
        """Consumers share the budget with those of other factories that have it; None: they have 256 MiB.

        Without `statistics` their clients emit none, and take less memory.
        """
        self._kafka = kafka
        self._settings = settings
        self._statistics = statistics
        self._budget = budget or PrefetchBudget(_BUDGET_KBYTES)
        self._threads = CallThreads(settings.threads)

    def create_consumer(
        self, *, group: str, auto_commit: bool, offset_reset: str, isolation: Isolation = Isolation.READ_COMMITTED
    ) -> Consumer:
        """Return a new consumer in the group; `offset_reset` is `earliest`, `latest` or `none`. Raises KafkaFailure."""
        translate.check_texts(group, offset_reset)
        options = self._kafka.client_options(
            group_id=group,
            enable_auto_commit=auto_commit,
            enable_auto_offset_store=False,  # `Consumer.advance` stores them
            isolation_level=isolation.value,
            auto_offset_reset=_RESETS.get(offset_reset, offset_reset),
            # A seek takes effect when the fetch under way ends, so it must not wait long for records.
            enable_partition_eof=True,  # reports the position in a partition that is read from its end
            fetch_wait_max_ms=100,
            fetch_queue_backoff_ms=10,
            topic_metadata_refresh_interval_ms=self._kafka.metadata_max_age_ms,
        )
        if self._statistics is not None:
            options |= self._statistics.create_options()
        consumer = Consumer(options, self._threads, self._settings, self._kafka, self._budget)
        self._kafka.renewal.add(consumer)
        return consumer
