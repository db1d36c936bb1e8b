"""Which reader can read which writer's data, and how the rest is told."""

import io
import json
from typing import Any

import fastavro
import pytest

from karapace_like.schema import avro, compatibility
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy, Rule, Strictness


def found(reader: Any, writer: Any) -> list[tuple[str, str, str]]:
    """(rule, path, detail) for two schemas as JSON."""
    ours, theirs = (avro.parse(json.dumps(each), {}, Strictness.STRICT) for each in (reader, writer))
    verdict = avro.find_incompatibilities(ours, theirs, CompatibilityPolicy.STRICT)
    return [(each.rule.name, each.path, each.detail) for each in verdict]


def record(*fields: Any, **attributes: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": list(fields), **attributes}


def field(type_: Any, name: str = "a", **attributes: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, **attributes}


def enum(*symbols: str, **attributes: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "E", "symbols": list(symbols), **attributes}


def fixed(size: int, **attributes: Any) -> dict[str, Any]:
    return {"type": "fixed", "name": "X", "size": size, **attributes}


@pytest.mark.parametrize("rule", avro.RULES.values(), ids=avro.RULES)
def test_the_example_of_each_rule_breaks_it_and_no_other(rule: Rule) -> None:
    names = [name for name, _, _ in found(json.loads(rule.new), json.loads(rule.old))]
    assert names == [rule.name]
    assert found(json.loads(rule.old), json.loads(rule.old)) == []


COUNTER_EXAMPLES: list[tuple[str, Any]] = [
    ("FIXED_SIZE_MISMATCH", b"0123456789abcdef"),
    ("MISSING_ENUM_SYMBOLS", "LOST"),
    ("READER_FIELD_MISSING_DEFAULT_VALUE", {"grams": 1}),
    ("TYPE_MISMATCH", {"grams": 1}),
    ("MISSING_UNION_BRANCH", {"note": 1}),
]


@pytest.mark.parametrize(("name", "datum"), COUNTER_EXAMPLES)
def test_data_of_an_example_cannot_be_read(name: str, datum: Any) -> None:
    old, new = json.loads(avro.RULES[name].old), json.loads(avro.RULES[name].new)
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, old, datum)
    buffer.seek(0)
    with pytest.raises((fastavro.read.SchemaResolutionError, ValueError, EOFError)):
        fastavro.schemaless_reader(buffer, old, new)


PROMOTIONS = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}
PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]


@pytest.mark.parametrize("writer", PRIMITIVES)
@pytest.mark.parametrize("reader", PRIMITIVES)
def test_a_primitive_is_read_as_itself_or_what_it_can_be_promoted_to(reader: str, writer: str) -> None:
    detail = f"reader type: {reader.upper()} not compatible with writer type: {writer.upper()}"
    readable = reader == writer or reader in PROMOTIONS.get(writer, ())
    assert found(reader, writer) == ([] if readable else [("TYPE_MISMATCH", "/", detail)])


COMPATIBLE: list[tuple[Any, Any]] = [
    # Named types: the simple name counts, or an alias that is the writer's full name.
    (fixed(1, namespace="n"), fixed(1, namespace="m")),
    (fixed(1, aliases=["m.Old"]), {"type": "fixed", "name": "m.Old", "size": 1}),
    (enum("A", "B"), enum("B", "A")),
    (enum("A", default="A"), enum("A", "B", "C")),
    (record(), record(field("int"))),
    (record(field("int"), field("int", "b", default=1)), record(field("int"))),
    (record(field("int", "b"), field("int")), record(field("int"), field("int", "b"))),
    (record(field("int", "b", aliases=["x", "a"])), record(field("int"))),
    (record(field("int", aliases=["a"])), record(field("int"))),
    # Unions: each branch that can be written must be read by some branch.
    (["null", "long"], ["int", "null"]),
    (["null", "long"], "int"),
    ("long", ["int", "long"]),
    ("int", []),
    ([], []),
    ([fixed(1), fixed(2, name="m.X")], fixed(2)),
    ({"type": "array", "items": "double"}, {"type": "array", "items": "int"}),
    ({"type": "map", "values": "double"}, {"type": "map", "values": "int"}),
    # What is no part of the data.
    ({"type": "int", "logicalType": "date"}, {"type": "int", "logicalType": "time-millis"}),
    ({"type": "error", "name": "R", "fields": []}, record()),
    (record(field("int", order="ignore", doc="d"), doc="d"), record(field("int", default=1))),
]


@pytest.mark.parametrize(("reader", "writer"), COMPATIBLE)
def test_is_compatible(reader: Any, writer: Any) -> None:
    assert found(reader, writer) == []


INCOMPATIBLE: list[tuple[Any, Any, list[tuple[str, str, str]]]] = [
    (fixed(1), {"type": "fixed", "name": "m.Y", "size": 1}, [("NAME_MISMATCH", "/name", "expected: m.Y")]),
    (
        fixed(1, aliases=["Y"]),
        {"type": "fixed", "name": "m.Y", "size": 1},
        [("NAME_MISMATCH", "/name", "expected: m.Y")],
    ),
    (
        fixed(1),
        {"type": "fixed", "name": "Y", "size": 2},
        [
            ("NAME_MISMATCH", "/name", "expected: Y"),
            ("FIXED_SIZE_MISMATCH", "/size", "expected: 2, found: 1"),
        ],
    ),
    (enum("B"), enum("D", "B", "A"), [("MISSING_ENUM_SYMBOLS", "/symbols", "[A, D]")]),
    (
        {"type": "array", "items": {"type": "map", "values": "int"}},
        {"type": "array", "items": {"type": "map", "values": "long"}},
        [("TYPE_MISMATCH", "/items/values", "reader type: INT not compatible with writer type: LONG")],
    ),
    (
        {"type": "array", "items": "int"},
        {"type": "map", "values": "int"},
        [("TYPE_MISMATCH", "/", "reader type: ARRAY not compatible with writer type: MAP")],
    ),
    (
        "string",
        ["null", "string", "int"],
        [
            ("TYPE_MISMATCH", "/0", "reader type: STRING not compatible with writer type: NULL"),
            ("TYPE_MISMATCH", "/2", "reader type: STRING not compatible with writer type: INT"),
        ],
    ),
    (
        ["null", "string"],
        ["long", "string", enum("A")],
        [
            ("MISSING_UNION_BRANCH", "/0", "reader union lacking writer type: LONG"),
            ("MISSING_UNION_BRANCH", "/2", "reader union lacking writer type: ENUM"),
        ],
    ),
    (
        record(field(["null", record(field("int", "x"), name="N")])),
        record(field(record(name="N"))),
        [("MISSING_UNION_BRANCH", "/fields/0/type", "reader union lacking writer type: RECORD")],
    ),
    (
        record(field("int"), field("int", "b"), field("boolean", "c")),
        record(field("string"), field("int", "c")),
        [
            ("TYPE_MISMATCH", "/fields/0/type", "reader type: INT not compatible with writer type: STRING"),
            ("READER_FIELD_MISSING_DEFAULT_VALUE", "/fields/1", "b"),
            ("TYPE_MISMATCH", "/fields/2/type", "reader type: BOOLEAN not compatible with writer type: INT"),
        ],
    ),
    # The default of an enum is for unknown symbols; the reference says so in its own way.
    (
        record(field(enum("A", default="A"))),
        record(),
        [("TYPE_MISMATCH", "/fields/0/type", "reader type: ENUM not compatible with writer type: RECORD")],
    ),
    (
        record(field("int", "c", aliases=["a", "b"])),
        record(field("int"), field("int", "b")),
        [("AMBIGUOUS_FIELD_ALIASES", "/fields/0", "c")],
    ),
]


@pytest.mark.parametrize(("reader", "writer", "expected"), INCOMPATIBLE)
def test_every_incompatibility_is_found_in_order(
    reader: Any, writer: Any, expected: list[tuple[str, str, str]]
) -> None:
    assert found(reader, writer) == expected


def test_what_two_places_share_is_told_for_both_with_the_first_ones_path() -> None:
    def pair(size: int) -> dict[str, Any]:
        return record(field(fixed(size)), field("X", "b"))

    assert found(pair(1), pair(2)) == [("FIXED_SIZE_MISMATCH", "/fields/0/type/size", "expected: 2, found: 1")] * 2


def test_recursive_types_are_compared_once() -> None:
    def node(value: str) -> dict[str, Any]:
        return record(
            field(value, "value"), field(["null", "R"], "next"), field({"type": "array", "items": "R"}, "all")
        )

    assert found(node("long"), node("int")) == []
    assert found(node("int"), node("long")) == [
        ("TYPE_MISMATCH", "/fields/0/type", "reader type: INT not compatible with writer type: LONG")
    ]


def test_an_assumption_that_proves_wrong_inside_of_a_union_is_taken_back() -> None:
    """P is tried as a branch and fails, but P2 reads it; Q was found readable on the assumption that P is."""
    inner = field(["null", record(field(["null", "P"], "p"), name="Q")], "q")
    readers = [record(inner, field("int", "more"), name="P"), record(name="P2", aliases=["P"])]
    reader = record(field(["null", *readers]), field("Q", "q"))
    writer = record(field(["null", record(inner, name="P")]), field("Q", "q"))
    assert found(reader, writer) == [
        ("MISSING_UNION_BRANCH", "/fields/1/type/fields/0/type/1", "reader union lacking writer type: RECORD")
    ]


def test_fragments_show_the_two_types() -> None:
    reader = avro.parse(
        json.dumps(record(field(["null", {"type": "array", "items": enum("A")}]))), {}, Strictness.STRICT
    )
    writer = avro.parse(json.dumps(record(field({"type": "map", "values": fixed(1)}))), {}, Strictness.STRICT)
    (only,) = avro.find_incompatibilities(reader, writer, CompatibilityPolicy.STRICT)
    assert (only.reader, only.writer) == ('["null",{"type":"array","items":"E"}]', '{"type":"map","values":"X"}')


def test_references_are_followed_on_both_sides() -> None:
    def route(depot: dict[str, Any]) -> Any:
        return avro.parse('{"type":"array","items":"R"}', {"R": json.dumps(depot)}, Strictness.STRICT)

    new, old = route(record(field("int"))), route(record())
    assert [each.path for each in avro.find_incompatibilities(new, old, CompatibilityPolicy.STRICT)] == [
        "/items/fields/0"
    ]
    assert avro.find_incompatibilities(old, new, CompatibilityPolicy.STRICT) == []


SENTENCES = [
    (
        record(),
        record(field("int")),
        (
            "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'a' at path '/fields/0' in the old"
            " schema has no default value and is missing in the new schema', additionalInfo:'a'}"
        ),
    ),
    (
        record(field("int")),
        record(),
        (
            "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'a' at path '/fields/0' in the new"
            " schema has no default value and is missing in the old schema', additionalInfo:'a'}"
        ),
    ),
    (
        enum("A"),
        enum("A", "B"),
        (
            "{errorType:'MISSING_ENUM_SYMBOLS', description:'The new schema is missing enum symbols '[B]' at path"
            " '/symbols' in the old schema', additionalInfo:'[B]'}"
        ),
    ),
    (
        fixed(8),
        fixed(4),
        (
            "{errorType:'FIXED_SIZE_MISMATCH', description:'The size of FIXED type field at path '/size' in the new"
            " schema does not match with the old schema', additionalInfo:'expected: 4, found: 8'}"
        ),
    ),
    (
        ["null"],
        ["null", "int"],
        (
            "{errorType:'MISSING_UNION_BRANCH', description:'The new schema is missing a type inside a union field at"
            " path '/1' in the old schema', additionalInfo:'reader union lacking writer type: INT'}"
        ),
    ),
    (
        "string",
        "int",
        (
            "{errorType:'TYPE_MISMATCH', description:'The type (path '/') of a field in the new schema does not match"
            " with the old schema', additionalInfo:'reader type: STRING not compatible with writer type: INT'}"
        ),
    ),
    (
        fixed(1, name="Y"),
        fixed(1, namespace="n"),
        (
            "{errorType:'NAME_MISMATCH', description:'The name of the schema has changed (path '/name')',"
            " additionalInfo:'expected: n.X'}"
        ),
    ),
]


@pytest.mark.parametrize(("new", "old", "sentence"), SENTENCES)
def test_incompatibilities_are_told_in_the_words_of_the_reference(new: Any, old: Any, sentence: str) -> None:
    ours, theirs = (avro.parse(json.dumps(each), {}, Strictness.STRICT) for each in (new, old))
    findings = compatibility.compare(ours, theirs, CompatibilityLevel.FULL)
    assert sentence in compatibility.report(ours, findings)
