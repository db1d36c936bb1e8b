"""One schema in other words is the same, and has the same fingerprint; another schema is not the same."""

import itertools
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karapace_like.schema import formats
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import ParsedSchema, SchemaType, Strictness, UnparsedSchema
from karapace_like.schema.spelling import fingerprint, has_sorted_keys, is_spelling_of, mean_the_same
from tests.forms import count_examples

EXAMPLES = settings(max_examples=count_examples(40, "INTERCHANGE_EXAMPLES"))

NAMES = st.sampled_from(["a", "order", "Total", "x_1", "type", "name", "record", "_"])
TEXTS = st.text(st.sampled_from('ab \n"\\/\u00e9\u20ac\U0001f600#{'), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e20, 1e20) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
PRIMITIVES = st.sampled_from(["null", "boolean", "int", "long", "float", "double", "bytes", "string"])
OTHER = st.dictionaries(st.sampled_from(["unit", "owner", "since"]), VALUES, max_size=2)
"""Attributes that Avro does not know."""


@st.composite
def avro_types(draw: st.DrawFn, depth: int = 0) -> Any:
    kind = draw(st.sampled_from(["primitive", "object", "array", "map", "record", "enum"][: 2 if depth > 2 else 6]))
    if kind == "primitive":
        return draw(PRIMITIVES)
    if kind == "object":
        return {"type": draw(PRIMITIVES), **draw(OTHER)}
    if kind in {"array", "map"}:
        return {"type": kind, ("items" if kind == "array" else "values"): draw(avro_types(depth + 1)), **draw(OTHER)}
    named: dict[str, Any] = {"type": kind, "name": draw(NAMES)}
    named |= draw(st.sampled_from([{}, {"namespace": "org.shop"}, {"doc": "text \u00e9"}, {"aliases": ["Old"]}]))
    if kind == "enum":
        return {**named, "symbols": draw(st.lists(NAMES, min_size=1, unique=True)), **draw(OTHER)}
    fields = [
        {"name": each, "type": draw(avro_types(depth + 1)), **draw(st.sampled_from([{}, {"order": "ascending"}]))}
        for each in draw(st.lists(NAMES, max_size=3, unique=True))
    ]
    return {**named, "fields": fields, **draw(OTHER)}


JSON_SCHEMAS = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(TEXTS, st.just({"type": "string"}), max_size=4)},
    optional={"title": TEXTS, "default": VALUES, "examples": st.lists(VALUES, max_size=2)},
)


def parse(schema_type: SchemaType, text: str) -> ParsedSchema:
    return formats.parse(UnparsedSchema(schema_type, text), {}, Strictness.STORED)


def write(value: Any, chance: random.Random, *, shuffle: bool) -> str:
    """A JSON text with whitespace, escapes and order as it comes."""
    gap = chance.choice(["", " ", "\n\t"])
    if isinstance(value, dict):
        keys = list(value)
        if shuffle:
            chance.shuffle(keys)
        members = (
            f"{write(key, chance, shuffle=shuffle)}{gap}:{write(value[key], chance, shuffle=shuffle)}" for key in keys
        )
        return "{" + gap + f"{gap},".join(members) + "}"
    if isinstance(value, list):
        return "[" + f",{gap}".join(write(each, chance, shuffle=shuffle) for each in value) + gap + "]"
    text = json.dumps(value, ensure_ascii=chance.random() < 0.5)
    return text.replace("/", "\\/") if chance.random() < 0.5 and isinstance(value, str) and "\\" not in text else text


def sort(text: str) -> str:
    """As Karapace stores it."""
    return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))


def check(schema_type: SchemaType, value: Any, chance: random.Random) -> None:
    text = write(value, chance, shuffle=False)
    stored = sort(text)
    for sent in (text, write(value, chance, shuffle=True), stored):
        assert is_spelling_of(parse(schema_type, stored), stored, parse(schema_type, sent), normalize=False)
        assert mean_the_same(parse(schema_type, sent), parse(schema_type, stored))
        canonical = FORMATS[schema_type].canonicalise(parse(schema_type, sent))
        normal = FORMATS[schema_type].normalize(parse(schema_type, sent))
        wanted = fingerprint(schema_type, stored)
        assert [fingerprint(schema_type, each) for each in (sent, canonical)] == [wanted, wanted]
        assert is_spelling_of(parse(schema_type, stored), stored, parse(schema_type, normal), normalize=True)


def give_names(value: Any, names: Iterator[int]) -> None:
    """Let every named type have a name of its own, as it must."""
    if isinstance(value, list):
        for each in value:
            give_names(each, names)
    elif isinstance(value, dict):
        if value.get("type") in {"record", "enum"}:
            value["name"] += str(next(names))
        for each in value.get("fields", ()):
            give_names(each["type"], names)
        for key in ("items", "values"):
            give_names(value.get(key), names)


@EXAMPLES
@given(avro_types(), st.randoms(use_true_random=False))
def test_avro_in_any_order_and_spelling_is_what_is_stored_sorted(value: Any, chance: random.Random) -> None:
    give_names(value, itertools.count())
    check(SchemaType.AVRO, value, chance)


@EXAMPLES
@given(JSON_SCHEMAS, st.randoms(use_true_random=False))
def test_json_schema_in_any_order_and_spelling_is_what_is_stored_sorted(value: Any, chance: random.Random) -> None:
    check(SchemaType.JSON, value, chance)


DIFFERENT: dict[SchemaType, tuple[str, ...]] = {
    SchemaType.AVRO: (
        '["null","string"]',
        '["string","null"]',
        '{"type":"map","values":"string"}',
        '{"type":"array","items":"string"}',
        '{"fields":[{"default":1,"name":"a","type":"int"}],"name":"R","type":"record"}',
        '{"fields":[{"default":1.0,"name":"a","type":"double"}],"name":"R","type":"record"}',
        '{"fields":[{"default":{"a":"1"},"name":"a","type":{"type":"map","values":"string"}}],"name":"R","type":"record"}',
    ),
    SchemaType.JSON: ("true", "false", '{"type":"string"}', '{"enum":[1,2]}', '{"enum":[2,1]}', '{"enum":[true,2]}'),
    SchemaType.PROTOBUF: (
        'syntax = "proto3"; message A { int32 a = 1; }',
        'syntax = "proto3"; message A { int32 a = 2; }',
        'syntax = "proto3"; message A { int64 a = 1; }',
        "message A { optional int32 a = 1; }",
    ),
}


@pytest.mark.parametrize("schema_type", SchemaType)
@pytest.mark.parametrize("normalize", [True, False])
def test_different_schemas_are_not_the_same(schema_type: SchemaType, *, normalize: bool) -> None:
    for stored in DIFFERENT[schema_type]:
        for sent in DIFFERENT[schema_type]:
            pair = parse(schema_type, stored), parse(schema_type, sent)
            assert is_spelling_of(pair[0], stored, pair[1], normalize=normalize) is (stored == sent)
            assert mean_the_same(*pair) is (stored == sent)


def test_types_are_told_apart() -> None:
    avro, other = (parse(each, '{"type":"string"}') for each in (SchemaType.AVRO, SchemaType.JSON))
    assert not is_spelling_of(avro, '{"type":"string"}', other, normalize=True)
    assert not mean_the_same(avro, other)
    assert fingerprint(SchemaType.AVRO, '"string"') != fingerprint(SchemaType.JSON, '"string"')


def test_a_clients_own_order_of_keys_counts_where_it_is_stored() -> None:
    """As in Confluent's registry: two orders of one JSON Schema are two versions, unless the stored one is sorted."""
    one, other = '{"title":"a","$id":"b"}', '{"$id":"b","title":"a"}'
    assert not is_spelling_of(parse(SchemaType.JSON, one), one, parse(SchemaType.JSON, other), normalize=False)
    assert is_spelling_of(parse(SchemaType.JSON, other), other, parse(SchemaType.JSON, one), normalize=False)


PROTO = """syntax = "proto3";
package org.shop;
import "google/protobuf/timestamp.proto";
message Order { int64 number = 1; google.protobuf.Timestamp at = 2 [deprecated = true]; reserved 5 to max; }
"""
LAYOUTS: dict[str, Callable[[str], str]] = {
    "comments": lambda text: "// A comment with words\n/* and { another */" + text.replace(";", "; // why\n"),
    "whitespace": lambda text: text.replace(" ", "\n  ").replace("=", " = "),
    "quotes": lambda text: text.replace('"', "'"),
    "canonical": lambda text: FORMATS[SchemaType.PROTOBUF].canonicalise(parse(SchemaType.PROTOBUF, text)),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_protobuf_in_another_layout_is_the_same(name: str) -> None:
    stored = LAYOUTS[name](PROTO)
    assert fingerprint(SchemaType.PROTOBUF, stored) == fingerprint(SchemaType.PROTOBUF, PROTO)
    pair = parse(SchemaType.PROTOBUF, stored), parse(SchemaType.PROTOBUF, PROTO)
    assert is_spelling_of(pair[0], stored, pair[1], normalize=False)
    assert mean_the_same(*pair)


@pytest.mark.parametrize(
    ("text", "is_sorted"),
    [
        ('{"a":1,"b":{"c":1,"d":2}}', True),
        ('{"a":{"d":1,"c":2}}', False),
        ('"a"', True),
        ("no JSON", False),
        ("[" * 99_999, False),
    ],
)
def test_sorted_keys_are_known(text: str, *, is_sorted: bool) -> None:
    assert has_sorted_keys(text) is is_sorted


@pytest.mark.parametrize(
    "text", ['{"name":"Floor","type":"int"}', '{"type" : "int", "namespace":"a.b", "name":"F\\"1"}']
)
def test_a_primitive_type_is_the_same_with_a_name(text: str) -> None:
    """Karapace stores the name that was sent; other types differ by theirs."""
    stored, sent = (parse(SchemaType.AVRO, spelled) for spelled in (text, '{"type":"int"}'))
    assert is_spelling_of(stored, text, sent, normalize=False)
    assert fingerprint(SchemaType.AVRO, text) == fingerprint(SchemaType.AVRO, '"int"')
    fixed = [f'{{"name":"{name}","size":4,"type":"fixed"}}' for name in "ab"]
    assert fingerprint(SchemaType.AVRO, fixed[0]) != fingerprint(SchemaType.AVRO, fixed[1])
