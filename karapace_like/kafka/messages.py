"""The client's messages and partitions in neutral words."""

from typing import Any

from confluent_kafka import TopicPartition as ClientPartition

from karapace_like.records import ConsumedRecord, TopicPartition


def consumed(message: Any, partitions: dict[tuple[str, int], TopicPartition]) -> ConsumedRecord:
    """What a message holds; it is none that stands for an error. `partitions` are those that records came from."""
    place = message.topic(), message.partition()
    at = partitions.get(place)
    if at is None:
        at = partitions[place] = TopicPartition(*place)
    key, value, headers = message.key(), message.value(), message.headers()
    return ConsumedRecord(
        at,
        message.offset(),
        key,
        value,
        message.timestamp()[1],
        tuple(headers) if headers else (),
        (len(key) if key else 0) + (len(value) if value else 0) or 1,
    )


def partition_of(partition: ClientPartition) -> TopicPartition:
    """Which partition that is."""
    return TopicPartition(partition.topic, partition.partition)
