"""Tags on records and fields inside of schemas: what they stand on, and how a request changes them.

Source: Confluent API, `schemaTags`, `tagsToAdd`, `tagsToRemove`. Where the tags are in a text is each format's own
business (`tags.py` in its package).
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from karapace_like.schema.model import InvalidSchemaError

PROPERTY = "confluent:tags"
"""The attribute of a JSON text (Avro, JSON Schema) that holds the tags of the object around it."""


class EntityKind(enum.StrEnum):
    """The kind of a tagged entity, spelled as on the wire."""

    RECORD = "sr_record"
    FIELD = "sr_field"


class Entity(NamedTuple):
    """A record or field of a schema.

    Paths, by format: `name.space.Record.field`; `object.field.array.object`; `.Message.Nested.field`.
    """

    path: str
    kind: EntityKind


@dataclass(frozen=True, slots=True)
class TagChange:
    """The tags that are added to an entity and removed from it, in this order."""

    entity: Entity
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def apply(self, tags: Iterable[str]) -> list[str]:
        """Return the entity's tags afterwards: the old ones in their order, then the new ones."""
        return [tag for tag in dict.fromkeys([*tags, *self.added]) if tag not in self.removed]


def no_such_entity(entity: Entity) -> InvalidSchemaError:
    """Return the error for the path of no element."""
    return InvalidSchemaError(f"No matching path '{entity.path}' found in the schema")


def of_node(node: Mapping[str, object]) -> list[str]:
    """Return the tags of one JSON object of a schema; values other than lists of strings count as none."""
    listed = node.get(PROPERTY)
    return [tag for tag in listed if isinstance(tag, str)] if isinstance(listed, list) else []


def change_nodes(nodes: Mapping[Entity, dict[str, Any]], changes: Sequence[TagChange]) -> None:
    """Change the tags in the JSON objects of a schema, in place; raises InvalidSchemaError for an unknown path."""
    for change in changes:
        node = nodes.get(change.entity)
        if node is None:
            raise no_such_entity(change.entity)
        tags = change.apply(of_node(node))
        if tags:
            node[PROPERTY] = tags
        else:
            node.pop(PROPERTY, None)
