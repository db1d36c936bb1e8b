"""Laws that hold for every JSON Schema, tried on drawn ones and judged by a validator that is not ours."""

import json
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from karapace_like.schema import json_schema
from karapace_like.schema.model import CompatibilityPolicy, Strictness
from tests.forms import count_examples
from tests.unit.schema.json_schema.evolving_json_schemas import (
    MODERN,
    JsonSchema,
    evolutions,
    instances,
    modern,
    schemas,
)

STRICT = CompatibilityPolicy.STRICT


def parse(schema: JsonSchema) -> json_schema.Parsed:
    return json_schema.parse(json.dumps(schema), {}, Strictness.STRICT)


def in_2020_12(schema: JsonSchema) -> JsonSchema:
    new = modern(schema)
    return new if isinstance(new, bool) else {"$schema": MODERN, **new}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("worded", "validator"),
    [
        pytest.param(lambda schema: schema, jsonschema_rs.Draft7Validator, id="draft-07"),
        pytest.param(in_2020_12, jsonschema_rs.Draft202012Validator, id="2020-12"),
    ],
)
@settings(
    deadline=None,
    max_examples=count_examples(200),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(evolution=evolutions(), data=st.data())
def test_compatible_means_readable(
    worded: Callable[[JsonSchema], JsonSchema],
    validator: Callable[[JsonSchema], jsonschema_rs.Validator],
    evolution: tuple[JsonSchema, JsonSchema],
    data: st.DataObject,
) -> None:
    """Whatever the writer's schema accepts, a compatible reader's schema accepts too."""
    writer, reader = map(worded, evolution)
    assume(not json_schema.find_incompatibilities(parse(reader), parse(writer), STRICT))
    written, read = validator(writer), validator(reader)
    for _ in range(4):
        instance = data.draw(instances(evolution[0]))
        assert read.is_valid(instance) or not written.is_valid(instance), instance


@settings(deadline=None)
@given(schemas())
def test_a_schema_reads_its_own_data(schema: JsonSchema) -> None:
    assert json_schema.find_incompatibilities(parse(schema), parse(schema), STRICT) == []


@settings(deadline=None)
@given(evolutions())
def test_lenient_never_refuses_more_than_strict(evolution: tuple[JsonSchema, JsonSchema]) -> None:
    old, new = map(parse, evolution)
    strict = json_schema.find_incompatibilities(new, old, CompatibilityPolicy.STRICT)
    lenient = json_schema.find_incompatibilities(new, old, CompatibilityPolicy.LENIENT)
    assert strict or not lenient


@pytest.mark.parametrize("text_of", [json_schema.canonicalise, json_schema.normalize])
@settings(deadline=None)
@given(schema=schemas())
def test_the_texts_are_idempotent_and_keep_the_meaning(text_of: Any, schema: JsonSchema) -> None:
    text = text_of(parse(schema))
    again = json_schema.parse(text, {}, Strictness.STRICT)
    assert text_of(again) == text
    assert json.loads(text) == schema
    assert json_schema.find_incompatibilities(again, parse(schema), STRICT) == []
    assert json_schema.find_incompatibilities(parse(schema), again, STRICT) == []


@settings(deadline=None)
@given(schemas())
def test_schemas_that_differ_in_key_order_have_one_normalized_text(schema: JsonSchema) -> None:
    def reversed_keys(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: reversed_keys(value[key]) for key in reversed(value)}
        return [reversed_keys(item) for item in value] if isinstance(value, list) else value

    assert json_schema.normalize(parse(schema)) == json_schema.normalize(parse(reversed_keys(schema)))


BOUNDED = st.fixed_dictionaries({}, optional={"minLength": st.integers(1, 6), "maxLength": st.integers(1, 6)})


@given(BOUNDED, BOUNDED)
def test_a_refused_bound_has_a_counter_example(old: dict[str, int], new: dict[str, int]) -> None:
    """Where the old schema accepts anything at all, lengths are refused only if the new one refuses an old string."""
    lengths = [n for n in range(10) if old.get("minLength", 0) <= n <= old.get("maxLength", 9)]
    assume(lengths)
    readable = all(new.get("minLength", 0) <= n <= new.get("maxLength", 9) for n in lengths)
    assert (not json_schema.find_incompatibilities(parse(new), parse(old), STRICT)) == readable
