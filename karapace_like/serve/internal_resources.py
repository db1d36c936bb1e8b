"""The topics, groups and transactions that the service reserves in Kafka; new state of its own is added here."""

from karapace_like.config import Settings
from karapace_like.kafka.own_names import name_reader_group, name_transactional_id
from karapace_like.proxy.internal import InternalResources


def list_internal_resources(settings: Settings) -> InternalResources:
    """Return the reserved topics, groups and transactional ids, each with its purpose."""
    group = settings.group_id
    topics = {settings.topic_name: "it holds the schemas and settings of the registry"}
    if settings.policies_topic is not None:
        topics[settings.policies_topic] = "it holds the topic policies of this service"
    if settings.receipts_topic is not None:
        topics[settings.receipts_topic] = "it holds the answers to requests with an Idempotency-Key"
    if settings.keys_topic is not None:
        topics[settings.keys_topic] = "it holds the keys of the DEK registry"
    return InternalResources(
        topics=topics,
        groups={
            group: "the nodes of this service elect their primary in it",
            **{name_reader_group(topic): "the nodes of this service read their state with it" for topic in topics},
        },
        transactional_ids={
            name_transactional_id(group, topic): "the primary writes the state of this service with it"
            for topic in topics
        },
        is_allowed=settings.rest_internal_resources,
    )
