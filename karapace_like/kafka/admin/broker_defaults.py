"""Dynamic default configs: those of every broker that has none of its own (`kafka-configs --entity-default`)."""

from collections.abc import Sequence

from aiokafka.protocol.admin import DescribeConfigsRequest
from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Schema, String

from karapace_like.administration import ConfigChange, ConfigEntry, ConfigValue
from karapace_like.kafka.admin.protocol import ProtocolClient, SingleVersionRequest, check

_BROKER = 4
_EVERY_BROKER = ""
_SET, _DELETE = 0, 1
_SOURCE = "DYNAMIC_DEFAULT_BROKER_CONFIG"
_TEXT = String("utf-8")


class _AlteredV0(Response):  # type: ignore[misc] # aiokafka has no annotations
    """The response of IncrementalAlterConfigs (Kafka protocol guide, key 44; KIP-339), which aiokafka lacks."""

    API_KEY = 44
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "responses",
            Array(("error_code", Int16), ("error_message", _TEXT), ("resource_type", Int8), ("resource_name", _TEXT)),
        ),
    )


class _AlterV0(RequestStruct):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 44
    API_VERSION = 0
    RESPONSE_TYPE = _AlteredV0
    SCHEMA = Schema(
        (
            "resources",
            Array(
                ("resource_type", Int8),
                ("resource_name", _TEXT),
                ("configs", Array(("name", _TEXT), ("operation", Int8), ("value", _TEXT))),
            ),
        ),
        ("validate_only", Boolean),
    )


class BrokerDefaults:
    """Describes and alters these configs; every call raises KafkaFailure."""

    def __init__(self, protocol: ProtocolClient) -> None:
        self._protocol = protocol

    async def describe(self) -> list[ConfigEntry]:
        """Return the configs that are set, by name."""
        request = DescribeConfigsRequest([(_BROKER, _EVERY_BROKER, None)], include_synonyms=True)
        response = await self._protocol.ask(request)
        error_code, message, _, _, entries = response.resources[0]
        check(error_code, message)
        configs = [
            ConfigEntry(name, value, _SOURCE, False, read_only, sensitive, (ConfigValue(name, value, _SOURCE),))
            for name, value, read_only, _, sensitive, *_ in entries
        ]
        return sorted(configs)

    async def alter(self, changes: Sequence[ConfigChange], *, validate_only: bool) -> None:
        """Make all of the changes, or none; with `validate_only` only check that they could be made."""
        configs = [(change.name, _DELETE if change.value is None else _SET, change.value) for change in changes]
        request = SingleVersionRequest(_AlterV0, [(_BROKER, _EVERY_BROKER, configs)], validate_only)
        response = await self._protocol.ask(request)
        for error_code, message, _, _ in response.responses:
            check(error_code, message)
