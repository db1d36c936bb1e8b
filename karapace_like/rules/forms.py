"""The table from a schema type to the form of its values."""

from collections.abc import Callable, Mapping

from karapace_like.rules.avro_form import AvroForm
from karapace_like.rules.fields import FindTags, ValueForm
from karapace_like.rules.json_schema_form import JsonSchemaForm
from karapace_like.rules.protobuf_form import ProtobufForm
from karapace_like.schema.model import Dependencies, SchemaType

FORMS: Mapping[SchemaType, Callable[[str, Dependencies, FindTags], ValueForm]] = {
    SchemaType.AVRO: AvroForm,
    SchemaType.JSON: JsonSchemaForm,
    SchemaType.PROTOBUF: ProtobufForm,
}
"""(text, dependencies, tags by metadata) -> form; raises InvalidSchemaError."""
