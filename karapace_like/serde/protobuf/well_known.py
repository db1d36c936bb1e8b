"""Google's well-known types whose JSON is not an object of their fields (protobuf.dev, "ProtoJSON Format")."""

from google.protobuf.descriptor import FieldDescriptor

WRAPPERS = frozenset(
    f"google.protobuf.{kind}Value"
    for kind in ("Bool", "Bytes", "Double", "Float", "Int32", "Int64", "String", "UInt32", "UInt64")
)
"""Messages whose JSON is that of their one field, `value`."""

OWN_JSON = frozenset(
    f"google.protobuf.{name}" for name in ("Any", "Duration", "FieldMask", "ListValue", "Struct", "Timestamp", "Value")
)
"""Messages with a JSON form of their own."""


def is_null_value(field: FieldDescriptor) -> bool:
    """Whether a JSON null is a value of the field, and not its absence."""
    if field.is_repeated:
        return False
    if field.message_type is not None:
        return field.message_type.full_name == "google.protobuf.Value"
    return field.enum_type is not None and field.enum_type.full_name == "google.protobuf.NullValue"
