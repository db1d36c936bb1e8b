"""How the settings say that Kafka is reached: for the service, and for commands that need no service."""

from karapace_like.config import Settings
from karapace_like.kafka.settings import KafkaSettings


def kafka_settings(settings: Settings) -> KafkaSettings:
    """What every Kafka client is configured with."""
    return KafkaSettings(
        bootstrap_servers=settings.bootstrap_uri,
        client_id=settings.client_id,
        metadata_max_age_ms=settings.metadata_max_age_ms,
        connections_max_idle_ms=settings.connections_max_idle_ms,
        security=settings.kafka_security,
    )
