"""Drawn JSON Schemas, drawn changes of them, and drawn instances, for the laws in `test_json_schema_properties.py`.

Only what the reference registry judges soundly is drawn. It lets these changes pass though they can break a reader, and
so they are left out: any inside `if`/`then`/`else`, `contains`, `propertyNames`, `format` and `patternProperties`; a
`required` name that the schema does not describe; a required property with a `default`; what `unevaluated*` covers;
draft-04's boolean bounds; and `oneOf` alternatives that overlap.
"""

from typing import Any, TypeAlias

from hypothesis import strategies as st

JsonSchema: TypeAlias = "dict[str, Any] | bool"
Draw: TypeAlias = st.DrawFn

MODERN = "https://json-schema.org/draft/2020-12/schema"
NAMES = ("a", "b", "c")
KINDS = ("string", "integer", "number", "boolean", "null", "object", "array")
DISJOINT_KINDS = ("string", "number", "boolean", "null", "object", "array")
VALUES = ("x", "y", 1, 2, True, None, {"a": 1}, [1])

BOUNDS = {
    "string": ("minLength", "maxLength"),
    "object": ("minProperties", "maxProperties"),
    "array": ("minItems", "maxItems"),
}
NUMERIC_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def sometimes(draw: Draw, times_in_ten: int) -> bool:
    return draw(st.integers(1, 10)) <= times_in_ten


@st.composite
def schemas(draw: Draw, depth: int = 2) -> JsonSchema:
    """A schema in draft-07's words, at most so many levels deep."""
    form = draw(st.sampled_from(["kind"] * 6 + ["kinds", "enum", "const", "anyOf", "allOf", "oneOf", "not", "boolean"]))
    if form in {"anyOf", "allOf", "oneOf", "not"} and depth == 0:
        form = "kind"
    return draw(form_of(form, depth))


@st.composite
def form_of(draw: Draw, form: str, depth: int) -> JsonSchema:
    match form:
        case "kinds":
            return {"type": draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique=True))}
        case "enum":
            return {"enum": draw(st.lists(st.sampled_from(VALUES), min_size=1, max_size=3))}
        case "const":
            return {"const": draw(st.sampled_from(VALUES))}
        case "anyOf" | "allOf":
            return {form: draw(st.lists(schemas(depth - 1), min_size=1, max_size=3))}
        case "oneOf":
            kinds = draw(st.lists(st.sampled_from(DISJOINT_KINDS), min_size=1, max_size=3, unique=True))
            return {"oneOf": [draw(of_kind(kind, depth - 1)) for kind in kinds]}
        case "not":
            return {"not": draw(schemas(depth - 1))}
        case "boolean":
            boolean: JsonSchema = draw(st.one_of(st.booleans(), st.just({})))
            return boolean
    return draw(of_kind(draw(st.sampled_from(KINDS)), depth))


@st.composite
def of_kind(draw: Draw, kind: str, depth: int) -> dict[str, Any]:
    """A schema of one named type."""
    schema: dict[str, Any] = {"type": kind}
    for bound in BOUNDS.get(kind, ()):
        if sometimes(draw, 2):
            schema[bound] = draw(st.integers(0, 3))
    if kind == "string" and sometimes(draw, 1):
        schema["pattern"] = draw(st.sampled_from(["x", "^y"]))
    if kind in {"integer", "number"}:
        for bound in NUMERIC_BOUNDS:
            if sometimes(draw, 2):
                schema[bound] = draw(st.integers(-2, 4))
        if sometimes(draw, 2):
            schema["multipleOf"] = draw(st.sampled_from([1, 2, 3, 4, 0.5]))
    if kind == "object" and depth:
        schema |= draw(object_keywords(depth - 1))
    if kind == "array" and depth:
        schema |= draw(array_keywords(depth - 1))
    return schema


@st.composite
def object_keywords(draw: Draw, depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    if names:
        schema["properties"] = {name: draw(schemas(depth)) for name in names}
        schema["required"] = draw(st.lists(st.sampled_from(names), unique=True))
    if sometimes(draw, 4):
        schema["additionalProperties"] = draw(st.one_of(st.booleans(), schemas(depth)))
    if sometimes(draw, 2):
        schema["dependencies"] = {
            draw(st.sampled_from(NAMES)): draw(
                st.one_of(st.lists(st.sampled_from(NAMES), unique=True), of_kind("object", depth))
            )
        }
    return schema


@st.composite
def array_keywords(draw: Draw, depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    if sometimes(draw, 2):
        schema["uniqueItems"] = draw(st.booleans())
    if sometimes(draw, 4):
        schema["items"] = draw(schemas(depth))
    elif sometimes(draw, 5):
        schema["items"] = draw(st.lists(schemas(depth), min_size=1, max_size=3))
        if sometimes(draw, 5):
            schema["additionalItems"] = draw(st.one_of(st.booleans(), schemas(depth)))
    return schema


@st.composite
def evolutions(draw: Draw) -> tuple[JsonSchema, JsonSchema]:
    """A schema and one that grew out of it."""
    old = draw(schemas())
    return old, draw(evolved(old))


@st.composite
def evolved(draw: Draw, schema: JsonSchema, depth: int = 2) -> JsonSchema:
    """The schema with a few changes, or another one."""
    if isinstance(schema, bool) or sometimes(draw, 1):
        return draw(schemas(depth))
    if sometimes(draw, 1) and depth:
        return {"anyOf": [schema, draw(schemas(depth - 1))]}
    new = {keyword: draw(evolved_keyword(keyword, value, depth)) for keyword, value in schema.items()}
    for keyword in [*BOUNDS.get(str(new.get("type")), ()), *NUMERIC_BOUNDS, "uniqueItems", "pattern"]:
        if keyword in new and sometimes(draw, 3):
            del new[keyword]
    if new.get("type") == "integer" and sometimes(draw, 2):
        new["type"] = "number"
    if "required" in new:
        new["required"] = [name for name in new["required"] if name in new["properties"] and not sometimes(draw, 1)]
    return new


@st.composite
def evolved_keyword(draw: Draw, keyword: str, value: Any, depth: int) -> Any:
    below = max(depth - 1, 0)
    match keyword, value:
        case "properties", _:
            kept = {name: draw(evolved(each, below)) for name, each in value.items() if not sometimes(draw, 2)}
            if sometimes(draw, 3):
                kept[draw(st.sampled_from(NAMES))] = draw(schemas(below))
            return kept
        case "oneOf", _:
            return [draw(of_kind(each["type"], below)) if sometimes(draw, 2) else each for each in value]
        case (("anyOf" | "allOf" | "items"), list()):
            changed = [draw(evolved(each, below)) for each in value]
            return changed if not sometimes(draw, 3) else [*changed, draw(schemas(below))]
        case (("items" | "not" | "additionalProperties" | "additionalItems"), dict()):
            return draw(evolved(value, below))
        case "enum", _:
            return [*value, draw(st.sampled_from(VALUES))] if sometimes(draw, 5) else value
        case _, int() if keyword in {*NUMERIC_BOUNDS, *sum(BOUNDS.values(), ())} and sometimes(draw, 3):
            return max(0, value + draw(st.integers(-1, 1)))
    return value


def modern(schema: JsonSchema) -> JsonSchema:
    """The same schema in the words of 2020-12."""
    if isinstance(schema, bool):
        return schema
    new: dict[str, Any] = {}
    for keyword, value in schema.items():
        match keyword, value:
            case "items", list():
                new["prefixItems"] = [modern(each) for each in value]
            case "additionalItems", _:
                new["items"] = modern(value)
            case "dependencies", _:
                new["dependentRequired"] = {name: each for name, each in value.items() if isinstance(each, list)}
                new["dependentSchemas"] = {name: modern(each) for name, each in value.items() if isinstance(each, dict)}
            case "properties", _:
                new["properties"] = {name: modern(each) for name, each in value.items()}
            case (("anyOf" | "allOf" | "oneOf"), _):
                new[keyword] = [modern(each) for each in value]
            case (("items" | "not" | "additionalProperties"), _):
                new[keyword] = modern(value)
            case _:
                new[keyword] = value
    return new


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 2, 3, -1, 0.5, 2.0, "", "x", "xy", "yyy", "zzzz"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from([*NAMES, "d"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def instances(draw: Draw, schema: JsonSchema) -> Any:
    """A value that has a fair chance to be valid."""
    if isinstance(schema, bool) or sometimes(draw, 1):
        return draw(JSON_VALUES)
    for combination in ("anyOf", "oneOf", "allOf"):
        if combination in schema:
            return draw(instances(draw(st.sampled_from(schema[combination]))))
    if "enum" in schema or "const" in schema:
        return draw(st.sampled_from(schema.get("enum", [schema.get("const")])))
    kind = schema.get("type")
    if kind == "object":
        properties = schema.get("properties", {})
        names = [*schema.get("required", []), *draw(st.lists(st.sampled_from([*NAMES, "d"])))]
        rest = schema.get("additionalProperties", True)
        return {name: draw(instances(properties.get(name, rest))) for name in names}
    if kind == "array":
        items = schema.get("items", True)
        first, rest = (items, schema.get("additionalItems", True)) if isinstance(items, list) else ([], items)
        return [
            draw(instances(first[position] if position < len(first) else rest))
            for position in range(draw(st.integers(0, 4)))
        ]
    return draw(JSON_VALUES)
