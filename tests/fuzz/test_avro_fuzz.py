"""Fuzzing the Avro parser: whatever the text, it is understood or refused, and what is understood can be used.

`FUZZ_EXAMPLES` sets how many texts are tried by each test.
"""

import json
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from karapace_like.schema import avro, formats
from karapace_like.schema.avro.model import Parsed
from karapace_like.schema.model import (
    CompatibilityPolicy,
    InvalidSchemaError,
    SchemaType,
    Strictness,
    UnparsedSchema,
)
from tests.forms import count_examples

BOUNDED = settings(max_examples=count_examples(200, "FUZZ_EXAMPLES"), deadline=None, database=None)

# What is listed more often is drawn more often: most texts should get past the first check.
NAMES = ["A", "B", "C", "n.A", "n.B"] * 4 + ["m.A", ".A", "int", "a.b.C", "", "1", "a-b", "n."]
TYPES = ["null", "int", "double", "string"] * 4 + ["A", "n.B", "record", "array"]
ATTRIBUTES = ["type", "name", "namespace", "fields", "symbols", "size", "items", "values", "aliases", "default"]
OTHERS = ["doc", "order", "logicalType", "precision", "scale", "x"]
WORDS = st.sampled_from([*NAMES, *TYPES, "n", "ascending", "descending", "ignore", "decimal", "uuid", "date"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | WORDS,
    lambda children: st.lists(children, max_size=2) | st.dictionaries(WORDS, children, max_size=2),
    max_leaves=4,
)
ANYTHING = st.dictionaries(st.sampled_from([*ATTRIBUTES, *OTHERS]), VALUES, max_size=5)


def _complex_types(types: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    name = st.sampled_from(NAMES)
    extra = dict.fromkeys(OTHERS, VALUES)
    named = extra | {"namespace": name, "aliases": st.lists(name, max_size=3)}
    field = st.fixed_dictionaries({"name": name, "type": types}, optional=named | {"default": VALUES})
    fields = st.lists(field, max_size=3) | st.lists(VALUES, max_size=1)
    symbols = st.lists(name, max_size=3, unique=True)
    return st.one_of(
        st.fixed_dictionaries({"type": st.just("record"), "name": name, "fields": fields}, optional=named),
        st.fixed_dictionaries({"type": st.just("enum"), "name": name, "symbols": symbols}, optional=named),
        st.fixed_dictionaries({"type": st.just("fixed"), "name": name, "size": st.integers(-1, 20)}, optional=named),
        st.fixed_dictionaries({"type": st.just("array"), "items": types}, optional=extra),
        st.fixed_dictionaries({"type": st.just("map"), "values": types}, optional=extra),
        st.fixed_dictionaries({"type": types}, optional=extra),
        st.lists(types, max_size=3),
        ANYTHING,
    )


SCHEMAS = st.recursive(st.sampled_from(TYPES), _complex_types, max_leaves=8)
TEXTS = SCHEMAS.map(json.dumps) | st.text() | st.text('{}[]",:/*\\ intypeul0-.e')


def parse(text: str, strictness: Strictness) -> Parsed | None:
    try:
        parsed = formats.parse(UnparsedSchema(SchemaType.AVRO, text), {}, strictness)
    except InvalidSchemaError:
        event("refused")
        return None
    event("understood")
    assert isinstance(parsed, Parsed)
    return parsed


@BOUNDED
@given(TEXTS, st.sampled_from(Strictness))
def test_a_text_is_understood_or_refused_and_its_own_text_is_understood(text: str, strictness: Strictness) -> None:
    parsed = parse(text, strictness)
    if parsed is None:
        return
    for write in (avro.canonicalise, avro.normalize):
        written = write(parsed)
        again = parse(written, strictness)
        assert again is not None
        assert write(again) == written
    assert json.loads(avro.format_text(parsed, "resolved")) == json.loads(avro.canonicalise(parsed))


@BOUNDED
@given(TEXTS, TEXTS)
def test_any_two_stored_schemas_are_compared(one: str, other: str) -> None:
    first, second = (parse(text, Strictness.STORED) for text in (one, other))
    for reader, writer in ((first, first), (first, second), (second, first)):
        if reader and writer:
            found = avro.find_incompatibilities(reader, writer, CompatibilityPolicy.STRICT)
            assert all(each.message() and each.path.startswith("/") for each in found)
