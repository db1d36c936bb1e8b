"""What may be registered as an Avro schema, and what is said about the rest."""

import json
from typing import Any

import pytest

from karapace_like.schema import avro
from karapace_like.schema.avro.model import Parsed, Record, TypeName
from karapace_like.schema.model import InvalidSchemaError, Strictness


def parse(schema: Any, *dependencies: str, strictness: Strictness = Strictness.STRICT) -> Parsed:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    return avro.parse(text, {f"reference-{number}": each for number, each in enumerate(dependencies)}, strictness)


def record(*fields: Any, **attributes: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": list(fields), **attributes}


def field(type_: Any, **attributes: Any) -> dict[str, Any]:
    return {"name": "a", "type": type_, **attributes}


E_AB = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
X_2 = {"type": "fixed", "name": "X", "size": 2}
POINT = {
    "type": "record",
    "name": "P",
    "fields": [{"name": "x", "type": "int"}, {"name": "y", "type": "int", "default": 0}],
}

VALID: list[tuple[str, Any]] = [
    ("a primitive by name", '"string"'),
    ("a primitive as an object", {"type": "string"}),
    ("an empty union", "[]"),
    ("an empty enum", {"type": "enum", "name": "E", "symbols": []}),
    ("a record named like a complex type", record(name="record")),
    ("a simple name like a primitive's in a namespace", record(name="n.string")),
    ("a full name as the name", record(name="a.b.R", namespace="ignored")),
    ("the null namespace, asked for", record(namespace="")),
    ("a leading dot as the null namespace", record(name=".R")),
    ("an error", {"type": "error", "name": "Failure", "fields": []}),
    ("field names that differ in case", record(field("int"), {"name": "A", "type": "int"})),
    ("any field alias", record(field("int", aliases=["1x"]))),
    ("an alias in another namespace", record(aliases=["n.Old", "Older"])),
    ("an order in capitals", record(field("int", order="DESCENDING"))),
    ("doc that is no string", record(doc=1)),
    ("a namespace that is no string", record(namespace=1)),
    ("a name that is used before its definition", record(field("Later"), {"name": "b", "type": record(name="Later")})),
    ("an identical redefinition", record(field(POINT), {"name": "b", "type": POINT})),
    ("a redefinition with another doc", record(field(POINT), {"name": "b", "type": POINT | {"doc": "other"}})),
    ("a recursive record", record(field(["null", "R"], default=None))),
    ("a union of two fixed", [X_2, X_2 | {"name": "Y"}]),
    ("an unknown logical type", {"type": "int", "logicalType": "shoe-size"}),
    ("a decimal without precision", {"type": "bytes", "logicalType": "decimal"}),
    ("a date on a string", {"type": "string", "logicalType": "date"}),
    ("an enum with a default", E_AB | {"default": "B"}),
    ("an enum with a default that is no string", E_AB | {"default": 1}),
    ("a fixed of no bytes", X_2 | {"size": 0}),
    ("the longest fixed", X_2 | {"size": 2**31 - 9}),
    ("comments", '/* one */ {"type": // two\n "int" /* "three" */ }'),
    ("a comment's marks in a string", record(doc="http://x /* y */")),
    ("a default after another, of which the last counts", '{"type":"int","type":"string"}'),
]


@pytest.mark.parametrize("schema", [each for _, each in VALID], ids=[name for name, _ in VALID])
@pytest.mark.parametrize("strictness", list(Strictness))
def test_is_accepted(schema: Any, strictness: Strictness) -> None:
    """Passes if parsing raises nothing."""
    parse(schema, strictness=strictness)


DEFAULTS: list[tuple[Any, Any]] = [
    ("null", None),
    ("boolean", True),
    ("int", -(2**31)),
    ("long", 2**63 - 1),
    ("float", 1),
    ("double", 1.5),
    ("double", "1e3"),
    ("float", " -Infinity "),
    ("double", "NaN"),
    ("double", "1d"),
    ("bytes", "\u00ff"),
    ("string", ""),
    (E_AB, "Z"),
    (X_2, "a"),
    ({"type": "array", "items": "int"}, [1, 2]),
    ({"type": "map", "values": "int"}, {"k": 1}),
    (["null", "int"], None),
    (["null", "int"], 1),
    (["int", "null"], None),
    (POINT, {"x": 1}),
    (POINT, {"x": 1, "y": 2, "z": "unknown"}),
    ({"type": "array", "items": ["null", POINT]}, [None, {"x": 1}]),
    ({"type": "int", "logicalType": "date"}, 0),
]


@pytest.mark.parametrize(("type_", "default"), DEFAULTS)
def test_a_default_of_its_type_is_accepted(type_: Any, default: Any) -> None:
    """Passes if parsing raises nothing."""
    parse(record(field(type_, default=default)))


WRONG_DEFAULTS: list[tuple[Any, Any]] = [
    ("null", 0),
    ("boolean", "true"),
    ("boolean", 0),
    ("int", "1"),
    ("int", 1.0),
    ("int", True),
    ("int", 2**31),
    ("int", None),
    ("long", 2**63),
    ("float", "one"),
    ("double", "1_0"),
    ("double", None),
    ("bytes", 1),
    ("string", None),
    (E_AB, 1),
    (X_2, 1),
    ({"type": "array", "items": "int"}, {}),
    ({"type": "array", "items": "int"}, [1, "2"]),
    ({"type": "map", "values": "int"}, []),
    ({"type": "map", "values": "int"}, {"k": "1"}),
    (["null", "int"], "x"),
    ([], None),
    (POINT, {}),
    (POINT, {"x": "1"}),
    (POINT, None),
    (["null", "R"], {}),
    ("Later", "a name that is not defined yet can only be a record's"),
]


@pytest.mark.parametrize(("type_", "default"), WRONG_DEFAULTS)
def test_a_default_of_another_type_is_refused_but_stored_ones_are_read(type_: Any, default: Any) -> None:
    schema = record(field(type_, default=default), {"name": "later", "type": E_AB | {"name": "Later"}})
    with pytest.raises(InvalidSchemaError, match=r"^Invalid default for field a: .* not a "):
        parse(schema)
    parse(schema, strictness=Strictness.STORED)


def test_a_default_of_a_later_record_is_judged_when_the_record_is_known() -> None:
    later = {"name": "b", "type": POINT}
    parse(record(field("P", default={"x": 1}), later))
    with pytest.raises(InvalidSchemaError, match=r'^Invalid default for field a: {"x":"1"}'):
        parse(record(field("P", default={"x": "1"}), later))


INVALID: list[tuple[Any, str]] = [
    ("", "not valid JSON: Expecting value: line 1 column 1"),
    ("{'type':'string'}", "not valid JSON: Expecting property name"),
    ("string", "not valid JSON: Expecting value"),
    ('"int" "int"', "not valid JSON: Extra data"),
    ('"int" // why', "dangling content after end of schema: // why"),
    ('{"type":"int" /*', "not valid JSON"),
    ('{"type":"int","size":NaN}', "not valid JSON: NaN is no JSON number"),
    ('{"type":"record","name":"R","doc":"\\ud800","fields":[]}', "half of a surrogate pair"),
    ("null", "Schema not yet supported: null"),
    ("42", "Schema not yet supported: 42"),
    ("{}", "No type: {}"),
    ({"type": {"type": "string"}}, 'No type: {"type":{"type":"string"}}'),
    ({"type": ["null", "int"]}, "No type"),
    ('"unknown"', "Undefined schema: unknown"),
    ({"type": "RECORD", "name": "R", "fields": []}, "Undefined schema: RECORD"),
    (record(field("Missing"), namespace="n"), "Undefined schema: n.Missing"),
    ({"type": "record", "name": "R"}, 'Record has no fields: {"type":"record","name":"R"}'),
    ({"type": "record", "fields": []}, "No name in schema"),
    (record("a"), 'No field name: "a"'),
    (record({"name": "a"}), "No field type"),
    (record(field(None)), "Schema not yet supported: null"),
    (record(name="9bad"), "Illegal initial character: 9bad"),
    (record(name="R$x"), "Illegal character in: R$x"),
    (record(name="Na\u00efve"), "Illegal character in: Na\u00efve"),
    (record(name=""), "Empty name"),
    (record(name="n."), "Empty name"),
    (record(namespace="a-b"), 'Namespace part "a-b" is invalid: Illegal character in: a-b'),
    (record(namespace="a..b"), 'Namespace part "" is invalid: Empty name'),
    (record(name="string"), "Schemas may not be named after primitives: string"),
    (record({"name": "a b", "type": "int"}), "Illegal character in: a b"),
    (
        record(field("int"), field("string"), name="D", namespace="n"),
        "Duplicate field a in record n.D: a type:STRING pos:1 and a type:INT pos:0.",
    ),
    (record(field("R"), field("n.R"), field(record(name="n.R"))), "Duplicate field a in record R: a type:RECORD pos:1"),
    (record(field("int", order="sideways")), 'Invalid order for field a: "sideways"'),
    (record(field("int", order=1)), "Invalid order for field a: 1"),
    (record(aliases="x"), "aliases not an array"),
    (record(aliases=[1]), "alias not a string: 1"),
    (record(aliases=["b-d"]), "Illegal character in: b-d"),
    (record(field("int", aliases=None)), "aliases not an array"),
    ({"type": "enum", "name": "E"}, "Enum has no symbols"),
    (E_AB | {"symbols": [1]}, "enum symbol not a string: 1"),
    (E_AB | {"symbols": ["A", "A"]}, "Duplicate enum symbol: A"),
    (E_AB | {"symbols": ["1A"]}, "Illegal initial character: 1A"),
    (E_AB | {"default": "C"}, "The Enum Default: C is not in the enum symbol set: [A, B]"),
    ({"type": "fixed", "name": "F"}, 'Invalid or no size: {"type":"fixed","name":"F"}'),
    (X_2 | {"size": "4"}, "Invalid or no size"),
    (X_2 | {"size": 4.0}, "Invalid or no size"),
    (X_2 | {"size": True}, "Invalid or no size"),
    (X_2 | {"size": 2**31}, "Invalid or no size"),
    (X_2 | {"size": -1}, "Length is negative: -1"),
    (X_2 | {"size": 2**31 - 1}, "A fixed cannot be longer than 2147483639 bytes"),
    ({"type": "array"}, 'Array has no items type: {"type":"array"}'),
    ({"type": "map"}, 'Map has no values type: {"type":"map"}'),
    ([{"type": "string"}, "string"], "Duplicate in union:string"),
    ([{"type": "array", "items": "int"}, {"type": "array", "items": "string"}], "Duplicate in union:array"),
    ([POINT, "P"], "Duplicate in union:P"),
    (["null", ["int", "string"]], 'Nested union: ["null",["int","string"]]'),
    (record(field(POINT), {"name": "b", "type": X_2 | {"name": "P"}}), "Can't redefine: P"),
    (record(field(E_AB), {"name": "b", "type": E_AB | {"symbols": ["A"]}}), "Can't redefine: E"),
    (record(field(E_AB), {"name": "b", "type": E_AB | {"colour": "red"}}), "Can't redefine: E"),
    ([{"type": "array", "items": record(field("R"))}, record(field("R"))], "Can't redefine: R"),
]


@pytest.mark.parametrize(("schema", "message"), INVALID, ids=[message for _, message in INVALID])
@pytest.mark.parametrize("strictness", [Strictness.STRICT, Strictness.LAX])
def test_is_refused_and_the_message_says_why(schema: Any, message: str, strictness: Strictness) -> None:
    with pytest.raises(InvalidSchemaError) as refusal:
        parse(schema, strictness=strictness)
    assert message in str(refusal.value)


STORED: list[Any] = [
    {"type": {"type": "string"}},
    {"type": ["null", "int"]},
    record(name="9bad", namespace="a-b"),
    record(name="string"),
    record(field("int"), field("string")),
    record(field("int", order="sideways")),
    record(aliases=["b-d"]),
    E_AB | {"symbols": ["A", "A", "1-2"], "default": "C"},
    ["int", "int"],
    record(field(E_AB), {"name": "b", "type": E_AB | {"symbols": ["A"]}}),
]


@pytest.mark.parametrize("schema", STORED)
def test_a_stored_schema_is_read_where_a_new_one_is_refused(schema: Any) -> None:
    with pytest.raises(InvalidSchemaError):
        parse(schema)
    assert avro.canonicalise(parse(schema, strictness=Strictness.STORED))


def test_a_long_schema_is_not_repeated_in_the_message() -> None:
    with pytest.raises(InvalidSchemaError) as refusal:
        parse({"type": "record", "name": "R", "doc": "x" * 10_000})
    assert len(str(refusal.value)) < 1_000


def test_an_unqualified_name_is_looked_up_in_its_namespace_first_then_in_none() -> None:
    inner = {"type": "fixed", "name": "X", "namespace": "", "size": 1}
    outer = {"type": "fixed", "name": "X", "size": 2}
    both = parse(record(field(inner), {"name": "b", "type": outer}, {"name": "c", "type": "X"}, namespace="n"))
    only = parse(record(field(inner), {"name": "c", "type": "X"}, namespace="n"))
    assert [_last_name(each) for each in (both, only)] == ["n.X", "X"]


def _last_name(parsed: Parsed) -> str:
    assert isinstance(parsed.root, Record)
    last = parsed.root.fields[-1].type
    assert isinstance(last, TypeName)
    return last.name


def test_names_come_from_dependencies_in_their_order() -> None:
    depot = '{"type":"record","name":"Depot","namespace":"n","fields":[]}'
    route = '{"type":"record","name":"Route","namespace":"n","fields":[{"name":"from","type":"Depot"}]}'
    trip = record(field("n.Route"))
    assert avro.find_record_name(parse(trip, depot, route)) == "R"
    with pytest.raises(InvalidSchemaError, match=r"reference 'reference-0': Undefined schema: n\.Depot"):
        parse(trip, route, depot)
    with pytest.raises(InvalidSchemaError, match=r"Undefined schema: n\.Route"):
        parse(trip, depot)


def test_dependencies_may_repeat_a_definition_but_not_contradict_it() -> None:
    first, second = json.dumps(E_AB), json.dumps(E_AB | {"symbols": ["A"]})
    parse('"E"', first, first)
    with pytest.raises(InvalidSchemaError, match="Can't redefine: E"):
        parse('"E"', first, second)
    with pytest.raises(InvalidSchemaError, match="Can't redefine: E"):
        parse(record(field(E_AB | {"symbols": ["A"]})), first)


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        (record(namespace="n"), "n.R"),
        ({"type": "error", "name": "Bad", "fields": []}, "Bad"),
        (E_AB, None),
        (["null"], None),
    ],
)
def test_only_a_record_has_a_name_for_subjects(schema: Any, name: str | None) -> None:
    assert avro.find_record_name(parse(schema)) == name
