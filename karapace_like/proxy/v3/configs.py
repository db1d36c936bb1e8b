"""Configs of topics and brokers."""

import asyncio
from collections.abc import Mapping, Sequence

from karapace_like.administration import EVERY_BROKER, ConfigChange, ConfigEntry, ConfigOwner, OwnerKind
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.clusters import Clusters
from karapace_like.proxy.v3.ports import ClusterAdmin


class Configs:
    """What holds for topics and brokers. Every call raises ProxyError: 404 for another cluster, 40403, 50003."""

    def __init__(self, admin: ClusterAdmin, clusters: Clusters) -> None:
        self._admin = admin
        self._clusters = clusters

    async def of(self, cluster: str, owner: ConfigOwner) -> list[ConfigEntry]:
        """Everything that holds for one owner, by name."""
        await self._check(cluster, owner, "describeConfigs")
        with errors.kafka_failures():
            return await self._admin.configs.describe(owner)

    async def of_all(self, cluster: str, kind: OwnerKind) -> list[tuple[ConfigOwner, list[ConfigEntry]]]:
        """The same for every topic, or every broker that is up."""
        if kind is OwnerKind.BROKER:
            owners = [ConfigOwner(kind, str(each.id)) for each in await self._clusters.brokers(cluster)]
        else:
            await self._clusters.check(cluster)
            with errors.kafka_failures():
                owners = [ConfigOwner(kind, each.name) for each in await self._admin.all_topics()]
        with errors.kafka_failures():
            found = await asyncio.gather(*map(self._admin.configs.describe, owners))
        return list(zip(owners, found, strict=True))

    async def one(self, cluster: str, owner: ConfigOwner, name: str) -> ConfigEntry:
        """One config; 404 if there is no such one."""
        for entry in await self.of(cluster, owner):
            if entry.name == name:
                return entry
        raise errors.not_found()

    async def put(self, cluster: str, owner: ConfigOwner, name: str, value: str | None) -> None:
        """Let the config have the value; 404 if there is no such one, 40002 for a value that it cannot have."""
        if name not in await self._names(cluster, owner):
            raise errors.config_not_found(name, owner, cluster)
        if value is None:
            raise errors.no_value(name)
        with errors.kafka_failures():
            await self._admin.configs.alter(owner, [ConfigChange(name, value)])

    async def reset(self, cluster: str, owner: ConfigOwner, name: str) -> None:
        """Let what holds without it hold again; 404 if there is no such config."""
        await self.alter(cluster, owner, [ConfigChange(name, None)])

    async def alter(
        self, cluster: str, owner: ConfigOwner, changes: Sequence[ConfigChange], *, validate_only: bool = False
    ) -> None:
        """Make all of the changes, or none; 404 if there is no config of a name, 40002 if one is named twice."""
        known = await self._names(cluster, owner)
        for change in changes:
            if change.name not in known:
                raise errors.config_not_found(change.name, owner, cluster)
        if len({each.name for each in changes}) < len(changes):
            raise errors.bad_value("Error due to duplicate config keys")
        if changes:
            with errors.kafka_failures():
                await self._admin.configs.alter(owner, changes, validate_only=validate_only)

    async def alter_topics(
        self, cluster: str, changes: Mapping[str, Sequence[ConfigChange]], *, validate_only: bool = False
    ) -> dict[str, ProxyError]:
        """Change each topic by all of its changes, or none; the topics that are not changed, and why."""
        await self._clusters.check(cluster)
        refused: dict[str, ProxyError] = {}
        for name, wanted in changes.items():
            try:
                await self.alter(cluster, ConfigOwner(OwnerKind.TOPIC, name), wanted, validate_only=validate_only)
            except ProxyError as error:
                refused[name] = error
        return refused

    async def _names(self, cluster: str, owner: ConfigOwner) -> set[str]:
        """What the owner can have; what all brokers can have is known from one of them."""
        if owner == EVERY_BROKER:
            owner = ConfigOwner(OwnerKind.BROKER, str((await self._clusters.brokers(cluster))[0].id))
        return {each.name for each in await self.of(cluster, owner)}

    async def _check(self, cluster: str, owner: ConfigOwner, call: str) -> None:
        """A broker answers for its own configs only: nobody would if it is away."""
        if owner.kind is not OwnerKind.BROKER or owner == EVERY_BROKER:
            await self._clusters.check(cluster)
        elif await self._clusters.broker(cluster, int(owner.name)) is None:
            raise errors.broker_away(call)
