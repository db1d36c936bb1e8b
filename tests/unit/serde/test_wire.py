"""The Confluent frame: ids, guids and message indexes, as their public description gives them."""

import uuid

import pytest
from confluent_kafka.schema_registry.serde import SchemaId
from hypothesis import given
from hypothesis import strategies as st

from karapace_like.serde import wire

GUID = uuid.UUID("89791762-2336-4186-9674-299b90a802e2")


def test_a_prefix_is_a_zero_byte_and_a_big_endian_id() -> None:
    assert wire.prefix(258) == b"\x00\x00\x00\x01\x02"
    assert wire.unframe(b"\x00\x00\x00\x01\x02rest") == (258, b"rest")
    assert wire.unframe(wire.prefix(2**31 - 1)) == (2**31 - 1, b"")


@pytest.mark.parametrize(
    ("framed", "words"),
    [
        (b"", "0 bytes"),
        (b"\x00\x00\x00\x01", "4 bytes"),
        (b'{"a":1}', "magic byte 123"),
        (b"\x01" * 20, "magic byte 1"),
    ],
)
def test_bytes_without_a_prefix_are_refused(framed: bytes, words: str) -> None:
    with pytest.raises(wire.FrameError, match=words):
        wire.unframe(framed)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"\x01" + GUID.bytes, (GUID, b"body")),
        (b"\x01" + GUID.bytes + b"\x02\x02", (GUID, b"\x02\x02body")),
        (b"\x00\x00\x00\x00\x07", (7, b"body")),
        (b"\x00\x00\x00\x00\x07\x00", (7, b"\x00body")),
    ],
)
def test_a_header_names_the_schema_by_guid_or_id_and_its_rest_opens_the_payload(
    header: bytes, expected: tuple[object, bytes]
) -> None:
    assert wire.unframe_header(header, b"body") == expected


@pytest.mark.parametrize("header", [b"", b"\x01", b"\x01" + GUID.bytes[:15], b"\x02" + GUID.bytes, b"\x00\x00"])
def test_a_header_of_another_shape_is_refused(header: bytes) -> None:
    with pytest.raises(wire.FrameError):
        wire.unframe_header(header, b"body")


@pytest.mark.parametrize(
    ("path", "encoded"),
    [
        ((0,), b"\x00"),
        ((1,), b"\x02\x02"),
        ((0, 0), b"\x04\x00\x00"),
        ((2, 1), b"\x04\x04\x02"),
        ((64,), b"\x02\x80\x01"),
        ((1, 300, 2), b"\x06\x02\xd8\x04\x04"),
    ],
)
def test_message_indexes_are_zigzag_varints_with_one_byte_for_the_first_message(
    path: tuple[int, ...], encoded: bytes
) -> None:
    assert wire.message_indexes(path) == encoded
    assert wire.read_message_indexes(encoded + b"\x08\x01") == (path, len(encoded))


@given(st.integers(0, 2**31 - 1), st.lists(st.integers(0, 1000), min_size=1, max_size=5))
def test_frames_are_those_of_the_reference_client(schema_id: int, path: list[int]) -> None:
    theirs = SchemaId("PROTOBUF", schema_id, str(GUID), path)
    assert wire.prefix(schema_id) + wire.message_indexes(tuple(path)) == theirs.id_to_bytes()
    guid, payload = wire.unframe_header(theirs.guid_to_bytes(), b"body")
    assert (guid, *wire.read_message_indexes(payload)) == (GUID, tuple(path), len(payload) - len(b"body"))


def test_the_long_form_of_the_first_message_is_read_too() -> None:
    assert wire.read_message_indexes(b"\x02\x00rest") == ((0,), 2)


@pytest.mark.parametrize(
    "payload", [b"", b"\x02", b"\x80", b"\x04\x02", b"\x01\x01", b"\xff" * 9, b"\xfe\xff\xff\xff\x0f" + b"\x00" * 9]
)
def test_broken_message_indexes_are_refused(payload: bytes) -> None:
    with pytest.raises(wire.FrameError):
        wire.read_message_indexes(payload)
