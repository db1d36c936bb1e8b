"""Reads a topic once, from its beginning to its current end: for commands, which need no event loop.

Blocking calls; each raises KafkaFailure. The service itself follows the topic with `log_topic_reader.py`.
"""

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.own_names import name_reader_group
from karapace_like.kafka.settings import KafkaSettings

_BATCH = 500
"""Records taken from the client in one call."""
_FETCH_WAIT_MS = 10
"""How long the broker waits for more records: at the end of the topic there are none, and Kafka's default is 500 ms."""
_TIMEOUT = 30.0
"""Seconds without any response after which reading fails."""


class LoggedRecord(NamedTuple):
    """One record as the topic holds it."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    """Milliseconds since the epoch."""


ReportProgress = Callable[[int], None]
"""(number of records read so far)"""


def read_topic(
    kafka: KafkaSettings, topic: str, report_progress: ReportProgress = lambda _: None
) -> list[LoggedRecord]:
    """Return every readable record of the topic's first partition, in order."""
    options = kafka.client_options(
        group_id=name_reader_group(topic),
        enable_auto_commit=False,
        enable_partition_eof=True,
        isolation_level="read_committed",
        auto_offset_reset="error",
        fetch_wait_max_ms=_FETCH_WAIT_MS,
    )
    # The error says once what librdkafka would log at each attempt to reach a broker.
    with translate.failures():
        client = Consumer({**options, "log_level": 0})
    with closing(client) as consumer:
        with translate.failures():
            topics = consumer.list_topics(topic, timeout=_TIMEOUT).topics
            consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        error = topics[topic].error
        if error is not None:
            raise translate.failure(error)
        return _read_to_end(consumer, report_progress)


def _read_to_end(consumer: Any, report_progress: ReportProgress) -> list[LoggedRecord]:
    records: list[LoggedRecord] = []
    deadline = time.monotonic() + _TIMEOUT
    while time.monotonic() < deadline:
        with translate.failures():
            messages = consumer.consume(_BATCH, 0.1)
        for message in messages:
            error = message.error()
            if error is None:
                records.append(LoggedRecord(message.offset(), message.key(), message.value(), message.timestamp()[1]))
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                return records
            elif not error.retriable() and error.code() not in {KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN}:  # noqa: SLF001
                raise translate.failure(error)
        if messages:
            deadline = time.monotonic() + _TIMEOUT
            report_progress(len(records))
    raise KafkaFailure(
        "_TIMED_OUT",
        f"The topic was not read to its end: the brokers did not answer within {_TIMEOUT:g} s.",
        retriable=True,
    )
