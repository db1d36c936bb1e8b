"""Texts that are made to crash or to stall: each ends, with a verdict or with InvalidSchemaError."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from karapace_like.schema import avro, formats, limits
from karapace_like.schema.avro.model import Parsed
from karapace_like.schema.model import (
    CompatibilityPolicy,
    Dependencies,
    InvalidSchemaError,
    SchemaType,
    Strictness,
    UnparsedSchema,
)

FRAMES_IN_USE = 100
"""Frames of the caller: the recursion limit is 1,000 for all together."""
NONE: Dependencies = {}


def parse(text: str, dependencies: Dependencies = NONE, strictness: Strictness = Strictness.STRICT) -> Parsed:
    parsed = formats.parse(UnparsedSchema(SchemaType.AVRO, text), dependencies, strictness)
    assert isinstance(parsed, Parsed)
    return parsed


def far_down(call: Callable[[], None], frames: int = FRAMES_IN_USE) -> None:
    if frames:
        far_down(call, frames - 1)
    else:
        call()


def use_fully(text: str, dependencies: Dependencies = NONE) -> None:
    parsed, again = (parse(text, dependencies) for _ in range(2))
    assert avro.canonicalise(parsed)
    assert avro.normalize(parsed)
    assert avro.format_text(parsed, "resolved")
    assert avro.find_incompatibilities(parsed, again, CompatibilityPolicy.STRICT) == []


def nested(opening: str, core: str, closing: str, levels: int = limits.MAX_DEPTH) -> str:
    return opening * levels + core + closing * levels


def nested_records(levels: int) -> str:
    text = '"int"'
    for level in range(levels):
        text = f'{{"type":"record","name":"R{level}","fields":[{{"name":"f","type":{text}}}]}}'
    return text


RECURSIVE = {"R": '{"type":"record","name":"R","fields":[{"name":"f","type":["R","null"]}]}'}

DEEP = [
    ("arrays", nested('{"type":"array","items":', '"int"', "}"), NONE),
    ("maps", nested('{"type":"map","values":', '"int"', "}"), NONE),
    ("unions of arrays", nested('["null",{"type":"array","items":', '"int"', "}]", 100), NONE),
    ("records", nested_records(66), NONE),
    ("a property", '{"type":"int","p":' + nested("[", "", "]", 199) + "}", NONE),
    (
        "a default",
        '{"type":"record","name":"M","fields":[{"name":"m","type":"R","default":'
        + nested('{"f":', "null", "}", 197)
        + "}]}",
        RECURSIVE,
    ),
]


@pytest.mark.parametrize(("text", "dependencies"), [each[1:] for each in DEEP], ids=[name for name, _, _ in DEEP])
def test_the_deepest_nesting_is_used_without_hitting_the_recursion_limit(text: str, dependencies: Dependencies) -> None:
    """Passes if no use of the schema raises."""
    far_down(lambda: use_fully(text, dependencies))


def test_a_chain_of_references_may_be_longer_than_the_stack() -> None:
    """Passes if no use of the schema raises."""
    chain = {"L0": '{"type":"record","name":"L0","fields":[{"name":"a","type":"int"}]}'}
    for link in range(1, 3_000):
        chain[f"L{link}"] = f'{{"type":"record","name":"L{link}","fields":[{{"name":"a","type":"L{link - 1}"}}]}}'
    use_fully('{"type":"array","items":"L2999"}', chain)


@pytest.mark.long
@pytest.mark.slow
def test_ten_thousand_fields_are_read_written_and_compared() -> None:
    fields = [
        {"name": f"f{number}", "type": ["null", "string"], "default": None, "aliases": [f"g{number}"]}
        for number in range(10_000)
    ]
    text = json.dumps({"type": "record", "name": "R", "fields": fields})
    use_fully(text)
    found = avro.find_incompatibilities(
        parse(text.replace(', "default": null', "")),
        parse('{"type":"record","name":"R","fields":[]}'),
        CompatibilityPolicy.STRICT,
    )
    assert [each.detail for each in found] == [f"f{number}" for number in range(10_000)]


@pytest.mark.slow
def test_ten_thousand_branches_are_compared() -> None:
    """Passes if no use of the schema raises."""
    use_fully(json.dumps([{"type": "record", "name": f"n.R{number}", "fields": []} for number in range(10_000)]))


@pytest.mark.long
@pytest.mark.slow
def test_a_comparison_that_would_take_forever_is_given_up() -> None:
    """Each of 2,000 branches could be each of 2,000 others by its name, and is none of them."""

    def branches(*fields: Any) -> Parsed:
        names = [{"type": "record", "name": f"n{number}.R", "fields": list(fields)} for number in range(2_000)]
        return parse(json.dumps(names))

    with pytest.raises(InvalidSchemaError, match="too intertwined"):
        avro.find_incompatibilities(branches({"name": "a", "type": "int"}), branches(), CompatibilityPolicy.STRICT)


def test_what_is_told_again_and_again_does_not_double_with_each_type() -> None:
    def doubling(leaf: str) -> Parsed:
        types: list[dict[str, Any]] = [{"type": "record", "name": "T0", "fields": [{"name": "a", "type": leaf}]}]
        for number in range(1, 60):
            both = [{"name": name, "type": f"T{number - 1}"} for name in "ab"]
            types.append({"type": "record", "name": f"T{number}", "fields": both})
        fields = [{"name": f"f{number}", "type": each} for number, each in enumerate(types)]
        return parse(json.dumps({"type": "record", "name": "Root", "fields": fields}))

    found = avro.find_incompatibilities(doubling("int"), doubling("string"), CompatibilityPolicy.STRICT)
    assert 1_000 < len(found) < 10_000


def test_a_default_with_many_ways_to_fit_is_judged_once_for_each() -> None:
    """Passes if no use of the schema raises: trying every way would end in a refusal."""
    choice = {
        "AB": '[{"type":"record","name":"A","fields":[{"name":"f","type":["null","A",{"type":"record","name":"B",'
        '"fields":[{"name":"f","type":["A","B","null"]}]}]},{"name":"x","type":"int"}]},"B"]'
    }
    default = nested('{"f":', "null", "}", 150)
    use_fully(f'{{"type":"record","name":"M","fields":[{{"name":"m","type":["A","B"],"default":{default}}}]}}', choice)


REFUSED = [
    ("nothing", ""),
    ("spaces", " " * 1_000_000),
    ("too many arrays", nested('{"type":"array","items":', '"int"', "}", 201)),
    ("a million brackets", "[" * 1_000_000),
    ("a million quotes", '"' * 1_000_000),
    ("open comments", "/*" * 500_000),
    ("line comments", "//\n" * 300_000),
    ("a string of escaped quotes", '"' + '\\"' * 500_000),
    ("a string that ends in a backslash", '"//' + '\\"' * 400_000 + "\\"),
    ("a union of many", "[" + ",".join(['"int"'] * 100_000) + "]"),
    ("many undefined names", "[" + ",".join(f'"n{number}"' for number in range(50_000)) + "]"),
    ("a null character", '"int\x00"'),
    ("a surrogate", '{"type":"record","name":"R","doc":"\ud800","fields":[]}'),
    ("an escaped surrogate", '{"type":"record","name":"R","doc":"\\uDfff \\ud83d","fields":[]}'),
    ("a number without end", '{"type":"fixed","name":"F","size":' + "9" * 10_000 + "}"),
    ("a byte order mark", '\ufeff"int"'),
    ("a record in itself as a default", '{"type":"record","name":"R","fields":[{"name":"r","type":"R","default":{}}]}'),
]


@pytest.mark.parametrize("text", [text for _, text in REFUSED], ids=[name for name, _ in REFUSED])
def test_is_refused(text: str) -> None:
    with pytest.raises(InvalidSchemaError):
        parse(text)


VALUES: list[Any] = [None, True, 0, -1, 1.5, "", "x", ".", "..", [], [None], {}, {"type": "int"}]
ATTRIBUTES = ["type", "name", "namespace", "fields", "symbols", "size", "items", "values", "aliases", "default", "doc"]


@pytest.mark.parametrize("strictness", list(Strictness))
@pytest.mark.parametrize("key", [*ATTRIBUTES, "order"])
def test_any_value_of_any_attribute_is_judged(key: str, strictness: Strictness) -> None:
    record = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}
    schemas: list[dict[str, Any]] = [
        record,
        {"type": "enum", "name": "E", "symbols": ["A"]},
        {"type": "fixed", "name": "F", "size": 1},
        {"type": "array", "items": "int"},
        {"type": "map", "values": "int"},
        {"type": "int"},
    ]
    for value in VALUES:
        field: dict[str, Any] = {"name": "a", "type": "int", key: value}
        for schema in [*[each | {key: value} for each in schemas], record | {"fields": [field]}]:
            try:
                parsed = parse(json.dumps(schema), NONE, strictness)
            except InvalidSchemaError:
                continue
            text = avro.canonicalise(parsed)
            assert avro.canonicalise(parse(text, NONE, strictness)) == text
