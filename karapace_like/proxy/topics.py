"""What the proxy tells of brokers, topics and partitions."""

from karapace_like.proxy import errors
from karapace_like.proxy.ports import Admin
from karapace_like.records import PartitionDescription, TopicDescription, TopicPartition


class Topics:
    """The cluster's metadata, with the API's errors."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    async def brokers(self) -> list[int]:
        """The brokers' ids."""
        with errors.kafka_failures():
            return await self._admin.brokers()

    async def names(self) -> list[str]:
        """The topics' names."""
        with errors.kafka_failures():
            return await self._admin.topics()

    async def topic(self, name: str) -> TopicDescription:
        """A topic's partitions; 40403 if there is no such topic, 40002 if there cannot be one."""
        with errors.kafka_failures():
            return await self._admin.topic(name)

    async def configs(self, name: str) -> dict[str, str | None]:
        """A topic's configs; 40403, 40002."""
        with errors.kafka_failures():
            return await self._admin.topic_configs(name)

    async def partitions(self, name: str) -> list[TopicPartition]:
        """A topic's partitions, in order; 40403, 40002."""
        return [TopicPartition(name, number) for number in sorted((await self.topic(name)).partitions)]

    async def partition(self, at: TopicPartition) -> PartitionDescription:
        """One partition; 40402 if the topic has no such partition."""
        topic = await self.topic(at.topic)
        try:
            return topic.partitions[at.partition]
        except KeyError as error:
            raise errors.partition_not_found() from error

    async def bounds(self, at: TopicPartition) -> tuple[int, int]:
        """(offset of the first record, offset after the last); 40402."""
        await self.partition(at)
        with errors.kafka_failures():
            return await self._admin.bounds(at)

    def close(self) -> None:
        """Let go of the cluster."""
        self._admin.close()
