"""Whatever text comes, the JSON Schema engine answers with a schema or with InvalidSchemaError, and never takes long.

`FUZZ_EXAMPLES` sets how many texts are tried per test.
"""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karapace_like.schema import formats, json_schema
from karapace_like.schema.json_schema.draft import GROUPS
from karapace_like.schema.model import (
    CompatibilityPolicy,
    InvalidSchemaError,
    SchemaType,
    Strictness,
    UnparsedSchema,
)
from tests.forms import count_examples

FUZZ = settings(
    max_examples=count_examples(200, "FUZZ_EXAMPLES"),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
KEYWORDS = sorted(set().union(*GROUPS.values()) | {"$id", "$anchor", "$defs", "$schema", "definitions", "title", "a"})
REFERENCES = ["#", "#/definitions/a", "#/$defs/a", "#/a", "#a", "b.json", "b.json#/a"]
DRAFTS = ["http://json-schema.org/draft-04/schema#", "https://json-schema.org/draft/2020-12/schema"]
TYPES = ["string", "integer", "number", "object", "array", "null", "boolean"]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from([*REFERENCES, *DRAFTS, *TYPES, "(", "^a", "[a-z]+"]),
)
SCHEMA_LIKE: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYWORDS), inner, max_size=5)),
    max_leaves=25,
)


def parsed(text: str, strictness: Strictness = Strictness.STRICT) -> json_schema.Parsed | None:
    dependencies = {"b.json": '{"definitions":{"a":{"$ref":"b.json"}}}'}
    try:
        schema = formats.parse(UnparsedSchema(SchemaType.JSON, text), dependencies, strictness)
    except InvalidSchemaError:
        return None
    assert isinstance(schema, json_schema.Parsed)
    return schema


@FUZZ
@given(st.one_of(st.text(), st.text('{}[]",:\\ue0+-.tfn"0123456789')), st.sampled_from(Strictness))
def test_any_text_is_a_schema_or_refused(text: str, strictness: Strictness) -> None:
    """Passes if parsing raises nothing but its own refusal."""
    parsed(text, strictness)


@FUZZ
@given(SCHEMA_LIKE, st.integers(0, 400), st.text(max_size=3))
def test_a_damaged_schema_is_a_schema_or_refused(value: Any, position: int, inserted: str) -> None:
    """Passes if parsing raises nothing but its own refusal."""
    text = json.dumps(value)
    parsed(text[:position] + inserted + text[position + len(inserted) :])


@FUZZ
@given(SCHEMA_LIKE)
def test_what_is_accepted_can_be_printed_read_again_and_compared_with_itself(value: Any) -> None:
    schema = parsed(json.dumps(value))
    if schema is None:
        return
    for text_of in (json_schema.canonicalise, json_schema.normalize):
        again = parsed(text_of(schema))
        assert again is not None
        assert text_of(again) == text_of(schema)
    json_schema.find_record_name(schema)
    assert json_schema.find_incompatibilities(schema, schema, CompatibilityPolicy.STRICT) == []


@FUZZ
@given(SCHEMA_LIKE, SCHEMA_LIKE, st.sampled_from(CompatibilityPolicy))
def test_any_two_schemas_can_be_compared(old: Any, new: Any, policy: CompatibilityPolicy) -> None:
    writer, reader = parsed(json.dumps(old)), parsed(json.dumps(new))
    if writer is not None and reader is not None:
        for found in json_schema.find_incompatibilities(reader, writer, policy):
            assert found.path.startswith("#/")
            assert found.message()
