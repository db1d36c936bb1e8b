"""Numbers, strings and nesting that no type expects: every encoder answers with a payload or with EncodeError."""

import json
from typing import Any

import pytest

from karapace_like.schema.model import SchemaType, UnparsedSchema
from karapace_like.serde import formats
from karapace_like.serde.codec import Codec, EncodeError, HeavyWorkError
from karapace_like.serde.formats import CodecOptions

VALUES = [
    *(str(number).encode() for number in (0, 2**31, 2**63, 2**70, -(2**70))),
    b"9" * 5_000,
    *(b"-0 -0.0 1.5 1e2 0.1e1 1e308 1e309 -1e999 1e-999 1E400000000 1e99999999999999999999".split()),
    *(b'true null "x" "NaN" "Infinity" "-Infinity" NaN Infinity "1e999" [] {} [1e999] {"a":1e999}'.split()),
    b'"%d"' % 2**70,
    b'{"long":%d}' % 2**70,
    *(rb'"\ud800" "\u0000" {"":1} {"long":1e999} {"double":1e999} {"@type":"x"} {"@type":5} "a,b..c"'.split()),
    *(b'"0001-01-01T00:00:00Z" "9999-12-31T23:59:59.9999999999Z" "2026-13-45T99:99:99Z" "9999999999999s"'.split()),
    *(b"", b" ", b"\xff", b'"\xff"'),
    b"[" * 3_000 + b"]" * 3_000,
    b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
]
AVRO: list[Any] = [
    *("int", "long", "float", "double", "boolean", "string", "bytes", "null"),
    {"type": "int", "logicalType": "date"},
    {"type": "long", "logicalType": "timestamp-micros"},
    {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2},
    {"type": "string", "logicalType": "uuid"},
    {"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"},
    {"type": "enum", "name": "E", "symbols": ["A"]},
    {"type": "array", "items": "long"},
    {"type": "map", "values": "float"},
    ["null", "long"],
    ["null", "double", "string"],
]
JSON: list[Any] = [
    True,
    {"type": "integer"},
    {"multipleOf": 0.01},
    {"multipleOf": 1e-300},
    {"maximum": 2**70},
    {"enum": [2**70, 1e308]},
    {"minLength": 2**62},
]
SCALARS = [
    "int32",
    "uint32",
    "int64",
    "uint64",
    "sint64",
    "fixed32",
    "sfixed64",
    "float",
    "double",
    "bool",
    "string",
    "bytes",
]
WELL_KNOWN = ("Struct", "Value", "Timestamp", "Duration", "Int64Value", "FloatValue", "Any", "FieldMask")
FILES = {"Int64Value": "wrappers", "FloatValue": "wrappers", "FieldMask": "field_mask", "Value": "struct"}
PROTOBUF = [*SCALARS, "repeated int64", "map<string, int32>", "map<int64, double>", "E", "M"]
PROTOBUF += [f"google.protobuf.{name}" for name in WELL_KNOWN]


def assert_all_are_answered(codec: Codec, form: bytes = b"%b") -> None:
    for value in VALUES:
        try:
            codec.encode(form % value)
        except EncodeError as error:
            assert str(error)  # noqa: PT017 - most of them are valid for some type
        except HeavyWorkError:
            pass  # another process answers: how deep this one reads depends on its recursion limit


@pytest.mark.parametrize("generated", [True, False])
@pytest.mark.parametrize("schema", AVRO, ids=str)
def test_avro(schema: Any, generated: bool) -> None:  # noqa: FBT001 - a parameter of the test
    record = {"type": "record", "name": "R", "fields": [{"name": "a", "type": schema}]}
    for each, form in ((schema, b"%b"), (record, b'{"a":%b}')):
        unparsed = UnparsedSchema(SchemaType.AVRO, json.dumps(each))
        assert_all_are_answered(formats.codec(unparsed, {}, CodecOptions(generated)), form)


@pytest.mark.parametrize("schema", JSON, ids=str)
def test_json_schema(schema: Any) -> None:
    codec = formats.codec(UnparsedSchema(SchemaType.JSON, json.dumps(schema)), {})
    assert_all_are_answered(codec)
    assert_all_are_answered(codec, b'{"a":[%b]}')


@pytest.mark.parametrize("type_", PROTOBUF)
def test_protobuf(type_: str) -> None:
    name = type_.rpartition(".")[2]
    imports = f'import "google/protobuf/{FILES.get(name, name.lower())}.proto"; ' if name in WELL_KNOWN else ""
    text = f'syntax = "proto3"; {imports}message M {{ {type_} a = 1; }} enum E {{ Z = 0; }}'
    codec = formats.codec(UnparsedSchema(SchemaType.PROTOBUF, text), {})
    assert_all_are_answered(codec, b'{"a":%b}')
