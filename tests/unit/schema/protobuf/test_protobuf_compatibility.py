"""Which changes of a Protobuf schema are compatible, and how the others are told."""

import pytest

from karapace_like.schema import protobuf
from karapace_like.schema.compatibility import compare, report
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy, Rule, Strictness

P2 = 'syntax = "proto2";\npackage own;\n'
P3 = 'syntax = "proto3";\npackage own;\n'


def parsed(text: str, **dependencies: str) -> protobuf.ParsedProtobuf:
    return protobuf.parse(
        text, {f"{name}.proto": dependency for name, dependency in dependencies.items()}, Strictness.STRICT
    )


def found(old: protobuf.ParsedProtobuf, new: protobuf.ParsedProtobuf) -> list[tuple[str, str]]:
    return [
        (each.rule.name, each.path) for each in protobuf.find_incompatibilities(new, old, CompatibilityPolicy.STRICT)
    ]


@pytest.mark.parametrize("rule", protobuf.RULES.values(), ids=lambda rule: str(rule.name))
def test_the_example_of_each_rule_breaks_that_rule_and_no_other(rule: Rule) -> None:
    breaches = protobuf.find_incompatibilities(parsed(rule.new), parsed(rule.old), CompatibilityPolicy.STRICT)
    assert [each.rule for each in breaches] == [rule]
    assert breaches[0].path in breaches[0].message()
    assert "{" not in breaches[0].message()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("message M { string a = 1; }", "message M { string b = 1; }"),
        ("message M { string a = 1; }", "message M { }"),
        ("message M { }", "message M { string a = 1; }"),
        ("message M { string a = 1; }", "message M { repeated bytes a = 1; }"),
        ("message M { M m = 1; }", "message M { repeated M m = 1; }"),
        ("message M { int32 a = 1; }", "message M { repeated bool a = 1; }"),
        ("message M { int32 a = 1; }", "message M { optional int32 a = 1; }"),
        ("message M { E a = 1; } enum E { A = 0; B = 1; }", "message M { int64 a = 1; }"),
        ("message M { E a = 1; } enum E { A = 0; B = 1; }", "message M { F a = 1; } enum F { C = 0; }"),
        ("message M { string a = 1; }", "message M { oneof o { string a = 1; int32 b = 2; } }"),
        ("message M { oneof o { string a = 1; int32 b = 2; } }", "message M { string a = 1; int32 b = 2; }"),
        (
            "message M { oneof o { string a = 1; int32 b = 2; } }",
            "message M { oneof p { string a = 1; int32 b = 2; } }",
        ),
        ("message M { oneof o { string a = 1; } }", "message M { oneof o { string a = 1; int32 b = 2; } }"),
        ("message M { map<int32, bool> a = 1; }", "message M { map<int64, E> a = 1; } enum E { A = 0; }"),
        ("message M { reserved 1; }", "message M { string a = 1; }"),
        ("message M { } message N { }", "message N { } message M { } message O { }"),
        ("message M { string a = 1; } service S { rpc A (M) returns (M); }", "message M { string a = 1; }"),
        ("message M { M m = 1; }", "message M { .own.M m = 1; }"),
    ],
)
def test_what_keeps_old_data_readable_is_compatible(old: str, new: str) -> None:
    assert found(parsed(P3 + old), parsed(P3 + new)) == []


@pytest.mark.parametrize(
    ("old", "new", "breaches"),
    [
        ("message M { int32 a = 1; }", "message M { sint32 a = 1; }", [("FIELD_SCALAR_KIND_CHANGED", "#/M/1")]),
        ("message M { int32 a = 1; }", "message M { fixed32 a = 1; }", [("FIELD_SCALAR_KIND_CHANGED", "#/M/1")]),
        ("message M { float a = 1; }", "message M { double a = 1; }", [("FIELD_SCALAR_KIND_CHANGED", "#/M/1")]),
        ("message M { M a = 1; }", "message M { string a = 1; }", [("FIELD_KIND_CHANGED", "#/M/1")]),
        (
            "message M { map<int32, M> a = 1; }",
            "message M { map<string, string> a = 1; }",
            [("FIELD_SCALAR_KIND_CHANGED", "#/M/1"), ("FIELD_KIND_CHANGED", "#/M/1")],
        ),
        (
            "message M { message N { string a = 1; } }",
            "message M { message N { int32 a = 1; } }",
            [("FIELD_SCALAR_KIND_CHANGED", "#/M/N/1")],
        ),
        (
            "message M { message N { } N n = 1; }",
            "message M { N n = 1; } message N { }",
            [("FIELD_NAMED_TYPE_CHANGED", "#/M/1"), ("MESSAGE_REMOVED", "#/M/N")],
        ),
        (
            "message M { oneof o { string a = 1; string b = 2; int32 c = 3; } }",
            "message M { oneof o { int32 a = 1; int32 c = 3; } }",
            [("FIELD_SCALAR_KIND_CHANGED", "#/M/o/1"), ("ONEOF_FIELD_REMOVED", "#/M/o/2")],
        ),
        (
            "message M { string a = 1; string b = 2; oneof o { string c = 3; } }",
            "message M { oneof o { string a = 1; string c = 3; } oneof p { string b = 2; } }",
            [("FIELD_MOVED_TO_EXISTING_ONEOF", "#/M/o")],
        ),
        (
            "message M { optional int32 a = 1; repeated int32 b = 2; }",
            "message M { repeated int32 a = 1; optional int32 b = 2; }",
            [("FIELD_NUMERIC_LABEL_CHANGED", "#/M/1"), ("FIELD_NUMERIC_LABEL_CHANGED", "#/M/2")],
        ),
        ("message M { }", "enum E { A = 0; }", [("MESSAGE_REMOVED", "#/M")]),
    ],
)
def test_every_breach_is_told_where_it_is(old: str, new: str, breaches: list[tuple[str, str]]) -> None:
    assert found(parsed(P3 + old), parsed(P3 + new)) == breaches


def test_required_fields_of_editions_are_required() -> None:
    old = 'edition = "2023"; message M { int32 a = 1 [features.field_presence = LEGACY_REQUIRED]; }'
    assert found(parsed(old), parsed('edition = "2023"; message M { }')) == [("REQUIRED_FIELD_REMOVED", "#/M/1")]


def dependency(fields: str, package: str = "dep") -> str:
    return f'syntax = "proto3"; package {package}; message Addr {{ {fields} }}'


USER = P3 + 'import "addr.proto"; message M { dep.Addr a = 1; }'


@pytest.mark.parametrize(
    ("old", "new", "breaches"),
    [
        ("string city = 1;", "string city = 1; string zip = 2;", []),
        ("string city = 1;", "bytes town = 1;", []),
        (
            "string city = 1;",
            "int32 city = 1;",
            [("FIELD_SCALAR_KIND_CHANGED", "#/M/1/1"), ("FIELD_NAMED_TYPE_CHANGED", "#/M/1")],
        ),
        ("Addr next = 1; string city = 2;", "Addr next = 1; string town = 2;", []),
        (
            "Addr next = 1; string city = 2;",
            "Addr next = 1; int32 city = 2;",
            [("FIELD_SCALAR_KIND_CHANGED", "#/M/1/2"), ("FIELD_NAMED_TYPE_CHANGED", "#/M/1")],
        ),
    ],
)
def test_imported_messages_are_compared_where_they_are_used(
    old: str, new: str, breaches: list[tuple[str, str]]
) -> None:
    assert found(parsed(USER, addr=dependency(old)), parsed(USER, addr=dependency(new))) == breaches


def test_an_imported_message_may_move_to_another_package_or_into_the_file() -> None:
    old = parsed(USER, addr=dependency("string city = 1;"))
    moved = parsed(USER.replace("dep.", "far."), addr=dependency("string city = 1;", "far"))
    own = parsed(P3 + "message M { Addr a = 1; } message Addr { string city = 1; }")
    assert found(old, moved) == []
    assert found(old, own) == []
    assert found(own, old) == [("MESSAGE_REMOVED", "#/Addr")]


def test_a_well_known_type_is_its_shape() -> None:
    known = parsed(P3 + 'import "google/protobuf/timestamp.proto"; message M { google.protobuf.Timestamp a = 1; }')
    own = parsed(P3 + "message M { Timestamp a = 1; } message Timestamp { int64 seconds = 1; int32 nanos = 2; }")
    assert found(known, own) == []
    other = parsed(P3 + "message M { Timestamp a = 1; } message Timestamp { string text = 1; }")
    assert found(known, other) == [("FIELD_SCALAR_KIND_CHANGED", "#/M/1/1"), ("FIELD_NAMED_TYPE_CHANGED", "#/M/1")]


def test_lax_schemas_are_compared_too() -> None:
    old, new = (
        protobuf.parse(P3 + f'import "gone.proto"; message M {{ gone.{name} a = 0; }}', {}, Strictness.STORED)
        for name in ("A", "B")
    )
    assert found(old, old) == []
    assert found(old, new) == [("FIELD_NAMED_TYPE_CHANGED", "#/M/0")]


def test_messages_are_told_in_the_order_of_the_reference_registry() -> None:
    old = parsed(P3 + "message M { } message N { } message P { } message Q { }")
    assert [path for _, path in found(old, parsed(P3))] == ["#/P", "#/Q", "#/M", "#/N"]


def test_the_report_is_that_of_the_reference_registry() -> None:
    old = parsed(P3 + "message Crate { string label = 1; int32 slots = 2; }")
    new = parsed(P3 + "message Crate { string label = 1; string slots = 2; }")
    assert report(new, compare(new, old, CompatibilityLevel.FULL)) == [
        '{errorType:"FIELD_SCALAR_KIND_CHANGED", description:"The kind of a SCALAR field at path \'#/Crate/2\''
        f' in the {reader} schema does not match its kind in the {writer} schema"}}'
        for reader, writer in (("new", "old"), ("old", "new"))
    ]


def test_a_breach_shows_both_fields() -> None:
    old, new = parsed(P3 + "message M { int32 a = 1; }"), parsed(P3 + "message M { repeated string a = 1; }")
    (breach,) = protobuf.find_incompatibilities(new, old, CompatibilityPolicy.STRICT)
    assert (breach.reader, breach.writer) == ("repeated string a = 1;", "int32 a = 1;")


def test_types_that_refer_to_each_other_many_times_are_compared_once() -> None:
    """Thirty doublings would be a thousand million comparisons."""
    doubling = "".join(f"message N{i} {{ N{i + 1} a = 1; N{i + 1} b = 2; }}" for i in range(30))
    text = P3 + 'import "deep.proto"; message M { N0 a = 1; }'
    old, new = (
        parsed(text, deep=f'syntax = "proto3"; {doubling} message N30 {{ {leaf} a = 1; }}')
        for leaf in ("string", "int32")
    )
    breaches = found(old, new)
    assert breaches[0] == ("FIELD_SCALAR_KIND_CHANGED", "#/M" + "/1" * 32)
    assert breaches[-1] == ("FIELD_NAMED_TYPE_CHANGED", "#/M/1")
    assert len(breaches) == 1 + 2 * 30 + 1
