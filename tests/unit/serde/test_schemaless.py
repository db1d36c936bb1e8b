"""JSON, base64 and text go through unchanged, and what is none of them is refused."""

import base64

import msgspec
import pytest

from karapace_like.serde.codec import Codec, DecodeError, EncodeError
from karapace_like.serde.schemaless import SCHEMALESS, in_json


def shown(codec: Codec, payload: bytes) -> bytes:
    """The payload in an answer."""
    return msgspec.json.encode(in_json(codec.decode(payload)))


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        (b'{ "b" : 1.10, "a":[ 1e400 , 123456789012345678901234567890 ] }', None),
        (b' "two  spaces\\n" ', None),
        (b"0", None),
        (b"-0", None),
        (b"false", None),
        (b'""', None),
        (b"{}", None),
        (b"[]", None),
        (b"null", None),
        ('"€ \\u20ac"'.encode(), '"€ €"'.encode()),
    ],
)
def test_json_keeps_the_digits_of_numbers_but_no_space_between_its_parts(text: bytes, payload: bytes | None) -> None:
    codec = SCHEMALESS["json"]
    expected = payload or text.replace(b" ", b"").replace(b"two", b"two  ")
    assert codec.encode(text) == expected
    assert codec.encode(msgspec.Raw(text)) == expected
    assert shown(codec, expected) == expected


NO_JSON = [b"", b"{", b"nul", b"1 2", b'"\xff"', b"NaN", b"[" * 100_000 + b"]" * 100_000]


@pytest.mark.parametrize("text", NO_JSON)
def test_what_is_no_json_is_refused_both_ways(text: bytes) -> None:
    with pytest.raises(EncodeError):
        SCHEMALESS["json"].encode(text)
    with pytest.raises(DecodeError, match="the payload is not JSON"):
        SCHEMALESS["json"].decode(text)


@pytest.mark.parametrize(
    ("text", "payload"), [(b'"eA=="', b"x"), (b'"eA"', b"x"), (b'""', b""), (b'"AP+/"', b"\x00\xff\xbf")]
)
def test_base64_becomes_bytes_and_comes_back_padded(text: bytes, payload: bytes) -> None:
    codec = SCHEMALESS["binary"]
    assert codec.encode(text) == payload
    assert codec.encode(msgspec.Raw(text)) == payload
    assert codec.encode(shown(codec, payload)) == payload


@pytest.mark.parametrize("size", [0, 1, 598, 599, 600, 601, 602, 4096])
def test_bytes_of_any_length_come_back(size: int) -> None:
    """Long ones are decoded and encoded by another library: as short ones, however they are spelled."""
    codec, payload = SCHEMALESS["binary"], bytes(each * 7 % 256 for each in range(size))
    text = b'"' + base64.b64encode(payload) + b'"'
    assert shown(codec, payload) == text
    for spelled in (text, text.replace(b"/", b"\\/"), text.replace(b"=", b""), b" " + text + b" "):
        assert codec.encode(spelled) == payload
        assert codec.encode(msgspec.json.decode(b"[" + spelled + b"]", type=list[msgspec.Raw])[0]) == payload


@pytest.mark.parametrize(
    "text", [b'"' + b"A" * 1001 + b'"', b'"' + b"A" * 999 + b'-"', b"1" * 1002, b'"' + b"A" * 1000]
)
def test_long_values_that_are_no_base64_are_refused(text: bytes) -> None:
    with pytest.raises(EncodeError):
        SCHEMALESS["binary"].encode(text)


def test_text_becomes_utf8() -> None:
    codec = SCHEMALESS["string"]
    assert codec.encode(b'"a\\u20ac"') == "a€".encode()
    assert shown(codec, "a€".encode()) == '"a€"'.encode()
    with pytest.raises(DecodeError, match="not UTF-8"):
        codec.decode(b"\xff")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("binary", b'"***"', 'data="***" is not a valid base64 string.'),
        ("binary", b'"e A=="', 'data="e A==" is not a valid base64 string.'),
        ("binary", b'"--__"', 'data="--__" is not a valid base64 string.'),
        ("binary", b'"e"', 'data="e" is not a valid base64 string.'),
        ("binary", '"é"'.encode(), 'data="é" is not a valid base64 string.'),
        ("binary", b"5", "data=5 is not a base64 string."),
        ("binary", b"null", "data=null is not a base64 string."),
        ("binary", b"{", "Input data was truncated"),
        ("string", b'{ "a": 1 }', 'data={"a":1} is not a string.'),
        ("string", b"[" + b"1," * 200 + b"1]", "data=[" + "1," * 99 + "1... is not a string."),
        ("string", b'"', "Input data was truncated"),
        ("string", b'"\xff"', "'utf-8' codec can't decode byte 0xff in position 1: invalid start byte"),
    ],
)
def test_other_json_is_refused_and_cited(name: str, text: bytes, message: str) -> None:
    with pytest.raises(EncodeError) as raised:
        SCHEMALESS[name].encode(text)
    assert str(raised.value) == message
