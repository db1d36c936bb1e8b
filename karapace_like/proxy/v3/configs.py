"""Describe and change the configs of topics and brokers."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from karapace_like.administration import EVERY_BROKER, ConfigChange, ConfigEntry, ConfigOwner, OwnerKind
from karapace_like.proxy.errors import ProxyError, not_found_error
from karapace_like.proxy.ports import ClusterAdmin
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.clusters import Clusters


class Configs:
    """The configs of topics and brokers. Every call raises ProxyError: 404 for another cluster, 40403, 50003."""

    def __init__(self, admin: ClusterAdmin, clusters: Clusters) -> None:
        self._admin = admin
        self._clusters = clusters

    async def of(self, cluster: str, owner: ConfigOwner) -> list[ConfigEntry]:
        """Return the configs of one owner, by name."""
        await self._check(cluster, owner, "describeConfigs")
        with errors.translate_kafka_failures():
            return await self._admin.configs.describe(owner)

    async def of_brokers(self, cluster: str) -> list[tuple[ConfigOwner, list[ConfigEntry]]]:
        """Return the configs of every broker that is up."""
        owners = [ConfigOwner(OwnerKind.BROKER, str(broker.id)) for broker in await self._clusters.brokers(cluster)]
        with errors.translate_kafka_failures():
            configs = await asyncio.gather(*map(self._admin.configs.describe, owners))
        return list(zip(owners, configs, strict=True))

    async def of_topics(
        self, cluster: str, is_visible: Callable[[str], bool]
    ) -> list[tuple[ConfigOwner, list[ConfigEntry]]]:
        """Return the configs of every topic with a visible name, sorted by name."""
        await self._clusters.check(cluster)
        with errors.translate_kafka_failures():
            names = await self._admin.topic_names()
            described = await self._admin.configs.describe_topics([name for name in names if is_visible(name)])
        return [(ConfigOwner(OwnerKind.TOPIC, name), configs) for name, configs in described.items()]

    async def one(self, cluster: str, owner: ConfigOwner, name: str) -> ConfigEntry:
        """Return one config; 404 if the owner does not have it."""
        for entry in await self.of(cluster, owner):
            if entry.name == name:
                return entry
        raise not_found_error(f"{owner.kind} {owner.name} has no config {name}")

    async def put(self, cluster: str, owner: ConfigOwner, name: str, value: str | None) -> None:
        """Set the config; 404 if the owner does not have it, 40002 for an invalid value."""
        if name not in await self._names(cluster, owner):
            raise errors.config_not_found_error(name, owner, cluster)
        if value is None:
            raise errors.no_value(name)
        with errors.translate_kafka_failures():
            await self._admin.configs.alter(owner, [ConfigChange(name, value)])

    async def reset(self, cluster: str, owner: ConfigOwner, name: str) -> None:
        """Reset the config to its default; 404 if the owner does not have it."""
        await self.alter(cluster, owner, [ConfigChange(name, None)])

    async def alter(
        self, cluster: str, owner: ConfigOwner, changes: Sequence[ConfigChange], *, validate_only: bool = False
    ) -> None:
        """Apply all changes or none; 404 for an unknown config, 40002 if one is named twice."""
        names = await self._names(cluster, owner)
        for change in changes:
            if change.name not in names:
                raise errors.config_not_found_error(change.name, owner, cluster)
        if len({wanted.name for wanted in changes}) < len(changes):
            raise errors.bad_value("Error due to duplicate config keys")
        if changes:
            with errors.translate_kafka_failures():
                await self._admin.configs.alter(owner, changes, validate_only=validate_only)

    async def alter_topics(
        self, cluster: str, changes: Mapping[str, Sequence[ConfigChange]], *, validate_only: bool = False
    ) -> dict[str, ProxyError]:
        """Apply to each topic all of its changes or none; return the errors of the topics that were not changed."""
        await self._clusters.check(cluster)
        failures: dict[str, ProxyError] = {}
        for name, wanted in changes.items():
            try:
                await self.alter(cluster, ConfigOwner(OwnerKind.TOPIC, name), wanted, validate_only=validate_only)
            except ProxyError as error:
                failures[name] = error
        return failures

    async def _names(self, cluster: str, owner: ConfigOwner) -> set[str]:
        """Return the names of the configs of the owner; for all brokers, those of one of them."""
        if owner == EVERY_BROKER:
            owner = ConfigOwner(OwnerKind.BROKER, str((await self._clusters.brokers(cluster))[0].id))
        return {entry.name for entry in await self.of(cluster, owner)}

    async def _check(self, cluster: str, owner: ConfigOwner, call: str) -> None:
        """Raise ProxyError unless a broker can return the configs: those of one broker only that broker knows."""
        if owner.kind is not OwnerKind.BROKER or owner == EVERY_BROKER:
            await self._clusters.check(cluster)
        elif await self._clusters.broker(cluster, int(owner.name)) is None:
            raise errors.broker_away(call)
