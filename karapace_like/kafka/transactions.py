"""The cluster's memory of a transactional id: whether it has written before, even to a topic that was deleted since.

DescribeTransactions (Kafka protocol guide, key 65; KIP-664), for which neither client library has a call. Brokers
forget an id seven days after its last use (`transactional.id.expiration.ms`).
"""

import asyncio
from typing import NamedTuple

from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.types import CompactArray, CompactString, Int16, Int32, Int64, Schema, TaggedFields

from karapace_like.kafka import translate, wire
from karapace_like.kafka.admin.protocol import SingleVersionRequest, check
from karapace_like.kafka.settings import KafkaSettings

_TRANSACTION_COORDINATOR = 1
"""The key type of FindCoordinator (Kafka protocol guide, key 10)."""
_TIMEOUT = 3.0
"""Seconds for each of the two requests."""
_UNKNOWN_ID = 105
"""TRANSACTIONAL_ID_NOT_FOUND, for which neither client library has a name."""
_TEXT = CompactString("utf-8")


class TransactionalId(NamedTuple):
    """An id that the cluster knows."""

    state: str
    """`Empty` where the producer initialised last has written nothing yet."""
    epoch: int
    """How often a producer was initialised before that one; brokers with KIP-890 count transactions, too."""

    @property
    def has_written(self) -> bool:
        """Whether a producer with this id has written, or was initialised more than once."""
        return self.state != "Empty" or self.epoch > 0


async def describe_transactional_id(kafka: KafkaSettings, transactional_id: str) -> TransactionalId | None:
    """Return the id's state at its coordinator; None if that does not know it. Raises KafkaFailure."""

    async def describe(address: str) -> TransactionalId | None:
        broker = await _connect(kafka, address)
        try:
            location = await broker.send(FindCoordinatorRequest(transactional_id, _TRANSACTION_COORDINATOR))
        finally:
            broker.close()
        check(location.error_code, location.error_message)
        coordinator = await _connect(kafka, f"{location.host}:{location.port}")
        try:
            response = await coordinator.send(SingleVersionRequest(_DescribeV0, [transactional_id], {}))
        finally:
            coordinator.close()
        ((error_code, _, state, _, _, _, epoch, *_),) = response.transactions
        if error_code == _UNKNOWN_ID:
            return None
        check(error_code, None)
        return TransactionalId(state, epoch)

    with translate.aiokafka_failures():
        return await wire.try_brokers(kafka, describe)


async def _connect(kafka: KafkaSettings, address: str) -> AIOKafkaConnection:
    async with asyncio.timeout(_TIMEOUT):
        return await wire.connect(kafka, address, timeout_ms=int(_TIMEOUT * 1000))


class _DescribedV0(Response):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 65
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "transactions",
            CompactArray(
                ("error_code", Int16),
                ("transactional_id", _TEXT),
                ("state", _TEXT),
                ("timeout_ms", Int32),
                ("start_time_ms", Int64),
                ("producer_id", Int64),
                ("producer_epoch", Int16),
                (
                    "topics",
                    CompactArray(("topic", _TEXT), ("partitions", CompactArray(Int32)), ("tags", TaggedFields)),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _DescribeV0(RequestStruct):  # type: ignore[misc] # aiokafka has no annotations
    FLEXIBLE_VERSION = True
    API_KEY = 65
    API_VERSION = 0
    RESPONSE_TYPE = _DescribedV0
    SCHEMA = Schema(("transactional_ids", CompactArray(_TEXT)), ("tags", TaggedFields))
