"""How to reach the cluster: the configuration that every Kafka client of this process starts from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from karapace_like.background import BackgroundTasks
from karapace_like.kafka.arrivals import Arrivals
from karapace_like.kafka.free_memory import FreeMemory
from karapace_like.kafka.regular_polls import RegularPolls
from karapace_like.kafka.renewal import ClientRenewal
from karapace_like.kafka.tokens import TokenSource

Option = str | int | float | bool
_FILES = frozenset({"ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.crl.location"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """Addresses of the brokers, and credentials. repr leaves `security` out: it holds secrets."""

    bootstrap_servers: str
    """host:port, comma separated."""
    client_id: str = "karapace-like"
    metadata_max_age_ms: int = 60_000
    connections_max_idle_ms: int = 0
    """0 is librdkafka's default: idle connections are kept."""
    enable_metrics_push: bool = False
    """Whether clients send their metrics to brokers that subscribe to them (KIP-714)."""
    security: Mapping[str, Option] = field(default_factory=dict, repr=False)
    """librdkafka options about TLS and SASL (`security.protocol`, `ssl.*`, `sasl.*`)."""
    token: TokenSource | None = field(default=None, repr=False)
    """For SASL/OAUTHBEARER."""

    renewal: ClientRenewal = field(default_factory=ClientRenewal, repr=False, compare=False)
    """Where owners of clients with these settings register."""
    polls: RegularPolls = field(default_factory=RegularPolls, repr=False, compare=False)
    """Where owners of clients with these settings register that nothing else polls."""
    arrivals: Arrivals = field(default_factory=Arrivals, repr=False, compare=False)
    """Where consumers with these settings wait for records."""
    free_memory: FreeMemory = field(default_factory=FreeMemory, repr=False, compare=False)
    """Returns the memory of their closed clients to the system."""
    background: BackgroundTasks = field(default_factory=BackgroundTasks, repr=False, compare=False)
    """The supervisor of the threads and timers of these clients."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of certificates, keys and revocation lists; clients are renewed when one changes."""
        return tuple(Path(str(value)) for name, value in self.security.items() if name in _FILES)

    @property
    def has_credentials(self) -> bool:
        """Whether the service authenticates by SASL, so that brokers may reject it."""
        return str(self.security.get("security.protocol", "")).startswith("SASL")

    def client_options(self, **overrides: Option) -> dict[str, Any]:
        """Return the librdkafka configuration of one client; `overrides` are options with `_` for `.`."""
        options: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap_servers,
            "client.id": self.client_id,
            "metadata.max.age.ms": self.metadata_max_age_ms,
            "connections.max.idle.ms": self.connections_max_idle_ms,
            # Each client would hold histograms for it, also where no broker subscribes.
            "enable.metrics.push": self.enable_metrics_push,
            "allow.auto.create.topics": False,
            "log.connection.close": False,
            # A few attempts a second to reach a broker that is away, not twenty: each is a line in the log.
            "reconnect.backoff.ms": 250,
            "reconnect.backoff.max.ms": 2_000,
            **self.security,
        }
        if (token := self.token) is not None:
            options["oauth_cb"] = lambda _: tuple(token())
        options.update({name.replace("_", "."): value for name, value in overrides.items()})
        return options
