"""The typed objects that a JSON Schema is understood as: one node per constraint that the comparison knows.

A JSON object that mixes constraints (a type with an `enum`, two types, siblings of `oneOf`) becomes an `allOf` of such
nodes. Keywords that no comparison looks at (`format`, `contains`, annotations) are checked by the loader and left out.
Nodes are immutable and compare by identity.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from karapace_like.schema.json_schema.json_text import JsonValue
from karapace_like.schema.json_schema.pattern import Pattern

Number: TypeAlias = int | Decimal


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """The common part of all nodes: the JSON value that the node was read from."""

    source: JsonValue = field(repr=False)

    @property
    def has_default(self) -> bool:
        """Whether the value names a `default`."""
        return isinstance(self.source, dict) and "default" in self.source


@dataclass(frozen=True, slots=True, eq=False)
class Anything(Schema):
    """`true`, `{}`, or nothing but annotations."""


@dataclass(frozen=True, slots=True, eq=False)
class Nothing(Schema):
    """`false`."""


@dataclass(frozen=True, slots=True, eq=False)
class Null(Schema):
    """`"type": "null"`."""


@dataclass(frozen=True, slots=True, eq=False)
class Boolean(Schema):
    """`"type": "boolean"`."""


@dataclass(frozen=True, slots=True, eq=False)
class String(Schema):
    """`"type": "string"` or string keywords."""

    max_length: int | None
    min_length: int | None
    pattern: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Numeric(Schema):
    """`"type": "number"` or `"integer"`, or numeric keywords."""

    integer: bool
    maximum: Number | None
    minimum: Number | None
    exclusive_maximum: Number | None
    exclusive_minimum: Number | None
    multiple_of: Number | None


@dataclass(frozen=True, slots=True, eq=False)
class Object(Schema):
    """`"type": "object"` or object keywords. `additional` is what a property named nowhere must match."""

    properties: Mapping[str, Schema]
    required: frozenset[str]
    patterns: tuple[tuple[Pattern, Schema], ...]
    additional: bool | Schema
    unevaluated: Schema | None
    required_with: Mapping[str, frozenset[str]]
    schema_with: Mapping[str, Schema]
    max_properties: int | None
    min_properties: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Array(Schema):
    """`"type": "array"` or array keywords. `every` holds for all items, `first` for the leading ones one by one."""

    every: Schema | None
    first: tuple[Schema, ...]
    additional: bool | Schema
    unevaluated: Schema | None
    max_items: int | None
    min_items: int | None
    unique: bool
    max_contains: Number | None
    min_contains: Number | None


@dataclass(frozen=True, slots=True, eq=False)
class Enum(Schema):
    """`enum`: the values by their text with sorted keys, so that 1 and 1.0 differ and key order does not matter."""

    values: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, eq=False)
class Const(Schema):
    """`const`, its value as in `Enum`."""

    value: str


@dataclass(frozen=True, slots=True, eq=False)
class Not(Schema):
    """`not`."""

    forbidden: Schema


@dataclass(frozen=True, slots=True, eq=False)
class Conditional(Schema):
    """`if` with `then` and `else`."""


class Criterion(enum.StrEnum):
    """How many of a combination's subschemas must match."""

    ALL = "allOf"
    ANY = "anyOf"
    ONE = "oneOf"


@dataclass(frozen=True, slots=True, eq=False)
class Combined(Schema):
    """`allOf`, `anyOf`, `oneOf`; also a list of types (any of them) and a mix of constraints (all of them)."""

    criterion: Criterion
    subschemas: tuple[Schema, ...]
    distinct: Mapping[str, Schema]
    """The subschemas by what they say, without those that repeat an earlier one."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference(Schema):
    """`$ref`: how a schema is recursive. `targets` belongs to the whole parsed schema and holds every referred node."""

    location: int
    """The identity of the JSON value that is referred to."""
    targets: Mapping[int, Schema] = field(repr=False)

    @property
    def target(self) -> Schema:
        """The schema that is referred to, maybe a reference itself."""
        return self.targets[self.location]
