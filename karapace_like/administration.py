"""The words that the Kafka room and its callers share about a cluster's management: brokers, configs, groups, ACLs.

Enumerations are spelled as Kafka's Java clients and the REST API spell them. Topics and partitions are in `records.py`.
"""

import enum
from collections.abc import Mapping
from typing import NamedTuple

from karapace_like.records import TopicPartition


class Broker(NamedTuple):
    """One broker that is up."""

    id: int
    host: str
    port: int
    rack: str | None


class ClusterDescription(NamedTuple):
    """The cluster as its metadata tell of it."""

    id: str
    controller: int | None
    """The broker that requests to the controller go to."""
    brokers: tuple[Broker, ...]
    """In the order of their ids."""


class NewTopic(NamedTuple):
    """A topic to be made."""

    name: str
    partitions: int | None = None
    """None: the cluster's default."""
    replication_factor: int | None = None
    """None: the cluster's default."""
    assignments: tuple[tuple[int, ...], ...] = ()
    """The brokers of each partition, the preferred leader first; in place of the two numbers."""
    configs: Mapping[str, str | None] = {}


class Reassignment(NamedTuple):
    """A partition whose replicas are on their way to other brokers."""

    at: TopicPartition
    replicas: tuple[int, ...]
    adding: tuple[int, ...]
    removing: tuple[int, ...]


class OwnerKind(enum.StrEnum):
    """What configs belong to."""

    TOPIC = "TOPIC"
    BROKER = "BROKER"


class ConfigOwner(NamedTuple):
    """A topic or a broker, which has configs; a broker's name is its id."""

    kind: OwnerKind
    name: str


EVERY_BROKER = ConfigOwner(OwnerKind.BROKER, "")
"""The cluster, whose configs hold for each broker that has none of its own."""


class ConfigValue(NamedTuple):
    """A value and where it comes from, such as `DEFAULT_CONFIG`."""

    name: str
    value: str | None
    """None for one that is not set, or that is a secret."""
    source: str


class ConfigEntry(NamedTuple):
    """The value that holds, and the ones behind it that would hold without it."""

    name: str
    value: str | None
    source: str
    is_default: bool
    is_read_only: bool
    is_sensitive: bool
    synonyms: tuple[ConfigValue, ...]


class ConfigChange(NamedTuple):
    """A config to be set, or to go back to what holds without it."""

    name: str
    value: str | None
    """None: as if it had never been set."""


class GroupMember(NamedTuple):
    """One consumer of a group."""

    id: str
    instance_id: str | None
    client_id: str
    assigned: tuple[TopicPartition, ...]


class GroupDescription(NamedTuple):
    """One consumer group."""

    id: str
    is_simple: bool
    """Whether it only keeps offsets: its members, if any, do not share partitions through the group."""
    assignor: str
    state: str
    coordinator: int | None
    members: tuple[GroupMember, ...]


class ResourceType(enum.StrEnum):
    """What an ACL protects. Like the other enumerations of ACLs in the order of the protocol's numbers."""

    UNKNOWN = "UNKNOWN"
    ANY = "ANY"
    TOPIC = "TOPIC"
    GROUP = "GROUP"
    CLUSTER = "CLUSTER"
    TRANSACTIONAL_ID = "TRANSACTIONAL_ID"
    DELEGATION_TOKEN = "DELEGATION_TOKEN"  # noqa: S105 - a kind of resource
    USER = "USER"


class PatternType(enum.StrEnum):
    """How an ACL names resources."""

    UNKNOWN = "UNKNOWN"
    ANY = "ANY"
    MATCH = "MATCH"
    LITERAL = "LITERAL"
    PREFIXED = "PREFIXED"


class Operation(enum.StrEnum):
    """What an ACL is about."""

    UNKNOWN = "UNKNOWN"
    ANY = "ANY"
    ALL = "ALL"
    READ = "READ"
    WRITE = "WRITE"
    CREATE = "CREATE"
    DELETE = "DELETE"
    ALTER = "ALTER"
    DESCRIBE = "DESCRIBE"
    CLUSTER_ACTION = "CLUSTER_ACTION"
    DESCRIBE_CONFIGS = "DESCRIBE_CONFIGS"
    ALTER_CONFIGS = "ALTER_CONFIGS"
    IDEMPOTENT_WRITE = "IDEMPOTENT_WRITE"
    CREATE_TOKENS = "CREATE_TOKENS"
    DESCRIBE_TOKENS = "DESCRIBE_TOKENS"


class Permission(enum.StrEnum):
    """What an ACL says about it."""

    UNKNOWN = "UNKNOWN"
    ANY = "ANY"
    DENY = "DENY"
    ALLOW = "ALLOW"


class Acl(NamedTuple):
    """One ACL."""

    resource_type: ResourceType
    resource_name: str
    pattern_type: PatternType
    principal: str
    host: str
    operation: Operation
    permission: Permission


class AclFilter(NamedTuple):
    """Which ACLs; None and ANY match everything."""

    resource_type: ResourceType = ResourceType.ANY
    resource_name: str | None = None
    pattern_type: PatternType = PatternType.ANY
    principal: str | None = None
    host: str | None = None
    operation: Operation = Operation.ANY
    permission: Permission = Permission.ANY
