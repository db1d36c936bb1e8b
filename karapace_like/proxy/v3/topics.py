"""Topics, partitions and replicas."""

import asyncio
from collections.abc import Sequence

from karapace_like.administration import NewTopic, Reassignment
from karapace_like.errors import KafkaFailure
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.clusters import Clusters
from karapace_like.proxy.v3.ports import ClusterAdmin
from karapace_like.records import PartitionDescription, TopicDescription, TopicPartition

_SETTLE_SECONDS = 30.0
"""How long the brokers may take to tell of a topic that was made: one that is busy can take long."""
_AGAIN_SECONDS = 0.02


class Topics:
    """The cluster's topics. Every call raises ProxyError: 404 for another cluster, 40403 for no such topic."""

    def __init__(self, admin: ClusterAdmin, clusters: Clusters) -> None:
        self._admin = admin
        self._clusters = clusters

    async def all(self, cluster: str) -> list[TopicDescription]:
        """Every topic, Kafka's own too, by name."""
        await self._clusters.check(cluster)
        with errors.kafka_failures():
            return await self._admin.all_topics()

    async def one(self, cluster: str, name: str, *, with_operations: bool = False) -> TopicDescription:
        """One topic; `with_operations` asks what this service may do with it."""
        await self._clusters.check(cluster)
        with errors.kafka_failures():
            return await self._admin.topic(name, with_operations=with_operations)

    async def create(self, cluster: str, wanted: NewTopic, *, validate_only: bool) -> TopicDescription | None:
        """Make a topic and return it as the brokers tell of it; None if it was only to be validated."""
        await self._clusters.check(cluster)
        with errors.kafka_failures():
            await self._admin.create_topic(wanted, validate_only=validate_only)
            return None if validate_only else await self._settled(wanted.name, 1)

    async def add_partitions(self, cluster: str, name: str, count: int) -> TopicDescription:
        """Let a topic have `count` partitions; 40002 unless it has fewer."""
        await self._clusters.check(cluster)
        with errors.kafka_failures():
            await self._admin.add_partitions(name, count)
            return await self._settled(name, count)

    async def delete(self, cluster: str, name: str) -> None:
        """Remove a topic."""
        await self._clusters.check(cluster)
        with errors.kafka_failures():
            await self._admin.delete_topic(name)

    async def partition(self, cluster: str, at: TopicPartition) -> PartitionDescription | None:
        """One partition; None if the topic has no such one."""
        return (await self.one(cluster, at.topic)).partitions.get(at.partition)

    async def known_partition(self, cluster: str, at: TopicPartition) -> PartitionDescription:
        """One partition; 404 if the topic has no such one."""
        found = await self.partition(cluster, at)
        if found is None:
            raise errors.partition_not_found(at, cluster)
        return found

    async def bounds(self, cluster: str, at: TopicPartition) -> tuple[int, int]:
        """(offset of the first record, offset after the last); 404 if the topic has no such partition."""
        await self.known_partition(cluster, at)
        with errors.kafka_failures():
            return await self._admin.bounds(at)

    async def offset_at(self, cluster: str, at: TopicPartition, time: int) -> int:
        """The first offset at or after a time, in milliseconds since the epoch; the end if there is none."""
        _, end = await self.bounds(cluster, at)
        with errors.kafka_failures():
            found = await self._admin.offset_at(at, time)
        return end if found is None else found

    async def reassignments(self, cluster: str, topic: str | None = None) -> Sequence[Reassignment]:
        """The partitions of a topic, or of all, whose replicas are on their way to other brokers."""
        if topic is None:
            await self._clusters.check(cluster)
        else:
            await self.one(cluster, topic)
        with errors.kafka_failures():
            return await self._admin.reassignments.under_way(topic)

    async def _settled(self, name: str, partitions: int) -> TopicDescription:
        """The topic, once it has so many partitions, each with a leader; then the next request finds it, too."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + _SETTLE_SECONDS
        while True:
            try:
                described = await self._admin.topic(name)
            except KafkaFailure as failure:
                if not failure.retriable or loop.time() > give_up:
                    raise
            else:
                leaders = [each.leader for each in described.partitions.values()]
                if (len(leaders) >= partitions and min(leaders) >= 0) or loop.time() > give_up:
                    return described
            await asyncio.sleep(_AGAIN_SECONDS)
