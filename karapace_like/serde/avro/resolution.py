"""Avro's schema resolution: what was written with one schema, as a reader with another one has it.

fastavro resolves, on payloads that this service's own decoder has read before: that one bounds what a payload may ask
for. Logical types are their underlying types, as everywhere in this service.
Source: Avro specification, "Schema Resolution".
"""

import io
from collections.abc import Mapping
from typing import Any

import fastavro
import msgspec

from karapace_like.schema.model import InvalidSchemaError
from karapace_like.serde.codec import DecodeError

_READ_ERRORS = (
    fastavro.read.SchemaResolutionError,
    ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, AttributeError, RecursionError,
)  # fmt: skip
_LOGICAL_TYPE = "logicalType"


class AvroResolution:
    """From one schema to another one."""

    def __init__(
        self, writer: str, writer_dependencies: Mapping[str, str], reader: str, dependencies: Mapping[str, str]
    ) -> None:
        """Raises InvalidSchemaError."""
        self._writer = _parse(writer, writer_dependencies)
        self._reader = _parse(reader, dependencies)

    def resolve(self, payload: bytes) -> bytes:
        """Return the payload that the reader's schema writes of the value; raises DecodeError."""
        try:
            value = fastavro.schemaless_reader(io.BytesIO(payload), self._writer, self._reader, return_named_type=True)
            resolved = io.BytesIO()
            fastavro.schemaless_writer(resolved, self._reader, value)
            return resolved.getvalue()
        except _READ_ERRORS as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise DecodeError(f"the value cannot be read with the reader's schema: {reason}") from error


def _parse(text: str, dependencies: Mapping[str, str]) -> Any:
    named: dict[str, Any] = {}
    try:
        for dependency in dependencies.values():
            fastavro.parse_schema(_without_logical_types(msgspec.json.decode(dependency)), named_schemas=named)
        return fastavro.parse_schema(_without_logical_types(msgspec.json.decode(text)), named_schemas=named)
    except (*_READ_ERRORS, fastavro.schema.SchemaParseException, fastavro.schema.UnknownType) as error:
        raise InvalidSchemaError(f"it cannot be resolved: {error}") from error


def _without_logical_types(schema: Any) -> Any:
    if isinstance(schema, list):
        return list(map(_without_logical_types, schema))
    if not isinstance(schema, dict):
        return schema
    return {
        name: member if name == "default" else _without_logical_types(member)
        for name, member in schema.items()
        if name != _LOGICAL_TYPE
    }
