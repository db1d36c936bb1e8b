"""JSON is checked against its schema, told where it fails, and otherwise left as it was sent."""

import json
from typing import Any

import pytest

from karapace_like.schema.model import InvalidSchemaError
from karapace_like.serde.codec import DecodeError, EncodeError, HeavyValidationError, Path
from karapace_like.serde.json_codec import JsonKeyCodec
from karapace_like.serde.json_schema import JsonSchemaCodec
from tests.unit.serde.test_json_schema_cost import doubling

LIFT = {
    "type": "object",
    "properties": {"floor": {"type": "integer"}, "notes": {"type": "array", "items": {"type": "string"}}},
    "required": ["floor"],
    "additionalProperties": False,
}


def codec(schema: Any, **dependencies: Any) -> JsonSchemaCodec:
    return JsonSchemaCodec(json.dumps(schema), {name: json.dumps(each) for name, each in dependencies.items()})


@pytest.mark.parametrize(
    "text",
    [b'{"floor":3}', b'{"notes":["a"],"floor":1.0}', b'{"floor":123456789012345678901234567890}', b'{"floor":1e2}'],
)
def test_valid_json_is_kept_as_it_was_sent(text: bytes) -> None:
    assert codec(LIFT).encode(text) == text
    assert bytes(codec(LIFT).decode(text)) == text


def test_white_space_is_not_stored() -> None:
    assert codec(LIFT).encode(b'{ "floor": 3 }') == b'{"floor":3}'


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        (b"{}", (), '"floor" is a required property'),
        (b'{"floor":"3"}', ("floor",), '"3" is not of type "integer"'),
        (b'{"floor":1.5}', ("floor",), '1.5 is not of type "integer"'),
        (b'{"floor":1,"notes":["a",2]}', ("notes", 1), '2 is not of type "string"'),
        (b'{"floor":1,"more":2}', (), "Additional properties are not allowed ('more' was unexpected)"),
        (b"null", (), 'null is not of type "object"'),
        (b"{", (), "Input data was truncated"),
        (b'{"floor":1e999}', (), "Number out of range"),
        (b'{"floor":' + b"[" * 100_000 + b"]" * 100_000 + b"}", (), "the value is nested too deeply"),
    ],
)
def test_json_that_does_not_fit_is_refused_with_the_path_to_it(text: bytes, path: Path, words: str) -> None:
    with pytest.raises(EncodeError) as raised:
        codec(LIFT).encode(text)
    assert raised.value.path == path
    assert words in raised.value.message


def test_an_error_tells_its_place() -> None:
    with pytest.raises(EncodeError) as raised:
        codec(LIFT).encode(b'{"floor":1,"notes":["a",2]}')
    assert str(raised.value) == 'notes[1]: 2 is not of type "string"'


def test_payloads_are_not_checked_but_must_be_json() -> None:
    assert bytes(codec(LIFT).decode(b'{"floor": "x"}')) == b'{"floor":"x"}'
    with pytest.raises(DecodeError):
        codec(LIFT).decode(b"{")


@pytest.mark.parametrize(
    ("uri", "fits", "fails"),
    [
        ("http://json-schema.org/draft-04/schema#", b"1", b"2"),
        ("http://json-schema.org/draft-06/schema#", b"1", b"2"),
        ("http://json-schema.org/draft-07/schema", b"1", b"2"),
        ("https://json-schema.org/draft/2019-09/schema", b"1", b"2"),
        ("https://json-schema.org/draft/2020-12/schema", b"1", b"2"),
        ("https://example.com/own", b"1", b"2"),
    ],
)
def test_every_draft_is_known_and_others_are_read_as_draft_7(uri: str, fits: bytes, fails: bytes) -> None:
    made = codec({"$schema": uri, "enum": [1]})
    assert made.encode(fits) == fits
    with pytest.raises(EncodeError):
        made.encode(fails)


def test_a_draft_decides_what_its_keywords_mean() -> None:
    """`prefixItems` is no keyword before 2020-12, where a schema without `$schema` stands."""
    schema = {"prefixItems": [{"type": "string"}]}
    assert codec(schema).encode(b"[1]") == b"[1]"
    with pytest.raises(EncodeError):
        codec({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}).encode(b"[1]")


NUMBER = {"definitions": {"n": {"type": "integer"}}, "type": "integer"}


@pytest.mark.parametrize(
    ("schema", "dependencies"),
    [
        ({"$ref": "number.json"}, {"number.json": NUMBER}),
        ({"$ref": "./number.json#/definitions/n"}, {"number.json": NUMBER}),
        ({"$ref": "number.json"}, {"./number.json": NUMBER}),
        ({"$ref": "https://example.com/number.json"}, {"https://example.com/number.json": NUMBER}),
        ({"$id": "https://example.com/a/b.json", "$ref": "number.json"}, {"number.json": NUMBER}),
        ({"$ref": "https://example.com/n"}, {"any name": {"$id": "https://example.com/n", **NUMBER}}),
        ({"$ref": "a.json"}, {"a.json": {"$ref": "dir/b.json"}, "dir/b.json": NUMBER}),
    ],
)
def test_references_are_found_by_name_by_id_and_relative_to_where_they_stand(
    schema: Any, dependencies: dict[str, Any]
) -> None:
    made = codec(schema, **dependencies)
    assert made.encode(b"1") == b"1"
    with pytest.raises(EncodeError):
        made.encode(b'"1"')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "truncated"),
        ('{"type":"intger"}', "intger"),
        ('{"$ref":"missing.json"}', "missing.json"),
        ('{"$ref":"http://127.0.0.1:9/never-asked"}', "not among the schema's references"),
        ('{"$ref":"#/nowhere"}', "nowhere"),
        ('{"pattern":"("}', "regex"),
        ('{"$schema":5}', "schema"),
    ],
)
def test_what_is_no_schema_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidSchemaError, match=words):
        JsonSchemaCodec(text, {})


HEAVY_DEFAULTS = {
    "definitions": doubling(21)["definitions"],
    "properties": {"n": {}, "x": {"$ref": "#/definitions/d0"}, "unit": {"default": "kg"}},
}


@pytest.mark.parametrize("draft", [{"$schema": "http://json-schema.org/draft-07/schema#"}, {}])
def test_absent_properties_get_their_defaults_as_from_confluents_proxy(draft: dict[str, str]) -> None:
    schema = {**draft, "type": "object", "properties": {"n": {}, "unit": {"type": "string", "default": "kg"}}}
    codec = JsonSchemaCodec(json.dumps(schema), {})
    assert codec.encode(b'{ "n": 1.00 }') == b'{"n":1.00,"unit":"kg"}'
    assert codec.encode(b'{"unit":"g"}') == b'{"unit":"g"}'
    with pytest.raises(EncodeError):
        codec.encode(b'{"unit":1}')


def test_newer_drafts_add_no_defaults() -> None:
    """As Confluent's validator of them."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {"a": {"default": 1}}}
    assert JsonSchemaCodec(json.dumps(schema), {}).encode(b"{}") == b"{}"


def test_what_another_process_validates_is_completed_and_a_key_written_in_one_form() -> None:
    with pytest.raises(HeavyValidationError) as heavy:
        JsonKeyCodec(JsonSchemaCodec(json.dumps(HEAVY_DEFAULTS), {})).encode(b'{"n":1.00,"x":""}')
    assert heavy.value.validation.payload == b'{"n":1.00,"x":""}'
    assert heavy.value.finish(heavy.value.validation.payload) == b'{"n":1.0,"x":"","unit":"kg"}'
