"""Manage queues: list, describe, configure and delete share groups."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from karapace_like.administration import ConfigChange, ConfigOwner, OwnerKind, ShareGroupDescription
from karapace_like.errors import KafkaFailure
from karapace_like.proxy import errors
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.ports import ClusterAdmin
from karapace_like.records import TopicPartition

_CONFIGS = "share."
"""Begins the names of the configs of share groups."""
_NO_SHARE_GROUPS = "UNSUPPORTED_VERSION"


class DescribedQueue(NamedTuple):
    """A share group, with its configs and the ends of its partitions."""

    group: ShareGroupDescription
    configs: Mapping[str, str | None]
    ends: Mapping[TopicPartition, int]


class QueueManagement:
    """Every call raises ProxyError: 40002 where the cluster has no share groups, 40403 for a group that is none."""

    def __init__(self, admin: ClusterAdmin) -> None:
        self._admin = admin

    async def names(self) -> list[str]:
        """Return the names of all share groups."""
        with errors.translate_kafka_failures(_explain):
            return await self._admin.share_groups.names()

    async def describe(self, group: str) -> DescribedQueue:
        """Return the share group."""
        with errors.translate_kafka_failures(_explain):
            described = await self._require(group)
            configs, ends = await asyncio.gather(
                self._admin.configs.describe(ConfigOwner(OwnerKind.GROUP, group)),
                self._admin.ends([offset.at for offset in described.offsets]),
            )
        shown = {entry.name: entry.value for entry in configs if entry.name.startswith(_CONFIGS)}
        return DescribedQueue(described, shown, ends)

    async def configure(self, group: str, changes: Sequence[ConfigChange]) -> None:
        """Change configs of a group, which need not exist yet."""
        with errors.translate_kafka_failures(_explain):
            await self._admin.share_groups.check_support()
            await self._admin.configs.alter(ConfigOwner(OwnerKind.GROUP, group), changes)

    async def delete(self, group: str) -> None:
        """Delete a share group that has no members: records that are not done are forgotten."""
        with errors.translate_kafka_failures(_explain):
            await self._require(group)
            await self._admin.groups.delete(group)

    async def _require(self, group: str) -> ShareGroupDescription:
        described = await self._admin.share_groups.describe(group)
        if described is None:
            raise ProxyError(
                40403, f"There is no share group {errors.quote(group)}. One begins with the first receive."
            )
        return described


def _explain(failure: KafkaFailure) -> ProxyError:
    if failure.name == _NO_SHARE_GROUPS:
        return ProxyError(40002, "This cluster has no share groups: they need Kafka 4.2 with share.version=1.")
    if failure.name == "NON_EMPTY_GROUP":
        return ProxyError(
            40913,
            "The share group has members. End its receivers, wait a minute until this service has left, and repeat.",
        )
    return errors.of_kafka(failure)
