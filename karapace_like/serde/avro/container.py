"""Avro container files: blocks and their values, as the bytes of a file arrive.

Source: Apache Avro 1.12, "Object Container Files". Every size is checked against a bound before it is believed. The
codecs are `null` and `deflate`.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from karapace_like.schema.avro.model import Parsed
from karapace_like.serde.avro import decoder
from karapace_like.serde.codec import DecodeError

_MAGIC = b"Obj\x01"
_SYNC_BYTES = 16
_MAX_VARINT_BYTES = 10
_MAX_HEADER = 1024 * 1024
"""Bytes of the header, which has the schema."""
_MAX_ENTRIES = 1_000
_CODECS = ("null", "deflate")
_to_json = msgspec.json.Encoder().encode


class ContainerError(ValueError):
    """The bytes are no container file that can be read; the message is a clause that says why."""


class Block(NamedTuple):
    """The values of one block, not yet decompressed."""

    values: int
    data: bytes


class ContainerReader:
    """Takes the bytes of one file by `feed` and finishes with `end`; every method raises ContainerError."""

    def __init__(self, max_block: int) -> None:
        """`max_block`: bytes of a block, also after it is decompressed."""
        self.schema: str | None = None
        """The text of the schema, once the header has come."""
        self._codec = ""
        self._sync = b""
        self._max_block = max_block
        self._buffer = bytearray()
        self._try_header_at = 0
        """With so many bytes the header is parsed again: a header in many pieces is not parsed for each of them."""

    def feed(self, chunk: bytes) -> Iterator[Block]:
        """Yield the blocks that are complete with these bytes."""
        self._buffer += chunk
        if self.schema is None and (len(self._buffer) < self._try_header_at or not self._read_header()):
            self._try_header_at = min(max(2 * len(self._buffer), self._try_header_at), _MAX_HEADER)
            return
        while (block := self._take_block()) is not None:
            yield block

    def end(self) -> Iterator[Block]:
        """Yield the blocks that are left, and check that the file is whole."""
        self._try_header_at = 0
        yield from self.feed(b"")
        if self.schema is None or self._buffer:
            raise ContainerError("it ends inside of its header or of a block")

    def inflate(self, block: Block) -> bytes:
        """Return the values of the block. It takes some milliseconds for a large one."""
        if self._codec == "null":
            return block.data
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            data = inflater.decompress(block.data, self._max_block + 1)
        except zlib.error as error:
            raise ContainerError(f"a block cannot be inflated ({error})") from error
        if len(data) > self._max_block:
            raise ContainerError(f"a block has more than {self._max_block} bytes")
        if not inflater.eof:
            raise ContainerError("a block is truncated")
        return data

    def _read_header(self) -> bool:
        """Read the header if it is complete; return whether it was."""
        if not self._buffer.startswith(_MAGIC[: len(self._buffer)]):
            raise ContainerError("it does not begin as an Avro container file does")
        head = bytes(self._buffer[:_MAX_HEADER])
        try:
            metadata, position = _read_metadata(head, len(_MAGIC))
            _ = head[position + _SYNC_BYTES - 1]  # the marker is there
        except IndexError:
            if len(self._buffer) >= _MAX_HEADER:
                raise ContainerError(f"its header has more than {_MAX_HEADER} bytes") from None
            return False
        self._codec = metadata.get("avro.codec", b"null").decode(errors="replace") or "null"
        if self._codec not in _CODECS:
            raise ContainerError(f"its codec is {self._codec[:20]}; expected {' or '.join(_CODECS)}")
        try:
            self.schema = metadata["avro.schema"].decode()
        except (KeyError, UnicodeDecodeError) as error:
            raise ContainerError("its header has no schema") from error
        self._sync = head[position : position + _SYNC_BYTES]
        del self._buffer[: position + _SYNC_BYTES]
        return True

    def _take_block(self) -> Block | None:
        head = bytes(self._buffer[: 2 * _MAX_VARINT_BYTES])
        try:
            count, position = _read_long(head, 0)
            size, position = _read_long(head, position)
        except IndexError:
            return None
        if count < 0 or not 0 <= size <= self._max_block:
            raise ContainerError(f"a block has {count} values in {size} bytes, more than {self._max_block}")
        end = position + size + _SYNC_BYTES
        if len(self._buffer) < end:
            return None
        if self._buffer[end - _SYNC_BYTES : end] != self._sync:
            raise ContainerError("a block is not followed by the marker of the file")
        block = Block(count, bytes(self._buffer[position : end - _SYNC_BYTES]))
        del self._buffer[:end]
        return block


class ContainerWriter:
    """Writes one container file, without compression: `begin`, and then blocks."""

    def __init__(self, schema: str, sync: bytes) -> None:
        """`schema` is whole: it refers to no other; `sync` are 16 random bytes."""
        self._schema = schema.encode()
        self._sync = sync

    def begin(self) -> bytes:
        """Return the header."""
        metadata = {b"avro.codec": b"null", b"avro.schema": self._schema}
        entries = b"".join(_write_long(len(text)) + text for entry in metadata.items() for text in entry)
        return _MAGIC + _write_long(len(metadata)) + entries + _write_long(0) + self._sync

    def write(self, values: Sequence[bytes]) -> bytes:
        """Return a block of these values, each encoded with the schema; nothing for none."""
        if not values:
            return b""
        data = b"".join(values)
        return _write_long(len(values)) + _write_long(len(data)) + data + self._sync


def decode_values(read: decoder.Read, count: int, data: bytes) -> Iterator[msgspec.Raw]:
    """Yield the values of an inflated block as Avro-JSON; raise ContainerError."""
    if count > max(len(data), decoder.MAX_EMPTY_ITEMS):
        raise ContainerError(f"a block has {count} values in {len(data)} bytes")
    position = 0
    for _ in range(count):
        try:
            value, position = read(data, position)
            text = msgspec.Raw(_to_json(value))
        except IndexError as error:
            raise ContainerError("a value does not end within its block") from error
        except (DecodeError, UnicodeDecodeError) as error:
            raise ContainerError(f"a value cannot be decoded: {error}") from error
        except RecursionError as error:
            raise ContainerError("a value is nested too deeply") from error
        yield text
    if position != len(data):
        raise ContainerError("a block has bytes after its last value")


def make_reader(schema: Parsed) -> decoder.Read:
    """Return the decoder of the file's values; raise InvalidSchemaError."""
    return decoder.reader(schema)


def _read_metadata(head: bytes, position: int) -> tuple[dict[str, bytes], int]:
    """Return (map of bytes, where it ends); raise IndexError where the bytes do not suffice."""
    metadata: dict[str, bytes] = {}
    while True:
        count, position = _read_long(head, position)
        if count < 0:
            _, position = _read_long(head, position)
            count = -count
        if count == 0:
            return metadata, position
        for _ in range(count):
            if len(metadata) >= _MAX_ENTRIES:
                raise ContainerError(f"its header has more than {_MAX_ENTRIES} entries")
            key, position = _read_bytes(head, position)
            value, position = _read_bytes(head, position)
            metadata[key.decode(errors="replace")] = value


def _read_bytes(head: bytes, position: int) -> tuple[bytes, int]:
    length, begin = _read_long(head, position)
    if length < 0 or length > _MAX_HEADER:
        raise ContainerError(f"its header has an entry of {length} bytes")
    if begin + length > len(head):
        raise IndexError
    return head[begin : begin + length], begin + length


def _write_long(number: int) -> bytes:
    """Return a number that is not negative, zigzag-encoded."""
    rest, encoded = number << 1, bytearray()
    while rest > 0x7F:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)


def _read_long(data: bytes, position: int) -> tuple[int, int]:
    """Return (a zigzag number, where it ends); raise IndexError where the bytes do not suffice."""
    number = shift = 0
    for _ in range(_MAX_VARINT_BYTES):
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), position
        shift += 7
    raise ContainerError("a number has more than ten bytes")
