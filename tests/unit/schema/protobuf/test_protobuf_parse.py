"""Which Protobuf texts are schemas, and what is said of the others."""

import base64
import importlib
import pathlib
import pickle
import tempfile

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from karapace_like.schema import formats, protobuf
from karapace_like.schema.model import CompatibilityPolicy, InvalidSchemaError, SchemaType, Strictness, UnparsedSchema
from karapace_like.schema.protobuf.compiler import MAX_FILES

P2 = 'syntax = "proto2";\n'
P3 = 'syntax = "proto3";\n'
DEP = P3 + "package own.dep;\nmessage Dep {\n  string x = 1;\n}\n"


def refusal(text: str, dependencies: dict[str, str] | None = None, strictness: Strictness = Strictness.STRICT) -> str:
    with pytest.raises(InvalidSchemaError) as caught:
        formats.parse(UnparsedSchema(SchemaType.PROTOBUF, text), dependencies or {}, strictness)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "line 1, column 1: expected a statement but found hello"),
        (P3 + "message M {\n  string a = 1\n}", 'line 4, column 1: expected ";" but found }'),
        (P3 + "message M {\n  string a = x;\n}", "line 3, column 14: expected a number of 32 bits but found x"),
        (P3 + "message M {", "line 2, column 12: expected a statement but found the end"),
        (P3 + "message M { string = 1; }", "line 2, column 20: expected a name but found ="),
        (P3 + "message M { optional map<string, string> a = 1; }", "line 2, column 25: a map cannot be optional"),
        (P3 + "option java_package = ;", "line 2, column 23: expected a value but found ;"),
        (P3 + 'option java_package = "a\n";', "line 2, column 23: unexpected '\"'"),
        (P3 + 'import "\\377";', "line 2, column 8: expected a UTF-8 string"),
        (P3 + "/* never closed", "line 2, column 1: expected a statement but found /"),
        ('syntax = "proto4";', 'line 1, column 19: "proto4" is not a known syntax'),
        ("package a;\n" + P3, "line 2, column 1: expected a statement but found syntax"),
    ],
)
@pytest.mark.parametrize("strictness", Strictness)
def test_what_has_no_shape_is_refused_by_all_with_line_and_column(
    text: str, message: str, strictness: Strictness
) -> None:
    assert refusal(text, strictness=strictness) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (P3 + "message M { string a = 0; }", "line 2, column 24: Field numbers must be positive"),
        (P3 + "message M { string a = 19000; }", "field a of M: the numbers 19000 to 19999 are reserved for"),
        (P3 + "message M { string a = 1; string b = 1; }", "line 2, column 38: Field number 1 has already been used"),
        (P3 + 'message M { reserved "a"; string a = 1; }', "line 2, column 34: "),
        (P3 + "enum E { A = 1; }", "line 2, column 14: The first enum value must be zero"),
        (P3 + "message M { X a = 1; }", 'line 2, column 13: "X" is not defined.'),
        (P3 + "message M { string a = 1 [frob = true]; }", 'line 2, column 27: Option "frob" unknown'),
        (P3 + "message M { optional group G = 1 {} }", "line 2, column 22: Groups are not supported in proto3"),
        (P2 + "message M { string a = 1; }", "line 2, column 13: Expected"),
        ("message M { string a = 1; }", "line 1, column 13: Expected"),
        (P2 + "message M { optional int32 a = 1 [default = 1.5]; }", "line 2, column 45: Expected integer"),
        (P3 + "package a-b;", "line 2, column 10: "),
        (P3 + 'import "missing.proto";', 'in "missing.proto": File not found.; line 2, column 1: Import "missing'),
    ],
)
def test_strict_refuses_what_protoc_refuses(text: str, message: str) -> None:
    assert message in refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        P3 + "message M { string a = 0; }",
        P3 + "message M { string a = -1; string b = 19000; }",
        P3 + "message M { string a = 1; string a = 1; }",
        P3 + 'message M { reserved 1; reserved "a"; string a = 1; }',
        P3 + "message M { string a = 1 [frob = true]; }",
        P3 + "message M { optional group G = 1 { } }",
        P3 + "enum E { A = 1; } message M { E e = 1; }",
        P3 + 'import "missing.proto"; message M { string a = 1; }',
        P3 + "package a-b; message M { M m = 1; }",
        P2 + "message M { optional int32 a = 1 [default = x]; }",
    ],
)
def test_lax_accepts_what_the_reference_registry_accepts_and_keeps_it(text: str) -> None:
    refusal(text)
    schema = protobuf.parse(text, {}, Strictness.LAX)
    for form in (protobuf.canonicalise, protobuf.normalize):
        again = protobuf.parse(form(schema), {}, Strictness.LAX)
        assert form(again) == form(schema)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (P3 + "message M { Depot d = 1; }", "Could not resolve type: Depot of field d in M"),
        (P3 + "message M {} enum M { A = 0; }", "M is defined 2 times"),
        (P2 + "message M { string a = 1; }", "field a has no label, which proto2 asks for"),
        (P3 + "message M { required string a = 1; }", "field a is required, which proto3 does not have"),
    ],
)
def test_even_lax_wants_types_found_and_named_once_and_fields_labelled(text: str, message: str) -> None:
    assert refusal(text, strictness=Strictness.LAX) == message
    assert protobuf.canonicalise(protobuf.parse(text, {}, Strictness.STORED))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\ufeff" + P3,
        "package a;",
        "message M { optional string a = 1; }",
        'edition = "2023"; message M { int32 a = 1 [features.field_presence = IMPLICIT]; reserved b, c; }',
        'edition = "2024"; export message M { int32 a = 1; } local enum E { A = 0; }',
        P3 + "package own . a ;; message M { own . a . M m = 1; };",
        P3 + 'option java_package = "a" "b"; option java_outer_classname = \'C"\';',
        P3
        + "message stream {} message M {} service S { rpc A (stream M) returns (stream .M); rpc B (M) returns (M) {} }",
        P3 + "message M { reserved 1, 5 to 7, 100 to max; reserved 'a'; map<string, M> m = 2; optional M n = 3; }",
        P3 + "message M { message option {} string message = 1; string enum = 2; bool optional = 3; }",
        P2
        + "message M { optional group G = 1 [deprecated = true] { required int32 a = 0x2; } extensions 4, 5 to max; }",
        P2 + "message M { oneof o { group G = 1 { optional int32 a = 2; } string b = 010; } }",
        P2
        + "message M { extensions 5; extend M { optional group G = 5 {} } } extend M { } ".replace("extend M { } ", ""),
        P2 + 'message M { optional double a = 1 [default = -inf]; optional bytes b = 2 [default = "\\x00\\377"]; }',
        P2 + 'import weak "google/protobuf/any.proto"; import public "google/type/date.proto";',
        P3 + 'import "confluent/type/variant.proto"; message M { confluent.type.Variant v = 1; }',
        P3 + 'import "confluent/meta.proto"; import "confluent/type/decimal.proto"; message M {'
        ' confluent.type.Decimal d = 1 [(confluent.field_meta) = { doc: "d" params < key: "k" > tags: ["a"] }]; }',
    ],
)
def test_all_of_the_language_is_understood(text: str) -> None:
    schema = protobuf.parse(text, {}, Strictness.STRICT)
    stored = protobuf.canonicalise(schema)
    assert protobuf.canonicalise(protobuf.parse(stored, {}, Strictness.STRICT)) == stored


def test_types_of_references_are_found_by_the_scoping_rule() -> None:
    text = P3 + 'import "dep.proto"; package own; message M { dep.Dep a = 1; .own.dep.Dep b = 2; own.dep.Dep c = 3; }'
    schema = protobuf.parse(text, {"dep.proto": DEP}, Strictness.STRICT)
    assert protobuf.normalize(schema).count(" .own.dep.Dep ") == 3


def test_an_import_through_a_public_import_is_found() -> None:
    """Passes if parsing raises nothing."""
    dependencies = {"dep.proto": DEP, "all.proto": P3 + 'import public "dep.proto";'}
    protobuf.parse(P3 + 'import "all.proto"; message M { own.dep.Dep a = 1; }', dependencies, Strictness.STRICT)


def test_an_error_in_a_reference_names_the_reference() -> None:
    text = P3 + 'import "dep.proto";'
    assert refusal(text, {"dep.proto": "message {"}).startswith('in the reference "dep.proto": line 1, column 9: ')
    assert refusal(text, {"dep.proto": DEP.replace("= 1", "= 0")}).startswith('in "dep.proto", line 5, column 14: ')


@pytest.mark.parametrize(
    "path", ["../secret.proto", "{folder}/secret.proto", "x//y.proto", "./a.proto", "a\\b.proto", ".", "", "a" * 300]
)
def test_an_import_is_never_looked_up_in_the_host_s_folders(path: str, tmp_path: object) -> None:
    path = path.format(folder=tmp_path)
    assert "line 2, column 1: Import" in refusal(P3 + f'import "{path.replace(chr(92), chr(92) * 2)}";', {path: DEP})


@pytest.mark.parametrize(
    "name", ["../../escaped.proto", "/tmp/escaped.proto", "nul\0.proto", "google/protobuf/own.proto"]
)
def test_a_reference_of_any_name_does_no_harm_if_it_is_not_imported(name: str) -> None:
    """Passes if parsing raises nothing."""
    protobuf.parse(P3 + "message M { }", {name: DEP}, Strictness.STRICT)


def test_references_that_cannot_be_files_of_one_folder_are_refused() -> None:
    text = P3 + 'import "a"; import "a/b";'
    assert "is no path for a file" in refusal(text, {"a": DEP, "a/b": P3})


def test_protoc_s_own_files_cannot_be_replaced() -> None:
    bad = {"google/protobuf/timestamp.proto": P3 + "package google.protobuf; message Timestamp { string x = 1; }"}
    text = P3 + 'import "google/protobuf/timestamp.proto"; message M { google.protobuf.Timestamp t = 1; }'
    schema = protobuf.parse(text, bad, Strictness.STRICT)
    assert schema == protobuf.parse(text, {}, Strictness.STRICT)


def test_cycles_of_imports_are_refused() -> None:
    dependencies = {"a.proto": P3 + 'import "b.proto";', "b.proto": P3 + 'import "a.proto";'}
    assert "File recursively imports itself: a.proto -> b.proto -> a.proto" in refusal(
        P3 + 'import "a.proto";', dependencies
    )
    assert "File recursively imports itself" in refusal(P3 + 'import "default";', {"default": P3})


@pytest.mark.parametrize("strictness", Strictness)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (P3 + "message M {" * 199 + "}" * 199, "the schema is nested deeper than 100 levels"),
        (P3 + "option (a) = " + "{ a " * 150 + "}" * 150, "values are nested deeper than 100 levels"),
        (P3 + "message M { reserved " + ",".join(map(str, range(1, 10_002))) + "; }", "more than 10000 reserved"),
        (P3 + "message M { string a = " + "9" * 5_000 + "; }", "expected a number of 32 bits but found 999"),
        (P3 + "message \0", "null character"),
        (P3 + '"' * 500_000, "expected a statement"),
        (P3 + "/*" * 500_000, "unexpected '*'"),
    ],
    ids=["messages", "aggregates", "reserved", "digits", "null", "quotes", "comments"],
)
def test_hostile_texts_are_refused(text: str, message: str, strictness: Strictness) -> None:
    assert message in refusal(text, strictness=strictness)


@pytest.mark.slow
def test_many_messages_in_a_long_chain_of_types_are_parsed_and_compared() -> None:
    chain = "".join(f"message N{i} {{ N{i + 1} a = 1; N{i + 1} b = 2; }}" for i in range(2_000))
    dependencies = {"dep.proto": P3 + chain + "message N2000 { string a = 1; }"}
    changed = {"dep.proto": P3 + chain + "message N2000 { int32 a = 1; }"}
    text = P3 + 'import "dep.proto"; message M { N0 a = 1; }'
    old, new = (protobuf.parse(text, each, Strictness.STRICT) for each in (dependencies, changed))
    found = {each.rule.name for each in protobuf.find_incompatibilities(new, old, CompatibilityPolicy.STRICT)}
    assert "FIELD_SCALAR_KIND_CHANGED" in found


def test_a_chain_of_too_many_imports_is_refused() -> None:
    """The longest one that is not refused is compiled."""

    def chain(files: int) -> dict[str, str]:
        imports = {f"{i}.proto": P3 + f'import "{i + 1}.proto";' for i in range(files - 1)}
        return imports | {f"{files - 1}.proto": P3}

    protobuf.parse(P3 + 'import "0.proto";', chain(MAX_FILES), Strictness.STRICT)
    dependencies = chain(MAX_FILES + 1)
    assert refusal(P3 + 'import "0.proto";', dependencies) == "the schema imports more than 1000 files"


def test_a_parsed_schema_can_be_sent_to_another_process() -> None:
    schema = protobuf.parse(
        P3 + 'import "dep.proto"; message M { own.dep.Dep a = 1; }', {"dep.proto": DEP}, Strictness.STRICT
    )
    assert pickle.loads(pickle.dumps(schema)) == schema


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (P3 + "package a.b; enum E { A = 0; } message M { } message N { }", "a.b.M"),
        (P3 + "message M { }", "M"),
        (P3, None),
    ],
)
def test_the_record_name_is_that_of_the_first_message(text: str, name: str | None) -> None:
    assert protobuf.find_record_name(protobuf.parse(text, {}, Strictness.STRICT)) == name


def far_group() -> FileDescriptorProto:
    descriptor = FileDescriptorProto(name="a")
    descriptor.message_type.add(name="N")
    descriptor.message_type.add(name="M").field.add(
        name="n", number=1, label="LABEL_OPTIONAL", type="TYPE_GROUP", type_name=".N"
    )
    return descriptor


@pytest.mark.parametrize(
    ("descriptor", "message"),
    [
        (far_group(), "the message of the group n does not stand beside it"),
        (FileDescriptorProto(name="a", dependency=["missing.proto"]), 'Import "missing.proto" was not found'),
        (FileDescriptorProto(name="a", package="1"), "the serialized descriptor is not valid: "),
    ],
)
def test_a_serialized_descriptor_that_is_not_valid_is_refused(descriptor: FileDescriptorProto, message: str) -> None:
    assert message in refusal(base64.b64encode(descriptor.SerializeToString()).decode())


def test_bytes_that_are_no_text_are_no_schema() -> None:
    descriptor = FileDescriptorProto(name="a", package="bcd").SerializeToString().replace(b"bcd", b"b\xffd")
    assert refusal(base64.b64encode(descriptor).decode()).startswith("line 1, column 1: expected a statement")


def test_the_compiler_has_the_private_names_that_are_used() -> None:
    """No public call of grpcio-tools gives errors with line and column: a release may change these without notice."""
    compiler = importlib.import_module("grpc_tools._protoc_compiler")
    source = b'syntax = "proto3"; message M { X a = 1; }'
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "m.proto").write_bytes(source)
        for compile_file in (compiler.get_protos, compiler.get_services):
            with pytest.raises(compiler.ProtocErrors) as caught:
                compile_file(b"m.proto", [folder.encode()])
            (error,) = caught.value.errors()
            assert (error.filename, error.line, error.column) == (b"m.proto", 0, 31)
            assert error.message == b'"X" is not defined.'
    assert issubclass(compiler.ProtocWarning, Warning)
