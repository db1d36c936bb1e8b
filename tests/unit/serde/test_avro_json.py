"""What the Avro codec takes and gives as JSON: forms, limits, and the words of its errors."""

import json
from typing import Any

import pytest

from karapace_like.schema.avro import parse
from karapace_like.schema.avro.model import (
    ABSENT,
    NO_PROPERTIES,
    PRIMITIVES,
    Array,
    AvroType,
    Field,
    NamedType,
    Parsed,
    Record,
    TypeName,
)
from karapace_like.schema.model import InvalidSchemaError, Strictness
from karapace_like.serde.avro import AvroCodec
from karapace_like.serde.avro.decoder import MAX_EMPTY_ITEMS
from karapace_like.serde.codec import DecodeError, EncodeError, Path


def record(*fields: Any, **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": list(fields), **more}


@pytest.fixture(params=[1, 1000], ids=["generated", "general"], autouse=True)
def encoders(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test is of the encoder that is made for many values, and of the one for the first."""
    monkeypatch.setattr("karapace_like.serde.avro._OFTEN", request.param)


def codec(schema: Any) -> AvroCodec:
    return AvroCodec(parse(json.dumps(schema), {}, Strictness.STORED))


NOTE = record({"name": "floor", "type": "int"}, {"name": "note", "type": ["null", "string"], "default": None})
ALIASED = record({"name": "a", "type": "int", "aliases": ["old"]}, {"name": "b", "type": "int"})
NESTED = record({"name": "inner", "type": record({"name": "n", "type": "int"}, name="In")})
NODE = record({"name": "next", "type": ["null", "R"]})
COLOUR = {"type": "enum", "name": "Colour", "namespace": "paint", "symbols": ["RED", "BLUE"]}
MD5 = {"type": "fixed", "name": "Md5", "size": 2}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}


@pytest.mark.parametrize(
    ("schema", "text", "payload"),
    [
        ("null", "null", ""),
        ("int", "-1", "01"),
        ("int", "3.0", "06"),
        ("int", "1e2", "c8 01"),
        ("long", "9223372036854775807", "fe ff ff ff ff ff ff ff ff 01"),
        ("long", "-9223372036854775808", "ff ff ff ff ff ff ff ff ff 01"),
        ("float", "1", "00 00 80 3f"),
        ("double", "1", "00 00 00 00 00 00 f0 3f"),
        ("double", '"NaN"', "00 00 00 00 00 00 f8 7f"),
        ("float", '"-Infinity"', "00 00 80 ff"),
        ("string", '"\\u20ac"', "06 e2 82 ac"),
        ("bytes", '"\\u00ff\\u0000"', "04 ff 00"),
        (DECIMAL, '"\\u0001\\u0002"', "04 01 02"),
        ({"type": "long", "logicalType": "timestamp-millis"}, "5", "0a"),
        (MD5, '"\\u00c3\\u00a9"', "c3 a9"),
        (COLOUR, '"BLUE"', "02"),
        ({"type": "array", "items": "int"}, "[1,2]", "04 02 04 00"),
        ({"type": "array", "items": "int"}, "[]", "00"),
        ({"type": "map", "values": "boolean"}, '{"a":true}', "02 02 61 01 00"),
        (["null", "string"], '{"string":"a"}', "02 02 61"),
        (["null", "string"], '"a"', "02 02 61"),
        (["null", "string"], "null", "00"),
        (["string", "null"], '{"null":null}', "02"),
        (["int", "string"], "5", "00 0a"),
        (["null", "double"], "5", "02 00 00 00 00 00 00 14 40"),
        (record({"name": "n", "type": ["null", "null"]}), '{"n":null}', "02"),
        (record({"name": "n", "type": ["long", "null"]}), '{"n":null}', "02"),
        (record({"name": "n", "type": ["long", "null"]}), '{"n":{"long":5}}', "00 0a"),
        (["long", "double"], "5", "00 0a"),
        (["long", "double"], "5.0", "02 00 00 00 00 00 00 14 40"),
        (["long", "string"], "5.0", "00 0a"),
        (["int", "long", "double"], "0.5", "04 00 00 00 00 00 00 e0 3f"),
        (["null", COLOUR], '{"paint.Colour":"RED"}', "02 00"),
        (["null", COLOUR], '{"Colour":"RED"}', "02 00"),
        (["null", COLOUR], '"RED"', "02 00"),
        (["null", {"type": "map", "values": "int"}], '{"map":{"a":1}}', "02 02 02 61 02 00"),
        (["null", {"type": "map", "values": "int"}], '{"a":1}', "02 02 02 61 02 00"),
        (["null", {"type": "map", "values": "int"}], "{}", "02 00"),
        (["null", {"type": "array", "items": "int"}], "[1]", "02 02 02 00"),
        (["null", NOTE], '{"floor":1,"note":null}', "02 02 00"),
        (["null", NOTE], '{"R":{"floor":1,"note":null}}', "02 02 00"),
        (NOTE, '{"note":{"string":"a"},"floor":3}', "06 02 02 61"),
        (NOTE, '{"floor":3,"note":null,"more":1}', "06 00"),
        (ALIASED, '{"old":1,"b":2}', "02 04"),
        (ALIASED, '{"b":2,"a":1}', "02 04"),
        (NODE, '{"next":{"R":{"next":{"next":null}}}}', "02 02 00"),
        (record(), "{}", ""),
        (record(), '{"any":1}', ""),
        (record({"name": "only", "type": "int"}), '{"only":1}', "02"),
    ],
)
def test_json_is_encoded(schema: Any, text: str, payload: str) -> None:
    assert codec(schema).encode(text.encode()).hex(" ") == payload


@pytest.mark.parametrize(
    ("schema", "text", "path", "message"),
    [
        ("int", '"1"', (), "Expected int. Got VALUE_STRING"),
        ("int", "true", (), "Expected int. Got VALUE_TRUE"),
        ("int", "1.5", (), "Expected int. Got VALUE_NUMBER_FLOAT"),
        ("int", "2147483648", (), "Numeric value (2147483648) out of range of int (-2147483648 - 2147483647)"),
        ("long", "-9223372036854775809", (), "Numeric value (-9223372036854775809) out of range of long"),
        ("null", "0", (), "Expected null. Got VALUE_NUMBER_INT"),
        ("boolean", "1", (), "Expected boolean. Got VALUE_NUMBER_INT"),
        ("float", "1e39", (), "Numeric value (1e+39) out of range of float"),
        ("double", "1" + "0" * 400, (), "Expected double. Got VALUE_NUMBER_INT"),
        ("double", "1e999", (), "Number out of range"),
        ("double", '"1"', (), "Expected double. Got VALUE_STRING"),
        ("double", "false", (), "Expected double. Got VALUE_FALSE"),
        ("string", "1", (), "Expected string. Got VALUE_NUMBER_INT"),
        ("bytes", '"\\u0100"', (), "Expected bytes. Got the character 'Ā', which is no byte"),
        ("bytes", "[]", (), "Expected bytes. Got START_ARRAY"),
        (MD5, '"abc"', (), "Expected fixed length 2, but got 3"),
        (COLOUR, '"GREEN"', (), "Unknown symbol in enum GREEN"),
        (COLOUR, "{}", (), "Expected enum. Got START_OBJECT"),
        ({"type": "array", "items": "int"}, "{}", (), "Expected array-start. Got START_OBJECT"),
        ({"type": "array", "items": "int"}, "[1,null]", (1,), "Expected int. Got VALUE_NULL"),
        ({"type": "map", "values": "int"}, "[]", (), "Expected map-start. Got START_ARRAY"),
        ({"type": "map", "values": "int"}, '{"a":1,"b":[]}', ("b",), "Expected int. Got START_ARRAY"),
        (["null", "string"], "1", (), "Expected start-union. Got VALUE_NUMBER_INT"),
        (["null", "string"], '{"int":1}', (), "Unknown union branch int"),
        (["null", "string"], '{"string":1}', (), "Expected string. Got VALUE_NUMBER_INT"),
        (["int", "long"], "1", (), "Expected start-union. Got VALUE_NUMBER_INT"),
        (["int", "long", "double"], "1", (), "Expected start-union. Got VALUE_NUMBER_INT"),
        (["float", "double"], "1", (), "Expected start-union. Got VALUE_NUMBER_INT"),
        (["string", "bytes"], '"a"', (), "Expected start-union. Got VALUE_STRING"),
        (["string", "int"], "null", (), "Expected start-union. Got VALUE_NULL"),
        (NOTE, "null", ("floor",), "Expected record-start. Got VALUE_NULL"),
        (NOTE, "[]", ("floor",), "Expected record-start. Got START_ARRAY"),
        (record(), "1", (), "Expected record-start. Got VALUE_NUMBER_INT"),
        (NOTE, "{}", ("floor",), "Expected int. Got END_OBJECT"),
        (NOTE, '{"floor":1}', ("note",), "Expected start-union. Got END_OBJECT"),
        (NOTE, '{"floor":1,"nott":null}', ("note",), "Expected field name not found: note"),
        (NOTE, '{"x":1,"y":2,"floor":1,"note":null}', (), "Unknown fields: [x, y]"),
        (NOTE, '{"floor":"1","note":null}', ("floor",), "Expected int. Got VALUE_STRING"),
        (NESTED, '{"inner":{"n":null}}', ("inner", "n"), "Expected int. Got VALUE_NULL"),
        ("int", "{", (), "Input data was truncated"),
        ("string", '"\udcff"', (), "'utf-8' codec can't decode"),
    ],
)
def test_json_that_does_not_fit_is_refused_with_the_path_to_it(
    schema: Any, text: str, path: Path, message: str
) -> None:
    with pytest.raises(EncodeError) as raised:
        codec(schema).encode(text.encode(errors="surrogateescape"))
    assert raised.value.path == path
    assert raised.value.message.startswith(message)


def test_an_error_is_told_as_the_reference_tells_it() -> None:
    """The form that Apache Avro gives its message in, field by field."""
    with pytest.raises(EncodeError) as raised:
        codec(NESTED).encode(b'{"inner":{"n":null}}')
    assert str(raised.value) == (
        'Field "inner" content mismatch: Field "n" content mismatch: Expected int. Got VALUE_NULL'
    )


@pytest.mark.parametrize(
    ("schema", "payload", "text"),
    [
        ("float", "cd cc cc 3d", "0.1"),
        ("float", "ff ff 7f 7f", "3.4028235e38"),
        ("double", "00 00 00 00 00 00 f8 ff", '"NaN"'),
        ("double", "00 00 00 00 00 00 f0 7f", '"Infinity"'),
        ("float", "00 00 80 ff", '"-Infinity"'),
        ("bytes", "04 ff 00", '"ÿ\\u0000"'),
        (MD5, "c3 a9", '"Ã©"'),
        (DECIMAL, "04 01 02", '"\\u0001\\u0002"'),
        (["null", COLOUR], "02 02", '"BLUE"'),
        (["null", "string"], "00", "null"),
        (["null", {"type": "array", "items": "int"}], "02 00", "[]"),
        ({"type": "array", "items": ["null", COLOUR]}, "04 02 02 00 00", '[{"paint.Colour":"BLUE"},null]'),
        ({"type": "array", "items": "int"}, "03 04 02 04 02 06 00", "[1,2,3]"),
        ({"type": "map", "values": "int"}, "01 06 02 61 02 00", '{"a":1}'),
        ({"type": "array", "items": "null"}, "06 00", "[null,null,null]"),
        ({"type": "array", "items": "null"}, "80 01 00", f"[{','.join(['null'] * MAX_EMPTY_ITEMS)}]"),
        ("int", "02 ff", "1"),
    ],
)
def test_payloads_are_decoded(schema: Any, payload: str, text: str) -> None:
    assert bytes(codec(schema).decode(bytes.fromhex(payload))).decode() == text


HUGE = "fe ff ff ff ff ff ff ff ff 01"


@pytest.mark.parametrize(
    ("schema", "payload", "words"),
    [
        ("int", "", "ends after 0 bytes"),
        ("int", "80", "ends after 1 bytes"),
        ("int", "80 80 80 80 10", "32 bits"),
        ("long", "ff " * 11, "more than ten bytes"),
        ("long", "ff " * 9 + "02", "64 bits"),
        ("boolean", "02", "boolean of 2"),
        ("float", "00", "ends after"),
        ("double", "00 00 00 00 00 00 00", "ends after"),
        ("string", "01", "length of -1"),
        ("string", "04 61", "length of 2"),
        ("string", HUGE, "length of"),
        ("string", "02 ff", "not UTF-8"),
        ("bytes", HUGE, "length of"),
        (MD5, "00", "ends after"),
        (COLOUR, "04", "enum index of 2"),
        (COLOUR, "01", "enum index of -1"),
        (["null", "int"], "04", "union index of 2"),
        (["null", "int"], "01", "union index of -1"),
        ({"type": "array", "items": "int"}, HUGE, "block of"),
        ({"type": "array", "items": "int"}, "ff ff ff ff ff ff ff ff ff 01 00", "block of"),
        ({"type": "array", "items": "null"}, HUGE, "block of"),
        ({"type": "array", "items": "null"}, "82 01" + "00" * 999, "block of"),
        ({"type": "array", "items": "null"}, "80 01 02" + "00" * 999, "block of 1 items"),
        ({"type": "array", "items": {**MD5, "size": 0}}, HUGE, "block of"),
        ({"type": "array", "items": record({"name": "n", "type": "null"})}, HUGE, "block of"),
        ({"type": "array", "items": {"type": "array", "items": "null"}}, "02 " + HUGE, "block of"),
        ({"type": "map", "values": "int"}, HUGE, "block of"),
        ({"type": "array", "items": "int"}, "02 02", "ends after"),
        (NODE, "02 " * 20_000, "nested too deeply"),
    ],
)
def test_hostile_payloads_are_refused(schema: Any, payload: str, words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        codec(schema).decode(bytes.fromhex(payload))


def test_json_nested_beyond_the_stack_is_refused() -> None:
    with pytest.raises(EncodeError, match="nested too deeply"):
        codec(NODE).encode(b'{"next":' * 100_000 + b"null" + b"}" * 100_000)


def test_names_are_found_in_the_namespace_around_them() -> None:
    inner = {"type": "enum", "name": "E", "symbols": ["A"]}
    outer = record(
        {"name": "a", "type": inner}, {"name": "b", "type": "E"}, {"name": "c", "type": ["n.E"]}, namespace="n"
    )
    assert bytes(codec(outer).decode(b"\x00\x00\x00\x00")) == b'{"a":"A","b":"A","c":{"n.E":"A"}}'


def bomb(levels: int, leaf: str) -> dict[str, Any]:
    """Records of two records each, so that one value is two to the power of `levels` leaves."""
    made: dict[str, Any] = record({"name": "n", "type": leaf}, name="R0")
    for level in range(1, levels):
        fields = [{"name": "a", "type": made}, {"name": "b", "type": f"R{level - 1}"}]
        made = record(*fields, name=f"R{level}")
    return made


@pytest.mark.parametrize("schema", [bomb(40, "null"), bomb(40, "int"), record({"name": "endless", "type": "R"})])
def test_schemas_whose_values_have_no_end_are_refused(schema: Any) -> None:
    with pytest.raises(InvalidSchemaError, match="more than"):
        codec(schema)


def test_records_of_records_are_decoded() -> None:
    assert bytes(codec(bomb(3, "null")).decode(b"")).count(b"null") == 4


def test_a_schema_too_deep_for_the_stack_is_refused() -> None:
    """Far deeper than a parser lets through at once, by names that are defined elsewhere."""
    names: dict[str, NamedType] = {}
    for level in range(2000):
        inner: AvroType = TypeName(f"R{level + 1}") if level < 1999 else PRIMITIVES["int"]
        array = Array(inner, NO_PROPERTIES)
        names[f"R{level}"] = Record(
            f"R{level}",
            (Field("f", array, ABSENT, "ascending", None, (), NO_PROPERTIES),),
            False,
            None,
            (),
            NO_PROPERTIES,
        )
    with pytest.raises(InvalidSchemaError, match="nested too deeply"):
        AvroCodec(Parsed(names["R0"], names, frozenset()))


@pytest.mark.parametrize("beside", [1, 1.0])
@pytest.mark.parametrize(("value", "last"), [(3, "06"), (3.0, "06"), ("x", None)], ids=["common", "unusual", "wrong"])
def test_records_in_records_are_written_once_at_each_level(value: Any, last: str | None, beside: float) -> None:
    """Trying again what is unusual or wrong, at each of so many levels, would not end."""
    schema: Any = "int"
    for depth in range(40):
        schema = record({"name": f"f{depth}", "type": schema}, {"name": "n", "type": "int"}, name=f"R{depth}")
        value = {f"f{depth}": value, "n": beside}
    text = json.dumps(value).encode()
    if last is not None:
        assert codec(schema).encode(text).hex(" ") == " ".join([last, *["02"] * 40])
    else:
        with pytest.raises(EncodeError) as caught:
            codec(schema).encode(text)
        assert caught.value.path == tuple(f"f{depth}" for depth in reversed(range(40)))


def test_a_schema_of_very_many_fields_is_written_with_all_the_same() -> None:
    """Its first records get functions of their own, the others none."""
    inner = [record(*({"name": f"f{n}", "type": "int"} for n in range(100)), name=f"In{at}") for at in range(3)]
    schema = record(*({"name": f"in{at}", "type": each} for at, each in enumerate(inner)))
    value = {f"in{at}": {f"f{n}": n - at for n in range(100)} for at in range(3)}
    made = codec(schema)
    expected = made.encode(json.dumps(value).encode())
    assert json.loads(bytes(made.decode(expected))) == value
    assert made.encode(json.dumps(value).encode()) == expected


@pytest.mark.parametrize(
    ("schema", "text", "plain"),
    [
        (["null", "string"], '"a"', '"a"'),
        (["null", "string"], "null", "null"),
        (NOTE, '{"floor":1,"note":{"string":"a"}}', '{"floor":1,"note":"a"}'),
        (NODE, '{"next":{"R":{"next":null}}}', '{"next":{"next":null}}'),
        ({"type": "map", "values": ["long", "double"]}, '{"a":1,"b":1.5}', '{"a":1,"b":1.5}'),
        ("bytes", '"\\u0001\\u00ff"', '"Af8="'),
        ({"type": "array", "items": ["null", MD5]}, '[{"Md5":"ab"},null]', '["YWI=",null]'),
    ],
)
def test_the_plain_form_has_no_names_of_types_and_bytes_in_base64(schema: Any, text: str, plain: str) -> None:
    coded = codec(schema)
    assert bytes(coded.decode_plain(coded.encode(text.encode()))).decode() == plain


@pytest.mark.parametrize("payload", ["", "02", "08", "02 02 ff"])
def test_a_broken_payload_has_no_plain_form_either(payload: str) -> None:
    with pytest.raises(DecodeError):
        codec(["null", "string"]).decode_plain(bytes.fromhex(payload))
