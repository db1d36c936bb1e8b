"""Both Avro encoders on every schema of the corpus: the bytes are fastavro's, and a refusal is the same one."""

import functools
import io
import json
import math
import operator
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import fastavro
import msgspec
import pytest

from karapace_like.schema import avro
from karapace_like.schema.avro.model import (
    Array,
    AvroType,
    Definition,
    Enum,
    Fixed,
    Map,
    Parsed,
    Primitive,
    Record,
    Union,
)
from karapace_like.schema.model import InvalidSchemaError, SchemaType, Strictness, UnparsedSchema
from karapace_like.serde.avro import encoder, generated
from karapace_like.serde.avro.generated import Write
from karapace_like.serde.codec import EncodeError
from karapace_like.serde.formats import CodecOptions, codec

CORPUS: dict[str, list[Any]] = json.loads((Path(__file__).parent / "avro.json").read_text(encoding="utf-8"))
VALUES = 40
"""Values of each schema; for each, one that was changed in a random place."""
INTEGERS = [0, 1, -1, 63, 64, -64, -65, 8191, 8192, 2**31 - 1, -(2**31)]
LONGS = [*INTEGERS, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]
DOUBLES = [0.0, -0.0, 1.5, 1e300, -1e-300, 3.0, math.inf, -math.inf, math.nan]
STRINGS = ["", "a", "é", "𝄞", "x" * 63, "x" * 64, "\x00", "NaN"]
OTHERS: list[Any] = [None, True, 0, 7, 2.0, 1.5, -1, 2**31, 2**63, 2**64, 1e300, "", "x", "NaN", [], [1], {}, {"x": 1}]
"""What a part of a value is replaced with."""


class Case(NamedTuple):
    text: str
    parsed: Parsed


def _texts() -> Iterator[tuple[str, Sequence[str]]]:
    for schema in CORPUS["schemas"]:
        yield json.dumps(schema), ()
    for case in CORPUS["validity"]:
        yield case["schema"], case["references"]
    for case in CORPUS["texts"]:
        yield case["schema"], ()


def _cases() -> list[Case]:
    cases = []
    for text, references in _texts():
        dependencies = {str(number): reference for number, reference in enumerate(references)}
        try:
            cases.append(Case(text, avro.parse(text, dependencies, Strictness.STORED)))
        except InvalidSchemaError:  # the corpus has invalid ones, too
            continue
    return cases


CASES = _cases()


class Values:
    """Draws values of one schema in two forms: as fastavro takes them, and as Avro-JSON."""

    def __init__(self, parsed: Parsed, chance: random.Random) -> None:
        self.parsed = parsed
        self.chance = chance

    def of(self, type_: AvroType, depth: int = 4) -> tuple[Any, Any]:
        match self.parsed.definition(type_):
            case Primitive(kind=kind):
                return self.primitive(kind)
            case Enum(symbols=symbols):
                symbol = self.chance.choice(symbols)
                return symbol, symbol
            case Fixed(size=size):
                raw = self.chance.randbytes(size)
                return raw, raw.decode("latin-1")
            case Array(items=items):
                drawn = [self.of(items, depth - 1) for _ in range(self.count(depth))]
                return [native for native, _ in drawn], [text for _, text in drawn]
            case Map(values=values):
                keys = self.chance.sample(STRINGS, self.count(depth))
                return self.named({key: self.of(values, depth - 1) for key in keys})
            case Union(branches=branches):
                return self.union(branches, depth)
            case Record(fields=fields):
                return self.named({field.name: self.of(field.type, depth - 1) for field in fields})

    def count(self, depth: int) -> int:
        return self.chance.randint(0, 3) if depth > 0 else 0

    @staticmethod
    def named(values: dict[str, tuple[Any, Any]]) -> tuple[Any, Any]:
        return {key: native for key, (native, _) in values.items()}, {key: text for key, (_, text) in values.items()}

    def union(self, branches: Sequence[AvroType], depth: int) -> tuple[Any, Any]:
        labelled = [(_label(definition), definition) for definition in map(self.parsed.definition, branches)]
        labels = [label for label, _ in labelled]
        if depth <= 0 and "null" in labels:
            return None, None
        # Of two branches with one label, which a stored schema may have, Avro-JSON cannot say which is meant.
        label, branch = self.chance.choice([each for each in labelled if labels.count(each[0]) == 1])
        if label == "null":
            return None, None
        native, text = self.of(branch, depth - 1)
        return (label, native), {label: text}

    def primitive(self, kind: str) -> tuple[Any, Any]:
        match kind:
            case "null":
                return None, None
            case "boolean":
                value: Any = self.chance.random() < 0.5
            case "int":
                value = self.chance.choice(INTEGERS)
            case "long":
                value = self.chance.choice(LONGS)
            case "float" | "double":
                value = self.chance.choice(DOUBLES) if kind == "double" else self.chance.choice([0.0, -1.5, 2.0**100])
                if not math.isfinite(value):
                    return value, {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
            case "bytes":
                raw = self.chance.randbytes(self.chance.randint(0, 70))
                return raw, raw.decode("latin-1")
            case _:
                value = self.chance.choice(STRINGS)
        return value, value


def _label(type_: Definition) -> str:
    return type_.name if isinstance(type_, Record | Enum | Fixed) else type_.kind


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every part of a JSON value."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in children:
        yield from _places(child, (*path, step))


def _spoil(value: Any, chance: random.Random) -> Any:
    """The value with one part replaced, removed or renamed."""
    root: list[Any] = [json.loads(json.dumps(value))]
    path = (0, *chance.choice(list(_places(value))))
    parent: Any = functools.reduce(operator.getitem, path[:-1], root)
    change = chance.choice(["replace", "remove", "rename", "add"])
    if isinstance(parent, dict) and change == "remove":
        del parent[path[-1]]
    elif isinstance(parent, dict) and change == "rename":
        parent[f"{path[-1]}_"] = parent.pop(path[-1])
    elif isinstance(parent, dict) and change == "add":
        parent["unknown"] = 1
    else:
        parent[path[-1]] = chance.choice(OTHERS)
    return root[0]


def _outcome(write: Write, value: Any) -> bytes | str:
    """The bytes, or the error with its place."""
    try:
        return write(value)
    except EncodeError as error:
        return f"{error.path}: {error.message}"


def _fastavro_schema(parsed: Parsed) -> Any:
    """Without logical types, whose values fastavro would convert; with what it refers to inside.

    None where fastavro refuses the schema: the corpus has some that a registry may hold and the specification forbids.
    """
    resolved = json.loads(avro.format_text(parsed, "resolved"), object_hook=_drop_logical_type)
    try:
        return fastavro.parse_schema(resolved)
    except (fastavro.schema.SchemaParseException, fastavro.schema.UnknownType):
        return None


def _drop_logical_type(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != "logicalType"}


def _has_values(parsed: Parsed) -> bool:
    """Whether there is a value at all: a record that always holds itself, and an enum without symbols, have none."""
    try:
        Values(parsed, random.Random(0)).of(parsed.root)
    except (RecursionError, IndexError):
        return False
    return True


def test_the_corpus_is_there() -> None:
    """Most of its schemas are parsed, most of these have values, and records get generated functions."""
    assert len(CASES) > 130
    assert sum(_has_values(case.parsed) for case in CASES) > len(CASES) - 5
    assert sum(_fastavro_schema(case.parsed) is not None for case in CASES) > len(CASES) - 10
    assert sum(isinstance(case.parsed.root, Record) for case in CASES) > 50


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_both_encoders_write_what_fastavro_writes(case: Case) -> None:
    if not _has_values(case.parsed):
        pytest.skip("the schema has no values")
    chance = random.Random(case.text)
    values = Values(case.parsed, chance)
    general, fast = encoder.writer(case.parsed), encoder.writer(case.parsed, generates=True)
    schema = _fastavro_schema(case.parsed)
    for _ in range(VALUES):
        native, text = values.of(case.parsed.root)
        written = general(text)
        assert fast(text) == written, (case.text, text)
        if schema is not None:
            stream = io.BytesIO()
            fastavro.schemaless_writer(stream, schema, native)
            assert stream.getvalue() == written, (case.text, text)


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_both_encoders_answer_alike_what_is_spoilt(case: Case) -> None:
    """The same bytes, or the same error in the same place."""
    if not _has_values(case.parsed):
        pytest.skip("the schema has no values")
    chance = random.Random(case.text)
    values = Values(case.parsed, chance)
    general, fast = encoder.writer(case.parsed), encoder.writer(case.parsed, generates=True)
    for _ in range(VALUES):
        value = _spoil(values.of(case.parsed.root)[1], chance)
        assert _outcome(fast, value) == _outcome(general, value), (case.text, value)


def test_the_operator_can_turn_the_generated_encoder_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, no code is generated, however many values there are, and the bytes are the same."""
    made = []
    original: Callable[..., Write] = generated.record_writer

    def generate(*arguments: Any) -> Write:
        made.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(generated, "record_writer", generate)
    text = msgspec.json.encode({"floor": 7})
    schema = UnparsedSchema(SchemaType.AVRO, '{"type":"record","name":"R","fields":[{"name":"floor","type":"int"}]}')
    without, with_it = codec(schema, {}, CodecOptions(avro_generated_encoder=False)), codec(schema, {})
    assert {without.encode(text) for _ in range(300)} == {b"\x0e"}
    assert made == []
    assert {with_it.encode(text) for _ in range(300)} == {b"\x0e"}
    assert len(made) == 1
