"""Cutting concatenated JSON into values, wherever the pieces of the stream happen to end."""

import random

import msgspec
import pytest

from karapace_like.proxy.v3.json_faults import find_faults
from karapace_like.proxy.v3.json_stream import JsonSplitter, StreamError

VALUES = [
    {"a": 'x"}{\\', "b": [1, 2, {"c": "\\\\"}]},
    {"é": "ü{[", "empty": {}, "list": []},
    [],
    'a string with \\ and "',
    -1.5e3,
    5,
    None,
    True,
]

TOKENS = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


def split(text: bytes, size: int, *, max_bytes: int = 1 << 20, max_depth: int = 100) -> list[bytes]:
    splitter = JsonSplitter(max_bytes=max_bytes, max_depth=max_depth)
    found = [value for at in range(0, len(text), size) for value in splitter.feed(text[at : at + size])]
    rest = splitter.end()
    return found if rest is None else [*found, rest]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 4096])
@pytest.mark.parametrize("space", [" ", "\n", "\r\n\r\n", "\t "])
def test_values_come_out_whole_however_the_stream_is_cut(size: int, space: str) -> None:
    chosen = random.Random(size).choices(VALUES, k=60)
    text = space.encode().join(msgspec.json.encode(each) for each in chosen)
    assert [msgspec.json.decode(each) for each in split(text, size)] == chosen


@pytest.mark.parametrize("size", [1, 5, 4096])
def test_nothing_need_stand_between_values_that_end_themselves(size: int) -> None:
    assert split(b'{"a":1}{"b":2}[3]"four"{}', size) == [b'{"a":1}', b'{"b":2}', b"[3]", b'"four"', b"{}"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (b"", []),
        (b"  \n ", []),
        (b'{"a":', [b'{"a":']),
        (b'{"a":"\\', [b'{"a":"\\']),
        (b'{"a":1}}', [b'{"a":1}', b"}"]),
        (b'{"a":]', [b'{"a":]']),
        (b",{}", [b",", b"{}"]),
        (b"nope {}", [b"nope", b"{}"]),
    ],
)
def test_what_is_no_json_comes_out_for_the_decoder_to_refuse(text: bytes, values: list[bytes]) -> None:
    assert split(text, 4096) == values
    assert split(text, 1) == values


def test_a_value_beyond_the_limit_ends_the_stream() -> None:
    for text in (b'{"a":"' + b"x" * 200, b"[" + b"1," * 100, b"7" * 200):
        with pytest.raises(StreamError, match="larger than 100 bytes"):
            split(text, 10, max_bytes=100)


def test_a_value_that_is_nested_too_deeply_ends_the_stream() -> None:
    assert split(b"[" * 100 + b"]" * 100, 10)
    with pytest.raises(StreamError, match="nesting depth"):
        split(b"[" * 101, 10)


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            b"{broken",
            (
                "Unexpected character ('b' (code 98)): was expecting double-quote to start field name",
                "Unexpected character ('r' (code 114)): was expecting comma to separate Object entries",
            ),
        ),
        (
            b"x",
            (
                f"Unrecognized token 'x': was expecting {TOKENS}",
            ),
        ),
        (b'{"a":1}}', ("The value is not valid JSON",)),
        (b'\n{"a":[1 2],"b" 3}', (
            "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries",
            "Unexpected character ('3' (code 51)): was expecting a colon to separate field name and value",
        )),
    ],
)  # fmt: skip
def test_faults_are_told_in_the_reference_s_words(text: bytes, messages: tuple[str, ...]) -> None:
    assert find_faults(text) == messages


def test_a_text_that_is_cut_off_names_the_bracket_that_is_open() -> None:
    first, second = find_faults(b'{"a": 1,\n "b": [1')
    assert first == second
    assert first.startswith("Unexpected end-of-input: expected close marker for Array (start marker at ")
    assert "line: 2, column: 7" in first


def test_every_almost_json_text_has_a_fault_and_none_raises() -> None:
    random_ = random.Random(7)
    whole = msgspec.json.encode(VALUES[0])
    for _ in range(2_000):
        broken = bytearray(whole)
        broken[random_.randrange(len(broken))] = random_.randrange(256)
        assert 1 <= len(find_faults(bytes(broken[: random_.randrange(1, len(broken))]))) <= 2
