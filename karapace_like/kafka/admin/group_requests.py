"""The questions about groups for which aiokafka has no classes, by the Kafka protocol guide.

DescribeGroups (key 15) in the version that tells static members' ids, and ConsumerGroupDescribe (key 69) for the groups
of KIP-848's protocol.
"""

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Array,
    Boolean,
    Bytes,
    CompactArray,
    CompactString,
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


class _DescribeV4(RequestStruct):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 15
    API_VERSION = 4
    RESPONSE_TYPE = _DescribedV4
    SCHEMA = Schema(("groups", Array(_TEXT)), ("include_authorized_operations", Boolean))


class DescribeGroup(Request[_DescribeV4]):  # type: ignore[misc] # aiokafka has no annotations
    """One group of the protocol in which members assign partitions; of another one it tells the state Dead."""

    API_KEY = 15

    def __init__(self, group: str) -> None:
        self._group = group

    def build(self, request_struct_class: type[_DescribeV4]) -> _DescribeV4:
        """The bytes' structure, in the version that the broker speaks."""
        return request_struct_class([self._group], False)


_ASSIGNMENT = Schema(
    (
        "topic_partitions",
        CompactArray(
            # A UUID, which nobody here reads.
            ("topic_id_high", Int64),
            ("topic_id_low", Int64),
            ("topic_name", _COMPACT),
            ("partitions", CompactArray(Int32)),
            ("tags", TaggedFields),
        ),
    ),
    ("tags", TaggedFields),
)


class _ConsumerGroupDescribedV0(Response):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 69
    API_VERSION = 0
    SCHEMA = Schema(
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
                (
                    "members",
                    CompactArray(
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
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _ConsumerGroupDescribeV0(RequestStruct):  # type: ignore[misc] # aiokafka has no annotations
    FLEXIBLE_VERSION = True
    API_KEY = 69
    API_VERSION = 0
    RESPONSE_TYPE = _ConsumerGroupDescribedV0
    SCHEMA = Schema(
        ("group_ids", CompactArray(_COMPACT)), ("include_authorized_operations", Boolean), ("tags", TaggedFields)
    )


class DescribeConsumerGroup(Request[_ConsumerGroupDescribeV0]):  # type: ignore[misc] # aiokafka has no annotations
    """One group of the protocol in which the coordinator assigns partitions; GROUP_ID_NOT_FOUND for any other."""

    API_KEY = 69

    def __init__(self, group: str) -> None:
        self._group = group

    def build(self, request_struct_class: type[_ConsumerGroupDescribeV0]) -> _ConsumerGroupDescribeV0:
        """The bytes' structure, in the version that the broker speaks."""
        return request_struct_class([self._group], False, {})
