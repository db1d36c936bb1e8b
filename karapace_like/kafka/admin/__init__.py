"""Questions to the cluster and changes of it: brokers and topics here, configs, groups and ACLs in files of their own.

Failures are raised as KafkaFailure.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import TopicCollection
from confluent_kafka import TopicPartition as ClientPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    ConfigResource,
    NewPartitions,
    OffsetSpec,
    ResourceType,
)
from confluent_kafka.admin import NewTopic as ClientTopic  # type: ignore[attr-defined]

from karapace_like.administration import Broker, ClusterDescription, NewTopic
from karapace_like.errors import KafkaFailure
from karapace_like.kafka.admin.acls import Acls
from karapace_like.kafka.admin.broker_defaults import BrokerDefaults
from karapace_like.kafka.admin.configs import Configs
from karapace_like.kafka.admin.connection import Connection, enumerated
from karapace_like.kafka.admin.coordinators import Coordinators
from karapace_like.kafka.admin.groups import Groups
from karapace_like.kafka.admin.protocol import Protocol
from karapace_like.kafka.admin.reassignments import Reassignments
from karapace_like.kafka.reader import Reader
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.records import PartitionDescription, Replica, TopicDescription, TopicPartition

_SPECS: Any = OffsetSpec  # its constructors have no annotations
_INTERNAL = frozenset({"__consumer_offsets", "__transaction_state", "__share_group_state"})
"""The topics that Kafka keeps for itself, which its own clients leave out of listings."""
_CLUSTER_DEFAULT = -1
_TOPICS_PER_QUESTION = 500


class Admin:
    """The cluster's management; `close` it at the end."""

    def __init__(self, kafka: KafkaSettings, *, timeout: float = 15.0) -> None:
        """`timeout` is in seconds, for each question."""
        self._kafka = kafka
        self._connection = Connection(kafka, timeout=timeout)
        self._timeout = timeout
        self._answer = self._connection.answer
        protocol = Protocol(kafka, timeout=timeout)
        self.configs = Configs(self._connection, BrokerDefaults(protocol))
        self.reassignments = Reassignments(protocol)
        self._coordinators = Coordinators(protocol)
        self.groups = Groups(self._connection, self._coordinators)
        self.acls = Acls(protocol)

    async def cluster(self) -> ClusterDescription:
        """The cluster, with the brokers that are up."""
        found = await self._answer(lambda: self._connection.client.describe_cluster(request_timeout=self._timeout))
        return ClusterDescription(
            str(found.cluster_id),
            None if found.controller is None else found.controller.id,
            tuple(sorted(Broker(node.id, node.host, node.port, node.rack) for node in found.nodes)),
        )

    async def brokers(self) -> list[int]:
        """The ids of the brokers that are up, in order."""
        return [each.id for each in (await self.cluster()).brokers]

    async def topics(self) -> list[str]:
        """The names of all topics but Kafka's own, in order."""
        return sorted(set(await self.topic_names()) - _INTERNAL)

    async def topic_names(self) -> list[str]:
        """The names of all topics, in order."""
        metadata = await self._connection.in_thread(lambda: self._connection.client.list_topics(timeout=self._timeout))
        return sorted(metadata.topics)

    async def topic(self, name: str, *, with_operations: bool = False) -> TopicDescription:
        """One topic's partitions; `with_operations` asks what this service may do with it."""
        found = await self._answer(
            lambda: self._connection.client.describe_topics(
                TopicCollection([name]), request_timeout=self._timeout, include_authorized_operations=with_operations
            )[name]
        )
        return _topic(found)

    async def all_topics(self) -> list[TopicDescription]:
        """Every topic, by name; one that is deleted meanwhile is left out."""
        names = await self.topic_names()
        described: list[TopicDescription] = []
        for start in range(0, len(names), _TOPICS_PER_QUESTION):
            some = names[start : start + _TOPICS_PER_QUESTION]
            futures = self._connection.client.describe_topics(TopicCollection(some), request_timeout=self._timeout)
            answers = await self._connection.answers(futures.values())
            described += [_topic(found) for found in answers if not isinstance(found, BaseException)]
        return described

    async def create_topic(self, wanted: NewTopic, *, validate_only: bool = False) -> None:
        """Make a topic; with `validate_only` say whether it could be made."""
        configs = {name: value for name, value in wanted.configs.items() if value is not None}
        if wanted.assignments:
            shape: dict[str, Any] = {
                "num_partitions": len(wanted.assignments),
                "replica_assignment": [list(each) for each in wanted.assignments],
            }
        else:
            shape = {
                "num_partitions": _CLUSTER_DEFAULT if wanted.partitions is None else wanted.partitions,
                "replication_factor": (
                    _CLUSTER_DEFAULT if wanted.replication_factor is None else wanted.replication_factor
                ),
            }
        await self._answer(
            lambda: self._connection.client.create_topics(
                [ClientTopic(wanted.name, config=configs, **shape)],
                request_timeout=self._timeout,
                validate_only=validate_only,
            )[wanted.name]
        )

    async def add_partitions(self, topic: str, count: int) -> None:
        """Let the topic have `count` partitions, which must be more than it has."""
        await self._answer(
            lambda: self._connection.client.create_partitions(
                [NewPartitions(topic, count)], request_timeout=self._timeout
            )[topic]
        )

    async def delete_topic(self, topic: str) -> None:
        """Remove a topic with its records."""
        await self._answer(lambda: self._connection.client.delete_topics([topic], request_timeout=self._timeout)[topic])

    async def topic_configs(self, name: str) -> dict[str, str | None]:
        """One topic's configs, with the defaults that hold for it; None for a value that is a secret."""
        resource = ConfigResource(ResourceType.TOPIC, name)
        found = await self._answer(
            lambda: self._connection.client.describe_configs([resource], request_timeout=self._timeout)[resource]
        )
        return {entry.name: entry.value for entry in found.values()}

    async def bounds(self, at: TopicPartition) -> tuple[int, int]:
        """(offset of the first record, offset after the last) of a partition."""
        first, end = await asyncio.gather(self._offset(at, _SPECS.earliest()), self._offset(at, _SPECS.latest()))
        return first, end

    async def ends(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset after the last record of each partition, without those that have no leader."""
        found = await asyncio.gather(*(self._offset(at, _SPECS.latest()) for at in partitions), return_exceptions=True)
        ends: dict[TopicPartition, int] = {}
        for at, end in zip(partitions, found, strict=True):
            if isinstance(end, int):
                ends[at] = end
            elif not isinstance(end, KafkaFailure) or not end.retriable:
                raise end
        return ends

    async def offset_at(self, at: TopicPartition, time: int) -> int | None:
        """The first offset at or after a time, in milliseconds since the epoch; None if there is none."""
        found = await self._offset(at, _SPECS.for_timestamp(time))
        return found if found >= 0 else None

    def reader(self, positions: Mapping[TopicPartition, int]) -> Reader:
        """Reads these partitions from these offsets on, outside of any group."""
        return Reader(self._kafka, positions)

    def close(self) -> None:
        """Let go of the cluster."""
        self._connection.close()
        self._coordinators.close()

    async def _offset(self, at: TopicPartition, spec: OffsetSpec) -> int:
        partition = ClientPartition(*at)
        found = await self._answer(
            lambda: self._connection.client.list_offsets({partition: spec}, request_timeout=self._timeout)[partition]
        )
        return int(found.offset)


def _topic(found: Any) -> TopicDescription:
    operations = found.authorized_operations or ()
    return TopicDescription(
        found.name,
        {each.id: _partition(each) for each in found.partitions},
        found.is_internal,
        tuple(enumerated(each) for each in operations),
    )


def _partition(found: Any) -> PartitionDescription:
    in_sync = {node.id for node in found.isr}
    leader = -1 if found.leader is None else found.leader.id
    return PartitionDescription(
        found.id, leader, tuple(Replica(each.id, each.id == leader, each.id in in_sync) for each in found.replicas)
    )
