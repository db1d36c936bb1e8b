"""The client's messages and partitions in neutral words."""

from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaError
from confluent_kafka import TopicPartition as ClientPartition

from karapace_like.records import ConsumedRecord, TopicPartition


def consumed(messages: Sequence[Any], failed: Callable[[Any, KafkaError], None]) -> list[ConsumedRecord]:
    """The records of the messages; `failed` is told of each message that stands for an error.

    Written for speed: records mostly follow others of their partition, and no call is made for one that is not needed.
    """
    records: list[ConsumedRecord] = []
    at = TopicPartition("", -1)
    topic, partition = at
    for message in messages:
        error = message.error()
        if error is not None:
            failed(message, error)
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


def partition_of(partition: ClientPartition) -> TopicPartition:
    """Which partition that is."""
    return TopicPartition(partition.topic, partition.partition)
