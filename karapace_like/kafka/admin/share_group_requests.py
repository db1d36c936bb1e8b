"""Structures of requests about share groups, for which aiokafka has no classes (source: Kafka protocol guide, KIP-932).

ListGroups (key 16) in the version with types of groups, ShareGroupDescribe (key 77), and DescribeShareGroupOffsets
(key 90), whose second version has the lag (KIP-1226).
"""

from typing import Any

from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

from karapace_like.kafka.admin.group_requests import make_description

_COMPACT = CompactString("utf-8")
_TAGS = ("tags", TaggedFields)
# The two halves of a UUID, not used here.
_TOPIC_ID = (("topic_id_high", Int64), ("topic_id_low", Int64))


class _ListedV5(Response):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 16
    API_VERSION = 5
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        (
            "groups",
            CompactArray(
                ("group_id", _COMPACT),
                ("protocol_type", _COMPACT),
                ("group_state", _COMPACT),
                ("group_type", _COMPACT),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class ListGroupsV5(RequestStruct):  # type: ignore[misc] # aiokafka has no annotations
    """ListGroups: the groups that one broker coordinates, of some types only."""

    FLEXIBLE_VERSION = True
    API_KEY = 16
    API_VERSION = 5
    RESPONSE_TYPE = _ListedV5
    SCHEMA = Schema(("states_filter", CompactArray(_COMPACT)), ("types_filter", CompactArray(_COMPACT)), _TAGS)


_MEMBER = (
    ("member_id", _COMPACT),
    ("rack_id", _COMPACT),
    ("member_epoch", Int32),
    ("client_id", _COMPACT),
    ("client_host", _COMPACT),
    ("subscribed_topic_names", CompactArray(_COMPACT)),
    (
        "assignment",
        Schema(
            (
                "topic_partitions",
                CompactArray(*_TOPIC_ID, ("topic_name", _COMPACT), ("partitions", CompactArray(Int32)), _TAGS),
            ),
            _TAGS,
        ),
    ),
)


class _ShareGroupDescribedV1(Response):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 77
    API_VERSION = 1
    SCHEMA = make_description(*_MEMBER)


class ShareGroupDescribeV1(RequestStruct):  # type: ignore[misc] # aiokafka has no annotations
    """ShareGroupDescribe; GROUP_ID_NOT_FOUND for a group that is none."""

    FLEXIBLE_VERSION = True
    API_KEY = 77
    API_VERSION = 1
    RESPONSE_TYPE = _ShareGroupDescribedV1
    SCHEMA = Schema(("group_ids", CompactArray(_COMPACT)), ("include_authorized_operations", Boolean), _TAGS)


def _offsets_schema(*more: tuple[str, Any]) -> Schema:
    partition = (
        ("partition_index", Int32),
        ("start_offset", Int64),
        ("leader_epoch", Int32),
        *more,
        ("error_code", Int16),
        ("error_message", _COMPACT),
        _TAGS,
    )
    topic = (("topic_name", _COMPACT), *_TOPIC_ID, ("partitions", CompactArray(*partition)), _TAGS)
    group = (
        ("group_id", _COMPACT),
        ("topics", CompactArray(*topic)),
        ("error_code", Int16),
        ("error_message", _COMPACT),
        _TAGS,
    )
    return Schema(("throttle_time_ms", Int32), ("groups", CompactArray(*group)), _TAGS)


class _OffsetsV0(Response):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 90
    API_VERSION = 0
    SCHEMA = _offsets_schema()


class _OffsetsV1(Response):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 90
    API_VERSION = 1
    SCHEMA = _offsets_schema(("lag", Int64))


class DescribeShareGroupOffsetsV0(RequestStruct):  # type: ignore[misc] # aiokafka has no annotations
    """DescribeShareGroupOffsets, of every topic of a group."""

    FLEXIBLE_VERSION = True
    API_KEY = 90
    API_VERSION = 0
    RESPONSE_TYPE = _OffsetsV0
    SCHEMA = Schema(
        (
            "groups",
            CompactArray(
                ("group_id", _COMPACT),
                ("topics", CompactArray(("topic_name", _COMPACT), ("partitions", CompactArray(Int32)), _TAGS)),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class DescribeShareGroupOffsetsV1(DescribeShareGroupOffsetsV0):
    """The same, whose response also has the lag."""

    API_VERSION = 1
    RESPONSE_TYPE = _OffsetsV1
