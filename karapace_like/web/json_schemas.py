"""JSON Schemas of what requests and answers hold, for `/openapi.json`: the few shapes that all of them are made of.

Every shape has an example: its own (`examples`), or one that is made of the examples of its parts.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

JsonSchema = Mapping[str, Any]

BOOLEAN: JsonSchema = {"type": "boolean", "examples": [True]}
NUMBER: JsonSchema = {"type": "integer", "format": "int32", "examples": [1]}
MILLISECONDS: JsonSchema = {
    "type": "integer",
    "format": "int64",
    "description": "Since the epoch.",
    "examples": [1767225600000],
}
OFFSET: JsonSchema = {"type": "integer", "format": "int64", "examples": [42]}
ANYTHING: JsonSchema = {"examples": [{"floor": 3}]}
NULL: JsonSchema = {"type": "null"}


def text(example: str) -> JsonSchema:
    """A string, such as this one."""
    return {"type": "string", "examples": [example]}


def one_of(values: Iterable[StrEnum | str]) -> JsonSchema:
    """One of these strings."""
    return {"type": "string", "enum": [str(each) for each in values]}


def ref(name: str) -> JsonSchema:
    """The object of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: JsonSchema) -> JsonSchema:
    """A list."""
    return {"type": "array", "items": items}


def nullable(schema: JsonSchema) -> JsonSchema:
    """This, or null."""
    return {"anyOf": [schema, NULL]}


def fields(**named: JsonSchema) -> JsonSchema:
    """An object with these fields; dots in their names are written as two underscores."""
    return {"type": "object", "properties": {name.replace("__", "."): each for name, each in named.items()}}


def whole(**named: JsonSchema) -> JsonSchema:
    """An object that always has all of these fields."""
    return needing(fields(**named), *named)


def needing(schema: JsonSchema, *names: str) -> JsonSchema:
    """The object, with fields that it must have."""
    return {**schema, "required": list(names)}


def mapping(values: JsonSchema) -> JsonSchema:
    """An object with any fields; it needs an example of its own, at the latest where it is part of one."""
    return {"type": "object", "additionalProperties": values}


def shown(schema: JsonSchema, example: object) -> JsonSchema:
    """The same with an example of its own."""
    return {**schema, "examples": [example]}


def example_of(schema: JsonSchema, objects: Mapping[str, JsonSchema]) -> Any:
    """A value that the schema describes; `objects` are those that `ref` names."""
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return example_of(objects[schema["$ref"].rpartition("/")[2]], objects)
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], objects)
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "array":
        return [example_of(schema["items"], objects)]
    return {name: example_of(each, objects) for name, each in schema["properties"].items()}
