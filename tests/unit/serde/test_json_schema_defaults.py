"""The defaults of a JSON Schema complete the values that lack them, and change nothing else."""

import json
from typing import Any

import pytest

from karapace_like.schema.json_schema.documents import Documents
from karapace_like.schema.json_schema.draft import draft_of
from karapace_like.serde.json_schema_defaults import Defaults

UNIT: dict[str, Any] = {"type": "object", "properties": {"unit": {"type": "string", "default": "kg"}, "n": {}}}


def add(schema: Any, value: str, **dependencies: Any) -> str:
    texts = {name: json.dumps(dependency) for name, dependency in dependencies.items()}
    return Defaults(Documents(schema, texts, draft_of(schema))).add(value.encode()).decode()


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (UNIT, '{"n":1.00}', '{"n":1.00,"unit":"kg"}'),
        (UNIT, '{"unit":"g","n":1}', '{"unit":"g","n":1}'),
        (UNIT, '{"unit":null}', '{"unit":null}'),
        (UNIT, '{"n":123456789012345678901234567890}', '{"n":123456789012345678901234567890,"unit":"kg"}'),
        (UNIT, "[]", "[]"),
        (UNIT, '"text"', '"text"'),
        ({"properties": {"inner": UNIT}}, '{"inner":{}}', '{"inner":{"unit":"kg"}}'),
        ({"properties": {"inner": UNIT}}, "{}", "{}"),
        ({"properties": {"inner": {**UNIT, "default": {}}}}, "{}", '{"inner":{}}'),
        ({"items": UNIT}, "[{},1,{}]", '[{"unit":"kg"},1,{"unit":"kg"}]'),
        ({"items": [{}, UNIT], "additionalItems": UNIT}, "[{},{},{}]", '[{},{"unit":"kg"},{"unit":"kg"}]'),
        ({"allOf": [UNIT, {"properties": {"b": {"default": 2}}}]}, "{}", '{"unit":"kg","b":2}'),
        ({"anyOf": [UNIT, {}]}, "{}", "{}"),
        (
            {"definitions": {"u": UNIT}, "properties": {"a": {"$ref": "#/definitions/u"}}},
            '{"a":{}}',
            '{"a":{"unit":"kg"}}',
        ),
        ({"properties": {"a": {"$ref": "other"}}}, '{"a":{}}', '{"a":{"unit":"kg"}}'),
        (
            {"properties": {"next": {"$ref": "#"}, "n": {"default": 0}}},
            '{"next":{"next":{}}}',
            '{"next":{"next":{"n":0},"n":0},"n":0}',
        ),
    ],
)
def test_an_absent_property_gets_its_default(schema: Any, value: str, expected: str) -> None:
    assert add(schema, value, other=UNIT) == expected


def test_a_default_is_the_same_for_every_value() -> None:
    """Also if another part of the schema completes it."""
    schema: Any = {"allOf": [{"properties": {"inner": {"default": {}}}}, {"properties": {"inner": UNIT}}]}
    defaults = Defaults(Documents(schema, {}, draft_of(schema)))
    assert [defaults.add(b"{}") for _ in range(2)] == [b'{"inner":{}}'] * 2


def test_a_schema_without_defaults_costs_nothing() -> None:
    schema: Any = {"properties": {"a": {"properties": {"b": {"items": {"$ref": "#"}}}}}}
    assert Defaults(Documents(schema, {}, draft_of(schema))).is_empty
