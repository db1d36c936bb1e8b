"""Plain JSON that fits a schema is encoded, and read back as the same JSON: what a policy's `encode` promises."""

import json
from typing import Any, NamedTuple

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from karapace_like.schema.model import SchemaType, UnparsedSchema
from karapace_like.serde.codec import JsonReading
from karapace_like.serde.formats import codec


class Shape(NamedTuple):
    """A type, in the words of no format."""

    kind: str
    parts: tuple[Any, ...] = ()
    """Of an array its items, of an object (name, shape, whether it may be null)."""


_NAMES = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4, unique=True)
_SCALARS = st.sampled_from([Shape("integer"), Shape("number"), Shape("string"), Shape("boolean")])


def _objects(shapes: st.SearchStrategy[Shape]) -> st.SearchStrategy[Shape]:
    fields = _NAMES.flatmap(
        lambda names: st.tuples(*(st.tuples(st.just(name), shapes, st.booleans()) for name in names))
    )
    return fields.map(lambda parts: Shape("object", parts))


_ANY = st.recursive(
    _SCALARS, lambda inner: st.one_of(_SCALARS.map(lambda item: Shape("array", (item,))), _objects(inner)), max_leaves=8
)
OBJECTS = _objects(_ANY)


def values(shape: Shape) -> st.SearchStrategy[Any]:
    match shape.kind:
        case "integer":
            return st.integers(-(2**31), 2**31 - 1)
        case "number":
            return st.floats(allow_nan=False, allow_infinity=False)
        case "string":
            return st.text(st.characters(codec="utf-8"), max_size=8)
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(values(shape.parts[0]), max_size=3)
    members = {
        name: st.none() | values(part) if is_nullable else values(part) for name, part, is_nullable in shape.parts
    }
    return st.fixed_dictionaries(members)


def to_avro(shape: Shape, path: str = "R") -> Any:
    if shape.kind == "array":
        return {"type": "array", "items": to_avro(shape.parts[0], f"{path}_i")}
    if shape.kind != "object":
        return {"integer": "int", "number": "double"}.get(shape.kind, shape.kind)
    fields = [
        {"name": name, "type": ["null", avro] if is_nullable else avro}
        for name, part, is_nullable in shape.parts
        for avro in [to_avro(part, f"{path}_{name}")]
    ]
    return {"type": "record", "name": path, "fields": fields}


def to_json_schema(shape: Shape) -> Any:
    if shape.kind == "array":
        return {"type": "array", "items": to_json_schema(shape.parts[0])}
    if shape.kind != "object":
        return {"type": shape.kind}
    properties = {
        name: {"anyOf": [{"type": "null"}, to_json_schema(part)]} if is_nullable else to_json_schema(part)
        for name, part, is_nullable in shape.parts
    }
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def to_protobuf(shape: Shape, name: str = "R") -> str:
    lines = []
    for at, (field, part, _) in enumerate(shape.parts, 1):
        label, item = ("repeated", part.parts[0]) if part.kind == "array" else ("optional", part)
        kind = {"integer": "int32", "number": "double", "string": "string", "boolean": "bool"}.get(item.kind)
        if kind is None:
            kind = f"{name}{field.upper()}"
            lines.append(to_protobuf(item, kind))
        lines.append(f"{label} {kind} {field} = {at};")
    return f"message {name} {{ {' '.join(lines)} }}"


def _without_nothing(value: Any) -> Any:
    """The value as Protobuf tells it: null is an absent field, and so is an empty list."""
    if isinstance(value, dict):
        return {name: _without_nothing(part) for name, part in value.items() if part is not None and part != []}
    return value


def read_back(kind: SchemaType, text: str, value: Any) -> Any:
    encoder = codec(UnparsedSchema(kind, text), {}, reading=JsonReading())
    decoder = codec(UnparsedSchema(kind, text), {})
    decoded = decoder.decode_plain(encoder.encode(msgspec.json.encode(value)))
    return msgspec.json.decode(msgspec.json.encode(decoded))


_SHAPED = OBJECTS.flatmap(lambda shape: st.tuples(st.just(shape), values(shape)))


@given(_SHAPED)
def test_avro_gives_the_value_again(shaped: tuple[Shape, Any]) -> None:
    shape, value = shaped
    assert read_back(SchemaType.AVRO, json.dumps(to_avro(shape)), value) == value


@given(_SHAPED)
def test_json_schema_gives_the_value_again(shaped: tuple[Shape, Any]) -> None:
    shape, value = shaped
    assert read_back(SchemaType.JSON, json.dumps(to_json_schema(shape)), value) == value


@given(_SHAPED)
def test_protobuf_gives_the_value_again(shaped: tuple[Shape, Any]) -> None:
    shape, value = shaped
    expected = _without_nothing(value)
    text = f'syntax = "proto3"; {to_protobuf(shape)}'
    assert _without_nothing(read_back(SchemaType.PROTOBUF, text, value)) == expected
