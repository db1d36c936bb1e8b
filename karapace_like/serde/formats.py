"""The table from a schema type to the codec that encodes and decodes its records.

Building a codec takes time (a Protobuf codec some milliseconds): callers cache one codec per schema.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from karapace_like.schema import formats
from karapace_like.schema.model import Dependencies, SchemaType, Strictness, UnparsedSchema
from karapace_like.serde.avro import AvroCodec
from karapace_like.serde.codec import JsonReading, SchemaCodec
from karapace_like.serde.json_schema import JsonSchemaCodec


@dataclass(frozen=True, slots=True)
class CodecOptions:
    """How codecs work inside, as the operator chooses; no option changes a byte or an error."""

    avro_generated_encoder: bool = True
    """False: Avro records are encoded by the general encoder only, without generated code."""


DEFAULT_OPTIONS = CodecOptions()


def _make_protobuf_codec(parsed: Any, reading: JsonReading | None) -> SchemaCodec:
    from karapace_like.schema.protobuf import descriptor_set  # noqa: PLC0415 - of the extra `protobuf`
    from karapace_like.serde.protobuf import ProtobufCodec  # noqa: PLC0415 - as above

    return ProtobufCodec(descriptor_set(parsed), drops_unknown=reading is not None and reading.drops_unknown)


_MakeCodec = Callable[[Any, UnparsedSchema, Dependencies, CodecOptions, JsonReading | None], SchemaCodec]
_CODECS: Mapping[SchemaType, _MakeCodec] = {
    SchemaType.AVRO: lambda parsed, _schema, _dependencies, options, reading: AvroCodec(
        parsed, generates_encoder=options.avro_generated_encoder, reading=reading
    ),
    SchemaType.JSON: lambda _parsed, schema, dependencies, _options, reading: JsonSchemaCodec(
        schema.text, dependencies, drops_unknown=reading is not None and reading.drops_unknown
    ),
    SchemaType.PROTOBUF: lambda parsed, _schema, _dependencies, _options, reading: _make_protobuf_codec(
        parsed, reading
    ),
}
"""(parsed schema, unparsed schema, dependencies, options, how JSON is read) -> codec."""


def import_codecs() -> None:
    """Import the codecs and engines of every format, so that no request waits for that; raises ImportError."""
    formats.import_formats()
    from karapace_like.serde import protobuf  # noqa: F401, PLC0415 - of the extra `protobuf`


def codec(
    schema: UnparsedSchema,
    dependencies: Dependencies,
    options: CodecOptions = DEFAULT_OPTIONS,
    reading: JsonReading | None = None,
) -> SchemaCodec:
    """Build the codec of a registered schema; raises InvalidSchemaError for a text that cannot be parsed.

    `reading` is of its encoder; None reads JSON as Confluent's proxy does.
    """
    parsed = formats.parse(schema, dependencies, Strictness.STORED)
    return _CODECS[schema.type](parsed, schema, dependencies, options, reading)
