"""The texts of the API's `format=` parameter."""

import base64
import dataclasses
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto

from karapace_like.schema.protobuf.printer import print_file
from karapace_like.schema.protobuf.schema import ParsedProtobuf, compile_schema
from karapace_like.schema.protobuf.syntax_tree import Extend, Extensions, Option

_DROPPED = (Extend, Extensions)
_KEPT = ("(confluent.", "(.confluent.")
"""The custom options that belong to the registry."""


def format_text(parsed: ParsedProtobuf, name: str) -> str:
    """`serialized`: the FileDescriptorProto in base64; `ignore_extensions`: the text without extensions of others.

    Every other name gives the stored text. Raises InvalidSchemaError for `serialized` if the schema is one that was
    stored without protoc's consent.
    """
    if name == "serialized":
        return _serialize(parsed)
    return print_file(_without_extensions(parsed.written) if name == "ignore_extensions" else parsed.written)


def _serialize(parsed: ParsedProtobuf) -> str:
    descriptor = compile_schema(parsed, retains_source_options=True)[-1]
    if descriptor.syntax == "proto3":
        for message in descriptor.message_type:
            _drop_implicit_labels(message)
    return base64.b64encode(descriptor.SerializeToString(deterministic=True)).decode()


def _drop_implicit_labels(message: DescriptorProto) -> None:
    """Confluent's registry sets a label only where the text has one; absent means optional."""
    for field in message.field:
        if field.label == FieldDescriptorProto.LABEL_OPTIONAL and not field.proto3_optional:
            field.ClearField("label")
    for nested in message.nested_type:
        _drop_implicit_labels(nested)


def _without_extensions(node: Any) -> Any:
    """The node, and all that is in it, without custom options, `extend` and `extensions`."""
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return node
    changes = {}
    for attribute in dataclasses.fields(node):
        value = getattr(node, attribute.name)
        if isinstance(value, tuple):
            changes[attribute.name] = tuple(_without_extensions(item) for item in value if not _is_extension(item))
    return dataclasses.replace(node, **changes)


def _is_extension(node: Any) -> bool:
    is_custom = isinstance(node, Option) and node.name.startswith("(") and not node.name.startswith(_KEPT)
    return is_custom or isinstance(node, _DROPPED)
