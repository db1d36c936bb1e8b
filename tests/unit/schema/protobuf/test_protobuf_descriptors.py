"""A file is one schema as text and as protoc's descriptor of it, in every form in which it is stored and served."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import __file__ as grpc_tools_file

from karapace_like.schema.model import Strictness
from karapace_like.schema.protobuf import canonicalise, format_text, normalize, parse

PROTOC_FILES = Path(grpc_tools_file).parent / "_proto"
EXTENDED = """
    message Extended { extensions 100 to 200; }
    extend Extended {
      optional group Wide = 100 { optional string s = 1; map<string, int32> counts = 2; }
      optional int32 x = 101;
    }
"""
FILES = {
    "maps": """syntax = "proto3"; package q; enum Kind { NONE = 0; }
        message M { map<string, Kind> a = 1; map<int32, M> b = 2; message N { map<string, .q.Kind> c = 1; } }""",
    "groups": f"""syntax = "proto2"; package p; {EXTENDED}
        message Other {{
          extend Extended {{ optional group Deep = 102 {{ optional int32 h = 1; }} }}
          oneof either {{ group Left = 3 {{ optional int32 q = 1; }} string right = 4; }}
          repeated group Rows = 9 {{ required int32 r = 1; map<string, string> texts = 2; }}
        }}""",
    "one JSON name twice": 'syntax = "proto2"; message M { optional string foo_bar = 1; optional string fooBar = 2; }',
    "one JSON name twice, as an option says": """syntax = "proto3";
        message M { option deprecated_legacy_json_field_conflicts = true; string foo_bar = 1; string fooBar = 2; }""",
    "a JSON name": 'syntax = "proto3"; message M { string a = 1 [json_name = "x"]; }',
    "features of C++": """edition = "2023"; import "google/protobuf/cpp_features.proto"; package a;
        option features.(pb.cpp).string_type = VIEW;
        message M {
          string a = 1 [features.(pb.cpp).string_type = CORD];
          int32 b = 2 [features.field_presence = IMPLICIT];
        }""",
    "features of Java": """edition = "2023"; import "google/protobuf/java_features.proto"; package a;
        option features.(pb.java).utf8_validation = VERIFY; message M { string a = 1; }""",
    "visibility": """edition = "2024"; package p; export message A { local message B {} B b = 1; }
        local enum Kind { option features.enum_type = CLOSED; NONE = 0; }""",
    "delimited": """edition = "2023";
        message M { message G { string a = 1; } G g = 1 [features.message_encoding = DELIMITED]; }""",
    "declared extensions": """syntax = "proto2"; message M {
        extensions 4 to 1000 [declaration = { number: 4 full_name: ".p.x" type: "int32" }, verification = DECLARATION];
        extensions 2000 to max; }""",
    "own options": r"""syntax = "proto2"; import "google/protobuf/descriptor.proto"; package o;
        message Rule { optional string s = 1; repeated int32 n = 2; map<string, int32> m = 3; }
        extend google.protobuf.FieldOptions {
          optional Rule rule = 50001; repeated string tags = 50002;
          optional bytes raw = 50003; optional double d = 50004;
        }
        message M {
          optional string a = 1 [
            (rule) = { s: "x\n\"" n: 1 n: 2 m: { key: "k" value: 3 } }, (tags) = "a", (tags) = "b"];
          optional double z = 2 [default = -inf, (raw) = "\377\000", (d) = inf];
          optional bytes y = 3 [default = "\377x"];
          optional int64 least = 4 [default = -9223372036854775808];
        }""",
    "services": """syntax = "proto3"; import public "google/protobuf/empty.proto";
        service S { option deprecated = true;
          rpc A(google.protobuf.Empty) returns (stream google.protobuf.Empty) {
            option idempotency_level = NO_SIDE_EFFECTS;
          }
        }""",
    "reserved": """syntax = "proto3"; message M { reserved 1, 4 to 9, 100 to max; reserved "a", "b"; }
        enum Kind { reserved -5 to -1, 100 to max; reserved "Q"; NONE = 0; }""",
}


def _describe(text: str, folder: Path) -> str:
    """Return protoc's descriptor of the text, in base64."""
    (folder / "file.proto").write_text(text)
    options = [f"-I{PROTOC_FILES}", f"-I{folder}", "--experimental_editions", "--retain_options"]
    command = [sys.executable, "-m", "grpc_tools.protoc", *options, f"--descriptor_set_out={folder / 'set'}"]
    subprocess.run([*command, "file.proto"], check=True)
    (descriptor,) = FileDescriptorSet.FromString((folder / "set").read_bytes()).file
    return base64.b64encode(descriptor.SerializeToString()).decode()


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_text_and_descriptor_are_one_schema_that_every_form_gives_again(name: str, tmp_path: Path) -> None:
    normal = normalize(parse(FILES[name], {}, Strictness.STRICT))
    for source in (FILES[name], _describe(FILES[name], tmp_path)):
        parsed = parse(source, {}, Strictness.STRICT)
        stored = canonicalise(parsed)
        again = parse(stored, {}, Strictness.STRICT)
        assert canonicalise(again) == stored
        served = [stored, normalize(again), format_text(again, "serialized")]
        assert [normalize(parse(text, {}, Strictness.STRICT)) for text in served] == [normal] * 3
        for text in served:
            importer = 'syntax = "proto3"; import "file.proto"; message Importer {}'
            parse(importer, {"file.proto": text}, Strictness.STRICT)
