"""The one table from a schema type to the codec that its records go through.

A codec takes a while to build (a Protobuf one some milliseconds): callers keep it per schema.
"""

from collections.abc import Callable, Mapping
from typing import Any

from karapace_like.schema import formats
from karapace_like.schema.model import Dependencies, SchemaType, Strictness, UnparsedSchema
from karapace_like.schema.protobuf import descriptor_set
from karapace_like.serde.avro import AvroCodec
from karapace_like.serde.codec import Codec
from karapace_like.serde.json_schema import JsonSchemaCodec
from karapace_like.serde.protobuf import ProtobufCodec

_CODECS: Mapping[SchemaType, Callable[[Any, str, Dependencies], Codec]] = {
    SchemaType.AVRO: lambda parsed, _text, _dependencies: AvroCodec(parsed),
    SchemaType.JSON: lambda _parsed, text, dependencies: JsonSchemaCodec(text, dependencies),
    SchemaType.PROTOBUF: lambda parsed, _text, _dependencies: ProtobufCodec(descriptor_set(parsed)),
}
"""(parsed schema, its text, its dependencies) -> codec."""


def codec(schema: UnparsedSchema, dependencies: Dependencies) -> Codec:
    """The codec of a registered schema; raises InvalidSchemaError where the text cannot be understood."""
    parsed = formats.parse(schema, dependencies, Strictness.STORED)
    return _CODECS[schema.type](parsed, schema.text, dependencies)
