"""How Protobuf schemas are stored, normalized and formatted."""

import base64
from pathlib import Path

import grpc_tools
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from karapace_like.schema import protobuf
from karapace_like.schema.model import InvalidSchemaError, Strictness
from tests.unit.schema.protobuf.descriptor_content import content

P2 = 'syntax = "proto2";\n'
P3 = 'syntax = "proto3";\n'
PROTOC_FILES = sorted(Path(grpc_tools.__file__).parent.glob("_proto/google/protobuf/*.proto"))
SHIPPED_FILES = sorted(Path(protobuf.__file__).parent.glob("shipped/**/*.proto"))


def parsed(text: str, dependencies: dict[str, str] | None = None) -> protobuf.ParsedProtobuf:
    return protobuf.parse(text, dependencies or {}, Strictness.STRICT)


def descriptor(schema: protobuf.ParsedProtobuf) -> FileDescriptorProto:
    return FileDescriptorSet.FromString(protobuf.descriptor_set(schema)).file[-1]


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("message M{}", "\nmessage M {}\n"),
        (P3 + "// c\nmessage M { /* d */ string a=0x1; }", P3 + "\nmessage M {\n  string a = 1;\n}\n"),
        (P3 + "enum E {A=0;} message M {}", P3 + "\nmessage M {}\nenum E {\n  A = 0;\n}\n"),
        (
            P3 + 'import public "google/type/date.proto"; import "google/protobuf/any.proto"; option java_package="a";',
            P3 + '\nimport "google/protobuf/any.proto";\nimport public "google/type/date.proto";\n'
            '\noption java_package = "a";\n',
        ),
        (
            P3 + "message M { enum E { Z = 0; } message N { N n = 1; oneof o { string a = 2; } } map<string,N> m = 3;"
            ' oneof p { N q = 4; } optional E e = 5; reserved 9, "x"; option deprecated = true; }',
            P3 + '\nmessage M {\n  reserved 9, "x";\n\n  option deprecated = true;\n\n  map<string, N> m = 3;\n'
            "  optional E e = 5;\n\n  oneof p {\n    N q = 4;\n  }\n\n  message N {\n    N n = 1;\n  \n    oneof o {\n"
            "      string a = 2;\n    }\n  }\n  enum E {\n    Z = 0;\n  }\n}\n",
        ),
        (
            P3 + 'message M { string a = 1 [json_name="A", deprecated=true]; string b = 2 [json_name = "B"]; }',
            P3 + '\nmessage M {\n  string a = 1 [\n    deprecated = true,\n    json_name = "A"\n  ];\n'
            '  string b = 2 [json_name = "B"];\n}\n',
        ),
        (
            P2
            + "message M { optional group G = 1 { required int32 x = 2; } extensions 4, 100 to max; }"
            ' extend M { repeated string s = 4 [default = "q"]; }'.replace(' [default = "q"]', ""),
            P2 + "\nmessage M {\n  optional group G = 1 {\n    required int32 x = 2;\n  }\n\n"
            "  extensions 4, 100 to max;\n}\n\nextend M {\n  repeated string s = 4;\n}\n",
        ),
        (
            P3 + "message M {} service S { rpc A(M) returns(stream M);"
            " rpc B(stream M) returns(M){option deprecated=true;}}",
            P3 + "\nmessage M {}\n\nservice S {\n  rpc A (M) returns (stream M);\n  rpc B (stream M) returns (M) {\n"
            "    option deprecated = true;\n  };\n}\n",
        ),
        (
            P2 + r"""option java_package = 'a"b' "\x41\101\n\377é";""",
            P2 + '\noption java_package = "a\\"bAA\\n\\377é";\n',
        ),
        (P2 + """option java_package = "it's";""", P2 + '\noption java_package = "it\\\'s";\n'),
        (
            P2 + "message M { message N {} extend M { optional N n = 4; } extensions 4; }",
            P2 + "\nmessage M {\n  extensions 4;\n\n  extend M {\n    optional N n = 4;\n  }\n\n  message N {}\n}\n",
        ),
        (
            P3 + 'import "confluent/meta.proto"; option (confluent.file_meta) ='
            ' { doc: "d" tags: ["a", "b"], params <key: "k"> };',
            P3
            + '\nimport "confluent/meta.proto";\n\noption (confluent.file_meta) = {\n  doc: "d",\n  tags: [\n    "a",\n'
            '    "b"\n  ],\n  params: {\n    key: "k"\n  }\n};\n',
        ),
    ],
)
def test_the_stored_text_has_one_layout_and_no_comments(text: str, stored: str) -> None:
    assert protobuf.canonicalise(protobuf.parse(text, {}, Strictness.LAX)) == stored


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        (
            P2 + "message M { optional int32 b = 2; optional int32 a = 1; }",
            "\nmessage M {\n  optional int32 a = 1;\n  optional int32 b = 2;\n}\n",
        ),
        (
            P3 + 'import "google/type/date.proto"; import "google/protobuf/any.proto"; import public "dep.proto";',
            P3
            + '\nimport "google/protobuf/any.proto";\nimport "google/type/date.proto";\nimport public "dep.proto";\n',
        ),
        (
            P3 + 'option objc_class_prefix = "A"; option java_package = "b";',
            P3 + '\noption java_package = "b";\noption objc_class_prefix = "A";\n',
        ),
        (
            P3 + "package p; message M { oneof b { N n = 4; string t = 2; } oneof a { E e = 3; } N m = 1;"
            " message N {} enum E { Z = 0; } }",
            P3
            + "package p;\n\nmessage M {\n  .p.M.N m = 1;\n\n  oneof b {\n    string t = 2;\n    .p.M.N n = 4;\n  }\n"
            "  oneof a {\n    .p.M.E e = 3;\n  }\n\n  message N {}\n  enum E {\n    Z = 0;\n  }\n}\n",
        ),
        (
            P3 + 'message M { reserved "b", "a"; reserved 7 to 9, 3; }',
            P3 + '\nmessage M {\n  reserved 3;\n  reserved 7 to 9;\n  reserved "a";\n  reserved "b";\n}\n',
        ),
        (
            P3 + "message B {} message A {} service S { rpc Z (A) returns (B); rpc Y (B) returns (A); }",
            P3 + "\nmessage B {}\nmessage A {}\n\nservice S {\n  rpc Z (.A) returns (.B);\n"
            "  rpc Y (.B) returns (.A);\n}\n",
        ),
        (
            P3 + 'message M { map<string, M> m = 1 [json_name = "x", deprecated = true]; }',
            P3 + '\nmessage M {\n  map<string, .M> m = 1 [\n    deprecated = true,\n    json_name = "x"\n  ];\n}\n',
        ),
    ],
)
def test_the_normalized_text_is_sorted_and_has_absolute_names(text: str, normalized: str) -> None:
    assert protobuf.normalize(parsed(text, {"dep.proto": P3})) == normalized


RULES = """import "google/protobuf/descriptor.proto";
package own;
message Rule { optional int32 min = 1; optional double max = 2; repeated string of = 3; optional Rule and = 4; }
extend google.protobuf.FieldOptions { optional Rule rule = 50001; repeated Rule rules = 50002; }
"""


@pytest.mark.parametrize(
    ("spellings", "normalized"),
    [
        (["(rule).min = 0x10", "(own.rule) = { min: 16 }", "(.own.rule) = { min: 020 }"], "{ min: 16 }"),
        (["(rule).max = 1.50, (rule).min = 1", "(rule) = { min: 1 max: 15e-1 }"], "{ max: 1.5, min: 1 }"),
        (
            ["(rule).and.min = 1, (rule).and.max = 1000", "(rule) = { and { max: 1e3 min: 1 } }"],
            "{ and: { max: 1000, min: 1 } }",
        ),
        (['(rule) = { of: "a" }', '(rule) = { of: ["a"] }'], '{ of: "a" }'),
        (['(rule) = { of: "b" of: "a" }', '(rule) = { of: ["b", "a"] }'], '{ of: [ "b", "a" ] }'),
        (["(rule) = { max: 1e99 }"], "{ max: 1e99 }"),
        (["(rule) = { max: -0.0 }"], "{ max: -0 }"),
        (["(rule) = { max: -inf }"], "{ max: -inf }"),
    ],
)
def test_the_normalized_text_has_one_spelling_of_a_custom_option(spellings: list[str], normalized: str) -> None:
    for spelling in spellings:
        text = protobuf.normalize(parsed(P2 + RULES + f"message M {{ optional int32 a = 1 [{spelling}]; }}"))
        assert f"optional int32 a = 1 [(own.rule) = {normalized}];" in " ".join(text.split())
        assert protobuf.normalize(parsed(text)) == text


def test_values_of_a_repeated_option_stay_apart_and_in_order() -> None:
    field = "optional int32 a = 1 [(rules) = { min: 2 }, (own.rules) = { min: 1 }];"
    text = protobuf.normalize(parsed(P2 + RULES + f"message M {{ {field} }}"))
    assert text.index("min: 2") < text.index("min: 1")
    assert text.count("(own.rules)") == 2


def test_the_normalized_text_sorts_extension_numbers_and_joins_the_extensions_of_a_message() -> None:
    text = P2 + (
        "package p; message M { extensions 9, 4; extensions 5 to 6; } message N { extensions 1; }"
        " extend p.M { optional int32 b = 5; } extend N { optional int32 c = 1; } extend M { optional int32 a = 4; }"
    )
    assert protobuf.normalize(parsed(text)) == (
        "package p;\n\nmessage M {\n  extensions 4;\n  extensions 5 to 6;\n  extensions 9;\n}\n"
        "message N {\n  extensions 1;\n}\n\nextend .p.M {\n  optional int32 a = 4;\n  optional int32 b = 5;\n}\n"
        "extend .p.N {\n  optional int32 c = 1;\n}\n"
    )


@pytest.mark.parametrize(("syntax", "values"), [(P3, "A = 0; C = -2; B = -1;"), (P2, "A = 5; C = -2; B = -1;")])
def test_the_first_value_of_an_enum_stays_first_because_it_is_the_default(syntax: str, values: str) -> None:
    schema = parsed(syntax + f"enum E {{ {values} }}")
    again = parsed(protobuf.normalize(schema))
    assert [each.name for each in descriptor(again).enum_type[0].value] == ["A", "C", "B"]


LONG_MAP = (
    P3 + "package p;\nmessage M {\n  repeated .p.M.TagsEntry tags = 1;\n\n"
    "  message TagsEntry {\n    option map_entry = true;\n  \n    string key = 1;\n    M value = 2;\n  }\n}\n"
)


def test_maps_that_clients_write_as_entry_messages_are_maps() -> None:
    """The stored text keeps the client's form, which is how the client looks it up; all else sees a map."""
    schema = parsed(LONG_MAP)
    assert protobuf.canonicalise(schema) == LONG_MAP.replace("p;\n", "p;\n\n", 1)
    short = P3 + "package p;\n\nmessage M {\n  map<string, .p.M> tags = 1;\n}\n"
    assert protobuf.normalize(schema) == short
    assert descriptor(schema) == descriptor(parsed(short))
    from_reference = parsed(P3 + 'import "m.proto"; message R { p.M m = 1; }', {"m.proto": LONG_MAP})
    assert from_reference == parsed(
        P3 + 'import "m.proto"; message R { p.M m = 1; }', {"m.proto": short.replace(".p.M>", "M>")}
    )


def test_an_entry_message_of_any_name_is_a_map() -> None:
    entry = "message Pair { option map_entry = true; int32 value = 2; string key = 1; }"
    schema = parsed(P3 + f"message M {{ message N {{ message O {{}} }} {entry} repeated Pair pairs = 1; }}")
    assert [each.name for each in descriptor(schema).message_type[0].nested_type] == ["PairsEntry", "N"]


@pytest.mark.parametrize("file", [*PROTOC_FILES, *SHIPPED_FILES], ids=lambda path: path.name)
def test_every_form_of_a_file_that_is_always_there_has_the_same_descriptor(file: Path) -> None:
    schema = parsed(file.read_text(encoding="utf-8"))
    meaning = content(descriptor(schema))
    for form in (protobuf.canonicalise, protobuf.normalize):
        text = form(schema)
        again = parsed(text)
        assert form(again) == text
        assert content(descriptor(again)) == meaning
    assert content(descriptor(parsed(protobuf.format_text(schema, "serialized")))) == meaning


EVERYTHING = (
    P2
    + r"""
package own.all;
import "google/protobuf/descriptor.proto";
message M {
  optional group G = 1 { optional int32 x = 1; optional group H = 2 { repeated int32 y = 1; } }
  oneof o { group Q = 3 { optional string z = 1; } string s = 4; }
  optional bytes b = 6 [default = "\000\xff\"'\n"];
  optional string t = 7 [default = "h\303\251\t", json_name = "T\"x"];
  optional double d = 8 [default = -inf];
  optional E e = 9 [default = B, (rule) = { doc: "d" n: [1, 2] inner { doc: "x" } k: {key: "a" value: 1} }];
  map<string, M> m = 10;
  repeated int32 packed = 11 [packed = true, (name) = "z"];
  extensions 100 to 199, 500 to max;
  extend M { optional group X = 150 { optional int32 v = 1; } optional M again = 151; }
  reserved 20, 30 to 40; reserved "gone";
}
message Rule { optional string doc = 1; repeated int32 n = 2; repeated Rule inner = 3; map<string, int32> k = 4; }
enum E { option allow_alias = true; A = 1; B = 0x2; C = 2 [deprecated = true]; reserved -10 to -5, 100 to max; }
extend google.protobuf.FieldOptions { optional Rule rule = 50001; optional string name = 50002; }
service S { option deprecated = true; rpc A (M) returns (stream M) { option idempotency_level = IDEMPOTENT; } }
"""
)
EDITION = """edition = "2023";
package own.ed;
option features.field_presence = IMPLICIT;
message M { int32 a = 1 [features.field_presence = LEGACY_REQUIRED]; reserved x, y; extensions 100 to 200; }
enum E { option features.enum_type = CLOSED; Z = 1; reserved 9; reserved W; }
"""


@pytest.mark.parametrize("text", [EVERYTHING, EDITION], ids=["proto2", "edition"])
def test_every_form_of_a_schema_has_the_same_descriptor(text: str) -> None:
    schema = parsed(text)
    meaning = content(descriptor(schema))
    for each in (protobuf.canonicalise(schema), protobuf.normalize(schema), protobuf.format_text(schema, "serialized")):
        assert content(descriptor(parsed(each))) == meaning


def test_a_serialized_descriptor_is_stored_as_text() -> None:
    """Python clients send the file's descriptor, with its own name, in base64."""
    sent = FileDescriptorProto.FromString(
        base64.b64decode(
            protobuf.format_text(
                parsed(
                    P3 + 'package p; import "dep.proto"; message M { D d = 1; }',
                    {"dep.proto": P3 + "package p; message D {}"},
                ),
                "serialized",
            )
        )
    )
    sent.name = "client/m.proto"
    schema = parsed(base64.b64encode(sent.SerializeToString()).decode(), {"dep.proto": P3 + "package p; message D {}"})
    assert protobuf.canonicalise(schema) == P3 + 'package p;\n\nimport "dep.proto";\n\nmessage M {\n  .p.D d = 1;\n}\n'


def test_messages_keep_the_places_by_which_clients_count_them() -> None:
    """A client counts what its own descriptor lists, the entries of maps included."""
    sent = FileDescriptorProto(name="m.proto", syntax="proto3")
    message = sent.message_type.add(name="M")
    message.nested_type.add(name="N").nested_type.add(name="Inner")
    message.field.add(name="tags", number=1, label="LABEL_REPEATED", type="TYPE_MESSAGE", type_name=".M.TagsEntry")
    entry = message.nested_type.add(name="TagsEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label="LABEL_OPTIONAL", type="TYPE_STRING")
    entry.field.add(name="value", number=2, label="LABEL_OPTIONAL", type="TYPE_STRING")
    schema = parsed(base64.b64encode(sent.SerializeToString()).decode())
    stored = parsed(protobuf.canonicalise(schema))
    assert descriptor(stored) == descriptor(schema)
    assert [each.name for each in descriptor(stored).message_type[0].nested_type] == ["N", "TagsEntry"]


def test_the_serialized_format_has_labels_only_where_the_text_has_them() -> None:
    text = protobuf.format_text(
        parsed(P3 + "message M { string a = 1; optional string b = 2; repeated string c = 3; }"), "serialized"
    )
    fields = FileDescriptorProto.FromString(base64.b64decode(text)).message_type[0].field
    assert [each.HasField("label") for each in fields] == [False, True, True]


def test_the_serialized_format_needs_protoc_s_consent() -> None:
    lax = protobuf.parse(P3 + "message M { string a = 0; }", {}, Strictness.LAX)
    with pytest.raises(InvalidSchemaError, match="Field numbers must be positive"):
        protobuf.format_text(lax, "serialized")


def test_the_text_without_extensions_has_no_custom_options_but_the_registry_s_own() -> None:
    schema = parsed(
        P2 + 'import "confluent/meta.proto"; import "google/protobuf/descriptor.proto"; message M { extensions 5;'
        ' option deprecated = true; optional int32 a = 1 [(own) = 1, (confluent.field_meta).doc = "f"]; }'
        " extend M { optional int32 b = 5; } extend google.protobuf.FieldOptions { optional int32 own = 50001; }"
    )
    assert protobuf.format_text(schema, "ignore_extensions") == (
        P2 + '\nimport "confluent/meta.proto";\nimport "google/protobuf/descriptor.proto";\n\nmessage M {\n'
        '  option deprecated = true;\n\n  optional int32 a = 1 [(confluent.field_meta).doc = "f"];\n}\n'
    )


def test_an_unknown_format_is_the_stored_text() -> None:
    schema = parsed(P3 + "message M { string a = 1; }")
    assert protobuf.format_text(schema, "bad") == protobuf.canonicalise(schema)


def test_a_descriptor_set_holds_what_is_imported_first() -> None:
    schema = parsed(
        P3 + 'import "dep.proto"; message M { D d = 1; }',
        {"dep.proto": P3 + 'import "google/protobuf/any.proto"; message D { google.protobuf.Any a = 1; }'},
    )
    files = FileDescriptorSet.FromString(protobuf.descriptor_set(schema)).file
    assert [each.name for each in files] == ["google/protobuf/any.proto", "dep.proto", "default"]


def test_protoc_says_nothing_on_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    """Not of a missing syntax or an unused import, and not of errors, which are raised."""
    parsed('import "google/protobuf/any.proto"; import "dep.proto";', {"dep.proto": "message D {}"})
    with pytest.raises(InvalidSchemaError):
        parsed("message M { optional X x = 1; }")
    assert capfd.readouterr() == ("", "")
