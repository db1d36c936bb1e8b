"""How to reach the cluster: what every Kafka client of this process is configured with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from karapace_like.kafka.renewal import Renewal
from karapace_like.kafka.tokens import TokenSource

Option = str | int | float | bool
_FILES = frozenset({"ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.crl.location"})


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
    token: TokenSource | None = field(default=None, repr=False)
    """For SASL/OAUTHBEARER."""

    renewal: Renewal = field(default_factory=Renewal, repr=False, compare=False)
    """Of the clients that are made with these settings."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Certificates, keys and revocations: clients are renewed when they change."""
        return tuple(Path(str(value)) for name, value in self.security.items() if name in _FILES)

    @property
    def has_credentials(self) -> bool:
        """Whether the brokers ask who we are, and may not take us."""
        return str(self.security.get("security.protocol", "")).startswith("SASL")

    def client_options(self, **overrides: Option) -> dict[str, Any]:
        """The librdkafka configuration of one client; `overrides` are options with `_` for `.`."""
        options: dict[str, Any] = {
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
        if (token := self.token) is not None:
            options["oauth_cb"] = lambda _: tuple(token())
        options.update({name.replace("_", "."): value for name, value in overrides.items()})
        return options
