"""Long sources are judged and compiled in a process of their own, with the same words as short ones."""

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from karapace_like.schema import protobuf
from karapace_like.schema.formats import parse
from karapace_like.schema.model import InvalidSchemaError, SchemaType, UnparsedSchema
from karapace_like.schema.protobuf.schema import ParsedProtobuf

PADDING = "".join(f"message Padding{number} {{ string a = 1; }}\n" for number in range(2000))
HEAD = 'syntax = "proto3";\nimport "google/type/date.proto";\n'


def parsed(text: str) -> ParsedProtobuf:
    found = parse(UnparsedSchema(SchemaType.PROTOBUF, text), {})
    assert isinstance(found, ParsedProtobuf)
    return found


@pytest.mark.parametrize(
    "body",
    [
        "message M { Nowhere a = 1; }\n",
        "message M { string a = 1; string b = 1; }\n",
        "message M { map<string, string> a = 1; google.type.Date a = 2; }\n",
    ],
)
def test_a_refusal_reads_the_same_for_short_and_long_sources(body: str) -> None:
    """Line, column and sentence; no path of the machine."""
    with pytest.raises(InvalidSchemaError) as short:
        parsed(HEAD + body)
    with pytest.raises(InvalidSchemaError) as long:
        parsed(HEAD + body + PADDING)
    assert str(long.value) == str(short.value)


def test_descriptors_of_a_long_source_are_those_of_a_short_one() -> None:
    """With what it imports, dependencies first, and JSON names only where the source gives them."""
    body = 'message M { google.type.Date a_date = 1; string __b = 2; string c = 3 [json_name = "other"]; }\n'
    files = [
        FileDescriptorSet.FromString(protobuf.descriptor_set(parsed(HEAD + body + rest))) for rest in ("", PADDING)
    ]
    short, long = files
    assert list(long.file[:-1]) == list(short.file[:-1])
    del long.file[-1].message_type[1:]
    assert long.file[-1] == short.file[-1]
