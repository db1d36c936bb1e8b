"""The partition of a log's topic through one connection to its leader: append, describe producers, find the end.

aiokafka's connections and record batches, since librdkafka appends under no given producer id and epoch. Calls raise
KafkaFailure under the protocol's names. A call that fails or is cancelled closes the connection: a late response must
not be taken for that of the next request.
"""

import asyncio
from typing import Any, NamedTuple

from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetRequest

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate, wire
from karapace_like.kafka.admin.protocol import check
from karapace_like.kafka.epoch_fence.read_back import ProducerEpoch
from karapace_like.kafka.epoch_fence.requests import (
    Append,
    Appended,
    DescribeProducers,
    InitProducerId,
    OffsetForLeaderEpoch,
)
from karapace_like.kafka.settings import KafkaSettings

_CONNECT_SECONDS = 3.0
"""How long connecting to one broker may take: another one may be quicker."""
_SILENCE_SECONDS = 6.0
"""How long a broker may be silent before its connection is closed: a frozen one keeps its connections open."""
_TRANSACTION_COORDINATOR = 1
"""The key type of FindCoordinator (Kafka protocol guide, key 10)."""
_TRANSACTION_MS = 30_000
"""The time limit of transactions, which InitProducerId has to name although none is begun."""
_LATEST = -1
_NO_REPLICA = -1


class OpenTransaction(NamedTuple):
    """A transaction that is neither committed nor aborted."""

    producer_id: int
    start: int
    """The offset of its first record: consumers do not read the topic beyond it."""
    written: float
    """When its last record was written, in seconds since the epoch."""


class PartitionLeader:
    """The leader of the topic's only partition, and the coordinator of the transactional id."""

    def __init__(self, kafka: KafkaSettings, *, topic: str, transactional_id: str) -> None:
        self._kafka = kafka
        self._topic = topic
        self._transactional_id = transactional_id
        self._connection: AIOKafkaConnection | None = None
        self.node_id: int | None = None
        """The broker's id, once connected."""

    @property
    def is_connected(self) -> bool:
        """Whether requests go through a connection that was made before."""
        return self._connection is not None and bool(self._connection.connected())

    async def connect(self) -> None:
        """Connect to the partition's leader of now, with the credentials of now."""
        self.disconnect()
        with translate.aiokafka_failures():
            self.node_id, address = await wire.try_brokers(self._kafka, self._find_leader)
            self._connection = await self._open(address)

    def disconnect(self) -> None:
        """Close the connection; what was sent through it may still be carried out."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def append(self, batch: bytes) -> int:
        """Append a record batch; return the offset of its first record."""
        answer: Appended = await self._send(Append(self._topic, batch, int(_SILENCE_SECONDS * 1000)))
        check(answer.error_code, None)
        return answer.offset

    async def fetch_end(self) -> int:
        """Return the offset after the last record that all in-sync replicas have, of open transactions too."""
        response = await self._send(OffsetRequest(_NO_REPLICA, 0, [(self._topic, [(0, _LATEST)])]))
        (_, error_code, *rest), = response.topics[0][1]  # fmt: skip
        check(error_code, None)
        return int(rest[1])

    async def fetch_epoch_end(self, leader_epoch: int) -> int:
        """Return the offset at which the records of that leader epoch end, or of the last one before it; -1: none."""
        response = await self._send(OffsetForLeaderEpoch(self._topic, leader_epoch))
        ((error_code, _, _, end),) = response.topics[0][1]
        check(error_code, None)
        return int(end)

    async def fetch_epoch(self, producer_id: int) -> int | None:
        """Return the newest epoch of the producer that the partition remembers; None where it remembers none."""
        response = await self._send(DescribeProducers(self._topic))
        (_, error_code, message, producers, _), = response.topics[0][1]  # fmt: skip
        check(error_code, message)
        return next((int(epoch) for candidate, epoch, *_ in producers if candidate == producer_id), None)

    async def fetch_transactions(self) -> list[OpenTransaction]:
        """Return the transactions that are open in the partition."""
        response = await self._send(DescribeProducers(self._topic))
        (_, error_code, message, producers, _), = response.topics[0][1]  # fmt: skip
        check(error_code, message)
        return [
            OpenTransaction(producer_id, start, last_timestamp / 1000)
            for producer_id, _, _, last_timestamp, _, start, _ in producers
            if start >= 0
        ]

    async def take_epoch(self, current: ProducerEpoch | None = None) -> ProducerEpoch:
        """Return the transactional id's producer with its next epoch; with `current`, only where that is the newest."""

        async def ask(address: str) -> Any:
            location = await self._ask(
                address, FindCoordinatorRequest(self._transactional_id, _TRANSACTION_COORDINATOR)
            )
            check(location.error_code, location.error_message)
            request = InitProducerId(self._transactional_id, _TRANSACTION_MS, current)
            return await self._ask(f"{location.host}:{location.port}", request)

        with translate.aiokafka_failures():
            response = await wire.try_brokers(self._kafka, ask)
        check(response.error_code, None)
        return ProducerEpoch(int(response.producer_id), int(response.producer_epoch))

    async def _send(self, request: Any) -> Any:
        connection = self._connection
        if connection is None:
            raise KafkaFailure("_TRANSPORT", "The connection to the partition's leader is closed.", retriable=True)
        try:
            with translate.aiokafka_failures():
                return await connection.send(request)
        except KafkaFailure as failure:
            if failure.name == "_TRANSPORT":
                self.disconnect()
            raise
        except BaseException:
            self.disconnect()
            raise

    async def _find_leader(self, address: str) -> tuple[int, str]:
        metadata = await self._ask(address, MetadataRequest([self._topic], allow_auto_topic_creation=False))
        ((error_code, _, _, partitions),) = metadata.topics
        check(error_code, None)
        brokers = {node_id: f"{host}:{port}" for node_id, host, port, *_ in metadata.brokers}
        leaders = [partition[2] for partition in partitions if partition[1] == 0]
        if not leaders or leaders[0] not in brokers:
            raise KafkaFailure("LEADER_NOT_AVAILABLE", f"The topic {self._topic} has no leader.", retriable=True)
        return leaders[0], brokers[leaders[0]]

    async def _ask(self, address: str, request: Any) -> Any:
        connection = await self._open(address)
        try:
            return await connection.send(request)
        finally:
            connection.close()

    async def _open(self, address: str) -> AIOKafkaConnection:
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await wire.connect(self._kafka, address, timeout_ms=int(_SILENCE_SECONDS * 1000))
