"""Every schema type has a codec, which knows the schema's references."""

import msgspec
import pytest

from karapace_like.schema.model import InvalidSchemaError, SchemaType, UnparsedSchema
from karapace_like.serde.codec import EncodeError
from karapace_like.serde.formats import codec

AVRO = '{"type":"record","name":"R","fields":[{"name":"floor","type":"n.Floor"}]}'
AVRO_FLOOR = '{"type":"enum","name":"Floor","namespace":"n","symbols":["A","B"]}'
JSON = '{"properties":{"floor":{"$ref":"floor.json"}}}'
JSON_FLOOR = '{"enum":["A","B"]}'
PROTOBUF = 'syntax = "proto3"; import "floor.proto"; message R { n.Floor floor = 1; }'
PROTOBUF_FLOOR = 'syntax = "proto3"; package n; enum Floor { A = 0; B = 1; }'


@pytest.mark.parametrize(
    ("type_", "text", "dependencies", "payload"),
    [
        (SchemaType.AVRO, AVRO, {"n.Floor": AVRO_FLOOR}, b"\x02"),
        (SchemaType.JSON, JSON, {"floor.json": JSON_FLOOR}, b'{"floor":"B"}'),
        (SchemaType.PROTOBUF, PROTOBUF, {"floor.proto": PROTOBUF_FLOOR}, b"\x00\x08\x01"),
    ],
)
def test_each_type_has_its_codec(type_: SchemaType, text: str, dependencies: dict[str, str], payload: bytes) -> None:
    made = codec(UnparsedSchema(type_, text), dependencies)
    assert made.encode(b'{"floor":"B"}') == payload
    assert msgspec.json.encode(made.decode(payload)) == b'{"floor":"B"}'
    with pytest.raises(EncodeError) as raised:
        made.encode(b'{"floor":"C"}')
    assert raised.value.path == ("floor",)


@pytest.mark.parametrize("type_", SchemaType)
def test_what_is_no_schema_is_refused(type_: SchemaType) -> None:
    for text in ("", "{", "[" * 100_000):
        with pytest.raises(InvalidSchemaError):
            codec(UnparsedSchema(type_, text), {})
