"""The configs that hold for every broker unless it has one of its own (`kafka-configs --entity-default`)."""

from collections.abc import Sequence

from aiokafka.protocol.admin import DescribeConfigsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Schema, String

from karapace_like.administration import ConfigChange, ConfigEntry, ConfigValue
from karapace_like.kafka.admin.protocol import Protocol, check

_BROKER = 4
_EVERY_BROKER = ""
_SET, _DELETE = 0, 1
_SOURCE = "DYNAMIC_DEFAULT_BROKER_CONFIG"
_TEXT = String("utf-8")


class _AlteredV0(Response):  # type: ignore[misc] # aiokafka has no annotations
    """The answer of IncrementalAlterConfigs (Kafka protocol guide, key 44)."""

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


class _Alter(Request[_AlterV0]):  # type: ignore[misc] # aiokafka has no annotations
    """IncrementalAlterConfigs, which aiokafka has no class for."""

    API_KEY = 44

    def __init__(self, changes: Sequence[ConfigChange], *, validate_only: bool) -> None:
        self._configs = [(each.name, _DELETE if each.value is None else _SET, each.value) for each in changes]
        self._validate_only = validate_only

    def build(self, request_struct_class: type[_AlterV0]) -> _AlterV0:
        return request_struct_class([(_BROKER, _EVERY_BROKER, self._configs)], self._validate_only)


class BrokerDefaults:
    """Reads and changes them; every call raises KafkaFailure."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    async def describe(self) -> list[ConfigEntry]:
        """Those that are set, by name."""
        request = DescribeConfigsRequest([(_BROKER, _EVERY_BROKER, None)], include_synonyms=True)
        answer = await self._protocol.ask(request)
        error_code, message, _, _, entries = answer.resources[0]
        check(error_code, message)
        found = [
            ConfigEntry(name, value, _SOURCE, False, read_only, sensitive, (ConfigValue(name, value, _SOURCE),))
            for name, value, read_only, _, sensitive, *_ in entries
        ]
        return sorted(found)

    async def alter(self, changes: Sequence[ConfigChange], *, validate_only: bool) -> None:
        """Make all of the changes, or none; with `validate_only` say whether they could be made."""
        answer = await self._protocol.ask(_Alter(changes, validate_only=validate_only))
        for error_code, message, _, _ in answer.responses:
            check(error_code, message)
