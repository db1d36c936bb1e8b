"""Records of REST v3: each is a request of its own, with separate formats of key and value.

The structures mirror the JSON of the request. Source: Confluent REST Proxy API reference, v3, "Produce Records".
"""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec

from karapace_like.proxy import bounds
from karapace_like.proxy.encoding import ABSENT
from karapace_like.proxy.subjects import SubjectNameStrategy
from karapace_like.proxy.v3 import errors
from karapace_like.records import MAX_PARTITION, Delivery
from karapace_like.schema.model import SchemaId, SchemaType


class DataType(enum.StrEnum):
    """The format of a key or value in a request."""

    BINARY = "BINARY"
    AVRO = "AVRO"
    JSON = "JSON"
    JSONSCHEMA = "JSONSCHEMA"
    PROTOBUF = "PROTOBUF"
    STRING = "STRING"

    @property
    def schema_type(self) -> SchemaType | None:
        """The type of its schemas; None for a format without schemas."""
        return _SCHEMA_TYPES.get(self)

    @classmethod
    def of(cls, schema_type: SchemaType) -> "DataType":
        """Return the format whose schemas have this type."""
        return next(data_type for data_type, written in _SCHEMA_TYPES.items() if written is schema_type)


_SCHEMA_TYPES: Mapping[DataType, SchemaType] = {
    DataType.AVRO: SchemaType.AVRO,
    DataType.JSONSCHEMA: SchemaType.JSON,
    DataType.PROTOBUF: SchemaType.PROTOBUF,
}


class DataSpec(NamedTuple):
    """How to encode a key or value: all fields except the data."""

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
        """All fields except the data."""
        return DataSpec(
            self.type, self.subject, self.subject_name_strategy, self.schema_id, self.schema_version, self.schema
        )


class RecordHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One header; the value is base64 in JSON."""

    name: str
    value: bytes | None = None


class RecordRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One record to write."""

    partition_id: Annotated[int, msgspec.Meta(ge=0, le=MAX_PARTITION)] | None = None
    headers: tuple[RecordHeader, ...] = ()
    key: RecordData | None = None
    value: RecordData | None = None
    timestamp: datetime | Annotated[int, msgspec.Meta(ge=0)] | None = None
    """ISO 8601, in UTC if it names no offset; or milliseconds since the epoch."""

    @property
    def timestamp_ms(self) -> int | None:
        """Milliseconds since the epoch; None is the time of writing. Raises ApiError 400 for a time out of bounds."""
        try:
            return bounds.parse_timestamp(self.timestamp)
        except ValueError as error:
            raise errors.malformed_request(f"timestamp {error}") from error


class WrittenData(NamedTuple):
    """How a key or value was encoded."""

    type: DataType
    size: int
    """Bytes in the topic, with the prefix of the schema id."""
    subject: str | None = None
    schema_id: SchemaId | None = None
    schema_version: int | None = None


class WrittenRecord(NamedTuple):
    """A record that was written."""

    delivery: Delivery
    key: WrittenData | None
    value: WrittenData | None
