"""The drafts of JSON Schema, and what they differ in for a reader of schemas.

2019-09 and 2020-12 are read alike, as by Confluent's registry: both know `prefixItems`, and `items` is one schema.
"""

import enum
from collections.abc import Mapping

from karapace_like.schema.json_schema.json_text import JsonValue
from karapace_like.schema.model import InvalidSchemaError


class Draft(enum.IntEnum):
    """A draft by its number or year; later ones are greater."""

    FOUR = 4
    SIX = 6
    SEVEN = 7
    Y2019 = 2019
    Y2020 = 2020

    @property
    def is_modern(self) -> bool:
        """Since 2019-09: siblings of `$ref` count, `unevaluated*`, `dependent*`, `prefixItems`, `$anchor`."""
        return self >= Draft.Y2019

    @property
    def id_keyword(self) -> str:
        """The keyword that gives a schema its URI."""
        return "id" if self is Draft.FOUR else "$id"


class Group(enum.IntEnum):
    """Keywords that belong together because they constrain one kind of value, or work as one."""

    REFERENCE = enum.auto()
    ENUM = enum.auto()
    COMBINED = enum.auto()
    NOT = enum.auto()
    CONST = enum.auto()
    TYPE = enum.auto()
    ARRAY = enum.auto()
    OBJECT = enum.auto()
    NUMBER = enum.auto()
    STRING = enum.auto()
    CONDITIONAL = enum.auto()


REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
"""Keywords that refer to a schema, all of them only since 2019-09; a dynamic one means its static target here."""

_URIS = {
    "json-schema.org/draft-04/": Draft.FOUR,
    "json-schema.org/draft-06/": Draft.SIX,
    "json-schema.org/draft-07/": Draft.SEVEN,
    "json-schema.org/draft/2019-09/": Draft.Y2019,
    "json-schema.org/draft/2020-12/": Draft.Y2020,
}

_DRAFT_4 = {
    Group.REFERENCE: ("$ref",),
    Group.ENUM: ("enum",),
    Group.COMBINED: ("allOf", "anyOf", "oneOf"),
    Group.NOT: ("not",),
    Group.TYPE: ("type",),
    Group.ARRAY: ("items", "additionalItems", "minItems", "maxItems", "uniqueItems"),
    Group.OBJECT: (
        "properties",
        "required",
        "minProperties",
        "maxProperties",
        "dependencies",
        "patternProperties",
        "additionalProperties",
    ),
    Group.NUMBER: ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    Group.STRING: ("minLength", "maxLength", "pattern", "format"),
}
_DRAFT_6 = {
    **_DRAFT_4,
    Group.CONST: ("const",),
    Group.ARRAY: (*_DRAFT_4[Group.ARRAY], "contains"),
    Group.OBJECT: (*_DRAFT_4[Group.OBJECT], "propertyNames"),
}
_DRAFT_7 = {**_DRAFT_6, Group.CONDITIONAL: ("if", "then", "else")}
_MODERN = {
    **_DRAFT_7,
    Group.REFERENCE: REFERENCES,
    Group.CONDITIONAL: ("if",),
    Group.STRING: ("minLength", "maxLength", "pattern"),  # `format` is an annotation
    Group.ARRAY: ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains", "unevaluatedItems"),
    Group.OBJECT: (
        "properties",
        "required",
        "minProperties",
        "maxProperties",
        "dependentRequired",
        "dependentSchemas",
        "patternProperties",
        "additionalProperties",
        "propertyNames",
        "unevaluatedProperties",
    ),
}


def _by_keyword(keywords: Mapping[Group, tuple[str, ...]]) -> Mapping[str, Group]:
    return {keyword: group for group, members in keywords.items() for keyword in members}


GROUPS: Mapping[Draft, Mapping[str, Group]] = {
    Draft.FOUR: _by_keyword(_DRAFT_4),
    Draft.SIX: _by_keyword(_DRAFT_6),
    Draft.SEVEN: _by_keyword(_DRAFT_7),
    Draft.Y2019: _by_keyword(_MODERN),
    Draft.Y2020: _by_keyword(_MODERN),
}
"""The group of every keyword that constrains values, by draft."""


def draft_of(root: JsonValue) -> Draft:
    """The draft that `$schema` names; draft-07 where it names none that is known, as Confluent's registry does."""
    uri = root.get("$schema", "") if isinstance(root, dict) else ""
    if not isinstance(uri, str):
        raise InvalidSchemaError("$schema is not a string")
    return next((draft for part, draft in _URIS.items() if part in uri), Draft.SEVEN)
