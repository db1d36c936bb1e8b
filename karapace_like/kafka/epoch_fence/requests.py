"""Requests for which aiokafka has no classes (source: Kafka protocol guide; KIP-320, KIP-360, KIP-664).

OffsetForLeaderEpoch (key 23), InitProducerId (key 22) in the versions that take the current id and epoch, which only
their owner may raise, DescribeProducers (key 61), and Produce (key 0) of one batch, whose bytes are read and written
without aiokafka's schemas: those take 21 of the 160 µs of an append.
"""

import struct
from io import BytesIO
from typing import NamedTuple

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.produce import ProduceRequest_v7
from aiokafka.protocol.types import (
    Array,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    String,
    TaggedFields,
)

from karapace_like.kafka.admin.protocol import SingleVersionRequest

_TEXT = CompactString("utf-8")
NO_PRODUCER = -1
"""The id and the epoch in a request that takes whatever epoch comes next."""
_ANY_EPOCH = -1
"""In place of the epoch that the client believes to be the leader's."""


class _InitializedV3(Response):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 22
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("tags", TaggedFields),
    )


class _InitializedV4(_InitializedV3):
    API_VERSION = 4


class _InitializeV3(RequestStruct):  # type: ignore[misc] # aiokafka has no annotations
    FLEXIBLE_VERSION = True
    API_KEY = 22
    API_VERSION = 3
    RESPONSE_TYPE = _InitializedV3
    SCHEMA = Schema(
        ("transactional_id", _TEXT),
        ("transaction_timeout_ms", Int32),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("tags", TaggedFields),
    )


class _InitializeV4(_InitializeV3):
    """The same bytes; a fenced producer gets the error PRODUCER_FENCED."""

    API_VERSION = 4
    RESPONSE_TYPE = _InitializedV4


class InitProducerId(SingleVersionRequest):
    """InitProducerId of a transactional id; with a current id and epoch, only for their owner."""

    def __init__(self, transactional_id: str, timeout_ms: int, current: tuple[int, int] | None) -> None:
        current = current or (NO_PRODUCER, NO_PRODUCER)
        super().__init__(_InitializeV3, transactional_id, timeout_ms, *current, {}, newer=_InitializeV4)


class _DescribedV0(Response):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 61
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            CompactArray(
                ("name", _TEXT),
                (
                    "partitions",
                    CompactArray(
                        ("partition_index", Int32),
                        ("error_code", Int16),
                        ("error_message", _TEXT),
                        (
                            "active_producers",
                            CompactArray(
                                ("producer_id", Int64),
                                ("producer_epoch", Int32),
                                ("last_sequence", Int32),
                                ("last_timestamp", Int64),
                                ("coordinator_epoch", Int32),
                                ("current_txn_start_offset", Int64),
                                ("tags", TaggedFields),
                            ),
                        ),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _DescribeV0(RequestStruct):  # type: ignore[misc] # aiokafka has no annotations
    FLEXIBLE_VERSION = True
    API_KEY = 61
    API_VERSION = 0
    RESPONSE_TYPE = _DescribedV0
    SCHEMA = Schema(
        ("topics", CompactArray(("name", _TEXT), ("partition_indexes", CompactArray(Int32)), ("tags", TaggedFields))),
        ("tags", TaggedFields),
    )


class DescribeProducers(SingleVersionRequest):
    """DescribeProducers of a topic's first partition, which only its leader answers."""

    def __init__(self, topic: str) -> None:
        super().__init__(_DescribeV0, [(topic, [0], {})], {})


class _EpochEndedV2(Response):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 23
    API_VERSION = 2
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            Array(
                ("topic", String("utf-8")),
                (
                    "partitions",
                    Array(("error_code", Int16), ("partition", Int32), ("leader_epoch", Int32), ("end_offset", Int64)),
                ),
            ),
        ),
    )


class _EndEpochV2(RequestStruct):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 23
    API_VERSION = 2
    RESPONSE_TYPE = _EpochEndedV2
    SCHEMA = Schema(
        (
            "topics",
            Array(
                ("topic", String("utf-8")),
                ("partitions", Array(("partition", Int32), ("current_leader_epoch", Int32), ("leader_epoch", Int32))),
            ),
        ),
    )


class OffsetForLeaderEpoch(SingleVersionRequest):
    """OffsetForLeaderEpoch of a topic's first partition, which only its leader answers."""

    def __init__(self, topic: str, leader_epoch: int) -> None:
        super().__init__(_EndEpochV2, [(topic, [(0, _ANY_EPOCH, leader_epoch)])])


class Appended(NamedTuple):
    """The answer to a batch, from the response to Produce."""

    error_code: int
    offset: int
    """That of the batch's first record."""

    @classmethod
    def decode(cls, response: BytesIO) -> "Appended":
        """Read as much of the response as there is of one partition. Raises struct.error."""
        body = response.read()
        (name_bytes,) = _NAME_LENGTH.unpack_from(body)
        return cls(*_APPENDED.unpack_from(body, _NAME_LENGTH.size + name_bytes))


_NAME_LENGTH = struct.Struct(">4xh")
"""The number of topics, and the length of the name of the first."""
_APPENDED = struct.Struct(">8xhq")
"""The number of partitions, the first one's number, its error code, and the offset of the batch."""
_ALL_REPLICAS = -1


class _Append(ProduceRequest_v7):  # type: ignore[misc] # aiokafka has no annotations
    RESPONSE_TYPE = Appended

    def encode(self) -> bytes:
        """Return the bytes that the schema would have, for one batch in the first partition of one topic."""
        topics: list[tuple[str, list[tuple[int, bytes]]]] = self.topics
        ((topic, ((partition, batch),)),) = topics
        name = topic.encode()
        head = struct.pack(
            f">hhiih{len(name)}siii", -1, self.required_acks, self.timeout, 1, len(name), name, 1, partition, len(batch)
        )
        return head + batch


class Append(Request[_Append]):  # type: ignore[misc] # aiokafka has no annotations
    """Produce of one batch into a topic's first partition, acknowledged by all in-sync replicas."""

    API_KEY = 0

    def __init__(self, topic: str, batch: bytes, timeout_ms: int) -> None:
        self._topic = topic
        self._batch = batch
        self._timeout_ms = timeout_ms

    def build(self, request_struct_class: type[_Append]) -> _Append:
        """Return the request in the version that the broker supports."""
        return request_struct_class(None, _ALL_REPLICAS, self._timeout_ms, [(self._topic, [(0, self._batch)])])
