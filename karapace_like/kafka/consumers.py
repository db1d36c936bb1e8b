"""Makes members of consumer groups, and holds the threads that they share."""

from concurrent.futures import ThreadPoolExecutor

from karapace_like.kafka.consumer import Consumer, ConsumerSettings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.statistics import SharedStatistics

_RESETS = {"none": "error"}
"""Values of `auto.offset.reset` that librdkafka calls otherwise than Java clients do."""


class Consumers:
    """Makes the members; `close` it after them."""

    def __init__(
        self, kafka: KafkaSettings, settings: ConsumerSettings, statistics: SharedStatistics | None = None
    ) -> None:
        self._kafka = kafka
        self._settings = settings
        self._statistics = statistics or SharedStatistics()
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="consumer-call")

    def member(self, *, group: str, auto_commit: bool, offset_reset: str) -> Consumer:
        """A new member of the group; `offset_reset` is `earliest`, `latest` or `none`. Raises KafkaFailure."""
        options = self._statistics.options() | self._kafka.client_options(
            group_id=group,
            enable_auto_commit=auto_commit,
            enable_auto_offset_store=False,  # `advance` says what was taken
            auto_offset_reset=_RESETS.get(offset_reset, offset_reset),
            # A seek takes effect when the fetch under way ends, so it must not wait long for records.
            enable_partition_eof=True,  # says where a partition is read whose reading began at the end
            fetch_wait_max_ms=100,
            fetch_queue_backoff_ms=10,
            queued_max_messages_kbytes=self._settings.queue_kbytes,
            topic_metadata_refresh_interval_ms=self._kafka.metadata_max_age_ms,
        )
        member = Consumer(options, self._threads, self._settings)
        self._kafka.renewal.tell(member)
        return member

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False)
