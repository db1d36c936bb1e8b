"""Describes and repairs the configuration of a schemas topic, for commands.

Blocking calls; each raises KafkaFailure.
"""

from typing import Any, NamedTuple

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from karapace_like.kafka import translate
from karapace_like.kafka.settings import KafkaSettings

_TIMEOUT = 15.0
"""Seconds that one request to the cluster may take."""


class TopicSettings(NamedTuple):
    """The configuration that a schemas topic depends on."""

    partitions: int
    replicas: int
    """Replication factor of the first partition."""
    brokers: int
    """Brokers of the cluster that are up."""
    cleanup_policy: str


def fetch_settings(kafka: KafkaSettings, topic: str) -> TopicSettings:
    """Return the topic's configuration."""
    with translate.failures(), AdminClient({**kafka.client_options(), "log_level": 0}) as admin:
        cluster = admin.list_topics(topic, timeout=_TIMEOUT)
        metadata = cluster.topics[topic]
        if metadata.error is not None:
            raise translate.failure(metadata.error)
        resource = ConfigResource(ResourceType.TOPIC, topic)
        configs: Any = admin.describe_configs([resource])[resource].result(_TIMEOUT)
        return TopicSettings(
            len(metadata.partitions),
            len(metadata.partitions[0].replicas),
            len(cluster.brokers),
            configs["cleanup.policy"].value,
        )


def set_compaction(kafka: KafkaSettings, topic: str) -> None:
    """Set cleanup.policy to `compact`, and leave the other configs as they are."""
    with translate.failures(), AdminClient({**kafka.client_options(), "log_level": 0}) as admin:
        entry = ConfigEntry("cleanup.policy", "compact", incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        admin.incremental_alter_configs([resource])[resource].result(_TIMEOUT)
