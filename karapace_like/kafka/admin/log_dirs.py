"""The sizes of replicas: each broker knows those in its own log directories (DescribeLogDirs, KIP-113)."""

import asyncio
from collections.abc import Sequence

from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Int64, Schema, String

from karapace_like.administration import Broker, ReplicaSize
from karapace_like.kafka import translate
from karapace_like.kafka.admin.protocol import ProtocolClient, SingleVersionRequest, check
from karapace_like.records import TopicPartition

_TEXT = String("utf-8")


class _DescribedV1(Response):  # type: ignore[misc] # aiokafka has no annotations
    API_KEY = 35
    API_VERSION = 1
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "log_dirs",
            Array(
                ("error_code", Int16),
                ("log_dir", _TEXT),
                (
                    "topics",
                    Array(
                        ("name", _TEXT),
                        (
                            "partitions",
                            Array(("partition", Int32), ("size", Int64), ("offset_lag", Int64), ("is_future", Boolean)),
                        ),
                    ),
                ),
            ),
        ),
    )


class _DescribeV1(RequestStruct):  # type: ignore[misc] # aiokafka has no annotations
    """DescribeLogDirs: the replicas of some partitions on one broker."""

    API_KEY = 35
    API_VERSION = 1
    RESPONSE_TYPE = _DescribedV1
    SCHEMA = Schema(("topics", Array(("name", _TEXT), ("partitions", Array(Int32)))))


class LogDirs:
    """Asks brokers for the sizes of replicas; raises KafkaFailure."""

    def __init__(self, protocol: ProtocolClient, *, timeout: float) -> None:
        """`timeout` is in seconds, for each broker."""
        self._protocol = protocol
        self._timeout = timeout

    async def sizes(self, topic: str, partitions: Sequence[int], brokers: Sequence[Broker]) -> list[ReplicaSize]:
        """Return the size of each replica of the partitions on the brokers, in order.

        Empty where the service is not authorised to describe the cluster: brokers answer that with nothing.
        """
        answered = await asyncio.gather(*(self._ask(broker, topic, partitions) for broker in brokers))
        return sorted(size for sizes in answered for size in sizes)

    async def _ask(self, broker: Broker, topic: str, partitions: Sequence[int]) -> list[ReplicaSize]:
        request = SingleVersionRequest(_DescribeV1, [(topic, list(partitions))])
        with translate.aiokafka_failures():
            connection = await self._protocol.connect_to(f"{broker.host}:{broker.port}")
            try:
                async with asyncio.timeout(self._timeout):
                    response = await connection.send(request)
            finally:
                connection.close()
        sizes = []
        for error_code, _, topics in response.log_dirs:
            check(error_code, None)
            sizes += [
                ReplicaSize(TopicPartition(name, partition), broker.id, size)
                for name, listed in topics
                for partition, size, _, is_future in listed
                if not is_future  # a copy on its way to another directory
            ]
        return sizes
