"""Each change names the compatibility rules that it breaks."""

import json
from typing import Any

import pytest

from karapace_like.schema import formats
from karapace_like.schema.diffing import ParsedVersion, compare_versions
from karapace_like.schema.model import SchemaType, Strictness, UnparsedSchema


def _avro(*fields: dict[str, Any]) -> str:
    return json.dumps({"type": "record", "name": "Lift", "fields": list(fields)})


def _object(**properties: object) -> str:
    return json.dumps({"type": "object", "properties": properties, "additionalProperties": False})


FLOOR = {"name": "floor", "type": "int"}
STATE = {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["UP", "DOWN", "STILL"]}}
LESS = {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["UP", "DOWN"]}}
PROTO = 'syntax = "proto3"; message Lift { int32 floor = 1; oneof at { int32 room = 2; int32 hall = 3; } }'


@pytest.mark.parametrize(
    ("schema_type", "old", "new", "expected"),
    [
        (
            SchemaType.AVRO,
            _avro(STATE, FLOOR),
            _avro({**FLOOR, "type": "string"}, STATE),
            {"Lift.floor type": ["TYPE_MISMATCH"]},
        ),
        (
            SchemaType.AVRO,
            _avro(FLOOR),
            _avro(FLOOR, {"name": "doors", "type": "int"}),
            {"Lift.doors": ["READER_FIELD_MISSING_DEFAULT_VALUE"]},
        ),
        (SchemaType.AVRO, _avro(FLOOR), _avro(), {"Lift.floor": ["READER_FIELD_MISSING_DEFAULT_VALUE"]}),
        (SchemaType.AVRO, _avro(STATE), _avro(LESS), {"State.STILL": ["MISSING_ENUM_SYMBOLS"]}),
        (
            SchemaType.JSON,
            _object(floor={"type": ["integer", "string"]}, room={"type": "string"}),
            _object(floor={"type": "integer"}),
            {
                "#/properties/floor type": ["TYPE_CHANGED"],
                "#/properties/room": ["PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL"],
            },
        ),
        (
            SchemaType.PROTOBUF,
            PROTO,
            PROTO.replace("int32 floor", "string floor").replace("int32 hall = 3;", ""),
            {"Lift.floor = 1 type": ["FIELD_SCALAR_KIND_CHANGED"], "Lift.hall = 3": ["ONEOF_FIELD_REMOVED"]},
        ),
    ],
)
def test_a_change_names_the_rules_that_it_breaks(
    schema_type: SchemaType, old: str, new: str, expected: dict[str, list[str]]
) -> None:
    versions = [
        ParsedVersion(formats.parse(UnparsedSchema(schema_type, text), {}, Strictness.STORED), text, {})
        for text in (old, new)
    ]
    changes = compare_versions(*versions).changes
    found = {f"{change.name} {change.attribute or ''}".strip(): [*change.rules] for change in changes if change.rules}
    assert found == expected
