"""How a topic is set up: asked, and put right, by commands. Blocking calls; failures are raised as KafkaFailure."""

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
"""Seconds in which the cluster has to answer something."""


class TopicSettings(NamedTuple):
    """What matters of a schemas topic."""

    partitions: int
    replicas: int
    """Of its first partition."""
    brokers: int
    """Of the cluster."""
    cleanup_policy: str


def asked(kafka: KafkaSettings, topic: str) -> TopicSettings:
    """How the topic is set up now."""
    with translate.failures(), AdminClient({**kafka.client_options(), "log_level": 0}) as admin:
        cluster = admin.list_topics(topic, timeout=_TIMEOUT)
        found = cluster.topics[topic]
        if found.error is not None:
            raise translate.failure(found.error)
        resource = ConfigResource(ResourceType.TOPIC, topic)
        configs: Any = admin.describe_configs([resource])[resource].result(_TIMEOUT)
        return TopicSettings(
            len(found.partitions),
            len(found.partitions[0].replicas),
            len(cluster.brokers),
            configs["cleanup.policy"].value,
        )


def make_compacted(kafka: KafkaSettings, topic: str) -> None:
    """Let the topic be compacted, and nothing else."""
    entry = ConfigEntry("cleanup.policy", "compact", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    with translate.failures(), AdminClient({**kafka.client_options(), "log_level": 0}) as admin:
        admin.incremental_alter_configs([resource])[resource].result(_TIMEOUT)
