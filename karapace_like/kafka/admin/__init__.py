"""The cluster's management: brokers and topics here; configs, groups, ACLs and reassignments in modules of their own.

Every call raises KafkaFailure.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from confluent_kafka import TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    ConfigResource,
    NewPartitions,
    OffsetSpec,
    ResourceType,
)
from confluent_kafka.admin import NewTopic as ClientTopic  # type: ignore[attr-defined]

from karapace_like.administration import Broker, ClusterDescription, NewTopic, Reassignment, ReplicaSize
from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.admin.acls import Acls
from karapace_like.kafka.admin.broker_defaults import BrokerDefaults
from karapace_like.kafka.admin.configs import Configs
from karapace_like.kafka.admin.coordinators import Coordinators
from karapace_like.kafka.admin.groups import Groups
from karapace_like.kafka.admin.log_dirs import LogDirs
from karapace_like.kafka.admin.protocol import ProtocolClient
from karapace_like.kafka.admin.reassignments import Reassignments
from karapace_like.kafka.admin.share_groups import ShareGroups
from karapace_like.kafka.admin.shared_client import SharedAdminClient, get_enum_name
from karapace_like.kafka.messages import make_client_partition
from karapace_like.kafka.reader import Reader
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.records import Isolation, PartitionDescription, Replica, TopicDescription, TopicPartition

_SPECS: Any = OffsetSpec  # its constructors have no annotations
_INTERNAL = frozenset({"__consumer_offsets", "__transaction_state", "__share_group_state"})
"""Kafka's own topics, which its command-line tools leave out of listings."""
_CLUSTER_DEFAULT = -1
"""A number of partitions or replicas that the brokers choose (KIP-464)."""


class Admin:
    """The cluster's management; `close` it at the end."""

    def __init__(self, kafka: KafkaSettings, *, timeout: float = 15.0) -> None:
        """`timeout` is in seconds, for each request."""
        self._kafka = kafka
        self._client = SharedAdminClient(kafka, timeout=timeout)
        self._timeout = timeout
        self._call = self._client.call
        protocol = ProtocolClient(kafka, timeout=timeout)
        self.configs = Configs(self._client, BrokerDefaults(protocol))
        self._reassignments = Reassignments(protocol)
        self._log_dirs = LogDirs(protocol, timeout=timeout)
        self._coordinators = Coordinators(protocol)
        self.groups = Groups(self._client, self._coordinators)
        self.share_groups = ShareGroups(self._client, self._coordinators, protocol)
        self.acls = Acls(protocol)

    async def cluster(self) -> ClusterDescription:
        """Return the cluster, with the brokers that are up."""
        cluster = await self._call(lambda: self._client.current.describe_cluster(request_timeout=self._timeout))
        return ClusterDescription(
            str(cluster.cluster_id),
            None if cluster.controller is None else cluster.controller.id,
            tuple(sorted(Broker(node.id, node.host, node.port, node.rack) for node in cluster.nodes)),
        )

    async def brokers(self) -> list[int]:
        """Return the ids of the brokers that are up, in order."""
        return [broker.id for broker in (await self.cluster()).brokers]

    async def topics(self) -> list[str]:
        """Return the names of all topics except Kafka's own, in order."""
        return sorted(set(await self.topic_names()) - _INTERNAL)

    async def topic_names(self) -> list[str]:
        """Return the names of all topics, in order."""
        metadata = await self._client.call_in_thread(lambda: self._client.current.list_topics(timeout=self._timeout))
        return sorted(metadata.topics)

    async def topic(self, name: str, *, with_operations: bool = False) -> TopicDescription:
        """Return one topic; `with_operations` includes the operations that this service is authorised for (KIP-430)."""
        translate.check_texts(name)
        description = await self._call(
            lambda: self._client.current.describe_topics(
                TopicCollection([name]), request_timeout=self._timeout, include_authorized_operations=with_operations
            )[name]
        )
        return _convert_topic(description)

    async def describe_topics(self, names: Sequence[str]) -> list[TopicDescription]:
        """Return these topics without those that do not exist, in the order of the names."""
        topics: AsyncIterator[tuple[str, Any]] = self._client.call_for_topics(
            names,
            lambda some: self._client.current.describe_topics(
                TopicCollection(list(some)), request_timeout=self._timeout
            ),
        )
        return [_convert_topic(topic) async for _, topic in topics]

    async def replica_sizes(self, name: str) -> list[ReplicaSize]:
        """Return the size of each replica of a topic, in order."""
        described, cluster = await asyncio.gather(self.topic(name), self.cluster())
        return await self._log_dirs.sizes(name, sorted(described.partitions), cluster.brokers)

    async def create_topic(self, wanted: NewTopic, *, validate_only: bool = False) -> None:
        """Create a topic; with `validate_only` only check that it could be created."""
        configs = {name: value for name, value in wanted.configs.items() if value is not None}
        translate.check_texts(wanted.name, *configs, *configs.values())
        if wanted.assignments:
            shape: dict[str, Any] = {
                "num_partitions": len(wanted.assignments),
                "replica_assignment": [list(brokers) for brokers in wanted.assignments],
            }
        else:
            shape = {
                "num_partitions": _CLUSTER_DEFAULT if wanted.partitions is None else wanted.partitions,
                "replication_factor": (
                    _CLUSTER_DEFAULT if wanted.replication_factor is None else wanted.replication_factor
                ),
            }
        await self._call(
            lambda: self._client.current.create_topics(
                [ClientTopic(wanted.name, config=configs, **shape)],
                request_timeout=self._timeout,
                validate_only=validate_only,
            )[wanted.name]
        )

    async def add_partitions(self, topic: str, count: int) -> None:
        """Raise the topic's number of partitions to `count`."""
        translate.check_texts(topic)
        await self._call(
            lambda: self._client.current.create_partitions(
                [NewPartitions(topic, count)], request_timeout=self._timeout
            )[topic]
        )

    async def delete_topic(self, topic: str) -> None:
        """Delete a topic with its records."""
        translate.check_texts(topic)
        await self._call(lambda: self._client.current.delete_topics([topic], request_timeout=self._timeout)[topic])

    async def topic_configs(self, name: str) -> dict[str, str | None]:
        """Return one topic's configs, with its defaults; None for a sensitive value."""
        translate.check_texts(name)
        with translate.failures():
            resource = ConfigResource(ResourceType.TOPIC, name)
        configs = await self._call(
            lambda: self._client.current.describe_configs([resource], request_timeout=self._timeout)[resource]
        )
        return {entry.name: entry.value for entry in configs.values()}

    async def bounds(self, at: TopicPartition) -> tuple[int, int]:
        """Return (offset of the first record, offset after the last one) of a partition."""
        first, end = await asyncio.gather(
            self._fetch_offset(at, _SPECS.earliest()), self._fetch_offset(at, _SPECS.latest())
        )
        return first, end

    async def ends(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the offset after the last record of each partition, without those that have no leader."""
        offsets = await asyncio.gather(
            *(self._fetch_offset(at, _SPECS.latest()) for at in partitions), return_exceptions=True
        )
        ends: dict[TopicPartition, int] = {}
        for at, end in zip(partitions, offsets, strict=True):
            if isinstance(end, int):
                ends[at] = end
            elif not isinstance(end, KafkaFailure) or not end.retriable:
                raise end
        return ends

    async def offset_at(self, at: TopicPartition, time: int) -> int | None:
        """Return the first offset at or after a time (milliseconds since the epoch); None if there is none."""
        offset = await self._fetch_offset(at, _SPECS.for_timestamp(time))
        return offset if offset >= 0 else None

    async def list_reassignments(self, topic: str | None = None) -> list[Reassignment]:
        """Return every partition, or every one of a topic, whose replicas are moving, in order."""
        return await self._reassignments.under_way(topic)

    def reader(
        self,
        positions: Mapping[TopicPartition, int],
        isolation: Isolation = Isolation.READ_COMMITTED,
        *,
        is_prompt: bool = False,
    ) -> Reader:
        """Return a reader of these partitions from these offsets, without a group."""
        return Reader(self._kafka, positions, isolation, is_prompt=is_prompt)

    def close(self) -> None:
        """Close the clients."""
        self._client.close()
        self._coordinators.close()

    async def _fetch_offset(self, at: TopicPartition, spec: OffsetSpec) -> int:
        partition = make_client_partition(at)
        result = await self._call(
            lambda: self._client.current.list_offsets({partition: spec}, request_timeout=self._timeout)[partition]
        )
        return int(result.offset)


def _convert_topic(description: Any) -> TopicDescription:
    operations = description.authorized_operations or ()
    return TopicDescription(
        description.name,
        {partition.id: _convert_partition(partition) for partition in description.partitions},
        description.is_internal,
        tuple(get_enum_name(operation) for operation in operations),
    )


def _convert_partition(partition: Any) -> PartitionDescription:
    in_sync = {node.id for node in partition.isr}
    leader = -1 if partition.leader is None else partition.leader.id
    replicas = (Replica(node.id, node.id == leader, node.id in in_sync) for node in partition.replicas)
    return PartitionDescription(partition.id, leader, tuple(replicas))
