"""The checks of texts under `schema_validation = reference`, which accepts all that Confluent's registry accepts.

That registry checks only that types exist and have one definition, and that fields have the labels of their syntax.
It does not check numbers, reserved words, defaults, options and imports.
"""

from collections import Counter

from karapace_like.schema.model import InvalidSchemaError
from karapace_like.schema.protobuf.scope import Scope, placed_fields
from karapace_like.schema.protobuf.syntax_tree import WIRE_GROUPS, Field, File


def check(file: File, scope: Scope) -> None:
    """Raise InvalidSchemaError for what Confluent's registry refuses, too."""
    for name, times in Counter(
        [*(message.name for message in file.messages), *(enum.name for enum in file.enums)]
    ).items():
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
