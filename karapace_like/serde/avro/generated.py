"""Generates a function for each record type, which encodes common values in half the time of the general encoder.

A function handles fields of primitive types, and of unions of one with null, in their common forms. For any other
value it calls the record's general writer (`encoder.py`), which encodes the record from its start, and alone decides
what a value means or why it is refused. Fields of other types have writers of their own. These are called last, so that
none is called twice: twice at each level of nested records would take exponential time.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from karapace_like.serde.codec import EncodeError

Write = Callable[[Any], bytes]
"""One JSON value to its bytes; raises MismatchError."""

MOST_FIELDS = 150
"""Of all records of a schema that get functions: making them takes some 100 µs a field."""
_INDENT = " " * 8


class Tools(NamedTuple):
    """The parts of the general encoder that the functions use."""

    varint: Write
    small: Sequence[bytes]
    """The varints of the numbers from 0 on, zig-zag applied already: of 2 n for n."""
    pack_double: Callable[[float], bytes]
    mismatch: type[EncodeError]


class Nullable(NamedTuple):
    """A union of null and one other type."""

    kind: str
    """Of the other type, which has no name of its own."""
    null_index: bytes
    """Encoded, as the other."""
    other_index: bytes


Shape = str | Nullable | None
"""The shape of a field: a primitive kind, a primitive kind or null, or None for anything else."""

_RANGES = {"int": 1 << 31, "long": 1 << 63}
_EXACT = 1 << 53
"""Up to which every integer is a double."""
_WRITTEN = frozenset({"null", "boolean", "int", "long", "double", "string"})
"""The kinds that functions know."""


def shape(kind: str, branches: Sequence[str], indexes: Sequence[bytes]) -> Shape:
    """Of a field of this kind; `branches` are the kinds of a union's branches, `indexes` their indexes, encoded."""
    if kind in _WRITTEN:
        return kind
    if len(branches) == 2 and branches.count("null") == 1:  # twice would be a stored schema's mistake
        null = branches.index("null")
        other = 1 - null
        if branches[other] in _WRITTEN:
            return Nullable(branches[other], indexes[null], indexes[other])
    return None


def record_writer(
    names: Sequence[str], shapes: Sequence[Shape], writers: Sequence[Write], general: Write, tools: Tools
) -> Write:
    """The function for a record of these fields, of which there is one at least."""
    namespace: dict[str, Any] = {
        "general": general, "varint": tools.varint, "small": tools.small, "end": len(tools.small) >> 1,
        "pack_double": tools.pack_double, "mismatch": tools.mismatch,
    }  # fmt: skip
    lines = [f"{_INDENT}v{at} = value[{name!r}]" for at, name in enumerate(names)]
    calls, parts = ["    try:"], []
    for at, (shape, writer) in enumerate(zip(shapes, writers, strict=True)):
        if shape is None:
            namespace[f"write{at}"] = writer
            calls += [f"{_INDENT}field = {names[at]!r}", f"{_INDENT}p{at} = write{at}(v{at})"]
            parts.append(f"p{at}")
        elif isinstance(shape, Nullable):
            lines += _nullable(shape, at)
            parts.append(f"p{at}")
        else:
            lines += _checks(shape, at)
            parts += _parts(shape, at)
    calls += ["    except mismatch as error:", "        raise error.within(field) from error"]
    source = [
        "def write(value):",
        f"    if value.__class__ is not dict or len(value) != {len(names)}:",
        "        return general(value)",
        "    try:",
        *lines,
        "    except KeyError:",
        "        return general(value)",
        *(calls if None in shapes else ()),
        f"    return b''.join(({''.join(f'{part}, ' for part in parts)}))",
    ]
    exec("\n".join(source), namespace)  # noqa: S102 - of names as literals, and of numbers
    write: Write = namespace["write"]
    return write


def _nullable(wanted: Nullable, at: int) -> list[str]:
    """Lines that leave the field's bytes in `p{at}`."""
    parts = " + ".join([repr(wanted.other_index), *_parts(wanted.kind, at)])
    return [
        f"{_INDENT}if v{at} is None:",
        f"{_INDENT}    p{at} = {wanted.null_index!r}",
        f"{_INDENT}else:",
        f"{_INDENT}    if v{at}.__class__ is dict and len(v{at}) == 1:",
        f"{_INDENT}        v{at} = v{at}[{wanted.kind!r}]",
        *(f"    {line}" for line in _checks(wanted.kind, at)),
        f"{_INDENT}    p{at} = {parts}",
    ]


def _checks(kind: str, at: int) -> list[str]:
    """Lines that leave to the general writer what is no common value of the kind, and prepare what is one."""
    unusual = {
        "null": f"v{at} is not None",
        "boolean": f"v{at} is not True and v{at} is not False",
        "string": f"v{at}.__class__ is not str",
        "double": f"v{at}.__class__ is not float",
    }.get(kind) or f"v{at}.__class__ is not int or not -{_RANGES[kind]} <= v{at} < {_RANGES[kind]}"
    lines = [f"if {unusual}:"]
    if kind == "double":
        lines += [
            f"    if v{at}.__class__ is not int or not -{_EXACT} <= v{at} <= {_EXACT}:",
            "        return general(value)",
            f"    v{at} = float(v{at})",
        ]
    else:
        lines.append("    return general(value)")
    if kind == "string":
        lines += [f"v{at} = v{at}.encode()", f"n{at} = len(v{at})"]
    return [_INDENT + line for line in lines]


def _parts(kind: str, at: int) -> list[str]:
    """Expressions of the bytes of what was checked."""
    return {
        "null": [],
        "boolean": [f"(b'\\x01' if v{at} else b'\\x00')"],
        "int": [f"(small[v{at} << 1] if 0 <= v{at} < end else varint(v{at}))"],
        "long": [f"(small[v{at} << 1] if 0 <= v{at} < end else varint(v{at}))"],
        "double": [f"pack_double(v{at})"],
        "string": [f"(small[n{at} << 1] if n{at} < end else varint(n{at}))", f"v{at}"],
    }[kind]
