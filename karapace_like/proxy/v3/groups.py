"""Consumer groups: who is in them, how far they have read, and how far that is from the end."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from karapace_like.administration import GroupDescription, GroupMember
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.clusters import Clusters
from karapace_like.proxy.v3.ports import ClusterAdmin
from karapace_like.records import TopicPartition

_NOBODY = GroupMember("", None, "", ())


class Lag(NamedTuple):
    """How far a group is behind in one partition."""

    at: TopicPartition
    member: GroupMember
    """Who reads the partition; one without an id if nobody does."""
    committed: int
    end: int

    @property
    def records(self) -> int:
        """The lag."""
        return max(self.end - self.committed, 0)


class Groups:
    """The cluster's consumer groups. Every call raises ProxyError: 404 for another cluster, and for no such group."""

    def __init__(self, admin: ClusterAdmin, clusters: Clusters) -> None:
        self._admin = admin
        self._clusters = clusters

    async def all(self, cluster: str) -> list[GroupDescription]:
        """Every group, by id; one that ends meanwhile is left out."""
        await self._clusters.check(cluster, verb="could not")
        with errors.kafka_failures():
            found = await asyncio.gather(*map(self._admin.groups.describe, await self._admin.groups.names()))
        return [each for each in found if each is not None]

    async def find(self, cluster: str, group: str) -> GroupDescription | None:
        """One group; None if there is none."""
        await self._clusters.check(cluster, verb="could not")
        with errors.kafka_failures():
            return await self._admin.groups.describe(group)

    async def member(self, cluster: str, group: str, member: str) -> GroupMember:
        """One consumer of a group."""
        for each in await self.members(cluster, group):
            if each.id == member:
                return each
        raise errors.not_found()

    async def members(self, cluster: str, group: str) -> tuple[GroupMember, ...]:
        """A group's consumers."""
        found = await self.find(cluster, group)
        if found is None:
            raise errors.group_not_found(group, ending="does not exist")
        return found.members

    async def lags(self, cluster: str, group: str, topic: str | None = None) -> list[Lag]:
        """The lag in every partition, or every one of a topic, in which the group has committed an offset.

        A partition is left out as long as it has no leader: where it ends is not known then.
        """
        found = await self.find(cluster, group)
        if found is None:
            raise errors.group_not_found(group)
        with errors.kafka_failures():
            committed = await self._admin.groups.committed(group)
            wanted = sorted(at for at in committed if topic is None or at.topic == topic)
            ends = await self._admin.ends(wanted)
        readers = {at: member for member in found.members for at in member.assigned}
        return [Lag(at, readers.get(at, _NOBODY), committed[at], ends[at]) for at in wanted if at in ends]

    async def lag(self, cluster: str, group: str, at: TopicPartition) -> Lag:
        """The lag in one partition; 404 if the group has committed nothing there."""
        for each in await self.lags(cluster, group, at.topic):
            if each.at == at:
                return each
        raise errors.not_found()

    async def offsets(self, cluster: str, group: str) -> dict[TopicPartition, int]:
        """The group's committed offsets."""
        if await self.find(cluster, group) is None:
            raise errors.group_not_found(group)
        with errors.kafka_failures():
            return await self._admin.groups.committed(group)

    async def commit(self, cluster: str, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Let a group go on at these offsets; 409 while it has members. One that does not exist is made."""
        found = await self.find(cluster, group)
        if found is not None and found.members:
            raise errors.group_in_use(group)
        with errors.kafka_failures():
            await self._admin.groups.commit(group, offsets)

    async def delete(self, cluster: str, group: str) -> None:
        """Remove a group with its offsets; 409 while it has members."""
        found = await self.find(cluster, group)
        if found is None:
            raise errors.group_not_found(group)
        if found.members:
            raise errors.group_in_use(group)
        with errors.kafka_failures():
            await self._admin.groups.delete(group)
