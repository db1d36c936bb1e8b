"""Partition reassignments: replicas on their way to other brokers (KIP-455; Kafka protocol guide, key 46)."""

from aiokafka.protocol.admin import ListPartitionReassignmentsRequest

from karapace_like.administration import Reassignment
from karapace_like.kafka.admin.protocol import ProtocolClient, check
from karapace_like.records import TopicPartition

_TIMEOUT_MS = 10_000


class Reassignments:
    """Lists them; raises KafkaFailure."""

    def __init__(self, protocol: ProtocolClient) -> None:
        self._protocol = protocol

    async def under_way(self, topic: str | None = None) -> list[Reassignment]:
        """Return every reassigned partition, of all topics or of one, in order."""
        response = await self._protocol.ask(ListPartitionReassignmentsRequest(_TIMEOUT_MS, None, {}))
        check(response.error_code, response.error_message)
        return sorted(
            Reassignment(TopicPartition(name, partition), tuple(replicas), tuple(adding), tuple(removing))
            for name, partitions, _ in response.topics
            for partition, replicas, adding, removing, _ in partitions
            if topic in {None, name}
        )
