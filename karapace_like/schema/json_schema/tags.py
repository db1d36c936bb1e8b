"""Tags of objects and properties, kept in the keyword `confluent:tags`.

A path spells the way through the schema: `object.<property>`, `array` for the items, `allof.0`, `not`,
`conditional.then`, `object.definitions.<name>`. Alternatives are counted in the order of the text.
"""

from collections.abc import Iterator, Mapping, Sequence

from karapace_like.schema import tags
from karapace_like.schema.json_schema.json_text import JsonObject, JsonValue, read, write
from karapace_like.schema.tags import Entity, EntityKind, TagChange

_ALTERNATIVES = {"allOf": "allof", "anyOf": "anyof", "oneOf": "oneof"}
_CONDITIONAL = ("if", "then", "else")
_DEFINITIONS = ("definitions", "$defs")


def change_tags(value: JsonValue, changes: Sequence[TagChange]) -> str:
    """Return the text with the tags changed; raises InvalidSchemaError for a path that leads nowhere."""
    copy = read(write(value))
    tags.change_nodes(_nodes(copy), changes)
    return write(copy)


def list_tags(value: JsonValue) -> Mapping[Entity, Sequence[str]]:
    """Return the tags of every object and property."""
    return {entity: tags.of_node(node) for entity, node in _nodes(value).items()}


def _nodes(root: JsonValue) -> dict[Entity, JsonObject]:
    """Return the subschemas by their entities."""
    nodes: dict[Entity, JsonObject] = {}
    pending: list[tuple[str, JsonValue]] = [("", root)]
    while pending:
        path, value = pending.pop()
        if not isinstance(value, dict):
            continue
        if _is_object(value):
            nodes[Entity(path + "object", EntityKind.RECORD)] = value
        inner = list(_inner(path, value))
        for entity, below, subschema in inner:
            if entity is not None and isinstance(subschema, dict):
                nodes[Entity(below.removesuffix("."), entity)] = subschema
        pending += [(below, subschema) for _, below, subschema in reversed(inner)]
    return nodes


def _is_object(value: JsonObject) -> bool:
    kinds = value.get("type")
    return "properties" in value or kinds == "object" or (isinstance(kinds, list) and "object" in kinds)


def _inner(path: str, value: JsonObject) -> Iterator[tuple[EntityKind | None, str, JsonValue]]:
    """Yield (kind of entity, path with a dot at the end, subschema) of each subschema."""
    for name, member in _mapping(value, "properties"):
        yield EntityKind.FIELD, f"{path}object.{name}.", member
    for keyword in _DEFINITIONS:
        for name, member in _mapping(value, keyword):
            yield EntityKind.RECORD, f"{path}object.{keyword}.{name}.", member
    yield None, f"{path}array.", value.get("items")
    for keyword, spelled in _ALTERNATIVES.items():
        alternatives = value.get(keyword)
        for index, member in enumerate(alternatives if isinstance(alternatives, list) else ()):
            yield None, f"{path}{spelled}.{index}.", member
    yield None, f"{path}not.", value.get("not")
    for keyword in _CONDITIONAL:
        yield None, f"{path}conditional.{keyword}.", value.get(keyword)


def _mapping(value: JsonObject, keyword: str) -> list[tuple[str, JsonValue]]:
    members = value.get(keyword)
    return list(members.items()) if isinstance(members, dict) else []
