"""Tags of records and fields, kept in the property `confluent:tags` beside their names."""

from collections.abc import Mapping, Sequence
from typing import Any

from karapace_like.schema import tags
from karapace_like.schema.avro import json_text
from karapace_like.schema.avro.canonical import canonicalise
from karapace_like.schema.avro.model import Parsed
from karapace_like.schema.avro.names import qualify, split
from karapace_like.schema.tags import Entity, EntityKind, TagChange


def change_tags(parsed: Parsed, changes: Sequence[TagChange]) -> str:
    """Return the text with the tags changed; raises InvalidSchemaError for a path that leads nowhere."""
    value = json_text.read(canonicalise(parsed))
    tags.change_nodes(_nodes(value), changes)
    return json_text.write(value)


def list_tags(parsed: Parsed) -> Mapping[Entity, Sequence[str]]:
    """Return the tags of every record and field, in the order of the text."""
    nodes = _nodes(json_text.read(canonicalise(parsed)))
    return {entity: tags.of_node(node) for entity, node in nodes.items()}


def _nodes(root: Any) -> dict[Entity, dict[str, Any]]:
    """Return the JSON objects of all records and fields of a canonical text, in its order."""
    nodes: dict[Entity, dict[str, Any]] = {}
    pending: list[tuple[Any, str]] = [(root, "")]
    while pending:
        value, namespace = pending.pop()
        if isinstance(value, list):
            pending += [(child, namespace) for child in reversed(value)]
        elif isinstance(value, dict):
            inner: list[Any] = [value.get("items"), value.get("values")]
            if value.get("type") in {"record", "error"}:
                name = qualify(value["name"], value.get("namespace", namespace))
                namespace = split(name)[0]
                nodes[Entity(name, EntityKind.RECORD)] = value
                for field in value["fields"]:
                    nodes[Entity(f"{name}.{field['name']}", EntityKind.FIELD)] = field
                    inner.append(field["type"])
            pending += [(child, namespace) for child in reversed(inner)]
    return nodes
