"""A topic read once, from its beginning to the end that it has then: for commands, which need no event loop.

Blocking calls; failures are raised as KafkaFailure. The service itself reads by `schemas_topic.py`, for ever.
"""

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.settings import KafkaSettings

_BATCH = 500
_TIMEOUT = 30.0
"""Seconds in which the cluster has to answer something."""


class LoggedRecord(NamedTuple):
    """One record as the topic holds it."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    """Milliseconds since the epoch."""


Progress = Callable[[int], None]
"""(how many records are read)"""


def read(kafka: KafkaSettings, topic: str, progress: Progress = lambda _: None) -> list[LoggedRecord]:
    """Every readable record of the topic's first partition."""
    options = kafka.client_options(
        group_id=f"{topic}-reader",
        enable_auto_commit=False,
        enable_partition_eof=True,
        isolation_level="read_committed",
        auto_offset_reset="error",
    )
    # What librdkafka would log of brokers that are away is told once, as the error.
    with closing(Consumer({**options, "log_level": 0})) as consumer:
        with translate.failures():
            found = consumer.list_topics(topic, timeout=_TIMEOUT).topics[topic]
        if found.error is not None:
            raise translate.failure(found.error)
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        return _to_the_end(consumer, progress)


def _to_the_end(consumer: Any, progress: Progress) -> list[LoggedRecord]:
    found: list[LoggedRecord] = []
    give_up = time.monotonic() + _TIMEOUT
    while time.monotonic() < give_up:
        messages = consumer.consume(_BATCH, 0.1)
        for message in messages:
            error = message.error()
            if error is None:
                found.append(LoggedRecord(message.offset(), message.key(), message.value(), message.timestamp()[1]))
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                return found
            elif not error.retriable() and error.code() not in {KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN}:  # noqa: SLF001
                raise translate.failure(error)
        if messages:
            give_up = time.monotonic() + _TIMEOUT
            progress(len(found))
    raise KafkaFailure("_TIMED_OUT", "the topic was not read to its end: the brokers do not answer", retriable=True)
