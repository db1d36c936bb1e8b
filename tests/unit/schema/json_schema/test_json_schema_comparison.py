"""Verdicts that the recorded examples do not hold, and schemas that are made to be hard to compare."""

import json
from typing import Any

import pytest

from karapace_like.schema import formats, json_schema
from karapace_like.schema.model import (
    CompatibilityPolicy,
    Incompatibility,
    InvalidSchemaError,
    SchemaType,
    UnparsedSchema,
)
from tests.forms import shorten

MODERN = {"$schema": "https://json-schema.org/draft/2020-12/schema"}


def parse(schema: Any) -> json_schema.Parsed:
    parsed = formats.parse(UnparsedSchema(SchemaType.JSON, json.dumps(schema)), {})
    assert isinstance(parsed, json_schema.Parsed)
    return parsed


def compare(old: Any, new: Any) -> list[Incompatibility]:
    return json_schema.find_incompatibilities(parse(new), parse(old), CompatibilityPolicy.STRICT)


@pytest.mark.parametrize(
    ("old", "new", "rules"),
    [
        ({"const": "a"}, {"const": "b"}, ["CONST_CHANGED"]),
        ({"const": None}, {"const": None}, []),
        ({"const": {"a": 1, "b": 2}}, {"const": {"b": 2, "a": 1}}, []),
        ({"enum": [1]}, {"enum": [True]}, ["ENUM_ARRAY_CHANGED"]),
        ({"enum": [{"a": 1, "b": 2}]}, {"enum": [{"b": 2, "a": 1}, 3]}, []),
        ({"multipleOf": 4}, {"multipleOf": 2}, []),
        ({"multipleOf": 0.5}, {"multipleOf": 0.25}, []),
        ({"multipleOf": 0.5}, {"multipleOf": 2}, ["MULTIPLE_OF_CHANGED"]),
        ({"multipleOf": 4.5}, {"multipleOf": 2.2}, ["MULTIPLE_OF_CHANGED"]),
        ({"multipleOf": 3}, {"multipleOf": 0.5}, ["MULTIPLE_OF_EXPANDED"]),
        (MODERN | {"multipleOf": 0.5}, MODERN | {"multipleOf": 0}, ["MULTIPLE_OF_CHANGED"]),
        (MODERN | {"multipleOf": 0}, MODERN | {"multipleOf": 2}, []),
        (MODERN | {"minLength": 1.5}, MODERN | {"minLength": 1}, []),
        ({"maximum": 10**30}, {"maximum": 10**30 + 1}, []),
        ({"maximum": 10**30 + 1}, {"maximum": 10**30}, ["MAXIMUM_DECREASED"]),
        ({"minimum": 1}, {"minimum": 1.0}, []),
        ({"not": {"type": "number"}}, {"not": {"type": "integer"}}, []),
        ({"not": {"type": "integer"}}, {"not": {"type": "number"}}, ["NOT_TYPE_EXTENDED"]),
        ({"not": {"not": {"type": "integer"}}}, {"not": {"not": {"type": "number"}}}, []),
        ({"allOf": []}, {"type": "string"}, ["TYPE_CHANGED"]),
        ({"anyOf": []}, {"anyOf": []}, []),
        ({"type": []}, {"type": []}, []),
        ({"type": ["string", "string"]}, {"type": ["string"]}, []),
        (
            {"items": {}, "additionalItems": False},
            {"items": [{"type": "string"}]},
            ["ITEM_ADDED_TO_OPEN_CONTENT_MODEL"],
        ),
        (
            MODERN | {"type": "object", "unevaluatedProperties": True},
            MODERN | {"type": "object", "unevaluatedProperties": {"type": "string"}},
            ["UNEVALUATED_PROPERTIES_NARROWED"],
        ),
        ({"items": {}}, {"items": {}, "additionalItems": False}, []),
        ({"items": {}}, {"items": {}, "additionalItems": {"type": "null"}}, ["ADDITIONAL_ITEMS_NARROWED"]),
        ({"type": "array"}, {"type": "array", "additionalItems": False}, ["ADDITIONAL_ITEMS_REMOVED"]),
        ({"type": "array"}, {"type": "array", "additionalItems": {"type": "null"}}, ["ADDITIONAL_ITEMS_NARROWED"]),
        ({"additionalItems": False}, {"additionalItems": False, "items": [{"type": "string"}]}, []),
        ({"type": "object"}, {"type": "object", "dependencies": {"a": []}}, []),
        (MODERN | {"type": "object"}, MODERN | {"type": "object", "dependentRequired": {"a": []}}, []),
        ({"dependencies": {"a": ["b"]}}, {"dependencies": {"a": ["b", "c"]}}, ["DEPENDENCY_ARRAY_EXTENDED"]),
        ({"dependencies": {"a": ["b", "c"]}}, {"dependencies": {"a": ["b"]}}, []),
        ({"patternProperties": {"^x": {"type": "string"}}}, {"properties": {"x1": {"type": "string"}}}, []),
        (
            {"patternProperties": {"^x": {"type": "string"}}},
            {"properties": {"x1": {"type": "number"}}},
            ["TYPE_CHANGED", "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL"],
        ),
        (
            {"patternProperties": {r"\p{Lu}": {"type": "string"}}},
            {"properties": {"É": {"type": "number"}}},
            ["TYPE_CHANGED", "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL"],
        ),
        ({"patternProperties": {r"\Q(\E": {"type": "string"}}}, {"properties": {"(": {"type": "number"}}}, []),
        (
            {"additionalProperties": {"type": "number"}},
            {"properties": {"a": {"type": "number"}}, "required": ["a"]},
            ["REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL"],
        ),
        ({**MODERN, "contains": {}, "minContains": 0}, {**MODERN, "contains": {}}, ["MIN_CONTAINS_INCREASED"]),
        ({**MODERN, "anyOf": [{"type": "string", "format": "date"}]}, {"type": "string"}, []),
        (
            {"properties": {"a/b": {"minLength": 1}}},
            {"properties": {"a/b": {"minLength": 2}}},
            ["MIN_LENGTH_INCREASED"],
        ),
    ],
)
def test_a_change_breaks_these_rules(old: Any, new: Any, rules: list[str]) -> None:
    assert [each.rule.name for each in compare(old, new)] == rules


@pytest.mark.parametrize("draft", ["2019-09", "2020-12"])
@pytest.mark.parametrize(
    "schema",
    [
        *({"type": name} for name in ("integer", "number", "boolean", "null", "array", "object", "string")),
        {"type": ["integer", "null"]},
        {"type": "integer", "minimum": 3},
        {"enum": [1]},
        {},
    ],
)
def test_a_format_is_an_annotation_since_2019(draft: str, schema: dict[str, Any]) -> None:
    """Generators write `int32` and `int64`, which no validator looks at."""
    dialect = {"$schema": f"https://json-schema.org/draft/{draft}/schema"}
    without, formatted = (
        {**dialect, "type": "object", "properties": {"n": property_}}
        for property_ in (schema, {**schema, "format": "int64"})
    )
    assert compare(without, formatted) == compare(formatted, without) == []


@pytest.mark.parametrize("count", [20, 30])
def test_properties_are_reported_in_the_order_of_a_java_hash_set(count: int) -> None:
    names = [f"{letter}{number}" for number in range(count // 10) for letter in "abcdefghij"]
    old = {"properties": {name: {"type": "string"} for name in names}}
    new = {"properties": {name: {"type": "number"} for name in names}}
    hashes = {name: 31 * ord(name[0]) + ord(name[1]) for name in names}
    table = 32 if count == 20 else 64
    expected = sorted(names, key=lambda name: (hashes[name] ^ (hashes[name] >> 16)) % table)
    assert [each.path for each in compare(old, new)] == [f"#/properties/{name}" for name in expected]


def chain(length: int, leaf: str) -> dict[str, Any]:
    """Definitions that refer to the next one by two properties each: 2**length paths."""
    steps = {
        f"d{step}": {"properties": {side: {"$ref": f"#/definitions/d{step + 1}"} for side in ("left", "right")}}
        for step in range(length)
    }
    return {"$ref": "#/definitions/d0", "definitions": {**steps, f"d{length}": {"type": leaf}}}


@pytest.mark.slow
@pytest.mark.parametrize("length", shorten([50, 2000]))
def test_paths_that_double_at_every_step_cost_no_more_than_the_steps(length: int) -> None:
    assert compare(chain(length, "integer"), chain(length, "number")) == []
    found = compare(chain(length, "number"), chain(length, "integer"))
    assert {each.rule.name for each in found} == {"TYPE_NARROWED"}
    assert 1 <= len(found) <= 1000
    assert len(found[0].path) < 5000


def mesh(size: int, criterion: str, leaf: str) -> dict[str, Any]:
    """Combinations that each refer to all the others."""
    return {
        "$ref": "#/definitions/m0",
        "definitions": {
            f"m{each}": {
                criterion: [{"$ref": f"#/definitions/m{other}"} for other in range(size) if other != each]
                + [{"type": leaf, "minLength": each}]
            }
            for each in range(size)
        },
    }


def test_combinations_that_all_refer_to_one_another_are_compared() -> None:
    assert compare(mesh(12, "anyOf", "string"), mesh(12, "anyOf", "string")) == []
    assert compare(mesh(12, "oneOf", "string"), mesh(12, "anyOf", "string")) == []
    broken = compare(mesh(12, "anyOf", "string"), mesh(12, "anyOf", "integer"))
    assert [each.rule.name for each in broken] == ["COMBINED_TYPE_SUBSCHEMAS_CHANGED"]
    assert broken[0].detail == ""


def test_hundreds_of_alternatives_of_a_recursive_schema_are_compared() -> None:
    def expressions(size: int) -> dict[str, Any]:
        kinds = {f"k{each}": {"properties": {"kind": {"const": each}, "of": {"$ref": "#"}}} for each in range(size)}
        return {"anyOf": [{"$ref": f"#/definitions/{kind}"} for kind in kinds], "definitions": kinds}

    assert compare(expressions(200), expressions(201)) == []
    assert [each.rule.name for each in compare(expressions(60), expressions(59))] == ["SUM_TYPE_NARROWED"]


@pytest.mark.long
@pytest.mark.slow
def test_a_comparison_without_end_is_given_up_and_counts_as_incompatible() -> None:
    old = {"anyOf": [{"const": number} for number in range(1000)]}
    new = {"anyOf": [{"const": -number} for number in range(1, 1002)]}
    [found] = compare(old, new)
    assert found.rule.name == "COMBINED_TYPE_SUBSCHEMAS_CHANGED"
    assert found.detail == "given up after 500000 comparisons"


@pytest.mark.long
@pytest.mark.slow
def test_ten_thousand_properties_are_compared_one_by_one() -> None:
    def wide(leaf: str) -> dict[str, Any]:
        return {"properties": {f"p{number}": {"type": leaf} for number in range(10_000)}}

    assert compare(wide("integer"), wide("number")) == []
    assert len(compare(wide("number"), wide("integer"))) == 1000


def test_more_patterns_than_anybody_writes_are_refused() -> None:
    patterns = {"patternProperties": {f"^{number}$": True for number in range(200)}}
    assert compare(patterns, {"properties": {"7": True}}) == []
    patterns["patternProperties"]["^one more$"] = True
    with pytest.raises(InvalidSchemaError):
        parse(patterns)


@pytest.mark.parametrize(
    ("opening", "closing", "brackets"),
    [
        ('{"not":', "}", 1),
        ('{"type":"array","items":', "}", 1),
        ('{"items":', "}", 1),
        ('{"type":"object","additionalProperties":', "}", 1),
        ('{"propertyNames":', "}", 1),
        ('{"if":', "}", 1),
        ('{"contains":', "}", 1),
        ('{"type":["array","array"],"items":', "}", 2),
        ('{"anyOf":[', "]}", 2),
        ('{"properties":{"a":', "}}", 2),
        ('{"patternProperties":{"a":', "}}", 2),
        ('{"dependencies":{"a":', "}}", 2),
    ],
)
def test_the_deepest_text_allowed_is_read_printed_and_compared(opening: str, closing: str, brackets: int) -> None:
    depth = 199 // brackets
    text = opening * depth + "true" + closing * depth

    def below(frames: int) -> None:
        if frames:
            below(frames - 1)
            return
        schema = UnparsedSchema(SchemaType.JSON, text)
        first, second = formats.parse(schema, {}), formats.parse(schema, {})
        assert isinstance(first, json_schema.Parsed)
        assert isinstance(second, json_schema.Parsed)
        assert json_schema.canonicalise(first) == text
        assert len(json_schema.normalize(first)) == len(text)
        assert json_schema.find_incompatibilities(first, second, CompatibilityPolicy.STRICT) == []

    below(50)
