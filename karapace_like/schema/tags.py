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
"""Where a JSON text (Avro, JSON Schema) holds the tags of what it stands in."""


class EntityKind(enum.StrEnum):
    """What can be tagged, spelled as on the wire."""

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
    """Which tags an entity gets and loses; losing comes last."""

    entity: Entity
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def applied(self, tags: Iterable[str]) -> list[str]:
        """The entity's tags afterwards: the old ones in their order, then the new ones."""
        return [each for each in dict.fromkeys([*tags, *self.added]) if each not in self.removed]


def no_such_entity(entity: Entity) -> InvalidSchemaError:
    """The refusal of a path that leads nowhere."""
    return InvalidSchemaError(f"No matching path '{entity.path}' found in the schema")


def of_node(node: Mapping[str, object]) -> list[str]:
    """The tags of one JSON object of a schema; what is no list of texts counts as none."""
    found = node.get(PROPERTY)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def change_nodes(nodes: Mapping[Entity, dict[str, Any]], changes: Sequence[TagChange]) -> None:
    """Change the tags in the JSON objects of a schema, in place; raises InvalidSchemaError for an unknown path."""
    for change in changes:
        node = nodes.get(change.entity)
        if node is None:
            raise no_such_entity(change.entity)
        tags = change.applied(of_node(node))
        if tags:
            node[PROPERTY] = tags
        else:
            node.pop(PROPERTY, None)
