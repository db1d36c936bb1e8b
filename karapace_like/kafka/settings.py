"""How to reach the cluster: what every Kafka client of this process is configured with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Option = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """Where the brokers are and how to prove who we are. `security` is not shown by repr: it holds secrets."""

    bootstrap_servers: str
    """host:port, comma separated."""
    client_id: str = "karapace-like"
    metadata_max_age_ms: int = 60_000
    connections_max_idle_ms: int = 0
    """0: librdkafka's default, connections are kept."""
    security: Mapping[str, Option] = field(default_factory=dict, repr=False)
    """librdkafka options about TLS and SASL (`security.protocol`, `ssl.*`, `sasl.*`)."""

    def client_options(self, **overrides: Option) -> dict[str, Option]:
        """The librdkafka configuration of one client; `overrides` are options with `_` for `.`."""
        options: dict[str, Option] = {
            "bootstrap.servers": self.bootstrap_servers,
            "client.id": self.client_id,
            "metadata.max.age.ms": self.metadata_max_age_ms,
            "connections.max.idle.ms": self.connections_max_idle_ms,
            "allow.auto.create.topics": False,
            "log.connection.close": False,
            # A broker that is away is asked a few times a second, not twenty: each attempt is a line in the log.
            "reconnect.backoff.ms": 250,
            "reconnect.backoff.max.ms": 2_000,
            **self.security,
        }
        options.update({name.replace("_", "."): value for name, value in overrides.items()})
        return options
