"""Consumer groups: who is in them, and how far they have read.

Their coordinators are asked in the protocol itself (`coordinators.py`): librdkafka's calls to a coordinator may end
the process when the connection breaks off.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import GroupIdNotFound
from aiokafka.protocol.admin import DeleteGroupsRequest
from aiokafka.protocol.commit import OffsetCommitRequest, OffsetFetchRequest

from karapace_like.administration import GroupDescription, GroupMember
from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.admin.connection import Connection
from karapace_like.kafka.admin.coordinators import Coordinated, Coordinators
from karapace_like.kafka.admin.group_requests import DescribeConsumerGroup, DescribeGroup
from karapace_like.kafka.admin.protocol import check
from karapace_like.records import TopicPartition

_OF_CONSUMERS = frozenset({"consumer", ""})
"""What a coordinator calls a group of consumers, and one for which offsets were committed from outside only."""
_NOT_IN_THE_PROTOCOL = frozenset({"GROUP_ID_NOT_FOUND", "UNSUPPORTED_VERSION"})
_DEAD = "Dead"
_FROM_OUTSIDE: Any = (-1, "", -1)
"""No generation, no member, and the brokers' own retention."""


class Groups:
    """Reads and changes groups. Every call raises KafkaFailure."""

    def __init__(self, connection: Connection, coordinators: Coordinators) -> None:
        self._connection = connection
        self._coordinators = coordinators

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
        """The group; None if there is none, or none of consumers."""

        async def described() -> GroupDescription | None:
            found = _classic(await self._coordinators.ask(group, DescribeGroup(group)))
            return await self._of_coordinators_protocol(group) if found is None else found

        return await self._connection.persistently(described)

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """The offset of the next record to read, for each partition in which the group has committed one."""

        async def fetched() -> dict[TopicPartition, int]:
            answer = (await self._coordinators.ask(group, OffsetFetchRequest(group, None))).answer
            check(answer.error_code, None)
            offsets = {}
            for topic, partitions in answer.topics:
                for partition, offset, _, error_code in partitions:
                    check(error_code, None)
                    if offset >= 0:
                        offsets[TopicPartition(topic, partition)] = offset
            return offsets

        return await self._connection.persistently(fetched)

    async def commit(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Let a group without members go on at these offsets; one that does not exist is made."""
        topics: dict[str, list[tuple[int, int, str]]] = {}
        for at, offset in offsets.items():
            topics.setdefault(at.topic, []).append((at.partition, offset, ""))
        request = OffsetCommitRequest(group, *_FROM_OUTSIDE, list(topics.items()))

        async def committed() -> None:
            for _, partitions in (await self._coordinators.ask(group, request)).answer.topics:
                for _, error_code in partitions:
                    check(error_code, None)

        await self._connection.persistently(committed)

    async def delete(self, group: str) -> None:
        """Remove a group without members, with its offsets."""
        asked_before = False

        async def deleted() -> None:
            nonlocal asked_before
            again, asked_before = asked_before, True
            ((_, error_code),) = (await self._coordinators.ask(group, DeleteGroupsRequest([group]))).answer.results
            # Where the first answer was lost on its way, the group may be gone because of it.
            if not (again and error_code == GroupIdNotFound.errno):
                check(error_code, None)

        await self._connection.persistently(deleted)

    async def _of_coordinators_protocol(self, group: str) -> GroupDescription | None:
        """A group of KIP-848's protocol, if it is one and the coordinator knows the protocol."""
        try:
            coordinator, answer = await self._coordinators.ask(group, DescribeConsumerGroup(group))
            ((error_code, message, name, state, _, _, assignor, members, *_),) = answer.groups
            check(error_code, message)
        except KafkaFailure as failure:
            if failure.name in _NOT_IN_THE_PROTOCOL:
                return None
            raise
        found = tuple(
            GroupMember(id_, instance, client, _partitions((topic, at) for _, _, topic, at, _ in assigned))
            for id_, instance, _, _, client, _, _, _, (assigned, _), *_ in members
        )
        return None if state == _DEAD else GroupDescription(name, False, assignor, _state(state), coordinator, found)


def _classic(asked: Coordinated) -> GroupDescription | None:
    """A group of the protocol in which members assign partitions, if it is one of consumers."""
    ((error_code, name, state, kind, assignor, members, _),) = asked.answer.groups
    check(error_code, None)
    if state == _DEAD or kind not in _OF_CONSUMERS:
        return None
    found = tuple(
        GroupMember(id_, instance, client, _assigned(written)) for id_, instance, client, _, _, written in members
    )
    return GroupDescription(name, not kind, assignor, _state(state), asked.coordinator, found)


def _assigned(written: bytes) -> tuple[TopicPartition, ...]:
    """What a member is to read: nothing while the group rebalances, or where its leader wrote something else."""
    try:
        return _partitions(ConsumerProtocolMemberAssignment.decode(written).assignment)
    except (TypeError, ValueError):
        return ()


def _partitions(assigned: Iterable[tuple[str, Iterable[int]]]) -> tuple[TopicPartition, ...]:
    return tuple(sorted(TopicPartition(topic, partition) for topic, partitions in assigned for partition in partitions))


def _state(name: str) -> str:
    """A coordinator says PreparingRebalance where Java clients and the REST API say PREPARING_REBALANCE."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()
