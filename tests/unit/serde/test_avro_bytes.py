"""The Avro codec's bytes are those of an independent implementation, over generated schemas and values."""

import contextlib
import io
import json
import math
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karapace_like.schema.avro import parse
from karapace_like.schema.model import Strictness
from karapace_like.serde.avro import AvroCodec, encoder
from karapace_like.serde.codec import DecodeError
from tests.forms import count_examples

Schema = Any
PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
LOGICAL = [
    {"type": "long", "logicalType": "timestamp-millis"},
    {"type": "int", "logicalType": "date"},
    {"type": "string", "logicalType": "uuid"},
    {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
]
DEFAULTS = {"int": 7, "string": "x", "boolean": True, "null": None, "bytes": "\xff", "double": 1.5}


class _Schemas:
    """Draws one schema; numbers the named types so that each name is defined once."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.count = 0

    def any(self, depth: int) -> Schema:
        kinds = ["primitive", "primitive", "logical", "enum", "fixed"]
        if depth:
            kinds += ["array", "map", "union", "record"]
        match self.draw(st.sampled_from(kinds)):
            case "primitive":
                return self.draw(st.sampled_from(PRIMITIVES))
            case "logical":
                return self.draw(st.sampled_from(LOGICAL))
            case "array":
                return {"type": "array", "items": self.any(depth - 1)}
            case "map":
                return {"type": "map", "values": self.any(depth - 1)}
            case "union":
                return self.union(depth)
            case "record":
                return self.record(depth)
            case "enum":
                symbols = self.draw(st.lists(st.sampled_from("ABCDEFG"), min_size=1, unique=True))
                return {"type": "enum", **self.name(), "symbols": symbols}
            case _:
                return {"type": "fixed", **self.name(), "size": self.draw(st.integers(0, 9))}

    def name(self) -> dict[str, str]:
        """A new name; it says its namespace, which it would else take from the record around it."""
        self.count += 1
        return {"name": f"N{self.count}", "namespace": self.draw(st.sampled_from(["a", "b.c"]))}

    def union(self, depth: int) -> Schema:
        branches = [self.any(0) for _ in range(self.draw(st.integers(1, 3)))]
        branches += [self.record(depth - 1)] if self.draw(st.booleans()) else []
        by_kind = {_label(each): each for each in branches}
        return list(by_kind.values())

    def record(self, depth: int) -> Schema:
        name = self.name()
        fields: list[Schema] = []
        for index in range(self.draw(st.integers(0, 4))):
            each: Schema = {"name": f"f{index}", "type": self.any(max(depth - 1, 0))}
            if isinstance(each["type"], str) and each["type"] in DEFAULTS:
                each["default"] = DEFAULTS[each["type"]]
            fields.append(each)
        if self.draw(st.booleans()):
            fields.append({"name": "again", "type": ["null", name["name"]], "default": None})
        return {"type": "record", **name, "fields": fields}


def _label(schema: Schema) -> str:
    if isinstance(schema, str):
        return schema
    kind: str = schema["type"]
    if kind in {"record", "enum", "fixed"}:
        namespace = schema.get("namespace", "")
        return f"{namespace}.{schema['name']}" if namespace else schema["name"]
    return kind


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    return _Schemas(draw).any(3)


class _Values:
    """Draws one value of a schema in two forms: as fastavro takes it, and as Avro-JSON."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.named: dict[str, Schema] = {}

    def any(self, schema: Schema, depth: int = 4) -> tuple[Any, Any]:
        if isinstance(schema, list):
            return self.union(schema, depth)
        if isinstance(schema, str) and schema in self.named:
            return self.any(self.named[schema], depth)
        kind = schema if isinstance(schema, str) else schema["type"]
        if kind in {"record", "enum", "fixed"}:
            self.named[schema["name"]] = schema
        match kind:
            case "array":
                items = [self.any(schema["items"], depth - 1) for _ in range(self.draw(st.integers(0, 3)))]
                return [native for native, _ in items], [text for _, text in items]
            case "map":
                keys = self.draw(st.lists(st.text(), max_size=3, unique=True))
                values = {key: self.any(schema["values"], depth - 1) for key in keys}
                return {k: native for k, (native, _) in values.items()}, {k: text for k, (_, text) in values.items()}
            case "record":
                fields = {each["name"]: self.any(each["type"], depth - 1) for each in schema["fields"]}
                return {k: native for k, (native, _) in fields.items()}, {k: text for k, (_, text) in fields.items()}
            case "enum":
                symbol = self.draw(st.sampled_from(schema["symbols"]))
                return symbol, symbol
            case "fixed":
                raw = self.draw(st.binary(min_size=schema["size"], max_size=schema["size"]))
                return raw, raw.decode("latin-1")
            case _:
                return self.primitive(kind)

    def union(self, branches: list[Schema], depth: int) -> tuple[Any, Any]:
        ending = depth <= 0 and "null" in branches
        branch = "null" if ending else self.draw(st.sampled_from(branches))
        native, text = self.any(branch, depth - 1)
        if branch == "null":
            return None, None
        name = _label(self.named.get(branch, branch) if isinstance(branch, str) else branch)
        return (name, native), {name: text}

    def primitive(self, kind: str) -> tuple[Any, Any]:
        strategies: dict[str, st.SearchStrategy[Any]] = {
            "null": st.none(),
            "boolean": st.booleans(),
            "int": st.integers(-(2**31), 2**31 - 1),
            "long": st.integers(-(2**63), 2**63 - 1),
            "float": st.floats(width=32),
            "double": st.floats(),
            "bytes": st.binary(),
            "string": st.text(),
        }
        native = self.draw(strategies[kind])
        if kind == "bytes":
            return native, native.decode("latin-1")
        if kind in {"float", "double"} and math.isnan(native):
            return math.nan, "NaN"  # of the many, the one that JSON can name
        if kind in {"float", "double"} and math.isinf(native):
            return native, "Infinity" if native > 0 else "-Infinity"
        return native, native


@st.composite
def cases(draw: st.DrawFn) -> tuple[Schema, Any, Any]:
    schema = draw(schemas())
    native, text = _Values(draw).any(schema)
    return schema, native, text


def as_fastavro(schema: Schema, native: Any) -> bytes:
    """What fastavro writes, with logical types taken off: it would convert their values."""
    plain = json.loads(
        json.dumps(schema), object_hook=lambda each: {k: v for k, v in each.items() if k != "logicalType"}
    )
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(plain), native)
    return stream.getvalue()


@settings(max_examples=count_examples(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_a_value_is_encoded_to_the_same_bytes_as_fastavro_writes_and_decoded_to_the_same_json(
    case: tuple[Schema, Any, Any],
) -> None:
    schema, native, value = case
    parsed = parse(json.dumps(schema), {}, Strictness.STORED)
    codec = AvroCodec(parsed)
    payload = codec.encode(msgspec.json.encode(value))
    assert payload == as_fastavro(schema, native)
    assert encoder.writer(parsed, generates=True)(msgspec.json.decode(msgspec.json.encode(value))) == payload
    again = json.loads(bytes(codec.decode(payload)))
    if isinstance(schema, list) and value is not None:  # a union at the top is read without its branch
        again = dict.fromkeys(value, again)
    assert codec.encode(json.dumps(again).encode()) == payload
    assert normal(again) == normal(value)


def normal(value: Any) -> Any:
    """A value without its floats: a 32-bit one comes back as its shortest decimal, which the bytes show to be it."""
    if isinstance(value, dict):
        return {key: normal(each) for key, each in value.items()}
    if isinstance(value, list):
        return [normal(each) for each in value]
    return float if isinstance(value, float) else value


@pytest.mark.slow
@settings(max_examples=count_examples(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases(), st.data())
def test_damaged_bytes_are_decoded_or_refused(case: tuple[Schema, Any, Any], data: st.DataObject) -> None:
    """Cut, changed and random payloads raise nothing but DecodeError."""
    schema, native, _ = case
    payload = bytearray(as_fastavro(schema, native))
    for _ in range(data.draw(st.integers(0, 3))):
        if payload:
            payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(payload[: data.draw(st.integers(0, len(payload)))]) + data.draw(st.binary(max_size=8))
    with contextlib.suppress(DecodeError):
        json.loads(bytes(AvroCodec(parse(json.dumps(schema), {}, Strictness.STORED)).decode(damaged)))
