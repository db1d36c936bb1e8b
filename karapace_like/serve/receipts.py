"""Builds the receipts of requests with an `Idempotency-Key`, and their topic."""

import asyncio

from karapace_like.config import Settings
from karapace_like.kafka.log_topic import LogTopic, LogTopicSettings
from karapace_like.kafka.retrying_producer import ProducerSettings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.receipts.receipts import Receipts
from karapace_like.receipts.records import MARK
from karapace_like.receipts.store import ReceiptStore
from karapace_like.serve.log_opening import replay_log

_MIN_RECORD_BYTES = 1_048_576
"""A receipt must fit into a record, whatever the largest record of callers is."""


class ReceiptsLog:
    """The receipts and their topic; `follow` it in the background, and `close` it at the end."""

    def __init__(self, settings: Settings, kafka: KafkaSettings, topic: str, records: ProducerSettings) -> None:
        """`records`: how those of callers are written."""
        self.topic = LogTopic(
            kafka,
            LogTopicSettings(
                name=topic,
                contents="receipts",
                replication_factor=settings.replication_factor,
                max_record_bytes=max(settings.producer_max_request_size, _MIN_RECORD_BYTES),
                group_id=settings.group_id,
                mark=MARK,
                is_as_old_as_group=False,
                is_optional=True,
                joint_records=records,
            ),
        )
        self.receipts = Receipts(
            self.topic,
            ReceiptStore(settings.idempotency_seconds, settings.idempotency_max_bytes),
            write_timeout=settings.producer_request_timeout_ms / 1000,
            max_waiting=settings.http_requests_max,
        )
        self._is_open = False

    @property
    def warnings(self) -> list[str]:
        """Sentences for operators."""
        return [*self.topic.warnings, *self.receipts.warnings]

    async def follow(self) -> None:
        """Open the topic, with retries, and keep up with it until cancelled."""
        if not self._is_open:
            await replay_log(self.receipts, self.topic)
            self._is_open = True
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Close the topic; what was appended is safe already."""
        await self.topic.close()


def make_receipts_log(settings: Settings, kafka: KafkaSettings, records: ProducerSettings) -> ReceiptsLog | None:
    """Return the receipts; None where the service has none."""
    return None if settings.receipts_topic is None else ReceiptsLog(settings, kafka, settings.receipts_topic, records)
