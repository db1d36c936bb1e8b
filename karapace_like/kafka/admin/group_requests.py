"""Structures of requests about groups for which aiokafka has no classes (source: Kafka protocol guide).

DescribeGroups (key 15) in the version with static members' ids (KIP-345), and ConsumerGroupDescribe (key 69) for groups
of KIP-848's protocol.
"""

from typing import Any

from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import (
    Array,
    Boolean,
    Bytes,
    CompactArray,
    CompactString,
    Int8,
    Int16,
    Int32,
    Int64,
    Schema,
    String,
    TaggedFields,
)

_TEXT = String("utf-8")
_COMPACT = CompactString("utf-8")


class _DescribedV4(Response):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 15
    API_VERSION = 4
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "groups",
            Array(
                ("error_code", Int16),
                ("group_id", _TEXT),
                ("state", _TEXT),
                ("protocol_type", _TEXT),
                ("protocol", _TEXT),
                (
                    "members",
                    Array(
                        ("member_id", _TEXT),
                        ("group_instance_id", _TEXT),
                        ("client_id", _TEXT),
                        ("client_host", _TEXT),
                        ("member_metadata", Bytes),
                        ("member_assignment", Bytes),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
    )


class DescribeGroupsV4(RequestStruct):  # type: ignore[misc] # aiokafka has no annotations
    """DescribeGroups of classic groups, whose members assign partitions; any other one is in the state Dead."""

    API_KEY = 15
    API_VERSION = 4
    RESPONSE_TYPE = _DescribedV4
    SCHEMA = Schema(("groups", Array(_TEXT)), ("include_authorized_operations", Boolean))


_ASSIGNMENT = Schema(
    (
        "topic_partitions",
        CompactArray(
            # The two halves of a UUID, not used here.
            ("topic_id_high", Int64),
            ("topic_id_low", Int64),
            ("topic_name", _COMPACT),
            ("partitions", CompactArray(Int32)),
            ("tags", TaggedFields),
        ),
    ),
    ("tags", TaggedFields),
)


_MEMBER_V0 = (
    ("member_id", _COMPACT),
    ("instance_id", _COMPACT),
    ("rack_id", _COMPACT),
    ("member_epoch", Int32),
    ("client_id", _COMPACT),
    ("client_host", _COMPACT),
    ("subscribed_topic_names", CompactArray(_COMPACT)),
    ("subscribed_topic_regex", _COMPACT),
    ("assignment", _ASSIGNMENT),
    ("target_assignment", _ASSIGNMENT),
)
CLASSIC_MEMBER = 0
"""The `member_type` of a member that speaks the classic protocol."""


def make_description(*member: tuple[str, Any]) -> Schema:
    """Return the schema of the description of groups that have epochs: those of consumers, and share groups."""
    return Schema(
        ("throttle_time_ms", Int32),
        (
            "groups",
            CompactArray(
                ("error_code", Int16),
                ("error_message", _COMPACT),
                ("group_id", _COMPACT),
                ("group_state", _COMPACT),
                ("group_epoch", Int32),
                ("assignment_epoch", Int32),
                ("assignor_name", _COMPACT),
                ("members", CompactArray(*member, ("tags", TaggedFields))),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _ConsumerGroupDescribedV0(Response):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 69
    API_VERSION = 0
    SCHEMA = make_description(*_MEMBER_V0)


class _ConsumerGroupDescribedV1(Response):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 69
    API_VERSION = 1
    SCHEMA = make_description(*_MEMBER_V0, ("member_type", Int8))


class ConsumerGroupDescribeV0(RequestStruct):  # type: ignore[misc] # aiokafka has no annotations
    """ConsumerGroupDescribe of groups whose coordinator assigns partitions; GROUP_ID_NOT_FOUND for any other."""

    FLEXIBLE_VERSION = True
    API_KEY = 69
    API_VERSION = 0
    RESPONSE_TYPE = _ConsumerGroupDescribedV0
    SCHEMA = Schema(
        ("group_ids", CompactArray(_COMPACT)), ("include_authorized_operations", Boolean), ("tags", TaggedFields)
    )


class ConsumerGroupDescribeV1(ConsumerGroupDescribeV0):
    """The same, whose response also has the protocol of each member."""

    API_VERSION = 1
    RESPONSE_TYPE = _ConsumerGroupDescribedV1
