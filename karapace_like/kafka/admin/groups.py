"""Consumer groups: their members and their committed offsets.

Requests go to the coordinators in the Kafka protocol itself (`coordinators.py`): librdkafka's calls to a coordinator
can crash the process when the connection breaks.
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
from karapace_like.kafka.admin.coordinators import CoordinatorResponse, Coordinators
from karapace_like.kafka.admin.group_requests import (
    CLASSIC_MEMBER,
    ConsumerGroupDescribeV0,
    ConsumerGroupDescribeV1,
    DescribeGroupsV4,
)
from karapace_like.kafka.admin.protocol import SingleVersionRequest, check
from karapace_like.kafka.admin.shared_client import SharedAdminClient
from karapace_like.records import TopicPartition

_OF_CONSUMERS = frozenset({"consumer", ""})
"""The protocol types of a group of consumers, and of one whose offsets were only committed from outside."""
_NOT_IN_THE_PROTOCOL = frozenset({"GROUP_ID_NOT_FOUND", "UNSUPPORTED_VERSION"})
_DEAD = "Dead"
_FROM_OUTSIDE: Any = (-1, "", -1)
"""A commit from outside the group: no generation, no member, and the brokers' own retention."""


class Groups:
    """Reads and changes groups. Every call raises KafkaFailure."""

    def __init__(self, client: SharedAdminClient, coordinators: Coordinators) -> None:
        self._client = client
        self._coordinators = coordinators

    async def names(self) -> list[str]:
        """Return the ids of all groups that the running brokers coordinate, in order."""
        client = self._client
        listing = await client.call(lambda: client.current.list_consumer_groups(request_timeout=client.timeout))
        if listing.errors and not listing.valid:
            raise translate.failure(listing.errors[0])
        return sorted(group.group_id for group in listing.valid)

    async def describe(self, group: str) -> GroupDescription | None:
        """Return the group; None if it does not exist, or is not one of consumers."""

        async def describe_once() -> GroupDescription | None:
            request = SingleVersionRequest(DescribeGroupsV4, [group], False)
            classic = _parse_classic_group(await self._coordinators.ask(group, request))
            return await self._describe_new_protocol(group) if classic is None else classic

        return await self._client.retry_during_elections(describe_once)

    async def fetch_offsets(self, group: str) -> dict[TopicPartition, int]:
        """Return the committed offset (of the next record to read) of each partition that has one."""

        async def fetch_once() -> dict[TopicPartition, int]:
            response = (await self._coordinators.ask(group, OffsetFetchRequest(group, None))).response
            check(response.error_code, None)
            offsets = {}
            for topic, partitions in response.topics:
                for partition, offset, _, error_code in partitions:
                    check(error_code, None)
                    if offset >= 0:
                        offsets[TopicPartition(topic, partition)] = offset
            return offsets

        return await self._client.retry_during_elections(fetch_once)

    async def commit(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit offsets for a group without members, which is created if it does not exist."""
        topics: dict[str, list[tuple[int, int, str]]] = {}
        for at, offset in offsets.items():
            topics.setdefault(at.topic, []).append((at.partition, offset, ""))
        request = OffsetCommitRequest(group, *_FROM_OUTSIDE, list(topics.items()))

        async def commit_once() -> None:
            for _, partitions in (await self._coordinators.ask(group, request)).response.topics:
                for _, error_code in partitions:
                    check(error_code, None)

        await self._client.retry_during_elections(commit_once)

    async def delete(self, group: str) -> None:
        """Delete a group without members, with its offsets."""
        is_retry = False

        async def delete_once() -> None:
            nonlocal is_retry
            was_sent, is_retry = is_retry, True
            ((_, error_code),) = (await self._coordinators.ask(group, DeleteGroupsRequest([group]))).response.results
            # If the first response was lost, the first request may have deleted the group.
            if not (was_sent and error_code == GroupIdNotFound.errno):
                check(error_code, None)

        await self._client.retry_during_elections(delete_once)

    async def _describe_new_protocol(self, group: str) -> GroupDescription | None:
        """Return a group of KIP-848's protocol; None for another one, or from a coordinator without the protocol."""
        request = SingleVersionRequest(ConsumerGroupDescribeV0, [group], False, {}, newer=ConsumerGroupDescribeV1)
        try:
            coordinator, response = await self._coordinators.ask(group, request)
            ((error_code, message, name, state, _, _, assignor, members, *_),) = response.groups
            check(error_code, message)
        except KafkaFailure as failure:
            if failure.name in _NOT_IN_THE_PROTOCOL:
                return None
            raise
        if state == _DEAD:
            return None
        group_members = tuple(
            GroupMember(id_, instance, client, _sort_partitions((topic, at) for _, _, topic, at, _ in assigned))
            for id_, instance, _, _, client, _, _, _, (assigned, _), *_ in members
        )
        is_mixed = response.API_VERSION > 0 and any(member[-2] == CLASSIC_MEMBER for member in members)
        return GroupDescription(
            name, False, assignor, _convert_state(state), coordinator, group_members, "CONSUMER", is_mixed
        )


def _parse_classic_group(described: CoordinatorResponse) -> GroupDescription | None:
    """Return a group of the classic protocol, in which members assign partitions; None if it is not of consumers."""
    ((error_code, name, state, kind, assignor, members, _),) = described.response.groups
    check(error_code, None)
    if state == _DEAD or kind not in _OF_CONSUMERS:
        return None
    group_members = tuple(
        GroupMember(id_, instance, client, _parse_assignment(assignment))
        for id_, instance, client, _, _, assignment in members
    )
    return GroupDescription(name, not kind, assignor, _convert_state(state), described.coordinator, group_members)


def _parse_assignment(assignment: bytes) -> tuple[TopicPartition, ...]:
    """Return a member's partitions: none during a rebalance, or for bytes that are no consumer protocol assignment."""
    try:
        return _sort_partitions(ConsumerProtocolMemberAssignment.decode(assignment).assignment)
    except (TypeError, ValueError):
        return ()


def _sort_partitions(assigned: Iterable[tuple[str, Iterable[int]]]) -> tuple[TopicPartition, ...]:
    return tuple(sorted(TopicPartition(topic, partition) for topic, partitions in assigned for partition in partitions))


def _convert_state(name: str) -> str:
    """Convert a state of the protocol, such as PreparingRebalance, to the REST API's PREPARING_REBALANCE."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()
