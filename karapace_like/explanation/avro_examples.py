"""Records of an Avro schema that another one rejects, as fastavro resolves them."""

import io
import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import fastavro

from karapace_like.explanation.examples import Example, Side
from karapace_like.schema.avro.model import Array, AvroType, Enum, Fixed, Map, Parsed, Primitive, Record, Union

_MAX_CANDIDATES = 200
_MAX_DEPTH = 6
_MAX_VARIANTS = 12
"""Values of one type that differ in something that a reader might not know."""

_PRIMITIVES: Mapping[str, list[Any]] = {
    "null": [None],
    "boolean": [True],
    "int": [1],
    "long": [2**40],
    "float": [0.5],
    "double": [0.5],
    "bytes": [b"\x01"],
    "string": ["text"],
}
_ERRORS = (
    fastavro.read.SchemaResolutionError,
    ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, AttributeError, RecursionError,
)  # fmt: skip


def find_example(writer: Side, reader: Side, path: str) -> Example | None:  # noqa: ARG001 - the record shows the place
    """See `ExampleFinder`."""
    assert isinstance(writer.parsed, Parsed)
    try:
        written_with, read_with = _make_schema(writer), _make_schema(reader)
        for value in islice(_list_values(writer.parsed, writer.parsed.root, 0), _MAX_CANDIDATES):
            written = io.BytesIO()
            fastavro.schemaless_writer(written, written_with, value)
            written.seek(0)
            try:
                fastavro.schemaless_reader(written, written_with, read_with)
            except fastavro.read.SchemaResolutionError as error:
                reason = str(error).partition("\n")[0] or "it does not resolve to the reader's schema"
                return Example(json.dumps(value, ensure_ascii=False, default=_show_bytes), reason)
    except (*_ERRORS, fastavro.schema.SchemaParseException, fastavro.schema.UnknownType):
        return None
    return None


def _make_schema(side: Side) -> Any:
    named: dict[str, Any] = {}
    for text in side.source.dependencies.values():
        fastavro.parse_schema(json.loads(text), named_schemas=named)
    return fastavro.parse_schema(json.loads(side.source.text), named_schemas=named)


def _list_values(parsed: Parsed, type_: AvroType, depth: int) -> Iterator[Any]:
    """Yield values, the plainest first; each of the others differs from it at one place."""
    if depth > _MAX_DEPTH:
        return
    match parsed.definition(type_):
        case Primitive(kind=kind):
            yield from _PRIMITIVES[kind]
        case Fixed(size=size):
            yield b"\x01" * min(size, 1_000)
        case Enum(symbols=symbols):
            yield from symbols[:_MAX_VARIANTS]
        case Array(items=items):
            yield from ([value] for value in islice(_list_values(parsed, items, depth + 1), _MAX_VARIANTS))
            yield []
        case Map(values=values):
            yield from ({"key": value} for value in islice(_list_values(parsed, values, depth + 1), _MAX_VARIANTS))
            yield {}
        case Union(branches=branches):
            # The plainest branch comes first, so that a recursive type ends.
            for branch in sorted(branches, key=lambda branch: not isinstance(branch, Primitive)):
                yield from islice(_list_values(parsed, branch, depth + 1), _MAX_VARIANTS)
        case Record(fields=fields):
            variants: dict[str, list[Any]] = {
                field.name: list(islice(_list_values(parsed, field.type, depth + 1), _MAX_VARIANTS)) for field in fields
            }
            if not all(variants.values()):
                return
            plain = {name: choices[0] for name, choices in variants.items()}
            yield plain
            for name, choices in variants.items():
                yield from ({**plain, name: choice} for choice in choices[1:])


def _show_bytes(value: Any) -> str:
    return bytes(value).decode("latin-1")
