"""The configs of topics and brokers."""

from collections.abc import Sequence
from typing import Any

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AlterConfigOpType,
    ConfigResource,
    ConfigSource,
)
from confluent_kafka.admin import ConfigEntry as ClientEntry  # type: ignore[attr-defined]
from confluent_kafka.admin import ResourceType as ClientResource  # type: ignore[attr-defined]

from karapace_like.administration import EVERY_BROKER, ConfigChange, ConfigEntry, ConfigOwner, ConfigValue, OwnerKind
from karapace_like.kafka.admin.broker_defaults import BrokerDefaults
from karapace_like.kafka.admin.connection import Connection

_KINDS = {OwnerKind.TOPIC: ClientResource.TOPIC, OwnerKind.BROKER: ClientResource.BROKER}


class Configs:
    """Reads and changes configs. Every call raises KafkaFailure."""

    def __init__(self, connection: Connection, defaults: BrokerDefaults) -> None:
        self._connection = connection
        self._defaults = defaults

    async def describe(self, owner: ConfigOwner) -> list[ConfigEntry]:
        """Everything that holds for the owner, by name."""
        if owner == EVERY_BROKER:
            return await self._defaults.describe()
        resource = ConfigResource(_KINDS[owner.kind], owner.name)
        connection = self._connection
        found = await connection.answer(
            lambda: connection.client.describe_configs([resource], request_timeout=connection.timeout)[resource]
        )
        return [_entry(found[name]) for name in sorted(found)]

    async def alter(self, owner: ConfigOwner, changes: Sequence[ConfigChange], *, validate_only: bool = False) -> None:
        """Make all of the changes, or none; with `validate_only` say whether they could be made."""
        if owner == EVERY_BROKER:
            await self._defaults.alter(changes, validate_only=validate_only)
            return
        wanted = [
            ClientEntry(change.name, None, incremental_operation=AlterConfigOpType.DELETE)
            if change.value is None
            else ClientEntry(change.name, change.value, incremental_operation=AlterConfigOpType.SET)
            for change in changes
        ]
        resource = ConfigResource(_KINDS[owner.kind], owner.name, incremental_configs=wanted)
        connection = self._connection
        await connection.answer(
            lambda: connection.client.incremental_alter_configs(
                [resource], request_timeout=connection.timeout, validate_only=validate_only
            )[resource]
        )


def _entry(found: Any) -> ConfigEntry:
    return ConfigEntry(
        found.name,
        found.value,
        _source(found.source),
        found.is_default,
        found.is_read_only,
        found.is_sensitive,
        tuple(ConfigValue(each.name, each.value, _source(each.source)) for each in found.synonyms.values()),
    )


def _source(number: int) -> str:
    return ConfigSource(number).name
