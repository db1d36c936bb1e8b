"""The frame around a record that says which schema it was written with (Confluent wire format).

Two shapes exist: a prefix of the record's own bytes (magic byte 0 and the schema id), which is read and written, and
a record header (magic byte 1 and the schema's guid), which is read only. The bytes after the id or guid are left to
the format's codec: Protobuf puts the message's place in its file there (`message_indexes`), the others nothing.
"""

import struct
import uuid

KEY_HEADER = "__key_schema_id"
"""The record header that names the key's schema where the key itself carries no prefix."""
VALUE_HEADER = "__value_schema_id"
"""The record header that names the value's schema where the value itself carries no prefix."""

_PREFIX = struct.Struct(">Bi")
PREFIX_BYTES = _PREFIX.size
"""Of the record's own bytes, before the payload."""
_MAGIC_ID = 0
_MAGIC_GUID = 1
_GUID_END = 17
_MAX_VARINT_BYTES = 5
_MAX_INDEXES = 100


class FrameError(ValueError):
    """Bytes do not begin as the wire format asks; the message says what was found."""


def prefix(schema_id: int) -> bytes:
    """The five bytes that come before every payload of one schema."""
    return _PREFIX.pack(_MAGIC_ID, schema_id)


def unframe(framed: bytes) -> tuple[int, bytes]:
    """(schema id, payload) of a record's key or value."""
    if len(framed) < PREFIX_BYTES:
        raise FrameError(f"{len(framed)} bytes are too few for a schema id")
    magic, schema_id = _PREFIX.unpack_from(framed)
    if magic != _MAGIC_ID:
        raise FrameError(f"Unknown magic byte {magic}")
    return schema_id, framed[PREFIX_BYTES:]


def unframe_header(header: bytes, body: bytes) -> tuple[int | uuid.UUID, bytes]:
    """(schema id or guid, payload), where `header` is the value of KEY_HEADER or VALUE_HEADER.

    A payload is then the rest of the header, if any, and the whole of the record's key or value.
    """
    magic = header[0] if header else None
    if magic == _MAGIC_GUID and len(header) >= _GUID_END:
        return uuid.UUID(bytes=header[1:_GUID_END]), header[_GUID_END:] + body
    if magic == _MAGIC_ID:
        schema_id, rest = unframe(header)
        return schema_id, rest + body
    raise FrameError(f"A schema header of {len(header)} bytes with magic byte {magic} is not understood")


def message_indexes(path: tuple[int, ...]) -> bytes:
    """The place of a Protobuf message in its file: the index of each message on the way, outermost first."""
    if path == (0,):
        return b"\x00"  # the first message of a file, by far the commonest, has a form of its own
    return b"".join(map(_varint, (len(path), *path)))


def read_message_indexes(payload: bytes) -> tuple[tuple[int, ...], int]:
    """(path, where the message begins) of a payload that `message_indexes` opens."""
    count, position = _read_varint(payload, 0)
    if count == 0:
        return (0,), position
    if not 0 < count <= _MAX_INDEXES:
        raise FrameError(f"{count} message indexes")
    path = []
    for _ in range(count):
        index, position = _read_varint(payload, position)
        path.append(index)
    return tuple(path), position


def _varint(number: int) -> bytes:
    rest = number << 1  # zig-zag; message indexes are never negative
    encoded = bytearray()
    while rest > 0x7F:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)


def _read_varint(payload: bytes, position: int) -> tuple[int, int]:
    number = 0
    for count, byte in enumerate(payload[position : position + _MAX_VARINT_BYTES]):
        number |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), position + count + 1
    raise FrameError("The message indexes are cut off or too large")
