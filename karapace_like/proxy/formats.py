"""The embedded formats, and the two parts of a record."""

import enum
from collections.abc import Mapping
from typing import TypeAlias

from karapace_like.schema.model import SchemaType


class EmbeddedFormat(enum.StrEnum):
    """The format of keys or values in a request or response, spelled as in media types."""

    BINARY = "binary"
    JSON = "json"
    AVRO = "avro"
    JSONSCHEMA = "jsonschema"
    PROTOBUF = "protobuf"
    STRING = "string"

    __hash__ = str.__hash__  # Enum's own hash is written in Python, and every request looks formats up

    @property
    def schema_type(self) -> SchemaType | None:
        """The type of its schemas; None for a format without schemas."""
        return _SCHEMA_TYPES.get(self)


class RecognisedFormat(enum.StrEnum):
    """The format of keys or values in a response that is recognised in each of them; requests have none of it."""

    AUTO = "auto"


ReadFormat: TypeAlias = EmbeddedFormat | RecognisedFormat
"""How records are read."""
AUTO = RecognisedFormat.AUTO

_SCHEMA_TYPES: Mapping[EmbeddedFormat, SchemaType] = {
    EmbeddedFormat.AVRO: SchemaType.AVRO,
    EmbeddedFormat.JSONSCHEMA: SchemaType.JSON,
    EmbeddedFormat.PROTOBUF: SchemaType.PROTOBUF,
}


class RecordPart(enum.StrEnum):
    """The part of a record: its key or its value."""

    KEY = "key"
    VALUE = "value"

    __hash__ = str.__hash__

    def subject(self, topic: str) -> str:
        """Return the subject of the topic's schemas (Confluent, TopicNameStrategy)."""
        return f"{topic}-{self._value_}"
