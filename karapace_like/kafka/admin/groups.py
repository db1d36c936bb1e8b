"""Consumer groups: who is in them, and how far they have read."""

from collections.abc import Mapping
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka import TopicPartition as ClientPartition

from karapace_like.administration import GroupDescription, GroupMember
from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.admin.connection import Connection, enumerated
from karapace_like.records import TopicPartition


class Groups:
    """Reads and changes groups. Every call raises KafkaFailure."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def names(self) -> list[str]:
        """The ids of all groups of which a broker that is up tells, in order."""
        connection = self._connection
        found = await connection.answer(
            lambda: connection.client.list_consumer_groups(request_timeout=connection.timeout)
        )
        if found.errors and not found.valid:
            raise translate.failure(found.errors[0].args[0])
        return sorted(each.group_id for each in found.valid)

    async def describe(self, group: str) -> GroupDescription | None:
        """The group; None if there is none."""
        connection = self._connection
        try:
            found = await connection.coordinated(
                lambda timeout: connection.client.describe_consumer_groups([group], request_timeout=timeout)[group]
            )
        except KafkaFailure as failure:
            if failure.name == "GROUP_ID_NOT_FOUND":
                return None
            raise
        described = _description(found)
        return None if described.state == "DEAD" else described

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """The offset of the next record to read, for each partition in which the group has committed one."""
        connection, asked = self._connection, [ConsumerGroupTopicPartitions(group)]
        found = await connection.coordinated(
            lambda timeout: connection.client.list_consumer_group_offsets(asked, request_timeout=timeout)[group]
        )
        return {_partition(each): each.offset for each in found.topic_partitions if each.offset >= 0}

    async def commit(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Let a group without members go on at these offsets; one that does not exist is made."""
        wanted = [ClientPartition(*at, offset) for at, offset in offsets.items()]
        connection, asked = self._connection, [ConsumerGroupTopicPartitions(group, wanted)]

        async def committed() -> None:
            done = await connection.coordinated(
                lambda timeout: connection.client.alter_consumer_group_offsets(asked, request_timeout=timeout)[group]
            )
            for each in done.topic_partitions:
                if each.error is not None:
                    raise translate.failure(each.error)

        await connection.persistently(committed)

    async def delete(self, group: str) -> None:
        """Remove a group without members, with its offsets."""
        connection = self._connection
        await connection.coordinated(
            lambda timeout: connection.client.delete_consumer_groups([group], request_timeout=timeout)[group]
        )


def _description(found: Any) -> GroupDescription:
    return GroupDescription(
        found.group_id,
        found.is_simple_consumer_group,
        found.partition_assignor,
        # librdkafka says REBALANCING where Java clients say REBALANCE.
        enumerated(found.state).replace("REBALANCING", "REBALANCE"),
        None if found.coordinator is None else found.coordinator.id,
        tuple(_member(each) for each in found.members),
    )


def _member(found: Any) -> GroupMember:
    assigned = () if found.assignment is None else found.assignment.topic_partitions
    return GroupMember(
        found.member_id, found.group_instance_id, found.client_id, tuple(sorted(_partition(each) for each in assigned))
    )


def _partition(found: ClientPartition) -> TopicPartition:
    return TopicPartition(found.topic, found.partition)
