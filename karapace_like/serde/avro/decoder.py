"""Avro binary to Avro-JSON values: one function per type of a schema, made once and called per value.

The result is what the specification's "JSON Encoding" asks for, as Python objects that a JSON encoder takes: unions
below the top as `{"branch": value}`, bytes and fixed as ISO-8859-1 strings, and, as Confluent's proxy writes them,
`"NaN"` and the infinities as strings. In the plain form, unions are their values, and bytes stay bytes. Every length
and count is checked against the bytes that are left before it is believed.
"""

import struct
from collections.abc import Callable
from math import isfinite
from typing import Any

from karapace_like.schema.avro.model import (
    Array,
    AvroType,
    Enum,
    Fixed,
    Map,
    Parsed,
    Primitive,
    Record,
    Union,
)
from karapace_like.schema.model import InvalidSchemaError
from karapace_like.serde.avro.unions import label
from karapace_like.serde.codec import DecodeError, RecordForm
from karapace_like.serde.floats import render_float, show

Read = Callable[[bytes, int], tuple[Any, int]]
"""(payload, where the value begins) -> (value, where it ends); raises DecodeError, or IndexError at the end."""

MAX_EMPTY_ITEMS = 64
"""Items that one array may hold of a type that takes no bytes, like null: nothing else would bound them."""

MAX_VALUES = 100_000
"""Values that a record may hold before its first union, array or map, itself and its records' fields counted."""

_MAX_VARINT_BITS = 63
_FLOAT = struct.Struct("<f")
_DOUBLE = struct.Struct("<d")


def reader(schema: Parsed, form: RecordForm = RecordForm.STANDARD) -> Read:
    """The decoder of one schema. A union at the top is shown as its value alone, as Confluent's proxy shows it."""
    if form is RecordForm.PLAIN:
        return _Readers(schema, shows_labels=False, shows_bytes=bytes).of(schema.root)
    read = _Readers(schema, shows_labels=True, shows_bytes=_show_as_text).of(schema.root)
    return _drop_label(read) if isinstance(schema.definition(schema.root), Union) else read


class _Readers:
    """Makes the readers of one schema; a record's is made once, so that recursion ends."""

    def __init__(self, schema: Parsed, *, shows_labels: bool, shows_bytes: Callable[[bytes], str | bytes]) -> None:
        """`shows_bytes` returns what a JSON encoder takes."""
        self._schema = schema
        self._shows_labels = shows_labels
        self._shows_bytes = shows_bytes
        self._records: dict[str, Read] = {}
        self._extents: dict[str, tuple[int, bool]] = {}

    def of(self, type_: AvroType) -> Read:
        match self._schema.definition(type_):
            case Primitive(kind="bytes"):
                return _bytes(self._shows_bytes)
            case Primitive(kind=kind):
                return _PRIMITIVE[kind]
            case Record() as record:
                return self._records.get(record.name) or self._record(record)
            case Union(branches=branches):
                read = _union([(label(self._schema.definition(branch)), self.of(branch)) for branch in branches])
                return read if self._shows_labels else _drop_label(read)
            case Array(items=items):
                return _array(self.of(items), is_empty=self._extent(items)[1])
            case Map(values=values):
                return _map(self.of(values))
            case Enum(symbols=symbols):
                return _enum(symbols)
            case Fixed(size=size):
                return _fixed_reader(size, self._shows_bytes)

    def _record(self, record: Record) -> Read:
        fields: list[tuple[str, Read]] = []
        self._extent(record)
        self._records[record.name] = read = _record(fields)
        fields.extend((field.name, self.of(field.type)) for field in record.fields)
        return read

    def _extent(self, type_: AvroType) -> tuple[int, bool]:
        """(how many values one value of the type is, at most, until a union, array or map; whether it takes no bytes).

        Records of records of null can be billions of values in no bytes at all: raises InvalidSchemaError for such.
        """
        match self._schema.definition(type_):
            case Primitive(kind=kind):
                return 1, kind == "null"
            case Fixed(size=size):
                return 1, size == 0
            case Record(name=name, fields=fields):
                if name not in self._extents:
                    self._extents[name] = MAX_VALUES, False  # of the record in itself, without end
                    extents = [self._extent(field.type) for field in fields]
                    self._extents[name] = 1 + sum(extent for extent, _ in extents), all(empty for _, empty in extents)
                if self._extents[name][0] > MAX_VALUES:
                    raise InvalidSchemaError(f"one {name} holds more than {MAX_VALUES} values")
                return self._extents[name]
            case _:
                return 1, False


def _long(payload: bytes, position: int) -> tuple[int, int]:
    byte = payload[position]
    position += 1
    number = byte & 0x7F
    shift = 7
    while byte > 0x7F:
        if shift > _MAX_VARINT_BITS:
            raise DecodeError(f"a number of more than ten bytes at byte {position}")
        byte = payload[position]
        position += 1
        number |= (byte & 0x7F) << shift
        shift += 7
    number = (number >> 1) ^ -(number & 1)
    if -0x8000000000000000 <= number <= 0x7FFFFFFFFFFFFFFF:
        return number, position
    raise DecodeError(f"a number of more than 64 bits before byte {position}")


def _int(payload: bytes, position: int) -> tuple[int, int]:
    number, position = _long(payload, position)
    if -0x80000000 <= number <= 0x7FFFFFFF:
        return number, position
    raise DecodeError(f"an int of more than 32 bits before byte {position}")


def _null(payload: bytes, position: int) -> tuple[None, int]:  # noqa: ARG001 - one signature for all types
    return None, position


def _boolean(payload: bytes, position: int) -> tuple[bool, int]:
    byte = payload[position]
    if byte > 1:
        raise DecodeError(f"a boolean of {byte} at byte {position}")
    return byte == 1, position + 1


def _float(payload: bytes, position: int) -> tuple[float | str, int]:
    end = position + 4
    if end > len(payload):
        raise IndexError
    return render_float(_FLOAT.unpack_from(payload, position)[0]), end


def _double(payload: bytes, position: int) -> tuple[float | str, int]:
    end = position + 8
    if end > len(payload):
        raise IndexError
    number: float = _DOUBLE.unpack_from(payload, position)[0]
    return number if isfinite(number) else show(number), end


def _end(payload: bytes, position: int) -> tuple[int, int]:
    """(begin, end) of length-prefixed bytes, both inside of the payload."""
    byte = payload[position]
    if byte & 0x81:  # negative or of several bytes
        length, begin = _long(payload, position)
    else:
        length, begin = byte >> 1, position + 1
    end = begin + length
    if length < 0 or end > len(payload):
        raise DecodeError(f"a length of {length} before byte {begin} of {len(payload)}")
    return begin, end


def _show_as_text(value: bytes) -> str:
    return value.decode("latin-1")


def _bytes(show_bytes: Callable[[bytes], str | bytes]) -> Read:
    def read(payload: bytes, position: int) -> tuple[str | bytes, int]:
        begin, end = _end(payload, position)
        return show_bytes(payload[begin:end]), end

    return read


def _string(payload: bytes, position: int) -> tuple[str, int]:
    begin, end = _end(payload, position)
    return payload[begin:end].decode(), end


def _fixed_reader(size: int, show_bytes: Callable[[bytes], str | bytes]) -> Read:
    def read(payload: bytes, position: int) -> tuple[str | bytes, int]:
        end = position + size
        if end > len(payload):
            raise IndexError
        return show_bytes(payload[position:end]), end

    return read


def _enum(symbols: tuple[str, ...]) -> Read:
    def read(payload: bytes, position: int) -> tuple[str, int]:
        index, position = _long(payload, position)
        if 0 <= index < len(symbols):
            return symbols[index], position
        raise DecodeError(f"an enum index of {index} before byte {position}")

    return read


def _union(branches: list[tuple[str, Read]]) -> Read:
    # By the one byte that an index is nearly always written as.
    by_byte = {index << 1: branch for index, branch in enumerate(branches[:64])}

    def read(payload: bytes, position: int) -> tuple[dict[str, Any] | None, int]:
        common = by_byte.get(payload[position])
        if common is None:
            index, position = _long(payload, position)
            if not 0 <= index < len(branches):
                raise DecodeError(f"a union index of {index} before byte {position}")
            name, branch = branches[index]
        else:
            name, branch = common
            position += 1
        if name == "null":
            return None, position
        value, position = branch(payload, position)
        return {name: value}, position

    return read


def _drop_label(read_union: Read) -> Read:
    def read(payload: bytes, position: int) -> tuple[Any, int]:
        labelled, position = read_union(payload, position)
        return None if labelled is None else next(iter(labelled.values())), position

    return read


def _block(payload: bytes, position: int) -> tuple[int, int]:
    """(how many items the next block of an array or map holds, where they begin)."""
    count, position = _long(payload, position)
    if count < 0:  # then the block's length in bytes follows, for readers that skip it
        _, position = _long(payload, position)
        count = -count
    return count, position


def _array(item: Read, *, is_empty: bool) -> Read:
    def read(payload: bytes, position: int) -> tuple[list[Any], int]:
        values: list[Any] = []
        count, position = _block(payload, position)
        while count:
            if count > (MAX_EMPTY_ITEMS - len(values) if is_empty else len(payload) - position):
                raise DecodeError(f"a block of {count} items before byte {position} of {len(payload)}")
            for _ in range(count):
                value, position = item(payload, position)
                values.append(value)
            count, position = _block(payload, position)
        return values, position

    return read


def _map(item: Read) -> Read:
    def read(payload: bytes, position: int) -> tuple[dict[str, Any], int]:
        values: dict[str, Any] = {}
        count, position = _block(payload, position)
        while count:
            if count > len(payload) - position:
                raise DecodeError(f"a block of {count} entries before byte {position} of {len(payload)}")
            for _ in range(count):
                key, position = _string(payload, position)
                values[key], position = item(payload, position)
            count, position = _block(payload, position)
        return values, position

    return read


def _record(fields: list[tuple[str, Read]]) -> Read:
    def read(payload: bytes, position: int) -> tuple[dict[str, Any], int]:
        values: dict[str, Any] = {}
        for name, read_field in fields:
            values[name], position = read_field(payload, position)
        return values, position

    return read


_PRIMITIVE: dict[str, Read] = {
    "null": _null,
    "boolean": _boolean,
    "int": _int,
    "long": _long,
    "float": _float,
    "double": _double,
    "string": _string,
}
