"""The settings: their names, types, defaults and descriptions, and the values derived from several of them.

Each module has the groups of one part of the service, each group is a class, and `Settings` joins them all. Names are
Karapace's. `sources.py` reads their values, `checks.py` rejects combinations, `description.py` describes them for
documentation.
"""

from dataclasses import dataclass
from pathlib import Path

from karapace_like.config.choices import Listener, PoliciesEnabled
from karapace_like.config.errors import ConfigError
from karapace_like.config.forms import split_list
from karapace_like.config.listeners import parse_listener
from karapace_like.config.settings.access import AccessSettings, TokenSettings
from karapace_like.config.settings.kafka import KafkaSecuritySettings, KafkaSettings
from karapace_like.config.settings.proxy import (
    CallerSettings,
    ConsumeSettings,
    IdempotencySettings,
    PolicySettings,
    ProduceSettings,
    RemoteRegistrySettings,
)
from karapace_like.config.settings.registry import ClusterSettings, DekRegistrySettings, RegistrySettings
from karapace_like.config.settings.serving import HttpSettings, TlsSettings
from karapace_like.config.settings.telemetry import LogSettings, SourceSettings, TelemetrySettings
from karapace_like.web.http.api_roles import ApiRole, ApiRoles
from karapace_like.web.http.cors_policy import CorsPolicy

_DEFAULT_PORTS = (8081, 8082)


@dataclass(frozen=True, kw_only=True)
class Settings(
    HttpSettings,
    KafkaSettings,
    KafkaSecuritySettings,
    RegistrySettings,
    DekRegistrySettings,
    ClusterSettings,
    ProduceSettings,
    IdempotencySettings,
    PolicySettings,
    ConsumeSettings,
    CallerSettings,
    RemoteRegistrySettings,
    TlsSettings,
    AccessSettings,
    TokenSettings,
    LogSettings,
    TelemetrySettings,
    SourceSettings,
):
    """The service's settings. The unit of a time ends its name (`_ms`, `_seconds`) or stands in its description."""

    @property
    def addresses(self) -> tuple[Listener, ...]:
        """The addresses to listen on; port 0 means any free port. Raises ConfigError."""
        if self.listeners is None:
            ports = _DEFAULT_PORTS if self.port is None else (self.port,)
            is_tls = self.server_tls_certfile is not None
            return tuple(Listener(self.host, port, is_tls, self.api_dialect) for port in ports)
        if not split_list(self.listeners):
            raise ConfigError("listeners: there is no address. Write http://host:port.")
        return tuple(parse_listener(address, self.api_dialect) for address in split_list(self.listeners))

    @property
    def allowed_hosts(self) -> tuple[str, ...] | None:
        """The host names that are served besides loopback names; None if the setting does not say."""
        return None if self.http_allowed_hosts is None else split_list(self.http_allowed_hosts)

    @property
    def cors(self) -> CorsPolicy | None:
        """What web pages of other origins may do; None: they may only send reads."""
        if self.cors_allowed_origins is None:
            return None
        return CorsPolicy(
            origins=frozenset(origin.lower() for origin in split_list(self.cors_allowed_origins)),
            methods=split_list(self.cors_allowed_methods),
            headers=split_list(self.cors_allowed_headers),
            allows_credentials=self.cors_allow_credentials,
        )

    @property
    def snapshot_file(self) -> Path | None:
        """The snapshot of the schemas topic; None where no directory is set."""
        return None if self.snapshot_directory is None else Path(self.snapshot_directory, "schemas.snapshot")

    @property
    def roles_of_nodes(self) -> ApiRoles:
        """What nodes must serve each other: the calls that they forward."""
        roles = {ApiRole.REGISTRY: self.karapace_registry, ApiRole.DATA: self.karapace_rest}
        return frozenset(role for role, is_served in roles.items() if is_served)

    @property
    def policies_topic(self) -> str | None:
        """The topic that holds the topic policies; None if there is none."""
        if self.topic_policies_enabled is PoliciesEnabled.FALSE:
            return None
        of_schemas = "_topic_policies" if self.topic_name == "_schemas" else f"{self.topic_name}_policies"
        return self.topic_policies_topic or of_schemas

    @property
    def receipts_topic(self) -> str | None:
        """The topic that holds the receipts of requests with an `Idempotency-Key`; None if there is none."""
        if not (self.idempotency_enabled and self.karapace_rest):
            return None
        of_schemas = "_produce_receipts" if self.topic_name == "_schemas" else f"{self.topic_name}_receipts"
        return self.idempotency_topic or of_schemas

    @property
    def keys_topic(self) -> str | None:
        """The topic that holds the keys of the DEK registry; None if there is none."""
        if not (self.dek_registry_enabled and self.karapace_registry):
            return None
        of_schemas = "_dek_registry_keys" if self.topic_name == "_schemas" else f"{self.topic_name}_dek_registry_keys"
        return self.dek_registry_topic or of_schemas

    @property
    def permitted_kms_keys(self) -> tuple[str, ...]:
        """What the URIs of the KMS keys begin with that this service may use for shared KEKs."""
        return split_list(self.dek_registry_kms_keys)

    @property
    def registry_url(self) -> str | None:
        """The URL of the other registry; None if the schemas are in this service."""
        if self.registry_host is None:
            return None
        host = f"[{self.registry_host}]" if ":" in self.registry_host else self.registry_host
        return f"{self.registry_scheme}://{host}:{self.registry_port}"

    @property
    def connect_urls(self) -> tuple[str, ...]:
        """The URL of each Kafka Connect worker."""
        return split_list(self.connect_url or "")
