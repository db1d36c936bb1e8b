"""The embedded formats, and which half of a record is whose."""

import enum
from collections.abc import Mapping

from karapace_like.schema.model import SchemaType


class EmbeddedFormat(enum.StrEnum):
    """How keys and values are written in a request or answer, spelled as in media types."""

    BINARY = "binary"
    JSON = "json"
    AVRO = "avro"
    JSONSCHEMA = "jsonschema"
    PROTOBUF = "protobuf"
    STRING = "string"

    __hash__ = str.__hash__  # an Enum's own is written in Python, and these are looked up for every request

    @property
    def schema_type(self) -> SchemaType | None:
        """The schemas that it is written with; None for a format without."""
        return _SCHEMA_TYPES.get(self)


_SCHEMA_TYPES: Mapping[EmbeddedFormat, SchemaType] = {
    EmbeddedFormat.AVRO: SchemaType.AVRO,
    EmbeddedFormat.JSONSCHEMA: SchemaType.JSON,
    EmbeddedFormat.PROTOBUF: SchemaType.PROTOBUF,
}


class Role(enum.StrEnum):
    """Which half of a record."""

    KEY = "key"
    VALUE = "value"

    __hash__ = str.__hash__

    def subject(self, topic: str) -> str:
        """The subject of the topic's schemas (Confluent, TopicNameStrategy)."""
        return f"{topic}-{self._value_}"
