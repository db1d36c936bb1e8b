"""JSON Schemas of request and response bodies, for `/openapi.json`.

A body that a struct types gets its schema from the struct (`derive`, `derive_request`); the others are composed of the
shapes here. Every schema has an example: its own (`examples`), or one that is composed of the examples of its parts.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import inspect

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
NOTHING_MORE: Mapping[str, JsonSchema] = MappingProxyType({})

_ONE = {"examples": [1]}
_SCHEMAS: Mapping[type[inspect.Type], JsonSchema] = {
    inspect.AnyType: ANYTHING,
    inspect.BoolType: BOOLEAN,
    inspect.BytesType: {"type": "string", "examples": ["AAE="]},
    inspect.DateTimeType: {"type": "string", "examples": ["2026-01-01T00:00:00.000Z"]},
    inspect.DictType: {"type": "object"},
    inspect.NoneType: NULL,
    inspect.RawType: ANYTHING,
    inspect.StrType: {"type": "string"},
}
"""The types of fields without parts."""

Int32: TypeAlias = Annotated[int, msgspec.Meta(examples=[1], extra_json_schema={"format": "int32"})]
Int64: TypeAlias = Annotated[int, msgspec.Meta(examples=[42], extra_json_schema={"format": "int64"})]
"""Types of struct fields, as `NUMBER` and `OFFSET` describe them."""


def such_as(example: object) -> msgspec.Meta:
    """Return the annotation of a struct's field that gives it an example."""
    return msgspec.Meta(examples=[example])


def derive(struct: type[msgspec.Struct], annotations: Mapping[str, JsonSchema] = NOTHING_MORE) -> JsonSchema:
    """Return the schema of a response that is encoded from this struct.

    With `omit_defaults` a field is left out rather than null; without it every field is there, and may be null.
    `annotations` adds what types do not say, such as an example, by the path of the field (`records.partition`); a
    reference (`ref`) takes the place of the field's schema.
    """
    return _derive(inspect.type_info(struct), annotations, "", is_request=False)


def derive_request(struct: type[msgspec.Struct], annotations: Mapping[str, JsonSchema] = NOTHING_MORE) -> JsonSchema:
    """Return the schema of a request body that is decoded into this struct; `annotations` as for `derive`.

    A field with a default may be left out. That null means the same is not part of the schema.
    """
    return _derive(inspect.type_info(struct), annotations, "", is_request=True)


def _derive(of: inspect.Type, annotations: Mapping[str, JsonSchema], path: str, *, is_request: bool) -> JsonSchema:
    """Return the schema of a type at this path; KeyError for a type that no struct has had so far."""
    derive_part = partial(_derive, annotations=annotations, path=path, is_request=is_request)
    match of:
        case inspect.Metadata():
            return {**derive_part(of.type), **(of.extra_json_schema or {})}
        case inspect.StructType() | inspect.DataclassType():
            return _derive_object(of, annotations, path, is_request=is_request)
        case inspect.VarTupleType() | inspect.ListType():
            return array(derive_part(of.item_type))
        case inspect.UnionType():
            schemas = [derive_part(part) for part in of.types]
            return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        case inspect.EnumType():
            return one_of(member.value for member in of.cls)
        case inspect.LiteralType():
            return one_of(map(str, of.values))
        case inspect.IntType():
            limits = {"minimum": of.ge, "maximum": of.le}
            return {"type": "integer", **{name: limit for name, limit in limits.items() if limit is not None}, **_ONE}
        case _:
            return _SCHEMAS[type(of)]


def _derive_object(
    of: inspect.StructType | inspect.DataclassType,
    annotations: Mapping[str, JsonSchema],
    path: str,
    *,
    is_request: bool,
) -> JsonSchema:
    is_whole = not is_request and isinstance(of, inspect.StructType) and not of.cls.__struct_config__.omit_defaults
    properties = {}
    for field in of.fields:
        name = field.encode_name
        of_field = field.type if is_whole or field.default is not None else _without_null(field.type)
        derived = _derive(of_field, annotations, f"{path}{name}.", is_request=is_request)
        annotation = annotations.get(path + name, {})
        properties[name] = annotation if "$ref" in annotation else {**derived, **annotation}
    schema = {"type": "object", "properties": properties}
    required = [field.encode_name for field in of.fields if is_whole or field.required]
    return {**schema, "required": required} if required else schema


def _without_null(of: inspect.Type) -> inspect.Type:
    if not isinstance(of, inspect.UnionType):
        return of
    return inspect.UnionType(tuple(part for part in of.types if not isinstance(part, inspect.NoneType)))


def text(example: str) -> JsonSchema:
    """Return a string with this example."""
    return {"type": "string", "examples": [example]}


def one_of(values: Iterable[StrEnum | str]) -> JsonSchema:
    """Return an enumeration of strings."""
    return {"type": "string", "enum": [str(value) for value in values]}


def ref(name: str) -> JsonSchema:
    """Return a reference to the object of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: JsonSchema) -> JsonSchema:
    """Return a list of such items."""
    return {"type": "array", "items": items}


def nullable(schema: JsonSchema) -> JsonSchema:
    """Return the schema, with null allowed."""
    return {"anyOf": [schema, NULL]}


def fields(**named: JsonSchema) -> JsonSchema:
    """Return an object with these optional fields; two underscores in a name stand for a dot."""
    return {"type": "object", "properties": {name.replace("__", "."): schema for name, schema in named.items()}}


def whole(**named: JsonSchema) -> JsonSchema:
    """Return an object with these fields, all of them required."""
    return require_fields(fields(**named), *named)


def require_fields(schema: JsonSchema, *names: str) -> JsonSchema:
    """Return the object with these of its fields required."""
    return {**schema, "required": list(names)}


def mapping(values: JsonSchema) -> JsonSchema:
    """Return an object with fields of any names; it, or an object around it, needs an example of its own."""
    return {"type": "object", "additionalProperties": values}


def with_example(schema: JsonSchema, example: object) -> JsonSchema:
    """Return the schema with this example."""
    return {**schema, "examples": [example]}


def example_of(schema: JsonSchema, objects: Mapping[str, JsonSchema]) -> Any:
    """Return a value that the schema describes; `objects` has those that `ref` names."""
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
    return {name: example_of(field, objects) for name, field in schema["properties"].items()}
