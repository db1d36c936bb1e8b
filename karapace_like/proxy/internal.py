"""Internal topics and groups: the service or Kafka keeps state in them, and callers may only describe them.

This module decides what is internal. `guarding.py` enforces it for every use of the cluster, and the route tables of
the API reject a name in a path before a handler runs. Descriptions (names, partitions, configs, members) are allowed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from karapace_like.administration import Acl, AclFilter, PatternType, ResourceType
from karapace_like.proxy import bounds, errors

_KAFKA_PREFIX = "__"
_KAFKA_PURPOSE = f"topics whose names begin with {_KAFKA_PREFIX} are for Kafka itself and its tools"
_NULL = "\0"
"""Terminates a name in the Kafka client, which ignores the rest: no valid name contains it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalResources:
    """The internal topics and groups: name -> what the service uses it for, as a clause of a sentence."""

    topics: Mapping[str, str] = field(default_factory=dict)
    """In addition to those whose names begin with two underscores."""
    groups: Mapping[str, str] = field(default_factory=dict)
    transactional_ids: Mapping[str, str] = field(default_factory=dict)
    is_allowed: bool = False
    """Whether the operator allows callers to use them (`rest_internal_resources`)."""

    def is_internal_topic(self, name: str) -> bool:
        """Return whether the service or Kafka keeps state in the topic."""
        return self._topic_purpose(name) is not None

    def is_internal_group(self, name: str) -> bool:
        """Return whether the service itself uses the group."""
        return self._group_purpose(name) is not None

    def check_topics(self, names: Iterable[str]) -> None:
        """Raise ProxyError unless callers may use all topics: 403 for an internal one, 40002 for an invalid name."""
        for name in names:
            purpose = None if self.is_allowed else self._topic_purpose(name)
            if purpose is not None:
                raise errors.internal_resource("Topic", name, purpose)
            bounds.check_topic(name)

    def check_group(self, name: str) -> None:
        """Raise ProxyError unless callers may use the group: 403 for an internal one, 40002 for an invalid name."""
        purpose = None if self.is_allowed else self._group_purpose(name)
        if purpose is not None:
            raise errors.internal_resource("Group", name, purpose)
        bounds.check_group(name)

    def check_acl(self, acl: Acl | AclFilter) -> None:
        """Raise ProxyError (403) for an ACL, or a filter of ACLs, that names internal resources or a prefix of them.

        An ACL on `*` is allowed: it is about the whole cluster, and needs the right to change its ACLs.
        """
        if self.is_allowed or acl.resource_name is None:
            return
        is_prefix = acl.pattern_type is PatternType.PREFIXED
        for kind, purpose_of, names in self._protected_kinds():
            if acl.resource_type not in {kind, ResourceType.ANY}:
                continue
            matching = (
                [name for name in names if name.startswith(_as_kafka_reads(acl.resource_name))] if is_prefix else []
            )
            for name in (acl.resource_name, *matching):
                purpose = purpose_of(name)
                if purpose is not None:
                    spelled = kind.replace("_", " ").capitalize() + (" prefix" if is_prefix else "")
                    raise errors.internal_resource(spelled, acl.resource_name, purpose)

    def _protected_kinds(self) -> Iterable[tuple[ResourceType, Callable[[str], str | None], Iterable[str]]]:
        """Return (kind, name -> purpose, the names or their prefixes) of each kind of resource that ACLs are about."""
        return (
            (ResourceType.TOPIC, self._topic_purpose, (*self.topics, _KAFKA_PREFIX)),
            (ResourceType.GROUP, self._group_purpose, self.groups),
            (ResourceType.TRANSACTIONAL_ID, self.transactional_ids.get, self.transactional_ids),
        )

    def _group_purpose(self, name: str) -> str | None:
        return self.groups.get(_as_kafka_reads(name))

    def _topic_purpose(self, name: str) -> str | None:
        if name.startswith(_KAFKA_PREFIX):
            return _KAFKA_PURPOSE
        return self.topics.get(_as_kafka_reads(name))


NONE_INTERNAL = InternalResources()
"""Kafka's own topics only."""


def _as_kafka_reads(name: str) -> str:
    return name.partition(_NULL)[0]
