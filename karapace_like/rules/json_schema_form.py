"""Values of JSON Schemas as rules see them: the JSON itself. Fields are the properties that the schema names."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from karapace_like.rules.errors import RuleEvaluationError
from karapace_like.rules.fields import Field, FindTags, Shape, Visit, list_inline_tags
from karapace_like.schema.json_schema.documents import Location
from karapace_like.schema.model import Dependencies, InvalidSchemaError
from karapace_like.serde.json_schema import compile_validator, open_documents

_to_json = msgspec.json.Encoder(decimal_format="number").encode

_ROOT = "$"
_MAX_DEPTH = 200
"""Of schemas within schemas on the way to a value: references may lead in a circle."""
_BRANCHES = 100
"""Compiled alternatives in the cache."""
_DEFINITIONS = ("$schema", "$defs", "definitions")
"""Members of a schema that its parts need as well."""
_CHOICES = ("oneOf", "anyOf")
_LEAVES = frozenset({"ENUM", "STRING", "INT", "DOUBLE", "BOOLEAN"})
_TYPES: Mapping[Any, str] = {
    "array": "ARRAY",
    "string": "STRING",
    "integer": "INT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "null": "NULL",
}
_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "array": (list,),
    "object": (dict,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


class JsonSchemaForm:
    """Implements `fields.ValueForm` and `fields.Shape`: a schema has one type."""

    def __init__(self, text: str, dependencies: Dependencies, find_tags: FindTags) -> None:
        """Raises InvalidSchemaError."""
        self._dependencies = dependencies
        self._find_tags = find_tags
        self._documents = open_documents(text, dependencies)
        self.is_heavy = any(choice in schema for schema in (text, *dependencies.values()) for choice in _CHOICES)

    def find_message(self, _: bytes) -> tuple[int, ...]:
        """Return nothing: a schema has one type."""
        return ()

    def shape(self, _: tuple[int, ...]) -> Shape:
        """Return the schema's type."""
        return self

    def enter(self, _: Shape, value: Any) -> Any:
        """Return the value."""
        return value

    leave = to_jsonata = of_jsonata = enter

    def to_native(self, value: Any) -> Any:
        """Return the value."""
        return value

    to_plain = to_json = to_native

    def transform(self, value: Any, _: Field | None, visit: Visit) -> Any:
        """Return the value with its properties replaced."""
        walk = _Walk(self, visit)
        return walk.transform(self._documents.root, value, _ROOT, None, 0)

    def resolve(self, reference: str, base: str) -> Location:
        """Return the target of a `$ref`; raises RuleEvaluationError."""
        try:
            return self._documents.find(reference, base)
        except InvalidSchemaError as error:
            raise RuleEvaluationError(str(error)) from error

    def inside(self, schema: Any, base: str) -> Location:
        """Return a part of a schema, with the base of the references in it."""
        return Location(schema, self._documents.base_of(schema, base))

    def enter_field(self, schema: Any, name: str, path: str, message: Any) -> Field:
        """Return a property of an object; its full name is its path from `$`."""
        full_name = f"{path}.{name}"
        return Field(name, full_name, list_inline_tags(schema) | self._find_tags(full_name), lambda: message)

    def fits(self, schema: Location, value: Any) -> bool:
        """Return whether the value is valid by a part of the schema; raises RuleEvaluationError."""
        root: Any = self.resolve("#", schema.base).value
        part: Any = schema.value
        if isinstance(part, dict) and isinstance(root, dict):
            part = {name: root[name] for name in _DEFINITIONS if name in root} | part
        try:
            validator = _compile_branch(_to_json(part).decode(), tuple(self._dependencies.items()))
        except (InvalidSchemaError, msgspec.MsgspecError, TypeError) as error:
            raise RuleEvaluationError(f"an alternative of the schema cannot be checked: {error}") from error
        return validator.is_valid(value)


@lru_cache(_BRANCHES)
def _compile_branch(text: str, dependencies: tuple[tuple[str, str], ...]) -> jsonschema_rs.Validator:
    return compile_validator(text, dict(dependencies))


class _Walk:
    """Visits the fields of one value, as Confluent's clients do."""

    def __init__(self, form: JsonSchemaForm, visit: Visit) -> None:
        self._form = form
        self._visit = visit

    def transform(self, at: Location, value: Any, path: str, field: Field | None, depth: int) -> Any:
        schema: Any = at.value
        if value is None or not isinstance(schema, dict):
            return value
        if depth > _MAX_DEPTH:
            raise RuleEvaluationError(f"the schema is nested more than {_MAX_DEPTH} levels deep at {path}")
        if isinstance(schema.get("type"), list):
            schema = {**schema, "type": _choose_type(schema["type"], value)}
        branches = self._choose_branches(schema, at.base, value)
        if branches is not None:
            for branch in branches:
                value = self.transform(branch, value, path, field, depth + 1)
            return self._transform_members(schema, at.base, value, path, field, depth)
        if isinstance(value, list) and "items" in schema:
            return self._transform_members(schema, at.base, value, path, field, depth)
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self.transform(self._form.resolve(reference, at.base), value, path, field, depth + 1)
        kind = find_type(schema)
        if kind in _LEAVES and field is not None:
            return self._visit(field, kind, value)
        return self._transform_members(schema, at.base, value, path, field, depth)

    def _choose_branches(self, schema: dict[str, Any], base: str, value: Any) -> list[Location] | None:
        """Return the alternatives that apply to the value; None for a schema without any."""
        if isinstance(schema.get("allOf"), list):
            return [self._form.inside(branch, base) for branch in schema["allOf"]]
        for keyword in _CHOICES:
            if isinstance(schema.get(keyword), list):
                branches = [self._form.inside(branch, base) for branch in schema[keyword]]
                fitting = [branch for branch in branches if self._form.fits(branch, value)]
                return fitting[:1] if keyword == "oneOf" else fitting
        return None

    def _transform_members(
        self, schema: dict[str, Any], base: str, value: Any, path: str, field: Field | None, depth: int
    ) -> Any:
        if isinstance(value, list):
            items = schema.get("items")
            inside = self._form.inside(items, base)
            return [self.transform(inside, item, path, field, depth + 1) for item in value]
        properties = schema.get("properties")
        if not isinstance(value, dict) or not isinstance(properties, dict):
            return value
        result = dict(value)
        for name, inner in properties.items():
            if isinstance(inner, dict) and result.get(name) is not None:
                entered = self._form.enter_field(inner, name, path, result)
                inside = self._form.inside(inner, base)
                result[name] = self.transform(inside, result[name], entered.full_name, entered, depth + 1)
        return result


def _choose_type(types: list[Any], value: Any) -> Any:
    for kind in types:
        if isinstance(value, _PYTHON_TYPES.get(kind, ())) and (kind == "boolean") == isinstance(value, bool):
            return kind
    return None


def find_type(schema: Mapping[str, Any]) -> str:
    """Return the type of a schema's values, as rules name it."""
    if schema.get("const") is not None or schema.get("enum") is not None:
        return "ENUM"
    kind = schema.get("type")
    if kind == "object":
        return "RECORD" if schema.get("properties") else "MAP"
    if isinstance(kind, str) and kind in _TYPES:
        return _TYPES[kind]
    return "RECORD" if schema.get("properties") is not None else "NULL"
