"""Structures of the requests of a member and a reader, for which aiokafka has no classes.

Source: Kafka protocol guide, KIP-848 (ConsumerGroupHeartbeat, key 68), KIP-227 and KIP-516 (Fetch with sessions and
topic ids, key 1), Metadata with topic ids (key 3).
"""

from io import BytesIO
from typing import Any

from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactBytes,
    CompactString,
    Int8,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

_TEXT = CompactString("utf-8")
_TAGS = ("tags", TaggedFields)
_TOPIC_ID = (("topic_id_high", Int64), ("topic_id_low", Int64))
"""The two halves of a UUID."""
_PARTITIONS = CompactArray(*_TOPIC_ID, ("partitions", CompactArray(Int32)), _TAGS)


class _Assignment(AbstractType[Any]):  # type: ignore[misc] # aiokafka has no annotations
    """A nullable structure: one byte, -1 for null, comes before it."""

    _SCHEMA = Schema(("topic_partitions", _PARTITIONS), _TAGS)

    @classmethod
    def encode(cls, value: Any) -> bytes:
        raise NotImplementedError("Only brokers send assignments.")

    @classmethod
    def decode(cls, data: BytesIO) -> Any:
        return None if Int8.decode(data) < 0 else cls._SCHEMA.decode(data)[0]


class _HeartbeatResponse(Response):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 68
    API_VERSION = 1
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("error_message", _TEXT),
        ("member_id", _TEXT),
        ("member_epoch", Int32),
        ("heartbeat_interval_ms", Int32),
        ("assignment", _Assignment),
        _TAGS,
    )


class Heartbeat(RequestStruct):  # type: ignore[misc] # aiokafka has no annotations
    """ConsumerGroupHeartbeat: joins with epoch 0, leaves with -1; null fields are as in the last request."""

    FLEXIBLE_VERSION = True
    API_KEY = 68
    API_VERSION = 1
    RESPONSE_TYPE = _HeartbeatResponse
    SCHEMA = Schema(
        ("group_id", _TEXT),
        ("member_id", _TEXT),
        ("member_epoch", Int32),
        ("instance_id", _TEXT),
        ("rack_id", _TEXT),
        ("rebalance_timeout_ms", Int32),
        ("subscribed_topic_names", CompactArray(_TEXT)),
        ("subscribed_topic_regex", _TEXT),
        ("server_assignor", _TEXT),
        ("topic_partitions", _PARTITIONS),
        _TAGS,
    )


class _MetadataResponse(Response):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT), _TAGS)),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", _TEXT),
                *_TOPIC_ID,
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("in_sync", CompactArray(Int32)),
                        ("offline", CompactArray(Int32)),
                        _TAGS,
                    ),
                ),
                ("authorized_operations", Int32),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class Metadata(RequestStruct):  # type: ignore[misc] # aiokafka has no annotations
    """Metadata of some topics, with their ids."""

    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(*_TOPIC_ID, ("name", _TEXT), _TAGS)),
        ("allow_auto_topic_creation", Boolean),
        ("include_authorized_operations", Boolean),
        _TAGS,
    )


class _FetchResponse(Response):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 1
    API_VERSION = 13
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("session_id", Int32),
        (
            "topics",
            CompactArray(
                *_TOPIC_ID,
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("error_code", Int16),
                        ("high_watermark", Int64),
                        ("last_stable_offset", Int64),
                        ("log_start_offset", Int64),
                        ("aborted", CompactArray(("producer_id", Int64), ("first_offset", Int64), _TAGS)),
                        ("preferred_read_replica", Int32),
                        ("records", CompactBytes),
                        _TAGS,
                    ),
                ),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class Fetch(RequestStruct):  # type: ignore[misc] # aiokafka has no annotations
    """Fetch by topic ids, in a session of the broker."""

    FLEXIBLE_VERSION = True
    API_KEY = 1
    API_VERSION = 13
    RESPONSE_TYPE = _FetchResponse
    SCHEMA = Schema(
        ("replica_id", Int32),
        ("max_wait_ms", Int32),
        ("min_bytes", Int32),
        ("max_bytes", Int32),
        ("isolation_level", Int8),
        ("session_id", Int32),
        ("session_epoch", Int32),
        (
            "topics",
            CompactArray(
                *_TOPIC_ID,
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("current_leader_epoch", Int32),
                        ("fetch_offset", Int64),
                        ("last_fetched_epoch", Int32),
                        ("log_start_offset", Int64),
                        ("max_bytes", Int32),
                        _TAGS,
                    ),
                ),
                _TAGS,
            ),
        ),
        ("forgotten", _PARTITIONS),
        ("rack_id", _TEXT),
        _TAGS,
    )
