"""Records as REST v3 takes them: one request each, its key and value in formats of their own.

The structures are the request's JSON. Source: Confluent REST Proxy API reference, v3, "Produce Records".
"""

import enum
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, NamedTuple

import msgspec

from karapace_like.proxy.encoding import ABSENT
from karapace_like.proxy.subjects import SubjectNameStrategy
from karapace_like.records import MAX_PARTITION, Delivery
from karapace_like.schema.model import SchemaId, SchemaType


class DataType(enum.StrEnum):
    """How a key or value is written in a request."""

    BINARY = "BINARY"
    AVRO = "AVRO"
    JSON = "JSON"
    JSONSCHEMA = "JSONSCHEMA"
    PROTOBUF = "PROTOBUF"
    STRING = "STRING"

    @property
    def schema_type(self) -> SchemaType | None:
        """The schemas that it is written with; None for a format without."""
        return _SCHEMA_TYPES.get(self)

    @classmethod
    def of(cls, schema_type: SchemaType) -> "DataType":
        """The format that is written with schemas of a type."""
        return next(each for each, found in _SCHEMA_TYPES.items() if found is schema_type)


_SCHEMA_TYPES: Mapping[DataType, SchemaType] = {
    DataType.AVRO: SchemaType.AVRO,
    DataType.JSONSCHEMA: SchemaType.JSON,
    DataType.PROTOBUF: SchemaType.PROTOBUF,
}


class DataSpec(NamedTuple):
    """How a key or value is to be written: all of it but the data."""

    type: DataType | None
    subject: str | None
    strategy: SubjectNameStrategy | None
    schema_id: int | None
    schema_version: int | None
    schema: str | None


class RecordData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The key or value of a record."""

    type: DataType | None = None
    subject: str | None = None
    subject_name_strategy: SubjectNameStrategy | None = None
    schema_id: int | None = None
    schema_version: int | None = None
    schema: str | None = None
    data: msgspec.Raw = ABSENT

    @property
    def spec(self) -> DataSpec:
        """All but the data."""
        return DataSpec(
            self.type, self.subject, self.subject_name_strategy, self.schema_id, self.schema_version, self.schema
        )


class RecordHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One header; the value is base64 in JSON."""

    name: str
    value: bytes | None = None


class RecordRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One record to be written."""

    partition_id: Annotated[int, msgspec.Meta(ge=0, le=MAX_PARTITION)] | None = None
    headers: tuple[RecordHeader, ...] = ()
    key: RecordData | None = None
    value: RecordData | None = None
    timestamp: datetime | Annotated[int, msgspec.Meta(ge=0)] | None = None
    """A point in time in ISO 8601, UTC unless it says otherwise; or milliseconds since the epoch."""

    @property
    def timestamp_ms(self) -> int | None:
        """Milliseconds since the epoch; None is now."""
        if self.timestamp is None or isinstance(self.timestamp, int):
            return self.timestamp
        instant = self.timestamp if self.timestamp.tzinfo else self.timestamp.replace(tzinfo=UTC)
        return int(instant.timestamp() * 1000)


class WrittenData(NamedTuple):
    """What became of a key or value."""

    type: DataType
    size: int
    """Bytes in the topic."""
    subject: str | None = None
    schema_id: SchemaId | None = None
    schema_version: int | None = None


class WrittenRecord(NamedTuple):
    """A record that is in the topic."""

    delivery: Delivery
    key: WrittenData | None
    value: WrittenData | None
