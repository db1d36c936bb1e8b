"""Avro container files: whole ones in any pieces, and any bytes that are none."""

import io
from collections.abc import Iterator
from itertools import chain
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karapace_like.schema.avro import parse
from karapace_like.schema.model import Strictness
from karapace_like.serde.avro import AvroCodec, container
from karapace_like.serde.avro.container import (
    ContainerError,
    ContainerReader,
    ContainerWriter,
    decode_values,
    make_reader,
)

SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Lift",
    "fields": [{"name": "floor", "type": "int"}, {"name": "notes", "type": {"type": "array", "items": "string"}}],
}
TEXT = msgspec.json.encode(SCHEMA).decode()
READ = make_reader(parse(TEXT, {}, Strictness.STRICT))
LIFTS = st.lists(
    st.fixed_dictionaries(
        {"floor": st.integers(-(2**31), 2**31 - 1), "notes": st.lists(st.text(max_size=5), max_size=3)}
    ),
    max_size=30,
)


def read_all(pieces: Iterator[bytes]) -> list[Any]:
    reader = ContainerReader(max_block=100_000)
    blocks = chain(chain.from_iterable(map(reader.feed, pieces)), reader.end())
    return [
        msgspec.json.decode(value)
        for block in blocks
        for value in decode_values(READ, block.values, reader.inflate(block))
    ]


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


@given(LIFTS, st.sampled_from(["null", "deflate"]), st.integers(1, 200), st.integers(1, 300))
def test_a_file_is_read_in_any_pieces(lifts: list[Any], codec: str, interval: int, size: int) -> None:
    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(SCHEMA), lifts, codec=codec, sync_interval=interval)
    assert read_all(cut(file.getvalue(), size)) == lifts


@given(LIFTS, st.integers(1, 10))
def test_a_file_that_is_written_is_read_by_others(lifts: list[Any], in_block: int) -> None:
    codec, writer = AvroCodec(parse(TEXT, {}, Strictness.STRICT)), ContainerWriter(TEXT, bytes(range(16)))
    values = [codec.encode(msgspec.json.encode(lift)) for lift in lifts]
    blocks = [values[start : start + in_block] for start in range(0, len(values), in_block)]
    file = writer.begin() + b"".join(map(writer.write, blocks)) + writer.write([])
    assert list(fastavro.reader(io.BytesIO(file))) == lifts


@given(LIFTS, st.sampled_from(["null", "deflate"]), st.data())
def test_a_spoilt_file_is_an_error_or_other_values(lifts: list[Any], codec: str, data: st.DataObject) -> None:
    """Whatever bytes come, nothing but ContainerError is raised, and no more is read than what is there."""
    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(SCHEMA), lifts, codec=codec, sync_interval=50)
    whole = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    try:
        read_all(cut(bytes(whole), 64))
    except ContainerError:
        return


def test_a_header_in_many_pieces_is_not_parsed_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a megabyte of them, byte by byte, would take minutes."""
    parsed: list[int] = []
    parse_once = container._read_metadata

    def count(head: bytes, position: int) -> tuple[dict[str, bytes], int]:
        parsed.append(len(head))
        return parse_once(head, position)

    monkeypatch.setattr(container, "_read_metadata", count)
    head = ContainerWriter(msgspec.json.encode({**SCHEMA, "doc": "x" * 50_000}).decode(), bytes(16)).begin()
    assert read_all(cut(head, 1)) == []
    assert len(parsed) < 25


@given(st.binary(max_size=300))
def test_any_bytes_after_the_magic_are_no_other_error(tail: bytes) -> None:
    with pytest.raises(ContainerError):
        read_all(iter([b"Obj\x01" + tail]))
