"""What readers of committed records see of a topic."""

from confluent_kafka import Consumer, TopicPartition


def read_committed(bootstrap_servers: str, topic: str, partition: int = 0) -> list[bytes]:
    """The values of a partition up to its end."""
    options = {
        "bootstrap.servers": bootstrap_servers, "group.id": "committed", "enable.partition.eof": True,
        "isolation.level": "read_committed",
    }  # fmt: skip
    consumer = Consumer(options)
    consumer.assign([TopicPartition(topic, partition, 0)])
    values: list[bytes] = []
    try:
        while (message := consumer.poll(60)) is not None and message.error() is None:
            values.append(message.value() or b"")
    finally:
        consumer.close()
    return values
