"""The client's messages and partitions in neutral words."""

from typing import Any

from confluent_kafka import TopicPartition as ClientPartition

from karapace_like.records import ConsumedRecord, TopicPartition


def consumed(message: Any) -> ConsumedRecord:
    """What a message holds; it is none that stands for an error."""
    return ConsumedRecord(
        TopicPartition(message.topic(), message.partition()),
        message.offset(),
        message.key(),
        message.value(),
        message.timestamp()[1],
        tuple(message.headers() or ()),
    )


def partition_of(partition: ClientPartition) -> TopicPartition:
    """Which partition that is."""
    return TopicPartition(partition.topic, partition.partition)
