"""Describe consumer groups: their members, committed offsets and lag; commit and delete offsets."""

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple

from karapace_like.administration import GroupDescription, GroupMember
from karapace_like.proxy.errors import not_found_error
from karapace_like.proxy.ports import ClusterAdmin
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.clusters import Clusters
from karapace_like.records import TopicPartition

_NO_MEMBER = GroupMember("", None, "", ())


class Lag(NamedTuple):
    """The lag of a group in one partition."""

    at: TopicPartition
    member: GroupMember
    """The member that reads the partition; one with an empty id if none does."""
    committed: int
    end: int

    @property
    def records(self) -> int:
        """The lag in records, never negative."""
        return max(self.end - self.committed, 0)


class Groups:
    """The consumer groups of the cluster. Every call raises ProxyError: 404 for another cluster or an unknown group."""

    def __init__(self, admin: ClusterAdmin, clusters: Clusters) -> None:
        self._admin = admin
        self._clusters = clusters

    async def all(self, cluster: str, is_visible: Callable[[str], bool]) -> list[GroupDescription]:
        """Return every group with a visible id, sorted by id."""
        await self._clusters.check(cluster, verb="could not")
        with errors.translate_kafka_failures():
            names = await self._admin.groups.names()
            groups = await asyncio.gather(*map(self._admin.groups.describe, filter(is_visible, names)))
        return [group for group in groups if group is not None]

    async def find(self, cluster: str, group: str) -> GroupDescription | None:
        """Return one group; None if it does not exist."""
        await self._clusters.check(cluster, verb="could not")
        with errors.translate_kafka_failures():
            return await self._admin.groups.describe(group)

    async def member(self, cluster: str, group: str, member: str) -> GroupMember:
        """Return one member of a group."""
        for candidate in await self.members(cluster, group):
            if candidate.id == member:
                return candidate
        raise not_found_error(f"group {group} has no member {member}")

    async def members(self, cluster: str, group: str) -> tuple[GroupMember, ...]:
        """Return the members of a group."""
        described = await self.find(cluster, group)
        if described is None:
            raise errors.group_not_found_error(group, ending="does not exist")
        return described.members

    async def lags(self, cluster: str, group: str, topic: str | None = None) -> list[Lag]:
        """Return the lag in every partition, or every one of a topic, with a committed offset of the group.

        Partitions without a leader are left out: their end is unknown.
        """
        described = await self.find(cluster, group)
        if described is None:
            raise errors.group_not_found_error(group)
        with errors.translate_kafka_failures():
            committed = await self._admin.groups.fetch_offsets(group)
            wanted = sorted(at for at in committed if topic is None or at.topic == topic)
            ends = await self._admin.ends(wanted)
        readers = {at: member for member in described.members for at in member.assigned}
        return [Lag(at, readers.get(at, _NO_MEMBER), committed[at], ends[at]) for at in wanted if at in ends]

    async def lag(self, cluster: str, group: str, at: TopicPartition) -> Lag:
        """Return the lag in one partition; 404 if the group has no committed offset there."""
        for lag in await self.lags(cluster, group, at.topic):
            if lag.at == at:
                return lag
        raise not_found_error(f"group {group} has committed no offset in partition {at}")

    async def offsets(self, cluster: str, group: str) -> dict[TopicPartition, int]:
        """Return the committed offsets of the group."""
        if await self.find(cluster, group) is None:
            raise errors.group_not_found_error(group)
        with errors.translate_kafka_failures():
            return await self._admin.groups.fetch_offsets(group)

    async def commit(self, cluster: str, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit these offsets for a group; 409 while it has members. A group that does not exist is created."""
        described = await self.find(cluster, group)
        if described is not None and described.members:
            raise errors.group_in_use(group)
        with errors.translate_kafka_failures():
            await self._admin.groups.commit(group, offsets)

    async def delete(self, cluster: str, group: str) -> None:
        """Delete a group with its offsets; 409 while it has members."""
        described = await self.find(cluster, group)
        if described is None:
            raise errors.group_not_found_error(group)
        if described.members:
            raise errors.group_in_use(group)
        with errors.translate_kafka_failures():
            await self._admin.groups.delete(group)
