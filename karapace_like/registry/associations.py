"""Associations between subjects and resources, such as a topic, and the index that finds them.

A serializer looks up the subject of a topic by its association, before it falls back to the topic's name. Source:
Confluent API, "Associations".
"""

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from karapace_like.registry import names

ANY_NAMESPACE = "-"
"""Stands for every namespace in a look-up, and as a name for every resource of a namespace."""
TOPIC = "topic"
"""The only type of a resource."""


class Lifecycle(enum.StrEnum):
    """Whether the subject belongs to the resource."""

    STRONG = "STRONG"
    """The subject belongs to this resource alone, and may be deleted with it."""
    WEAK = "WEAK"


class AssociationType(enum.StrEnum):
    """The part of the resource's records that the subject describes."""

    KEY = "key"
    VALUE = "value"


class Resource(NamedTuple):
    """A resource as requests and records name it."""

    name: str
    namespace: str
    id: str | None = None
    """None: by its name only, as in a dry run."""
    type: str = TOPIC

    def default_subject(self, part: str) -> str:
        """Return the subject of its own: in a context that is named like the namespace."""
        return names.canonical(f":.{self.namespace}:{self.name}-{part}")


class AssociationKey(NamedTuple):
    """The identity of an association in the topic."""

    resource_name: str
    resource_namespace: str
    resource_type: str
    association_type: str
    subject: str


class Association(msgspec.Struct, frozen=True, kw_only=True):
    """A subject that a resource uses."""

    guid: str
    resource: Resource
    association_type: str
    subject: str
    lifecycle: Lifecycle
    frozen: bool
    created: int = 0
    """The timestamp of the first record of it that was read, in milliseconds since the epoch."""
    updated: int = 0
    """The timestamp of the last one."""

    @property
    def key(self) -> AssociationKey:
        """Its identity."""
        resource = self.resource
        return AssociationKey(resource.name, resource.namespace, resource.type, self.association_type, self.subject)


@dataclass(slots=True)
class AssociationIndex:
    """All associations, by what they are looked up by."""

    _by_key: dict[AssociationKey, Association] = field(default_factory=dict)
    _by_name: dict[str, dict[AssociationKey, Association]] = field(default_factory=dict)
    _by_id: dict[str, dict[AssociationKey, Association]] = field(default_factory=dict)
    _by_subject: dict[str, dict[AssociationKey, Association]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._by_key)

    def __iter__(self) -> Iterator[Association]:
        return iter(self._by_key.values())

    def get(self, key: AssociationKey) -> Association | None:
        """Return the association with this identity."""
        return self._by_key.get(key)

    def put(self, association: Association) -> None:
        """Add the association, or replace the one with its key, whose time of creation stays."""
        before = self._by_key.get(association.key)
        if before is not None:
            self.remove(association.key)
            association = msgspec.structs.replace(association, created=before.created)
        self._by_key[association.key] = association
        for index, value in self._list_indexes(association):
            index.setdefault(value, {})[association.key] = association

    def remove(self, key: AssociationKey) -> None:
        """Remove the association with this key, if there is one."""
        association = self._by_key.pop(key, None)
        if association is None:
            return
        for index, value in self._list_indexes(association):
            del index[value][key]
            if not index[value]:
                del index[value]

    def of_subject(self, subject: str) -> list[Association]:
        """Return the associations of the subject."""
        return _sort(self._by_subject.get(names.canonical(subject), {}).values())

    def of_resource(self, resource_id: str) -> list[Association]:
        """Return the associations of the resource with this id."""
        return _sort(self._by_id.get(resource_id, {}).values())

    def find_by_name(self, namespace: str, name: str) -> list[Association]:
        """Return the associations of the resources with this name and namespace; `-` stands for any."""
        candidates: Iterable[Association] = (
            self._by_key.values() if name == ANY_NAMESPACE else self._by_name.get(name, {}).values()
        )
        return _sort(
            association for association in candidates if namespace in {ANY_NAMESPACE, association.resource.namespace}
        )

    def subjects_of_topic(self, topic: str, part: str) -> list[str]:
        """Return the subjects of the keys or values of the topics with this name, in any namespace."""
        return [
            association.subject
            for association in self.find_by_name(ANY_NAMESPACE, topic)
            if association.association_type == part and association.resource.type == TOPIC
        ]

    def _list_indexes(self, association: Association) -> list[tuple[dict[str, dict[AssociationKey, Association]], str]]:
        return [
            (self._by_name, association.resource.name),
            (self._by_id, association.resource.id or ""),
            (self._by_subject, names.canonical(association.subject)),
        ]


def _sort(associations: Iterable[Association]) -> list[Association]:
    return sorted(associations, key=lambda association: association.key)
