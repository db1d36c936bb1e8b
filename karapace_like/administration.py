"""Types of cluster management that the Kafka room and its callers share: brokers, configs, groups, ACLs.

Enumerations are spelled as in the REST API. Topics and partitions are in `records.py`.
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


class ReplicaSize(NamedTuple):
    """How much one replica has on its broker's disk."""

    at: TopicPartition
    broker: int
    bytes: int


class ClusterDescription(NamedTuple):
    """The cluster's metadata."""

    id: str
    controller: int | None
    """The id of the broker that clients take for the controller; None while there is none."""
    brokers: tuple[Broker, ...]
    """In the order of their ids."""


class NewTopic(NamedTuple):
    """A topic to create."""

    name: str
    partitions: int | None = None
    """None is the cluster's default."""
    replication_factor: int | None = None
    """None is the cluster's default."""
    assignments: tuple[tuple[int, ...], ...] = ()
    """The brokers of each partition, the preferred leader first; in place of the two numbers."""
    configs: Mapping[str, str | None] = {}


class Reassignment(NamedTuple):
    """A partition whose replicas move to other brokers (KIP-455)."""

    at: TopicPartition
    replicas: tuple[int, ...]
    adding: tuple[int, ...]
    removing: tuple[int, ...]


class OwnerKind(enum.StrEnum):
    """The kinds of owners of configs."""

    TOPIC = "TOPIC"
    BROKER = "BROKER"
    GROUP = "GROUP"


class ConfigOwner(NamedTuple):
    """The owner of configs: a topic, a group, or a broker, whose name is its id."""

    kind: OwnerKind
    name: str


EVERY_BROKER = ConfigOwner(OwnerKind.BROKER, "")
"""The owner of the dynamic defaults: the configs of every broker that has none of its own."""


class ConfigValue(NamedTuple):
    """A value and its source, such as `DEFAULT_CONFIG`."""

    name: str
    value: str | None
    """None for one that is not set, or that is sensitive."""
    source: str


class ConfigEntry(NamedTuple):
    """The effective value of a config, and its synonyms: the values that would replace it, in order (KIP-226)."""

    name: str
    value: str | None
    source: str
    is_default: bool
    is_read_only: bool
    is_sensitive: bool
    synonyms: tuple[ConfigValue, ...]


class ConfigChange(NamedTuple):
    """A config to set, or to reset to the value that is effective without it."""

    name: str
    value: str | None
    """None resets the config."""


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
    """Whether the group only stores offsets, and assigns no partitions."""
    assignor: str
    state: str
    coordinator: int | None
    members: tuple[GroupMember, ...]
    type: str = "CLASSIC"
    """CONSUMER for a group of KIP-848's protocol, in which the brokers assign partitions."""
    is_mixed: bool = False
    """Whether a group of that protocol has members of the classic one, as during a migration."""


class ResourceType(enum.StrEnum):
    """The type of resource that an ACL protects; the order of the enumerations of ACLs is the protocol's numbering."""

    UNKNOWN = "UNKNOWN"
    ANY = "ANY"
    TOPIC = "TOPIC"
    GROUP = "GROUP"
    CLUSTER = "CLUSTER"
    TRANSACTIONAL_ID = "TRANSACTIONAL_ID"
    DELEGATION_TOKEN = "DELEGATION_TOKEN"  # noqa: S105 - a kind of resource
    USER = "USER"


class PatternType(enum.StrEnum):
    """How an ACL's resource name matches (KIP-290)."""

    UNKNOWN = "UNKNOWN"
    ANY = "ANY"
    MATCH = "MATCH"
    LITERAL = "LITERAL"
    PREFIXED = "PREFIXED"


class Operation(enum.StrEnum):
    """The operations that ACLs allow or deny."""

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
    """Whether an ACL allows or denies."""

    UNKNOWN = "UNKNOWN"
    ANY = "ANY"
    DENY = "DENY"
    ALLOW = "ALLOW"


class Acl(NamedTuple):
    """One access control list entry."""

    resource_type: ResourceType
    resource_name: str
    pattern_type: PatternType
    principal: str
    host: str
    operation: Operation
    permission: Permission


class AclFilter(NamedTuple):
    """Which ACLs to search or delete; None and ANY match everything."""

    resource_type: ResourceType = ResourceType.ANY
    resource_name: str | None = None
    pattern_type: PatternType = PatternType.ANY
    principal: str | None = None
    host: str | None = None
    operation: Operation = Operation.ANY
    permission: Permission = Permission.ANY


class ShareGroupOffset(NamedTuple):
    """A partition of a share group."""

    at: TopicPartition
    start: int
    """Every record before it is done."""
    lag: int | None
    """Records that are not done; None where the cluster does not say."""


class ShareGroupDescription(NamedTuple):
    """A share group (KIP-932)."""

    name: str
    state: str
    members: int
    offsets: tuple[ShareGroupOffset, ...]
