"""The bound of validation work: it grows where the work does, and stays small for ordinary schemas."""

import json
from typing import Any

import pytest

from karapace_like.schema.model import InvalidSchemaError
from karapace_like.serde.codec import EncodeError, HeavyValidationError
from karapace_like.serde.json_schema import MAX_STEPS, JsonSchemaCodec, measure, run_validation
from karapace_like.serde.json_schema_cost import UNBOUNDED, measure_pattern

Y2020 = "https://json-schema.org/draft/2020-12/schema"


def doubling(levels: int, keyword: str = "oneOf") -> dict[str, Any]:
    """Each definition has two alternatives, both of which are the next one."""
    definitions: dict[str, Any] = {
        f"d{level}": {keyword: [{"$ref": f"#/definitions/d{level + 1}"}] * 2} for level in range(levels)
    }
    return {"definitions": {**definitions, f"d{levels}": {"type": "string"}}, "$ref": "#/definitions/d0"}


def bound(schema: Any, value: Any) -> int:
    return measure(json.dumps(schema), {}).bound(json.dumps(value).encode())


TREE = {"definitions": {"n": {"properties": {"a": {"$ref": "#/definitions/n"}, "b": {"$ref": "#/definitions/n"}}}}}
RECORDS = {"items": {"required": ["p0"], "properties": {f"p{at}": {"type": "string"} for at in range(50)}}}


@pytest.mark.parametrize(
    ("schema", "value", "most"),
    [
        (True, {"a": [1] * 100}, 200),
        ({"properties": {f"p{at}": {"pattern": "^[a-z]{1,40}$"} for at in range(50)}}, {"p1": "x"}, 500),
        ({**TREE, "$ref": "#/definitions/n"}, {"a": {"b": {"a": 1}}}, 100),
        (RECORDS, [{"p0": "x"}] * 100, 20_000),
        (doubling(5), "x", 300),
        ({"pattern": "^(?!x).*$"}, "y", 60_000),
        ({"$schema": Y2020, "allOf": [{"properties": {"a": True}}], "unevaluatedProperties": False}, {"a": 1}, 200),
    ],
)  # fmt: skip
def test_ordinary_schemas_cost_little(schema: Any, value: Any, most: int) -> None:
    assert bound(schema, value) <= most


@pytest.mark.parametrize(
    ("schema", "value", "least"),
    [
        (doubling(21), "x", 2**21),
        (doubling(21, "anyOf"), "x", 2**21),
        (doubling(100, "allOf"), "x", UNBOUNDED),
        ({"allOf": [{"contains": {"const": at}} for at in range(300)]}, list(range(10_000)), 300 * 10_000),
        ({"items": {"enum": list(range(5_000))}}, [1] * 1_000, 5_000 * 1_000),
        ({"items": {"pattern": "^(?:(?=a)a+)+$"}}, ["a"] * 100, 100 * 50_000),
        ({"pattern": "(a{1,100}){1,100}"}, "a" * 10_000, 10_000 * 1_000),
        ({"$schema": Y2020, "$dynamicRef": "#x", "$dynamicAnchor": "x"}, 1, UNBOUNDED),
        ({"definitions": {"a": {"not": {"$ref": "#/definitions/a"}}}, "$ref": "#/definitions/a"}, 1, UNBOUNDED),
        (
            {
                "definitions": {"n": {"anyOf": [{"properties": {"a": {"$ref": "#/definitions/n"}}}] * 2}},
                "$ref": "#/definitions/n",
            },
            {},
            UNBOUNDED,
        ),
    ],
)
def test_what_can_hold_up_a_process_costs_as_much(schema: Any, value: Any, least: int) -> None:
    assert bound(schema, value) >= least > MAX_STEPS


@pytest.mark.parametrize(
    ("pattern", "size"),
    [
        ("abc", 3),
        ("a{3}", 3),
        ("(ab{2,5}){10}", 60),
        ("[a-z]{2,}", 2),
        (r"\p{L}{1,50}", 50_000),
        (r"[^\p{L}]", 1_000),
        (r"\(a\)[(]", 4),
        ("))((a", 1),
        ("", 0),
    ],
)
def test_a_pattern_is_measured_with_its_repetitions_written_out(pattern: str, size: int) -> None:
    assert size <= measure_pattern(pattern) <= size * 1.2 + 10


@pytest.mark.parametrize(
    "part",
    [
        "[",
        r"[\p",
        r"\Q[\p",
        r"\p{",
        "{1",
        "{1,",
        "(a",
        "(?=a",
        r"\u{",
        "\\",
        r"[\\",
        "a{999999999}",
        "{11111",
        "{9}",
        "(a){9}",
    ],
)
def test_a_pattern_of_any_kind_is_measured_in_one_pass(part: str) -> None:
    """With a pass for each of its characters this would not end."""
    assert measure_pattern("a" + part * 50_000) > 0


@pytest.mark.parametrize(
    "schema",
    [doubling(5), RECORDS, {**TREE, "$ref": "#/definitions/n"}, {"pattern": "^(?!x).*$"}],
    ids=["doubling", "records", "tree", "pattern"],
)
def test_no_value_up_to_the_safe_length_costs_more(schema: Any) -> None:
    cost = measure(json.dumps(schema), {})
    length = cost.find_safe_length(MAX_STEPS)
    assert length > 1_000
    assert cost.bound(b"[" * length) <= MAX_STEPS


def test_a_heavy_schema_is_left_to_another_process() -> None:
    codec = JsonSchemaCodec(json.dumps(doubling(30)), {})
    with pytest.raises(HeavyValidationError) as heavy:
        codec.encode(b' "x" ')
    assert heavy.value.validation.payload == b'"x"'
    assert not heavy.value.validation.is_invalid


def test_an_explanation_that_costs_much_is_left_to_another_process() -> None:
    codec = JsonSchemaCodec(json.dumps({"items": {"type": "integer"}}), {})
    assert codec.encode(json.dumps([1] * 10_000).encode())
    with pytest.raises(HeavyValidationError) as heavy:
        codec.encode(json.dumps([1] * 10_000 + ["x"]).encode())
    assert heavy.value.validation.is_invalid
    assert run_validation(heavy.value.validation) == (
        (10_000,),
        '"x" is not of type "integer"',
        'what "type" at #/items of the schema accepts',
    )


def test_a_schema_that_takes_long_to_compile_is_not_compiled_here() -> None:
    """300 such patterns take five seconds."""
    patterns = {"properties": {f"p{at}": {"pattern": rf"\p{{L}}{{1,{50 + at}}}"} for at in range(3)}}
    with pytest.raises(HeavyValidationError) as heavy:
        JsonSchemaCodec(json.dumps(patterns), {}).encode(b'{"p1":"x"}')
    assert run_validation(heavy.value.validation) is True
    broken = JsonSchemaCodec(json.dumps({**patterns, "pattern": "("}), {})
    with pytest.raises(HeavyValidationError) as heavy:
        broken.encode(b"1")
    with pytest.raises(InvalidSchemaError, match="regex"):
        run_validation(heavy.value.validation)


def test_a_message_does_not_cite_a_large_value_whole() -> None:
    with pytest.raises(EncodeError) as refused:
        JsonSchemaCodec('{"type":"integer"}', {}).encode(b'"%b"' % (b"x" * 100_000))
    assert refused.value.message.startswith('"xxx')
    assert len(refused.value.message) < 2_000


def test_a_number_out_of_range_is_invalid_in_another_process_too() -> None:
    with pytest.raises(HeavyValidationError) as heavy:
        JsonSchemaCodec(json.dumps(doubling(30)), {}).encode(b"1e999")
    assert run_validation(heavy.value.validation) is False
