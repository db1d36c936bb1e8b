"""Questions about the topic of a log, and its creation, through one admin client.

The end offset is queried here and not through the client that reads: a blocking call on a consumer that another thread
polls can hang. Blocking calls; each raises KafkaFailure.
"""

import logging
import time
from contextlib import suppress
from typing import Any

from confluent_kafka import IsolationLevel, KafkaError, TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclOperation,
    AdminClient,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.client_log import client_logger
from karapace_like.kafka.epoch_fence.fencer import PartitionLimits
from karapace_like.kafka.log_topic_writer import SILENCE_MS
from karapace_like.kafka.regular_polls import poll_client
from karapace_like.kafka.settings import KafkaSettings

logger = logging.getLogger(__name__)

_LEADER_SECONDS = 0.02
"""How often the leader of a new topic is queried."""
_MISSING = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC})  # noqa: SLF001 - its public name
_EXPIRY = "producer.id.expiration.ms"
_UNKNOWN_EXPIRY_SECONDS = 3_600.0
"""Assumed where the brokers do not report it; their default is a day."""
_MAX_BYTES = 1_048_588
"""Kafka's default of max.message.bytes."""


class LogTopicAdmin:
    """The admin client of one log's topic."""

    def __init__(self, kafka: KafkaSettings, topic: str, contents: str, *, timeout: float) -> None:
        """`contents` names what the topic holds; `timeout` is in seconds, for each request."""
        self._kafka = kafka
        self._topic = topic
        self._contents = contents
        self._timeout = timeout
        self._client = self.create_client()
        self.is_missing = False
        """Whether the cluster has said that there is no such topic."""
        self._brokers = 1
        """Brokers of the cluster, as the last metadata lists them."""
        self._previous: AdminClient | None = None
        """Other threads may still wait for an answer through it."""

    def create_client(self) -> AdminClient:
        """Return a new client with the credentials of now."""
        with translate.failures():
            return AdminClient(self._kafka.client_options(socket_timeout_ms=SILENCE_MS), logger=client_logger)

    def replace_client(self, client: AdminClient) -> None:
        """Use this client from now on."""
        self._previous, self._client = self._client, client

    def poll(self) -> None:
        """Have the clients log what they have queued."""
        for client in filter(None, (self._client, self._previous)):
            poll_client(client)

    def find_topic(self) -> tuple[str | None, bool]:
        """Return (the cluster's id, whether the topic exists); INVALID_PARTITIONS for a topic with several.

        Sets `is_missing`: a topic that this client may not see exists for all that it knows.
        """
        with translate.failures():
            cluster = self._client.list_topics(self._topic, timeout=self._timeout)
        self._brokers = len(cluster.brokers)
        metadata = cluster.topics.get(self._topic)
        self.is_missing = metadata is None or (metadata.error is not None and metadata.error.code() in _MISSING)
        if metadata is None or metadata.error is not None:
            return cluster.cluster_id, False
        if len(metadata.partitions) != 1:
            raise KafkaFailure(
                "INVALID_PARTITIONS",
                f"The topic {self._topic} has {len(metadata.partitions)} partitions; a {self._contents} topic has "
                f"exactly one: choose another topic, or copy its records into a topic with one partition.",
            )
        self._warn_of_one_replica(len(metadata.partitions[0].replicas))
        return cluster.cluster_id, True

    def _warn_of_one_replica(self, replicas: int) -> None:
        if replicas == 1 < self._brokers:
            logger.warning(
                "The %s topic %s has one replica in a cluster of %d brokers: without that broker nothing can be "
                "written to it, and its disk holds the only copy. Set replication_factor=3 before the first start; a "
                "topic that exists gets replicas by kafka-reassign-partitions.",
                self._contents,
                self._topic,
                self._brokers,
            )

    def create_topic(self, replication_factor: int) -> bool:
        """Create the topic, compacted, with one partition; return False where another process has created it."""
        self._warn_of_one_replica(replication_factor)
        try:
            with translate.failures():
                topic = NewTopic(
                    self._topic,
                    num_partitions=1,
                    replication_factor=replication_factor,
                    # Brokers forget a producer by the time of its last batch: by their own clocks, not this node's.
                    config={"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"},
                )
                created = self._client.create_topics([topic], operation_timeout=self._timeout)
                created[self._topic].result(self._timeout)
        except KafkaFailure as failure:
            if failure.name == "INVALID_REPLICATION_FACTOR":
                # Brokers that are starting, or too busy to register, are not counted.
                failure.retriable = True
            if failure.name != "TOPIC_ALREADY_EXISTS":
                raise
            return False
        logger.info("Created the %s topic %s (replication factor %d)", self._contents, self._topic, replication_factor)
        return True

    def wait_for_leader(self) -> None:
        """Return once the leader of the new topic answers, which can be a moment after the metadata names it.

        Raises LEADER_NOT_AVAILABLE after the timeout.
        """
        deadline = time.monotonic() + self._timeout
        while time.monotonic() < deadline:
            with translate.failures():
                cluster = self._client.list_topics(self._topic, timeout=self._timeout)
            metadata = cluster.topics[self._topic]
            if metadata.error is None and metadata.partitions and metadata.partitions[0].leader >= 0:
                try:
                    self.fetch_end()
                except KafkaFailure as failure:
                    if not failure.retriable:
                        raise
                else:
                    return
            time.sleep(_LEADER_SECONDS)
        raise KafkaFailure(
            "LEADER_NOT_AVAILABLE",
            f"The new topic {self._topic} has had no leader for {self._timeout:g} s.",
            retriable=True,
        )

    def check_cleanup_policy(self) -> None:
        """Raise POLICY_VIOLATION for a topic from which Kafka would delete live records."""
        with translate.failures():
            resource = ConfigResource(ResourceType.TOPIC, self._topic)
            configs = self._client.describe_configs([resource])[resource].result(self._timeout)
        policy = configs["cleanup.policy"].value
        if policy != "compact":
            raise KafkaFailure(
                "POLICY_VIOLATION",
                f"The topic {self._topic} has cleanup.policy={policy}, under which {self._contents} would be lost; "
                f"set it to compact.",
            )

    def fetch_limits(self) -> PartitionLimits:
        """Return what the configuration of the topic and its leader says; the defaults where it cannot be read."""
        configs: dict[str, Any] = {}
        broker: dict[str, Any] = {}
        with translate.failures():
            cluster = self._client.list_topics(self._topic, timeout=self._timeout)
            topic = ConfigResource(ResourceType.TOPIC, self._topic)
            leader = ConfigResource(ResourceType.BROKER, str(cluster.topics[self._topic].partitions[0].leader))
            described = self._client.describe_configs([topic, leader], request_timeout=self._timeout)
        with suppress(KafkaFailure), translate.failures():
            configs = described[topic].result(self._timeout)
        with suppress(KafkaFailure), translate.failures():
            broker = described[leader].result(self._timeout)
        expiry = broker.get(_EXPIRY)
        return PartitionLimits(
            max_bytes=int(configs["max.message.bytes"].value) if configs else _MAX_BYTES,
            expiry=_UNKNOWN_EXPIRY_SECONDS if expiry is None else int(expiry.value) / 1000,
            is_log_append_time=bool(configs) and configs["message.timestamp.type"].value == "LogAppendTime",
        )

    def fetch_tombstone_seconds(self) -> float:
        """Return how long compaction keeps a tombstone of the topic at least."""
        with translate.failures():
            resource = ConfigResource(ResourceType.TOPIC, self._topic)
            configs = self._client.describe_configs([resource])[resource].result(self._timeout)
            return int(configs["delete.retention.ms"].value) / 1000

    def fetch_start(self) -> int:
        """Return the offset of the first record that was never deleted from the beginning; compaction changes none."""
        with translate.failures():
            partition = TopicPartition(self._topic, 0)
            offsets = self._client.list_offsets(
                {partition: OffsetSpec.earliest()},  # type: ignore[no-untyped-call]
                request_timeout=SILENCE_MS / 1000,
            )
            return int(offsets[partition].result(self._timeout).offset)

    def fetch_end(self) -> int:
        """Return the offset after the last readable record."""
        with translate.failures():
            partition = TopicPartition(self._topic, 0)
            offsets = self._client.list_offsets(
                {partition: OffsetSpec.latest()},  # type: ignore[no-untyped-call]
                isolation_level=IsolationLevel.READ_COMMITTED,
                request_timeout=SILENCE_MS / 1000,
            )
            end = int(offsets[partition].result(self._timeout).offset)
        if end < 0:  # the client's answer where the leader gives none
            raise KafkaFailure(
                "LEADER_NOT_AVAILABLE", f"The leader of {self._topic} does not report its end offset.", retriable=True
            )
        return end

    def require_reading(self) -> None:
        """Raise TOPIC_AUTHORIZATION_FAILED where the cluster says that this client may not read the topic (KIP-430)."""
        with translate.failures():
            topics = TopicCollection([self._topic])
            described = self._client.describe_topics(
                topics, request_timeout=self._timeout, include_authorized_operations=True
            )
            operations = described[self._topic].result(self._timeout).authorized_operations
        if operations is not None and AclOperation.READ not in operations:
            raise KafkaFailure("TOPIC_AUTHORIZATION_FAILED", "This service may describe the topic, and not read it.")

    def fetch_topic_id(self, timeout: float) -> str:
        """Return the topic's id (KIP-516) within `timeout` seconds; UNKNOWN_TOPIC_OR_PART where it does not exist."""
        with translate.failures():
            topics = TopicCollection([self._topic])
            descriptions = self._client.describe_topics(topics, request_timeout=timeout)
            return str(descriptions[self._topic].result(timeout).topic_id)
