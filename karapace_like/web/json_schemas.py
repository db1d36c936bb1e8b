"""JSON Schemas of what requests and answers hold, for `/openapi.json`: the few shapes that all of them are made of."""

from collections.abc import Mapping
from typing import Any

JsonSchema = Mapping[str, Any]

STRING: JsonSchema = {"type": "string"}
BOOLEAN: JsonSchema = {"type": "boolean"}
NUMBER: JsonSchema = {"type": "integer", "format": "int32"}
MILLISECONDS: JsonSchema = {"type": "integer", "format": "int64", "description": "Since the epoch."}
OFFSET: JsonSchema = {"type": "integer", "format": "int64"}
ANYTHING: JsonSchema = {}


def ref(name: str) -> JsonSchema:
    """The object of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: JsonSchema) -> JsonSchema:
    """A list."""
    return {"type": "array", "items": items}


def fields(**named: JsonSchema) -> JsonSchema:
    """An object with these fields; dots in their names are written as two underscores."""
    return {"type": "object", "properties": {name.replace("__", "."): each for name, each in named.items()}}


def mapping(values: JsonSchema) -> JsonSchema:
    """An object with any fields."""
    return {"type": "object", "additionalProperties": values}
