"""Describe, create, change and delete topics; describe partitions and replicas."""

import asyncio
from collections.abc import Callable, Sequence

from karapace_like.administration import NewTopic, Reassignment, ReplicaSize
from karapace_like.errors import KafkaFailure
from karapace_like.proxy import errors as proxy_errors
from karapace_like.proxy.ports import ClusterAdmin
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.clusters import Clusters
from karapace_like.records import PartitionDescription, TopicDescription, TopicPartition

_SETTLE_SECONDS = 30.0
"""How long to wait until the brokers know a new topic or partition; busy brokers can take long."""
_AGAIN_SECONDS = 0.02


class Topics:
    """The topics of the cluster. Every call raises ProxyError: 404 for another cluster, 40403 for an unknown topic."""

    def __init__(self, admin: ClusterAdmin, clusters: Clusters) -> None:
        self._admin = admin
        self._clusters = clusters

    async def all(self, cluster: str, is_visible: Callable[[str], bool]) -> list[TopicDescription]:
        """Return every topic with a visible name, Kafka's own too, sorted by name."""
        await self._clusters.check(cluster)
        with errors.translate_kafka_failures():
            names = await self._admin.topic_names()
            return await self._admin.describe_topics([name for name in names if is_visible(name)])

    async def one(self, cluster: str, name: str, *, with_operations: bool = False) -> TopicDescription:
        """Return one topic; `with_operations` adds what this service is allowed to do with it."""
        await self._clusters.check(cluster)
        with errors.translate_kafka_failures():
            return await self._admin.topic(name, with_operations=with_operations)

    async def replica_sizes(self, cluster: str, name: str) -> list[ReplicaSize]:
        """Return the size of each replica of a topic."""
        await self._clusters.check(cluster)
        with errors.translate_kafka_failures():
            return await self._admin.replica_sizes(name)

    async def create(self, cluster: str, wanted: NewTopic, *, validate_only: bool) -> TopicDescription | None:
        """Create a topic and return it as the brokers describe it; None with `validate_only`."""
        await self._clusters.check(cluster)
        with errors.translate_kafka_failures():
            await self._admin.create_topic(wanted, validate_only=validate_only)
            return None if validate_only else await self._await_partitions(wanted.name, 1)

    async def add_partitions(self, cluster: str, name: str, count: int) -> TopicDescription:
        """Increase the partitions of a topic to `count`; 40002 unless it has fewer."""
        await self._clusters.check(cluster)
        with errors.translate_kafka_failures():
            await self._admin.add_partitions(name, count)
            return await self._await_partitions(name, count)

    async def delete(self, cluster: str, name: str) -> None:
        """Delete a topic."""
        await self._clusters.check(cluster)
        with errors.translate_kafka_failures():
            await self._admin.delete_topic(name)

    async def partition(self, cluster: str, at: TopicPartition) -> PartitionDescription | None:
        """Return one partition; None if the topic does not have it."""
        return (await self.one(cluster, at.topic)).partitions.get(at.partition)

    async def known_partition(self, cluster: str, at: TopicPartition) -> PartitionDescription:
        """Return one partition; 404 if the topic does not have it."""
        described = await self.partition(cluster, at)
        if described is None:
            raise errors.partition_not_found_error(at, cluster)
        return described

    async def bounds(self, cluster: str, at: TopicPartition) -> tuple[int, int]:
        """Return (beginning offset, end offset); 40402 if the topic does not have the partition."""
        if await self.partition(cluster, at) is None:
            raise proxy_errors.partition_not_found_error(at.partition, at.topic)
        with errors.translate_kafka_failures():
            return await self._admin.bounds(at)

    async def reassignments(self, cluster: str, topic: str | None = None) -> Sequence[Reassignment]:
        """Return the partitions of a topic, or of all topics, whose replicas are moving to other brokers."""
        if topic is None:
            await self._clusters.check(cluster)
        else:
            await self.one(cluster, topic)
        with errors.translate_kafka_failures():
            return await self._admin.list_reassignments(topic)

    async def _await_partitions(self, name: str, partitions: int) -> TopicDescription:
        """Return the topic once it has the partitions, each with a leader, so that the next request finds them."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + _SETTLE_SECONDS
        while True:
            try:
                described = await self._admin.topic(name)
            except KafkaFailure as failure:
                if not failure.retriable or loop.time() > give_up:
                    raise
            else:
                leaders = [partition.leader for partition in described.partitions.values()]
                if (len(leaders) >= partitions and min(leaders) >= 0) or loop.time() > give_up:
                    return described
            await asyncio.sleep(_AGAIN_SECONDS)
