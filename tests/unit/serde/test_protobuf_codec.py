"""What the Protobuf codec takes and gives as JSON, and which message of the file it is."""

import json
import math
import pathlib
import tempfile
from typing import Any

import grpc_tools
import pytest
from google.protobuf import json_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.message_factory import GetMessageClass
from grpc_tools import protoc
from hypothesis import given, settings
from hypothesis import strategies as st

from karapace_like.schema.model import InvalidSchemaError
from karapace_like.serde.codec import DecodeError, EncodeError, Path
from karapace_like.serde.protobuf import ProtobufCodec
from karapace_like.serde.protobuf.descriptors import Descriptors
from tests.forms import count_examples

GOOGLE = pathlib.Path(grpc_tools.__file__).parent / "_proto"


def compiled(**files: str) -> bytes:
    """A serialized FileDescriptorSet, made by protoc, of files given as name=text, `.proto` left out of the name."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            pathlib.Path(folder, f"{name}.proto").write_text(text, encoding="utf-8")
        out = pathlib.Path(folder, "set")
        arguments = ["protoc", f"-I{folder}", f"-I{GOOGLE}", "--include_imports", f"--descriptor_set_out={out}"]
        assert protoc.main([*arguments, *(f"{name}.proto" for name in files)]) == 0
        return out.read_bytes()


PROTO3 = """
syntax = "proto3";
package shop;
import "google/protobuf/any.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "parts.proto";

message Order {
  enum State { NEW = 0; PAID = 1; }
  int32 small = 1;
  int64 large = 2;
  uint32 count = 3;
  fixed64 hash = 4;
  float ratio = 5;
  double total = 6;
  bool paid = 7;
  string customer_name = 8;
  bytes raw = 9;
  State state = 10;
  repeated int32 numbers = 11;
  map<string, Line> lines = 12;
  map<bool, int64> flags = 13;
  oneof choice { string left = 14; int32 right = 15; }
  optional string note = 16;
  Order parent = 17;
  google.protobuf.Timestamp placed = 18;
  google.protobuf.Int64Value limit = 19;
  google.protobuf.Value any_json = 20;
  google.protobuf.NullValue nothing = 21;
  google.protobuf.Any anything = 22;
  parts.Part part = 23;
  string own = 24 [json_name = "OWN"];
  message Line { string text = 1; message Deep { bool b = 1; } }
  message Other { int32 n = 1; }
}
message Second { int32 n = 1; }
"""
PARTS = 'syntax = "proto3"; package parts; message Part { string id = 1; }'
PROTO2 = """
syntax = "proto2";
message Old {
  enum Closed { A = 1; B = 2; }
  required int32 must = 1;
  optional int32 may = 2 [default = 5];
  optional Closed closed = 3;
}
"""
SHOP = compiled(shop=PROTO3, parts=PARTS)
OLD = compiled(old=PROTO2)


def shop(message: str | None = None) -> ProtobufCodec:
    return ProtobufCodec(SHOP, message)


ORDER = shop()


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ("{}", ""),
        ('{"small":-1}', "08 ff ff ff ff ff ff ff ff ff 01"),
        ('{"small":"7"}', "08 07"),
        ('{"small":7.0}', "08 07"),
        ('{"small":"7e0"}', "08 07"),
        ('{"small":null}', ""),
        ('{"large":"9223372036854775807"}', "10 ff ff ff ff ff ff ff ff 7f"),
        ('{"count":4294967295}', "18 ff ff ff ff 0f"),
        ('{"ratio":0.5}', "2d 00 00 00 3f"),
        ('{"ratio":"-Infinity"}', "2d 00 00 80 ff"),
        ('{"total":1}', "31 00 00 00 00 00 00 f0 3f"),
        ('{"total":"1.5"}', "31 00 00 00 00 00 00 f8 3f"),
        ('{"paid":true}', "38 01"),
        ('{"paid":"true"}', "38 01"),
        ('{"customerName":"a"}', "42 01 61"),
        ('{"customer_name":"a"}', "42 01 61"),
        ('{"customerName":5}', "42 01 35"),
        ('{"OWN":"a"}', "c2 01 01 61"),
        ('{"raw":"AP8="}', "4a 02 00 ff"),
        ('{"raw":"_-8"}', "4a 02 ff ef"),
        ('{"state":"PAID"}', "50 01"),
        ('{"state":1}', "50 01"),
        ('{"state":"1"}', "50 01"),
        ('{"state":9}', "50 09"),
        ('{"numbers":[1,2]}', "5a 02 01 02"),
        ('{"numbers":[]}', ""),
        ('{"lines":{"k":{"text":"t"}}}', "62 08 0a 01 6b 12 03 0a 01 74"),
        ('{"flags":{"true":"1"}}', "6a 04 08 01 10 01"),
        ('{"left":null,"right":1}', "78 01"),
        ('{"note":""}', "82 01 00"),
        ('{"parent":{"parent":{}}}', "8a 01 03 8a 01 00"),
        ('{"placed":"1970-01-01T00:00:01Z"}', "92 01 02 08 01"),
        ('{"limit":"5"}', "9a 01 02 08 05"),
        ('{"anyJson":null}', "a2 01 02 08 00"),
        ('{"nothing":null}', ""),
        ('{"part":{"id":"x"}}', "ba 01 03 0a 01 78"),
        ('{"anything":{"@type":"t/parts.Part","id":"x"}}', "b2 01 13 0a 0c 742f70617274732e50617274 12 03 0a 01 78"),
    ],
)
def test_json_is_encoded_after_the_message_indexes(text: str, payload: str) -> None:
    assert ORDER.encode(text.encode()).hex() == ("00" + payload).replace(" ", "")


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("null", (), "Expect message object but got: null"),
        ("[1]", (), "Expect message object but got: [1]"),
        ('{"x":1}', (), "Cannot find field: x in message shop.Order"),
        ('{"small":"x"}', ("small",), 'Not an int32 value: "x"'),
        ('{"small":1.5}', ("small",), "Not an int32 value: 1.5"),
        ('{"small":true}', ("small",), "Not an int32 value: true"),
        ('{"small":2147483648}', ("small",), "Out of range int32 value: 2147483648"),
        ('{"large":"1e30"}', ("large",), 'Out of range int64 value: "1e30"'),
        ('{"large":"' + "9" * 5000 + '"}', ("large",), "Not an int64 value: "),
        ('{"count":-1}', ("count",), "Out of range uint32 value: -1"),
        ('{"ratio":1e39}', ("ratio",), "Out of range float value: 1e39"),
        ('{"total":1' + "0" * 400 + "}", ("total",), "Out of range double value: 1"),
        ('{"total":"1e999"}', ("total",), "Out of range double value: "),
        ('{"total":"x"}', ("total",), 'Not a double value: "x"'),
        ('{"total":false}', ("total",), "Not a double value: false"),
        ('{"paid":1}', ("paid",), "Invalid bool value: 1"),
        ('{"customerName":[]}', ("customerName",), "Not a string value: []"),
        ('{"raw":"*"}', ("raw",), 'Not a base64 string: "*"'),
        ('{"raw":1}', ("raw",), "Not a base64 string: 1"),
        ('{"state":"GONE"}', ("state",), "Invalid enum value: GONE for enum type: shop.Order.State"),
        ('{"state":true}', ("state",), "Invalid enum value: true for enum type: shop.Order.State"),
        ('{"numbers":1}', ("numbers",), "Expected an array for numbers but found 1"),
        ('{"numbers":[1,null]}', ("numbers", 1), "Not an int32 value: null"),
        ('{"lines":[]}', ("lines",), "Expect a map object but found: []"),
        ('{"lines":{"k":null}}', ("lines", "k"), "Map value cannot be null in field: shop.Order.lines"),
        ('{"lines":{"k":{"y":1}}}', ("lines", "k"), "Cannot find field: y in message shop.Order.Line"),
        ('{"flags":{"1":1}}', ("flags", "1"), 'Invalid bool value: "1"'),
        ('{"left":"a","right":1}', (), "Cannot set field shop.Order.right because another field shop.Order.left"),
        ('{"customerName":"a","customer_name":"b"}', (), "Field shop.Order.customer_name has already been set."),
        ('{"parent":{"parent":{"small":[]}}}', ("parent", "parent", "small"), "Not an int32 value: []"),
        ('{"placed":"noon"}', ("placed",), 'Not a google.protobuf.Timestamp value: "noon"'),
        ('{"placed":5}', ("placed",), "Not a google.protobuf.Timestamp value: 5"),
        ('{"limit":{}}', ("limit",), "Not an int64 value: {}"),
        ('{"anything":{"@type":"t/no.Such"}}', ("anything",), "Not a google.protobuf.Any value: "),
        ("{", (), "Input data was truncated"),
        ('{"parent":' * 101 + "{}" + "}" * 101, (), "the value is nested too deeply"),
        ('{"parent":' * 100_000 + "{}" + "}" * 100_000, (), "the value is nested too deeply"),
    ],
)
def test_json_that_does_not_fit_is_refused_with_the_path_to_it(text: str, path: Path, message: str) -> None:
    with pytest.raises(EncodeError) as raised:
        ORDER.encode(text.encode())
    assert raised.value.path == path
    assert raised.value.message.startswith(message)


DEFAULTS: dict[str, Any] = {
    "small": 0,
    "large": "0",
    "count": 0,
    "hash": "0",
    "ratio": 0.0,
    "total": 0.0,
    "paid": False,
    "customerName": "",
    "raw": "",
    "state": "NEW",
    "numbers": [],
    "lines": {},
    "flags": {},
    "nothing": None,
    "OWN": "",
}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"small":5}', {"small": 5}),
        ('{"large":5,"hash":18446744073709551615}', {"large": "5", "hash": "18446744073709551615"}),
        ('{"ratio":0.1}', {"ratio": 0.1}),
        ('{"ratio":"NaN","total":"Infinity"}', {"ratio": "NaN", "total": "Infinity"}),
        ('{"raw":"_-8"}', {"raw": "/+8="}),
        ('{"state":9}', {"state": 9}),
        ('{"lines":{"k":{}}}', {"lines": {"k": {"text": ""}}}),
        ('{"flags":{"true":1,"false":0}}', {"flags": {"true": "1", "false": "0"}}),
        ('{"right":0}', {"right": 0}),
        ('{"note":""}', {"note": ""}),
        ('{"placed":"2020-01-02T03:04:05.5Z"}', {"placed": "2020-01-02T03:04:05.500Z"}),
        ('{"limit":5}', {"limit": "5"}),
        ('{"anyJson":{"a":[1,null]}}', {"anyJson": {"a": [1.0, None]}}),
        ('{"anything":{"@type":"t/parts.Part"}}', {"anything": {"@type": "t/parts.Part", "id": ""}}),
    ],
)
def test_messages_are_shown_with_their_defaults(text: str, shown: dict[str, Any]) -> None:
    decoded = json.loads(bytes(ORDER.decode(ORDER.encode(text.encode()))))
    assert decoded == DEFAULTS | shown


def test_fields_are_shown_in_the_order_of_their_numbers() -> None:
    codec = ProtobufCodec(compiled(a='syntax = "proto3"; message A { int32 b = 2; int32 a = 1; }'))
    assert bytes(codec.decode(b"\x00")) == b'{"a":0,"b":0}'


@pytest.mark.parametrize(
    ("message", "opening"),
    [
        (None, b"\x00"),
        ("shop.Order", b"\x00"),
        ("shop.Second", b"\x02\x02"),
        ("shop.Order.Line", b"\x04\x00\x00"),
        ("shop.Order.Other", b"\x04\x00\x02"),
        ("shop.Order.Line.Deep", b"\x06\x00\x00\x00"),
    ],
)
def test_a_message_is_found_by_its_place_where_map_entries_do_not_count(message: str | None, opening: bytes) -> None:
    payload = shop(message).encode(b"{}")
    assert payload == opening
    assert bytes(ORDER.decode(payload)) == bytes(shop(message).decode(payload))


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "message indexes are cut off"),
        (b"\x02", "message indexes are cut off"),
        (b"\x02\x06", r"no message at the indexes \[3\]"),
        (b"\x02\x01", r"no message at the indexes \[-1\]"),
        (b"\xfe\xff\xff\xff\x0f", "message indexes"),
        (b"\x00\xff", "Error parsing message"),
        (b"\x00\x42\x01\xff", "Error parsing message"),
        (b"\x00\x42\xff\xff\xff\xff\x07", "Error parsing message"),
        (b"\x00" + b"\x8b\x01" * 5000, "Error parsing message"),
        (b"\x00\x92\x01\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "no JSON for this message"),
        (b"\x00\xb2\x01\x09\x0a\x07t/no.No", "no JSON for this message"),
        (b"\x00\xa2\x01\x09\x11\x00\x00\x00\x00\x00\x00\xf8\x7f", "no JSON for this message"),
    ],
)
def test_hostile_payloads_are_refused(payload: bytes, words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        ORDER.decode(payload)


def test_proto2_knows_required_fields_closed_enums_and_presence() -> None:
    codec = ProtobufCodec(OLD)
    assert bytes(codec.decode(codec.encode(b'{"must":0}'))) == b'{"must":0}'
    assert bytes(codec.decode(codec.encode(b'{"must":0,"may":0,"closed":2}'))) == b'{"must":0,"may":0,"closed":"B"}'
    with pytest.raises(EncodeError, match="required"):
        codec.encode(b"{}")
    with pytest.raises(EncodeError, match="Invalid enum value: 3"):
        codec.encode(b'{"must":1,"closed":3}')


@pytest.mark.parametrize(
    ("file_set", "message"),
    [
        (b"\xff", None),
        (b"", None),
        (SHOP, "shop.Missing"),
        (compiled(e='syntax = "proto3"; enum E { A = 0; }'), None),
        (FileDescriptorSet(file=[FileDescriptorProto(name="a", dependency=["b"])]).SerializeToString(), None),
    ],
)
def test_descriptors_without_the_message_are_refused(file_set: bytes, message: str | None) -> None:
    with pytest.raises(InvalidSchemaError):
        ProtobufCodec(file_set, message)


INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "small": INT32 | INT32.map(str),
    "large": INT64 | INT64.map(str),
    "count": st.integers(0, 2**32 - 1),
    "hash": st.integers(0, 2**64 - 1).map(str),
    "ratio": st.floats(width=32, allow_nan=False, allow_infinity=False) | st.sampled_from(["NaN", "Infinity"]),
    "total": st.floats(allow_nan=False, allow_infinity=False) | st.just("-Infinity"),
    "paid": st.booleans(),
    "customerName": st.text(),
    "state": st.sampled_from(["NEW", "PAID", 0, 1, 7]),
    "numbers": st.lists(INT32, max_size=3),
    "lines": st.dictionaries(st.text(), st.fixed_dictionaries({}, optional={"text": st.text()}), max_size=2),
    "flags": st.dictionaries(st.sampled_from(["true", "false"]), INT64.map(str)),
    "note": st.text(),
    "limit": INT64.map(str),
    "placed": st.datetimes().map(lambda each: each.isoformat() + "Z"),
    "anyJson": st.none() | st.text() | st.lists(st.booleans()),
    "right": INT32 | st.none(),
}
ORDERS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.fixed_dictionaries({}, optional=FIELDS),
    lambda inner: st.fixed_dictionaries({"parent": inner}, optional=FIELDS),
    max_leaves=3,
)


@pytest.mark.slow
@settings(max_examples=count_examples(200), deadline=None)
@given(ORDERS)
def test_messages_and_json_are_those_of_the_protobuf_library(value: dict[str, Any]) -> None:
    descriptors = Descriptors(SHOP)
    expected = GetMessageClass(descriptors.messages[0,])()
    json_format.ParseDict(value, expected, descriptor_pool=descriptors.pool)
    payload = ORDER.encode(json.dumps(value).encode())
    assert type(expected).FromString(payload[1:]).SerializeToString(deterministic=True) == (
        expected.SerializeToString(deterministic=True)
    )
    shown = json_format.MessageToDict(
        expected, descriptor_pool=descriptors.pool, always_print_fields_with_no_presence=True
    )
    assert same(json.loads(bytes(ORDER.decode(payload))), shown)


def same(left: Any, right: Any) -> bool:
    """Equal, but for the digits that the two write of a 32-bit number."""
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, float):
        return math.isclose(left, right, rel_tol=1e-6)
    return bool(left == right)


def test_the_plain_form_has_the_field_names_of_the_schema() -> None:
    """In messages inside of messages and in well-known types, too."""
    text = """
    syntax = "proto3";
    import "google/protobuf/any.proto";
    message Lift { int32 top_floor = 1; repeated Door side_doors = 2; google.protobuf.Any any_value = 3; }
    message Door { string door_name = 1 [json_name = "n"]; }
    """
    codec = ProtobufCodec(compiled(lift=text))
    packed = {"@type": "type.googleapis.com/Lift", "topFloor": 1}
    payload = codec.encode(json.dumps({"topFloor": 3, "side_doors": [{"n": "a"}], "anyValue": packed}).encode())
    plain = json.loads(bytes(codec.decode_plain(payload)))
    assert (plain["top_floor"], plain["side_doors"]) == (3, [{"door_name": "a"}])
    assert plain["any_value"]["top_floor"] == 1
    assert json.loads(bytes(codec.decode(payload)))["sideDoors"] == [{"n": "a"}]
    with pytest.raises(DecodeError):
        codec.decode_plain(b"\x02\x08")
