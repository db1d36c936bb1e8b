"""The signature of a definition: two definitions of one full name with equal signatures are the same type.

As in Java Avro, documentation, aliases and an enum's default do not count.
"""

from collections.abc import Container
from typing import TypeAlias

from karapace_like.schema.avro import json_text
from karapace_like.schema.avro.model import (
    ABSENT,
    Array,
    AvroType,
    Enum,
    Field,
    Fixed,
    Map,
    NamedType,
    Primitive,
    Properties,
    Record,
    TypeName,
    Union,
)

Signature: TypeAlias = "tuple[str | int | Signature, ...]"


def signature(type_: NamedType, undefined: Container[int]) -> Signature:
    """Equal for two definitions that are the same.

    `undefined` holds the `id` of each use of a name that was not defined yet when it was read: such a use is
    equal to nothing else.
    """
    match type_:
        case Fixed():
            return "fixed", type_.name, type_.size, _properties(type_.properties)
        case Enum():
            return "enum", type_.name, type_.symbols, _properties(type_.properties)
        case Record():
            fields = tuple([_field(field, undefined) for field in type_.fields])
            return "record", type_.name, fields, _properties(type_.properties)


def _field(field: Field, undefined: Container[int]) -> Signature:
    default = "" if field.default is ABSENT else json_text.write(field.default, sort=True)
    return field.name, _use(field.type, undefined), default, field.order, _properties(field.properties)


def _use(type_: AvroType, undefined: Container[int]) -> Signature:
    match type_:
        case TypeName():
            return "named", id(type_) if id(type_) in undefined else type_.name
        case Record() | Enum() | Fixed():
            # Its own definition was compared when it was read.
            return "named", type_.name
        case Union():
            return "union", tuple([_use(branch, undefined) for branch in type_.branches])
        case Array():
            return "array", _use(type_.items, undefined), _properties(type_.properties)
        case Map():
            return "map", _use(type_.values, undefined), _properties(type_.properties)
        case Primitive():
            return type_.kind, _properties(type_.properties)


def _properties(properties: Properties) -> str:
    return json_text.write(dict(properties), sort=True) if properties else ""
