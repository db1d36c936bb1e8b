"""The objects, properties and definitions of a JSON Schema, each with its keywords."""

from collections.abc import Iterator

from karapace_like.schema.json_schema.draft import draft_of
from karapace_like.schema.json_schema.json_text import JsonObject, JsonValue, write
from karapace_like.schema.outline import Element, ElementKind

_MAPS = {
    "properties": ElementKind.FIELD,
    "patternProperties": ElementKind.FIELD,
    "definitions": ElementKind.TYPE,
    "$defs": ElementKind.TYPE,
    "dependentSchemas": ElementKind.TYPE,
}
"""Keywords whose values are maps of schemas -> what those are."""
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_SINGLE = ("items", "additionalProperties", "additionalItems", "contains", "propertyNames", "not", "if", "then", "else",
           "unevaluatedItems", "unevaluatedProperties")  # fmt: skip
_WORDS = {"description": "doc"}
_OF_THE_WHOLE = ("$schema", "$id", "id", "title")
_NO_KEYWORDS = frozenset({"required", *_OF_THE_WHOLE, *_MAPS})


def list_elements(value: JsonValue) -> list[Element]:
    """Return the schema itself, then everything in it, in the order of the text."""
    if not isinstance(value, dict):
        return [Element("", "schema", ElementKind.SCHEMA, "", "", "#/", {"value": write(value)})]
    said = {name: _show(value[name]) for name in _OF_THE_WHOLE if name in value}
    said.setdefault("dialect", draft_of(value).name.lower())
    whole = Element("", "schema", ElementKind.SCHEMA, str(value.get("title", "")), "", "#/", said)
    return [whole, *_elements(value, "#", ElementKind.TYPE, "", "", is_required=False)]


def _elements(
    value: JsonValue, path: str, kind: ElementKind, name: str, within: str, *, is_required: bool
) -> Iterator[Element]:
    if not isinstance(value, dict):
        yield Element(path, path, kind, name, within, path, {"value": write(value), **_requirement(is_required)})
        return
    if kind is ElementKind.TYPE and _is_object(value):
        kind = ElementKind.RECORD
    said = {_WORDS.get(key, key): _show(member) for key, member in value.items() if not _holds_schemas(key, member)}
    yield Element(path, path, kind, name, within, path, {**said, **_requirement(is_required)})
    required = value.get("required")
    for keyword, inner in _MAPS.items():
        children = value.get(keyword)
        for key, child in children.items() if isinstance(children, dict) else ():
            is_listed = keyword == "properties" and isinstance(required, list) and key in required
            yield from _elements(child, f"{path}/{keyword}/{key}", inner, key, path, is_required=is_listed)
    for keyword in _LISTS:
        children = value.get(keyword)
        for position, child in enumerate(children if isinstance(children, list) else ()):
            yield from _elements(child, f"{path}/{keyword}/{position}", ElementKind.TYPE, "", path, is_required=False)
    for keyword in _SINGLE:
        child = value.get(keyword)
        if isinstance(child, dict):
            yield from _elements(child, f"{path}/{keyword}", ElementKind.TYPE, "", path, is_required=False)


def _is_object(value: JsonObject) -> bool:
    return "properties" in value or value.get("type") == "object"


def _holds_schemas(keyword: str, value: JsonValue) -> bool:
    if keyword in _LISTS and isinstance(value, list):
        return True
    return keyword in _NO_KEYWORDS or (keyword in _SINGLE and isinstance(value, dict))


def _requirement(is_required: bool) -> dict[str, str]:  # noqa: FBT001 - one value
    return {"required": "yes"} if is_required else {}


def _show(value: JsonValue) -> str:
    return value if isinstance(value, str) else write(value)
