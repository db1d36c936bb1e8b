"""Share groups: their names, members and offsets. Their configs are in `configs.py`, their deletion in `groups.py`."""

import asyncio
from typing import Any

from karapace_like.administration import ShareGroupDescription, ShareGroupOffset
from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.admin.coordinators import Coordinators
from karapace_like.kafka.admin.protocol import ProtocolClient, SingleVersionRequest, check
from karapace_like.kafka.admin.share_group_requests import (
    DescribeShareGroupOffsetsV0,
    DescribeShareGroupOffsetsV1,
    ListGroupsV5,
    ShareGroupDescribeV1,
)
from karapace_like.kafka.admin.shared_client import SharedAdminClient
from karapace_like.records import TopicPartition

_SHARE = "share"
_DEAD = "Dead"
_NOT_FOUND = "GROUP_ID_NOT_FOUND"
_ANY_GROUP = "any"
_UNSUPPORTED = "UNSUPPORTED_VERSION"


class ShareGroups:
    """Describes share groups. Every call raises KafkaFailure, UNSUPPORTED_VERSION where brokers know none."""

    def __init__(self, client: SharedAdminClient, coordinators: Coordinators, protocol: ProtocolClient) -> None:
        self._client = client
        self._coordinators = coordinators
        self._protocol = protocol

    async def check_support(self) -> None:
        """Raise KafkaFailure, UNSUPPORTED_VERSION, where the cluster has no share groups.

        Listings of groups and changes of their configs do not fail there.
        """
        response = await self._protocol.ask(SingleVersionRequest(ShareGroupDescribeV1, [_ANY_GROUP], False, {}))
        # Any other error says that the group is not here, or not this client's to see.
        if translate.error_code(response.groups[0][0]).name == _UNSUPPORTED:
            check(response.groups[0][0], response.groups[0][1])

    async def names(self) -> list[str]:
        """Return the ids of all share groups, in order: those that each broker coordinates."""
        await self.check_support()
        client = self._client
        cluster = await client.call(lambda: client.current.describe_cluster(request_timeout=client.timeout))
        listed = await asyncio.gather(*(self._list_at(f"{node.host}:{node.port}") for node in cluster.nodes))
        return sorted({name for names in listed for name in names})

    async def describe(self, group: str) -> ShareGroupDescription | None:
        """Return the group; None if there is no share group of this name."""

        async def describe_once() -> ShareGroupDescription | None:
            request = SingleVersionRequest(ShareGroupDescribeV1, [group], False, {})
            response = (await self._coordinators.ask(group, request)).response
            ((error_code, message, name, state, _, _, _, members, *_),) = response.groups
            try:
                check(error_code, message)
            except KafkaFailure as failure:
                if failure.name == _NOT_FOUND:
                    return None
                raise
            if state == _DEAD:
                return None
            return ShareGroupDescription(name, state.upper(), len(members), await self._fetch_offsets(group))

        return await self._client.retry_during_elections(describe_once)

    async def _fetch_offsets(self, group: str) -> tuple[ShareGroupOffset, ...]:
        request = SingleVersionRequest(
            DescribeShareGroupOffsetsV0, [(group, None, {})], {}, newer=DescribeShareGroupOffsetsV1
        )
        response = (await self._coordinators.ask(group, request)).response
        ((_, topics, error_code, message, _),) = response.groups
        check(error_code, message)
        return tuple(
            sorted(
                _read_offset(topic, partition)
                for topic, _, _, partitions, _ in topics
                for partition in partitions
                if partition[1] >= 0
            )
        )

    async def _list_at(self, address: str) -> list[str]:
        with translate.aiokafka_failures():
            connection = await self._protocol.connect_to(address)
            try:
                async with asyncio.timeout(self._client.timeout):
                    response = await connection.send(SingleVersionRequest(ListGroupsV5, [], [_SHARE], {}))
            finally:
                connection.close()
        check(response.error_code, None)
        return [name for name, *_ in response.groups]


def _read_offset(topic: str, partition: Any) -> ShareGroupOffset:
    index, start, _, *rest = partition
    lag = rest[0] if len(rest) == 4 else -1
    return ShareGroupOffset(TopicPartition(topic, index), start, None if lag < 0 else lag)
