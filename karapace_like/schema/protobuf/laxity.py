"""What is refused even where an operator asked to accept all that the reference registry accepts.

The reference asks little of a schema that has the shape of one: its types must be found and named once, and fields
must have the labels of their syntax. Numbers, reserved words, defaults, options and imports are not looked at.
"""

from collections import Counter

from karapace_like.schema.model import InvalidSchemaError
from karapace_like.schema.protobuf.scope import Scope, placed_fields
from karapace_like.schema.protobuf.syntax_tree import WIRE_GROUPS, Field, File


def check(file: File, scope: Scope) -> None:
    """Raise InvalidSchemaError for what the reference registry refuses, too."""
    for name, times in Counter([*(each.name for each in file.messages), *(each.name for each in file.enums)]).items():
        if times > 1:
            raise InvalidSchemaError(f"{name} is defined {times} times")
    for placed in placed_fields(file):
        field = placed.field
        if not placed.is_in_oneof and file.edition is None:
            _check_label(field, file.syntax)
        if field.type not in WIRE_GROUPS and scope.resolve(field.type, placed.within) is None:
            raise InvalidSchemaError(f"Could not resolve type: {field.type} of field {field.name} in {placed.within}")


def _check_label(field: Field, syntax: str | None) -> None:
    if syntax == "proto3" and field.label == "required":
        raise InvalidSchemaError(f"field {field.name} is required, which proto3 does not have")
    if syntax != "proto3" and not field.label and not field.map_key:
        raise InvalidSchemaError(f"field {field.name} has no label, which proto2 asks for")
