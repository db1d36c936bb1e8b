"""An Avro schema as an immutable tree, as the Avro 1.12 specification names its parts.

A named type stands in the tree where the text defines it; everywhere else a `TypeName` points to it through
`Parsed.names`. So a recursive schema is a finite tree and nothing has to be filled in later.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, TypeAlias

import msgspec

from karapace_like.schema.model import SchemaType

Properties: TypeAlias = Mapping[str, Any]
"""Attributes that the specification does not reserve, in the order of the text; values are JSON."""

NO_PROPERTIES: Final[Properties] = MappingProxyType({})


class Absent(enum.Enum):
    """No default at all, as opposed to a default of null."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True, eq=False)
class Primitive:
    """null, boolean, int, long, float, double, bytes or string."""

    kind: str
    properties: Properties


@dataclass(frozen=True, slots=True, eq=False)
class TypeName:
    """The use of a named type that is defined elsewhere."""

    kind: ClassVar[Literal["name"]] = "name"
    name: str
    """The full name."""


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """A sequence of items of one type."""

    kind: ClassVar[Literal["array"]] = "array"
    items: "AvroType"
    properties: Properties


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """Values of one type by string keys."""

    kind: ClassVar[Literal["map"]] = "map"
    values: "AvroType"
    properties: Properties


@dataclass(frozen=True, slots=True, eq=False)
class Union:
    """One of several types, none of them a union."""

    kind: ClassVar[Literal["union"]] = "union"
    branches: "tuple[AvroType, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """A fixed number of bytes."""

    kind: ClassVar[Literal["fixed"]] = "fixed"
    name: str
    """The full name, as for every named type; aliases are full names too."""
    size: int
    """Bytes."""
    doc: str | None
    aliases: tuple[str, ...]
    properties: Properties


@dataclass(frozen=True, slots=True, eq=False)
class Enum:
    """One of several symbols; the default is read for a symbol that the reader does not know."""

    kind: ClassVar[Literal["enum"]] = "enum"
    name: str
    symbols: tuple[str, ...]
    default: str | None
    doc: str | None
    aliases: tuple[str, ...]
    properties: Properties


class Field(msgspec.Struct, frozen=True, eq=False):
    """One field of a record; its aliases are simple names. A Struct takes a fifth of a dataclass's time to create."""

    name: str
    type: "AvroType"
    default: Any
    """JSON, or ABSENT."""
    order: str
    doc: str | None
    aliases: tuple[str, ...]
    properties: Properties


class Record(msgspec.Struct, frozen=True, eq=False):
    """Named fields in an order."""

    kind: ClassVar[Literal["record"]] = "record"
    name: str
    fields: tuple[Field, ...]
    is_error: bool
    """Written as `"type": "error"`, as Avro protocols do."""
    doc: str | None
    aliases: tuple[str, ...]
    properties: Properties


NamedType: TypeAlias = Record | Enum | Fixed
AvroType: TypeAlias = Primitive | TypeName | Array | Map | Union | NamedType

PRIMITIVES: Final[Mapping[str, Primitive]] = {
    kind: Primitive(kind, NO_PROPERTIES)
    for kind in ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
}
"""The primitive types without properties, shared by all schemas."""
NULLABLE_PRIMITIVES: Final[Mapping[tuple[str, str], Union]] = {
    (first, second): Union((PRIMITIVES[first], PRIMITIVES[second]))
    for kind in PRIMITIVES
    for first, second in (("null", kind), (kind, "null"))
    if kind != "null"
}
"""The unions of null and one of these, by the names of their branches, shared by all schemas."""
SHARED_TYPES: Final[frozenset[AvroType]] = frozenset({*PRIMITIVES.values(), *NULLABLE_PRIMITIVES.values()})
"""Types of which there is one object, and which can be read as they were written."""


class Parsed(msgspec.Struct, frozen=True, eq=False):
    """A schema with every named type that it can use."""

    root: AvroType
    names: Mapping[str, NamedType]
    """Full name -> type: those of the schema and those of its dependencies."""
    imported: frozenset[str]
    """Full names of the dependencies' own top-level types: a schema's text uses them by name only."""
    type: SchemaType = SchemaType.AVRO

    def definition(self, type_: AvroType) -> "Definition":
        """Return the type itself, where a name stands for it."""
        return self.names[type_.name] if isinstance(type_, TypeName) else type_


Definition: TypeAlias = Primitive | Array | Map | Union | NamedType
