"""Conversion between the client library's messages and partitions and those of `records.py`."""

from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import OFFSET_INVALID, KafkaError
from confluent_kafka import TopicPartition as ClientPartition

from karapace_like.kafka import translate
from karapace_like.records import ConsumedRecord, TopicPartition


def convert_messages(messages: Sequence[Any], on_error: Callable[[Any, KafkaError], None]) -> list[ConsumedRecord]:
    """Return the records of the messages; `on_error` is called for each message that is an error.

    Written for speed: most records follow others of their partition, whose TopicPartition they share.
    """
    records: list[ConsumedRecord] = []
    at = TopicPartition("", -1)
    topic, partition = at
    for message in messages:
        error = message.error()
        if error is not None:
            on_error(message, error)
            continue
        if message.partition() != partition or message.topic() != topic:
            at = TopicPartition(message.topic(), message.partition())
            topic, partition = at
        key, value, headers = message.key(), message.value(), message.headers()
        size = 0 if value is None else len(value)
        if key is not None:
            size += len(key)
        records.append(
            ConsumedRecord(
                at,
                message.offset(),
                key,
                value,
                message.timestamp()[1],
                tuple(headers) if headers else (),
                size or 1,
            )
        )
    return records


def make_client_partition(at: TopicPartition, offset: int = OFFSET_INVALID, metadata: str = "") -> ClientPartition:
    """Return the client library's partition. Raises KafkaFailure, _INVALID_ARG, for an offset of 2^63 and the like."""
    with translate.failures():
        return ClientPartition(at.topic, at.partition, offset, metadata)


def convert_partition(partition: ClientPartition) -> TopicPartition:
    """Return the partition, without the offset."""
    return TopicPartition(partition.topic, partition.partition)
