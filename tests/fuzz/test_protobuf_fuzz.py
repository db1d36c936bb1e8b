"""Texts and descriptors that are almost schemas: what is not refused can be printed and compared.

`FUZZ_EXAMPLES` says how many texts each test tries.
"""

import base64
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karapace_like.schema import protobuf
from karapace_like.schema.formats import FORMATS, parse
from karapace_like.schema.model import (
    CompatibilityPolicy,
    InvalidSchemaError,
    ParsedSchema,
    SchemaType,
    Strictness,
    UnparsedSchema,
)
from tests.forms import count_examples
from tests.unit.schema.protobuf.evolving_schemas import messages, text_of

PROTOBUF = FORMATS[SchemaType.PROTOBUF]
SETTINGS = settings(
    max_examples=count_examples(200, "FUZZ_EXAMPLES"),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
EVERYTHING = """
syntax = "proto2"; package a.b; import public "dep.proto"; import "google/protobuf/descriptor.proto";
option java_package = 'x\\n\\x41\\101\\"'; option cc_enable_arenas = true;
message M { reserved 50, 57 to 59, 1000 to max; reserved "q", "r"; option deprecated = true; extensions 100 to 199;
  required string s = 1 [default = "d", json_name = "S", (rule) = { a: 1, n { c: "x" } l: [1, 2] }];
  repeated group G = 2 { optional int32 x = 0x3; } map<string, .a.b.N> m = 3; oneof o { N n = 4; E e = 6; }
  message Inner { optional M.Inner again = 1; } extend N { optional bool y = 100; } }
enum E { option allow_alias = true; reserved -5; A = 0; B = -1; C = 0; }
message N { optional double a = 1; optional N n = 2; optional string c = 3; repeated int32 l = 4;
  extensions 100 to max; }
extend google.protobuf.FieldOptions { optional N rule = 50000; }
service S { option deprecated = true; rpc R (M) returns (stream N) { option idempotency_level = IDEMPOTENT; } }
"""
WORDS = [
    *re.findall(r'"[^"\n]*"|[\w.+-]+|[^\w\s]', EVERYTHING),
    *["edition", '"2023"', "local", "export", '"\\377"', "//", "<", "-1.5e3"],
]
REFERENCES = {"dep.proto": 'syntax = "proto3"; message Dep { string d = 1; }'}


def check(text: str, strictness: Strictness) -> None:
    """A text that is not refused has a stored form that is stable, a normal form, and reads itself."""

    def parsed(each: str) -> ParsedSchema:
        return parse(UnparsedSchema(SchemaType.PROTOBUF, each), REFERENCES, strictness)

    try:
        schema = parsed(text)
    except InvalidSchemaError:
        return
    stored = PROTOBUF.canonicalise(schema)
    assert PROTOBUF.canonicalise(parsed(stored)) == stored
    normal = PROTOBUF.normalize(schema)
    assert PROTOBUF.normalize(parsed(normal)) == normal
    assert PROTOBUF.find_incompatibilities(schema, schema, CompatibilityPolicy.STRICT) == []


@SETTINGS
@given(st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join), st.sampled_from(Strictness))
def test_words_in_any_order_are_parsed_or_refused(text: str, strictness: Strictness) -> None:
    """Passes if parsing raises nothing but its own refusal."""
    check(text, strictness)


@SETTINGS
@given(st.text(max_size=60), st.sampled_from(Strictness))
def test_any_characters_are_parsed_or_refused(text: str, strictness: Strictness) -> None:
    """Passes if parsing raises nothing but its own refusal."""
    check(text, strictness)


@SETTINGS
@given(
    st.one_of(messages().map(text_of), st.just(EVERYTHING)),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 3), st.sampled_from(WORDS)), max_size=4),
    st.sampled_from(Strictness),
)
def test_a_schema_with_words_lost_and_put_in_is_parsed_or_refused(
    text: str, changes: list[tuple[int, int, str]], strictness: Strictness
) -> None:
    """Passes if parsing raises nothing but its own refusal."""
    words = text.split(" ")
    for position, lost, put_in in changes:
        at = position % len(words)
        words[at : at + lost] = [put_in]
    check(" ".join(words), strictness)


VALID = protobuf.parse(EVERYTHING, REFERENCES, Strictness.STRICT)
DESCRIPTOR = base64.b64decode(protobuf.format_text(VALID, "serialized"))


@SETTINGS
@given(
    st.lists(st.tuples(st.integers(0, len(DESCRIPTOR) - 1), st.integers(0, 255)), min_size=1, max_size=3),
    st.sampled_from(Strictness),
)
def test_a_descriptor_with_bytes_changed_is_parsed_or_refused(
    changes: list[tuple[int, int]], strictness: Strictness
) -> None:
    """Passes if parsing raises nothing but its own refusal."""
    changed = bytearray(DESCRIPTOR)
    for position, byte in changes:
        changed[position] = byte
    check(base64.b64encode(changed).decode(), strictness)
