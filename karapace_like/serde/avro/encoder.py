"""Avro-JSON values to Avro binary: one function per type of a schema, made once and called per value.

The JSON form is the specification's ("JSON Encoding"): `{"branch": value}` for a union, ISO-8859-1 strings for bytes
and fixed. Wider than that where nothing can be misunderstood: a union's value may come plain if one branch only takes
its kind of JSON, a union's branch may be named without namespace, `3.0` is an int, and `"NaN"` a double. Missing,
renamed and unknown fields of a record are judged as Apache Avro's JsonDecoder does, which Confluent's proxy uses;
so are the words of the errors (`Expected int. Got VALUE_STRING`).
"""

import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from operator import call, itemgetter
from typing import Any, NamedTuple

from karapace_like.schema.avro.model import (
    ABSENT,
    Array,
    AvroType,
    Definition,
    Enum,
    Field,
    Fixed,
    Map,
    Parsed,
    Primitive,
    Record,
    Union,
)
from karapace_like.serde.avro import generated, unions
from karapace_like.serde.avro.generated import Write
from karapace_like.serde.codec import EncodeError, JsonReading
from karapace_like.serde.floats import DOUBLE_END, NON_FINITE, pack_float

_pack_double = struct.Struct("<d").pack
_EXPECTED = {"array": "array-start", "map": "map-start", "record": "record-start", "union": "start-union"}


class MismatchError(EncodeError):
    """An Avro-JSON value that does not fit, with the message of Confluent's proxy."""

    def __str__(self) -> str:
        return "".join(f'Field "{step}" content mismatch: ' for step in self.path) + self.message


class Objects(NamedTuple):
    """How JSON objects become records, instead of as Apache Avro's JsonDecoder does: fields may be in any order."""

    reading: JsonReading
    count_dropped_fields: Callable[[int], None]


def writer(schema: Parsed, objects: Objects | None = None, *, generates: bool = False) -> Write:
    """The encoder of one schema; `generates`: its records get functions of their own, which takes longer to make."""
    return _Writers(schema, objects, generated.MOST_FIELDS if generates else 0).of(schema.root)


def varint(number: int) -> bytes:
    """An int or long: zig-zag, seven bits a byte, the lowest first."""
    rest = number << 1 if number >= 0 else ~(number << 1)
    if rest < _PAIR_END:
        return _LAST_PAIR[rest]
    encoded = b""
    while rest >= _PAIR_END:
        encoded += _PAIR[rest % _PAIR_END]
        rest >>= 14
    return encoded + _LAST_PAIR[rest]


# Two bytes at a time from tables, which is most of what makes lengths, counts and timestamps cheap: every 14 bits as
# the last one or two bytes of a varint, and as two that others follow.
_PAIR_END = 1 << 14
_LAST_PAIR = [bytes((n,)) if n < 0x80 else bytes((n & 0x7F | 0x80, n >> 7)) for n in range(_PAIR_END)]
_PAIR = [bytes((n & 0x7F | 0x80, n >> 7 | 0x80)) for n in range(_PAIR_END)]


_TOOLS = generated.Tools(varint, _LAST_PAIR, _pack_double, MismatchError)


class _Writers:
    """Makes the writers of one schema; a record's is made once, so that recursion ends."""

    def __init__(self, schema: Parsed, objects: Objects | None, fields_left: int) -> None:
        self._schema = schema
        self._objects = objects
        self._fields_left = fields_left
        """How many fields of records may still be written functions for."""
        self._records: dict[str, Write] = {}

    def of(self, type_: AvroType) -> Write:
        match self._schema.definition(type_):
            case Primitive(kind=kind):
                return _PRIMITIVE[kind]
            case Record() as record:
                return self._records.get(record.name) or self._record(record)
            case Union() as union:
                return self._union(union)
            case Array(items=items):
                return _array(self.of(items))
            case Map(values=values):
                return _map(self.of(values))
            case Enum(symbols=symbols):
                return _enum(symbols)
            case Fixed(size=size):
                return _fixed_writer(size)

    def _record(self, record: Record) -> Write:
        types = [self._schema.definition(field.type) for field in record.fields]
        fields = [(field, type_.kind) for field, type_ in zip(record.fields, types, strict=True)]
        writers: list[Write] = []
        if self._objects is None:
            general = _record(fields, writers)
        else:
            general = _record_of_objects(fields, writers, list(map(self._make_default, record.fields)), self._objects)
        self._records[record.name] = general
        writers.extend(self.of(field.type) for field in record.fields)  # after it is named: they may use it
        if not 0 < len(fields) <= self._fields_left:
            return general
        self._fields_left -= len(fields)
        names, shapes = [field.name for field in record.fields], [self._shape(field) for field in types]
        self._records[record.name] = write = generated.record_writer(names, shapes, writers, general, _TOOLS)
        return write

    def _make_default(self, field: Field) -> Callable[[], bytes] | None:
        """Return what makes the default of the field; None for a field without one."""
        if field.default is ABSENT:
            return None

        @lru_cache(maxsize=1)
        def make() -> bytes:
            type_ = self._schema.definition(field.type)
            if not isinstance(type_, Union):
                return self.of(field.type)(field.default)
            # The first branch that matches (Avro 1.12); a default has no name of its branch.
            for index, branch in enumerate(type_.branches):
                with suppress(MismatchError):
                    return varint(index) + self.of(branch)(field.default)
            raise MismatchError((), "Expected a default that fits", "a value, since the default does not fit")

        return make

    def _shape(self, type_: Definition) -> generated.Shape:
        branches = (
            [self._schema.definition(branch).kind for branch in type_.branches] if isinstance(type_, Union) else []
        )
        return generated.shape(type_.kind, branches, list(map(varint, range(len(branches)))))

    def _union(self, union: Union) -> Write:
        branches = [self._schema.definition(branch) for branch in union.branches]
        numbered = [(varint(index), self.of(branch)) for index, branch in enumerate(branches)]
        return _union(unions.label_branches(branches, numbered), unions.plain(branches, numbered))


def _mismatch(kind: str, value: Any) -> MismatchError:
    """A value of the wrong JSON kind, in Jackson's names for the kinds."""
    if value is None or isinstance(value, bool):
        got = f"VALUE_{'NULL' if value is None else str(value).upper()}"
    else:
        names = {int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT", str: "VALUE_STRING", list: "START_ARRAY"}
        got = names.get(type(value), "START_OBJECT")
    return MismatchError((), f"Expected {_EXPECTED.get(kind, kind)}. Got {got}", kind)


def _null(value: Any) -> bytes:
    if value is None:
        return b""
    raise _mismatch("null", value)


def _boolean(value: Any) -> bytes:
    if value is True:
        return b"\x01"
    if value is False:
        return b"\x00"
    raise _mismatch("boolean", value)


def _integer(kind: str, bits: int) -> Write:
    end = 1 << (bits - 1)
    start = -end

    def write(value: Any) -> bytes:
        if value.__class__ is not int:
            if value.__class__ is not float or not value.is_integer():
                raise _mismatch(kind, value)
            value = int(value)
        if start <= value < end:
            return varint(value)
        message = f"Numeric value ({value}) out of range of {kind} ({start} - {end - 1})"
        raise MismatchError((), message, f"{kind} ({start} to {end - 1})")

    return write


def _floating(kind: str, pack: Callable[[float], bytes]) -> Write:
    def write(value: Any) -> bytes:
        if value.__class__ is str:
            value = NON_FINITE.get(value, value)
        elif value.__class__ is int:
            value = float(value) if -DOUBLE_END < value < DOUBLE_END else value
        if value.__class__ is not float:
            raise _mismatch(kind, value)
        try:
            return pack(value)
        except OverflowError as error:
            raise MismatchError((), f"Numeric value ({value}) out of range of {kind}", kind) from error

    return write


def _string(value: Any) -> bytes:
    if value.__class__ is not str:
        raise _mismatch("string", value)
    encoded: bytes = value.encode()
    return varint(len(encoded)) + encoded


def _latin(kind: str, value: Any) -> bytes:
    if value.__class__ is not str:
        raise _mismatch(kind, value)
    try:
        encoded: bytes = value.encode("latin-1")
    except UnicodeEncodeError as error:
        character = value[error.start]
        message = f"Expected {kind}. Got the character {character!r}, which is no byte"
        raise MismatchError((), message, f"{kind}, as characters up to U+00FF") from error
    return encoded


def _bytes(value: Any) -> bytes:
    encoded = _latin("bytes", value)
    return varint(len(encoded)) + encoded


def _fixed_writer(size: int) -> Write:
    def write(value: Any) -> bytes:
        encoded = _latin("fixed", value)
        if len(encoded) != size:
            raise MismatchError((), f"Expected fixed length {size}, but got {len(encoded)}", f"{size} bytes")
        return encoded

    return write


def _enum(symbols: tuple[str, ...]) -> Write:
    encoded = {symbol: varint(index) for index, symbol in enumerate(symbols)}

    def write(value: Any) -> bytes:
        if value.__class__ is not str:
            raise _mismatch("enum", value)
        if value in encoded:
            return encoded[value]
        raise MismatchError((), f"Unknown symbol in enum {value}", f"one of the enum's {len(symbols)} symbols")

    return write


def _array(item: Write) -> Write:
    def write(value: Any) -> bytes:
        if value.__class__ is not list:
            raise _mismatch("array", value)
        if not value:
            return b"\x00"
        parts = [varint(len(value))]
        try:
            parts.extend(map(item, value))
        except MismatchError as error:
            raise error.within(len(parts) - 1) from error
        parts.append(b"\x00")
        return b"".join(parts)

    return write


def _map(item: Write) -> Write:
    def write(value: Any) -> bytes:
        if value.__class__ is not dict:
            raise _mismatch("map", value)
        if not value:
            return b"\x00"
        parts = [varint(len(value))]
        for key, member in value.items():
            try:
                parts.append(_string(key) + item(member))
            except MismatchError as error:
                raise error.within(key) from error
        parts.append(b"\x00")
        return b"".join(parts)

    return write


def _union(labelled: dict[str, tuple[bytes, Write]], plain: dict[type, tuple[bytes, Write]]) -> Write:
    null = labelled.get("null", (None,))[0]
    branches = f"the union ({', '.join(labelled)})"

    def write(value: Any) -> bytes:
        if value is None and null is not None:
            return null
        if value.__class__ is dict and len(value) == 1:
            (label,) = value
            if label in labelled:
                index, branch = labelled[label]
                return index + branch(value[label])
        if value.__class__ in plain:
            index, branch = plain[value.__class__]
            return index + branch(value)
        if value.__class__ is dict and value:
            raise MismatchError((), f"Unknown union branch {next(iter(value))}", f"a branch of {branches}")
        raise MismatchError((), _mismatch("union", value).message, f"a value of {branches}")

    return write


def _record(fields: list[tuple[Field, str]], writers: list[Write]) -> Write:
    names = [field.name for field, _ in fields]
    count = len(names)
    values = _picker(names)

    def write(value: Any) -> bytes:
        if value.__class__ is not dict:
            raise _not_a_record(names, value)
        if len(value) != count:
            value = _arrange(fields, value)
        try:
            picked = values(value)
        except KeyError:
            picked = values(_arrange(fields, value))
        parts: list[bytes] = []
        try:
            parts.extend(map(call, writers, picked))
        except MismatchError as error:
            raise error.within(names[len(parts)]) from error
        return b"".join(parts)

    return write


def _record_of_objects(
    fields: list[tuple[Field, str]],
    writers: list[Write],
    defaults: list[Callable[[], bytes] | None],
    objects: Objects,
) -> Write:
    reading = objects.reading

    def write(value: Any) -> bytes:
        if value.__class__ is not dict:
            raise _mismatch("record", value)
        parts: list[bytes] = []
        used = set()
        for (field, kind), writer, default in zip(fields, writers, defaults, strict=True):
            key = next((name for name in (field.name, *field.aliases) if name in value), None)
            if key is None and (default is None or not reading.fills_defaults):
                raise MismatchError((field.name,), f"Expected field name not found: {field.name}", kind)
            try:
                if key is None:
                    assert default is not None
                    parts.append(default())
                else:
                    used.add(key)
                    parts.append(writer(value[key]))
            except MismatchError as error:
                raise error.within(field.name) from error
        unknown = value.keys() - used
        if unknown and not reading.drops_unknown:
            raise MismatchError((), f"Unknown fields: [{', '.join(sorted(unknown))}]", _OWN_FIELDS)
        if unknown:
            objects.count_dropped_fields(len(unknown))
        return b"".join(parts)

    return write


_OWN_FIELDS = "no fields but those of the schema"


def _picker(names: list[str]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """A function that takes the named values out of a dict, in order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda value: tuple(value[name] for name in names)


def _not_a_record(names: list[str], value: Any) -> MismatchError:
    """Confluent's decoder notices what is no object only when it reads the record's first field."""
    error = _mismatch("record", value)
    return error if not names else MismatchError((names[0],), error.message, error.expected)


def _arrange(fields: list[tuple[Field, str]], value: dict[str, Any]) -> dict[str, Any]:
    """The value under the schema's own field names, where its keys are not just these.

    Follows JsonDecoder, which reads keys in the order sent, sets aside what it meets before the field it looks for,
    takes a field's alias for its name, lets unknown keys after the last field pass (AVRO-2034), and does not fill in
    defaults.
    """
    arranged: dict[str, Any] = {}
    aside: dict[str, Any] = {}
    keys: Iterator[str] = iter(value)
    for field, kind in fields:
        if field.name in aside:
            arranged[field.name] = aside.pop(field.name)
            continue
        passed = False
        for key in keys:
            if key == field.name or key in field.aliases:
                arranged[field.name] = value[key]
                break
            aside[key] = value[key]
            passed = True
        else:
            message = f"Expected field name not found: {field.name}"
            if not passed:
                message = f"Expected {_EXPECTED.get(kind, kind)}. Got END_OBJECT"
            raise MismatchError((field.name,), message, kind)
    if aside:
        raise MismatchError((), f"Unknown fields: [{', '.join(aside)}]", _OWN_FIELDS)
    return arranged


_PRIMITIVE: dict[str, Write] = {
    "null": _null,
    "boolean": _boolean,
    "int": _integer("int", 32),
    "long": _integer("long", 64),
    "float": _floating("float", pack_float),
    "double": _floating("double", _pack_double),
    "bytes": _bytes,
    "string": _string,
}
