"""The configs of topics and brokers."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AlterConfigOpType,
    ConfigResource,
    ConfigSource,
)
from confluent_kafka.admin import ConfigEntry as ClientEntry  # type: ignore[attr-defined]
from confluent_kafka.admin import ResourceType as ClientResource  # type: ignore[attr-defined]

from karapace_like.administration import EVERY_BROKER, ConfigChange, ConfigEntry, ConfigOwner, ConfigValue, OwnerKind
from karapace_like.kafka import translate
from karapace_like.kafka.admin.broker_defaults import BrokerDefaults
from karapace_like.kafka.admin.shared_client import SharedAdminClient

_KINDS = {
    OwnerKind.TOPIC: ClientResource.TOPIC,
    OwnerKind.BROKER: ClientResource.BROKER,
    OwnerKind.GROUP: ClientResource.GROUP,
}


class Configs:
    """Describes and alters configs. Every call raises KafkaFailure."""

    def __init__(self, client: SharedAdminClient, defaults: BrokerDefaults) -> None:
        self._client = client
        self._defaults = defaults

    async def describe(self, owner: ConfigOwner) -> list[ConfigEntry]:
        """Return every config of the owner with its effective value, by name."""
        if owner == EVERY_BROKER:
            return await self._defaults.describe()
        translate.check_texts(owner.name)
        with translate.failures():
            resource = ConfigResource(_KINDS[owner.kind], owner.name)
        client = self._client
        configs = await client.call(
            lambda: client.current.describe_configs([resource], request_timeout=client.timeout)[resource]
        )
        return _convert_entries(configs)

    async def describe_topics(self, names: Sequence[str]) -> dict[str, list[ConfigEntry]]:
        """Return the configs of each of these topics, without those that do not exist, in the order of the names."""
        client = self._client
        configs: AsyncIterator[tuple[ConfigResource, Any]] = client.call_for_topics(
            names,
            lambda some: client.current.describe_configs(
                [ConfigResource(ClientResource.TOPIC, name) for name in some], request_timeout=client.timeout
            ),
        )
        return {resource.name: _convert_entries(entries) async for resource, entries in configs}

    async def alter(self, owner: ConfigOwner, changes: Sequence[ConfigChange], *, validate_only: bool = False) -> None:
        """Make all of the changes, or none; with `validate_only` only check that they could be made."""
        if owner == EVERY_BROKER:
            await self._defaults.alter(changes, validate_only=validate_only)
            return
        translate.check_texts(owner.name, *(text for change in changes for text in (change.name, change.value or "")))
        with translate.failures():
            wanted = [
                ClientEntry(change.name, None, incremental_operation=AlterConfigOpType.DELETE)
                if change.value is None
                else ClientEntry(change.name, change.value, incremental_operation=AlterConfigOpType.SET)
                for change in changes
            ]
            resource = ConfigResource(_KINDS[owner.kind], owner.name, incremental_configs=wanted)
        client = self._client
        await client.call(
            lambda: client.current.incremental_alter_configs(
                [resource], request_timeout=client.timeout, validate_only=validate_only
            )[resource]
        )


def _convert_entries(entries: Mapping[str, Any]) -> list[ConfigEntry]:
    return [_convert_entry(entries[name]) for name in sorted(entries)]


def _convert_entry(entry: Any) -> ConfigEntry:
    return ConfigEntry(
        entry.name,
        entry.value,
        ConfigSource(entry.source).name,
        entry.is_default,
        entry.is_read_only,
        entry.is_sensitive,
        tuple(
            ConfigValue(synonym.name, synonym.value, ConfigSource(synonym.source).name)
            for synonym in entry.synonyms.values()
        ),
    )
