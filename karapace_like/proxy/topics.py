"""Describe brokers, topics and partitions for REST v2."""

from http import HTTPStatus

from karapace_like.proxy import errors
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.ports import ClusterAdmin
from karapace_like.records import PartitionDescription, TopicDescription, TopicPartition

_WRITE = "WRITE"
"""The operation, as the Kafka protocol names it (KIP-430)."""


class Topics:
    """The metadata of the cluster. Every call raises ProxyError for what the cluster refuses."""

    def __init__(self, admin: ClusterAdmin) -> None:
        self._admin = admin

    async def brokers(self) -> list[int]:
        """Return the ids of the brokers."""
        with errors.translate_kafka_failures():
            return await self._admin.brokers()

    async def names(self) -> list[str]:
        """Return the names of the topics."""
        with errors.translate_kafka_failures():
            return await self._admin.topics()

    async def topic(self, name: str) -> TopicDescription:
        """Return a topic with its partitions; 40403 if it does not exist, 40002 for a name that no topic can have."""
        with errors.translate_kafka_failures():
            return await self._admin.topic(name)

    async def may_write(self, name: str) -> bool:
        """Return whether the cluster authorises these credentials to write to the topic, which exists."""
        return await self.may(_WRITE, name)

    async def may(self, operation: str, name: str) -> bool:
        """Return whether the cluster authorises these credentials for the operation on the topic, which exists."""
        try:
            with errors.translate_kafka_failures():
                return operation in (await self._admin.topic(name, with_operations=True)).operations
        except ProxyError as error:
            if error.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}:
                return False
            raise

    async def configs(self, name: str) -> dict[str, str | None]:
        """Return the configs of a topic; 40403, 40002 as `topic`."""
        with errors.translate_kafka_failures():
            return await self._admin.topic_configs(name)

    async def partitions(self, name: str) -> list[TopicPartition]:
        """Return the partitions of a topic, sorted; 40403, 40002 as `topic`."""
        return [TopicPartition(name, number) for number in sorted((await self.topic(name)).partitions)]

    async def partition(self, at: TopicPartition) -> PartitionDescription:
        """Return one partition; 40402 if the topic does not have it."""
        topic = await self.topic(at.topic)
        try:
            return topic.partitions[at.partition]
        except KeyError as error:
            raise errors.partition_not_found_error(at.partition, at.topic) from error

    async def bounds(self, at: TopicPartition) -> tuple[int, int]:
        """Return (beginning offset, end offset); 40402 as `partition`."""
        await self.partition(at)
        with errors.translate_kafka_failures():
            return await self._admin.bounds(at)

    def close(self) -> None:
        """Close the connections to the cluster."""
        self._admin.close()
