"""Compatible means readable, and no text of a schema changes its meaning: shown with fastavro on generated schemas."""

import io
import json
from typing import Any

import fastavro
from fastavro.schema import to_parsing_canonical_form as parsing_canonical_form
from hypothesis import event, given, settings
from hypothesis import strategies as st

from karapace_like.schema import avro
from karapace_like.schema.avro.model import Parsed
from karapace_like.schema.model import CompatibilityPolicy, Strictness
from tests.forms import count_examples

Json = Any
PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
PROMOTED = {
    "int": ["long", "float", "double"],
    "long": ["float", "double"],
    "float": ["double"],
    "string": ["bytes"],
    "bytes": ["string"],
}
SYMBOLS = ["A", "B", "C", "D"]
VALUES: dict[str, st.SearchStrategy[Json]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False),
    "double": st.floats(allow_nan=False),
    # Bytes can be read as a string where they are UTF-8.
    "bytes": st.text("abc", max_size=3).map(str.encode),
    "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
}
MAX_LEVELS = 3
PROFILE = settings(max_examples=count_examples(150), deadline=None, database=None)


def kind(schema: Json) -> str:
    if isinstance(schema, list):
        return "union"
    found = schema if isinstance(schema, str) else schema["type"]
    assert isinstance(found, str)
    return found


class Schemas:
    """Draws schemas whose named types have names of their own."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._names = 0

    def any(self, levels: int = MAX_LEVELS) -> Json:
        kinds = ["primitive", "enum", "fixed"]
        if levels:
            kinds += ["array", "map", "union", "record", "record"]
        return self._of(self._draw(st.sampled_from(kinds)), levels)

    def record(self, levels: int = MAX_LEVELS) -> Json:
        return self._of("record", levels)

    def field(self, name: str, levels: int) -> Json:
        return self._with_default({"name": name, "type": self.any(levels)})

    def _of(self, wanted: str, levels: int) -> Json:
        draw = self._draw
        match wanted:
            case "primitive":
                return draw(st.sampled_from(PRIMITIVES))
            case "array":
                return {"type": "array", "items": self.any(levels - 1)}
            case "map":
                return {"type": "map", "values": self.any(levels - 1)}
            case "union":
                branches = [self.any(levels - 1) for _ in range(draw(st.integers(1, 3)))]
                return list({kind(each): each for each in branches if kind(each) != "union"}.values()) or ["null"]
            case "enum":
                symbols = draw(st.lists(st.sampled_from(SYMBOLS), min_size=1, unique=True))
                return self._named("enum", symbols=symbols)
            case "fixed":
                return self._named("fixed", size=draw(st.integers(0, 3)))
            case _:
                record = self._named("record")
                fields = [self.field(f"f{number}", levels - 1) for number in range(draw(st.integers(0, 4)))]
                if draw(st.booleans()):
                    own = record["namespace"] + "." + record["name"]
                    fields.append({"name": "next", "type": ["null", own], "default": None})
                return record | {"fields": fields}

    def _named(self, of: str, **attributes: Json) -> dict[str, Json]:
        self._names += 1
        namespace = self._draw(st.sampled_from(["n", "n.m", "m"]))
        return {"type": of, "name": f"T{self._names}", "namespace": namespace, **attributes}

    def _with_default(self, field: dict[str, Json]) -> dict[str, Json]:
        defaults: dict[str, Json] = {
            "null": None,
            "int": 1,
            "double": 1,
            "string": "x",
            "boolean": True,
            "array": [],
            "map": {},
        }
        first = field["type"][0] if isinstance(field["type"], list) else field["type"]
        if kind(first) in defaults and self._draw(st.booleans()):
            return field | {"default": defaults[kind(first)]}
        return field


class Evolution:
    """Changes a writer's schema into a reader's, more often than not into one that can read it."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._new = Schemas(draw)

    def of(self, schema: Json) -> Json:
        match kind(schema):
            case "union":
                return self._union(schema)
            case "array":
                changed: Json = schema | {"items": self.of(schema["items"])}
            case "map":
                changed = schema | {"values": self.of(schema["values"])}
            case "enum":
                changed = self._enum(schema)
            case "record":
                changed = self._record(schema)
            case "fixed":
                changed = schema | ({"size": 4} if self._one_in(12) else {})
            case primitive:
                changed = self._primitive(primitive)
        if self._one_in(8) and changed != "null":
            return self._draw(st.permutations(["null", changed]))
        return changed

    def _one_in(self, chances: int) -> bool:
        return self._draw(st.integers(1, chances)) == chances

    def _primitive(self, name: str) -> str:
        if name in PROMOTED and self._one_in(2):
            name = self._draw(st.sampled_from(PROMOTED[name]))
        return self._draw(st.sampled_from(PRIMITIVES)) if self._one_in(12) else name

    def _union(self, branches: list[Json]) -> list[Json]:
        changed = [branch if kind(branch) not in {"record", "array", "map"} else self.of(branch) for branch in branches]
        if self._one_in(4):
            changed.append("double")
        if self._one_in(8):
            changed.pop(0)
        flat = [each for branch in changed for each in (branch if isinstance(branch, list) else [branch])]
        # A use of a named type is a branch of its own; of every other kind there is one.
        unique = {each if isinstance(each, str) else each.get("name", kind(each)): each for each in flat}
        return self._draw(st.permutations(list(unique.values())))

    def _enum(self, enum: dict[str, Json]) -> dict[str, Json]:
        symbols = self._draw(st.permutations(enum["symbols"]))
        if self._one_in(4):
            symbols = symbols[1:] or ["Z"]
        return enum | {"symbols": symbols} | ({"default": symbols[-1]} if self._one_in(2) else {})

    def _record(self, record: dict[str, Json]) -> dict[str, Json]:
        fields = []
        for field in record["fields"]:
            if self._one_in(6):
                continue
            changed = field | {"type": field["type"] if field["name"] == "next" else self.of(field["type"])}
            if field["name"] != "next":
                changed.pop("default", None)
            if self._one_in(4):
                changed |= {"name": "new_" + field["name"], "aliases": [field["name"]]}
            fields.append(changed)
        if self._one_in(4):
            added: dict[str, Json] = {"name": "added", "type": self._draw(st.sampled_from(["int", "string"]))}
            default = {"int": 7, "string": "new"}[added["type"]]
            fields.append(added if self._one_in(4) else added | {"default": default})
        return record | {"fields": self._draw(st.permutations(fields))}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Json, Json, Json]:
    """A writer's schema, a reader's, and a datum of the writer's."""
    writer = Schemas(draw).record()
    return writer, Evolution(draw).of(writer), Data(draw, writer).of(writer)


@st.composite
def schemas_with_data(draw: st.DrawFn) -> tuple[Json, Json]:
    schema = Schemas(draw).any()
    return schema, Data(draw, schema).of(schema)


class Data:
    """Draws data of a schema."""

    def __init__(self, draw: st.DrawFn, root: Json) -> None:
        self._draw = draw
        self._named: dict[str, Json] = {}
        self._collect(root)

    def _collect(self, schema: Json) -> None:
        if isinstance(schema, list):
            for branch in schema:
                self._collect(branch)
        elif isinstance(schema, dict):
            if "name" in schema:
                self._named[f"{schema['namespace']}.{schema['name']}"] = schema
            for part in [
                schema.get("items"),
                schema.get("values"),
                *[each["type"] for each in schema.get("fields", [])],
            ]:
                self._collect(part)

    def of(self, schema: Json, levels: int = 6) -> Json:
        draw = self._draw
        match kind(schema):
            case primitive if primitive in VALUES:
                return draw(VALUES[primitive])
            case "enum":
                return draw(st.sampled_from(schema["symbols"]))
            case "fixed":
                return draw(st.binary(min_size=schema["size"], max_size=schema["size"]))
            case "array":
                return [
                    self.of(schema["items"], levels - 1) for _ in range(draw(st.integers(0, 2)) if levels > 0 else 0)
                ]
            case "map":
                keys = draw(st.lists(st.text("xyz"), max_size=2)) if levels > 0 else []
                return {key: self.of(schema["values"], levels - 1) for key in keys}
            case "union":
                return self.of(schema[0] if levels <= 0 else draw(st.sampled_from(schema)), levels - 1)
            case "record":
                return {field["name"]: self.of(field["type"], levels - 1) for field in schema["fields"]}
            case name:
                return self.of(self._named[name], levels - 1)


def parse(schema: Json) -> Parsed:
    return avro.parse(json.dumps(schema), {}, Strictness.STRICT)


def encode(schema: Json, datum: Json) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema, datum)
    return buffer.getvalue()


def decode(encoded: bytes, writer: Json, reader: Json | None = None) -> Json:
    return fastavro.schemaless_reader(io.BytesIO(encoded), writer, reader)


@PROFILE
@given(pairs())
def test_compatible_means_readable(case: tuple[Json, Json, Json]) -> None:
    """Passes if reading raises nothing where no rule is broken."""
    writer, reader, datum = case
    found = avro.find_incompatibilities(parse(reader), parse(writer), CompatibilityPolicy.STRICT)
    event("incompatible" if found else "compatible")
    if not found:
        decode(encode(writer, datum), writer, reader)


@PROFILE
@given(schemas_with_data())
def test_texts_are_idempotent_and_keep_the_meaning(case: tuple[Json, Json]) -> None:
    schema, datum = case
    parsed = parse(schema)
    encoded = encode(schema, datum)
    for write in (avro.canonicalise, avro.normalize):
        text = write(parsed)
        again = avro.parse(text, {}, Strictness.STRICT)
        assert write(again) == text
        assert parsing_canonical_form(json.loads(text)) == parsing_canonical_form(schema)
        assert avro.find_incompatibilities(again, parsed, CompatibilityPolicy.STRICT) == []
        assert avro.find_incompatibilities(parsed, again, CompatibilityPolicy.STRICT) == []
        assert decode(encoded, json.loads(text)) == decode(encoded, schema)
    assert avro.canonicalise(avro.parse(avro.normalize(parsed), {}, Strictness.STRICT)) == avro.normalize(parsed)
