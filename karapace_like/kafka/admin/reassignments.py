"""Partitions whose replicas are on their way to other brokers."""

from aiokafka.protocol.admin import ListPartitionReassignmentsRequest

from karapace_like.administration import Reassignment
from karapace_like.kafka.admin.protocol import Protocol, check
from karapace_like.records import TopicPartition

_TIMEOUT_MS = 10_000


class Reassignments:
    """Tells of them; raises KafkaFailure."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    async def under_way(self, topic: str | None = None) -> list[Reassignment]:
        """Every partition, or every one of a topic, whose replicas are moving, in order."""
        answer = await self._protocol.ask(ListPartitionReassignmentsRequest(_TIMEOUT_MS, None, {}))
        check(answer.error_code, answer.error_message)
        return sorted(
            Reassignment(TopicPartition(name, partition), tuple(replicas), tuple(adding), tuple(removing))
            for name, partitions, _ in answer.topics
            for partition, replicas, adding, removing, _ in partitions
            if topic in {None, name}
        )
