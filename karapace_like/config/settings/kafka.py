"""Settings of the connections to Kafka."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from karapace_like.config.choices import SaslMechanism, SecurityProtocol
from karapace_like.config.description import Group, SettingsGroup, describe
from karapace_like.config.forms import BROKERS, CIPHERS, URL
from karapace_like.secret import Secret


@dataclass(frozen=True, kw_only=True)
class KafkaSettings(SettingsGroup):
    """The brokers that the service connects to."""

    group: ClassVar = Group.KAFKA

    bootstrap_uri: Annotated[
        str,
        describe(
            "Kafka brokers to connect to first: `host:port`, comma separated.",
            "kafka-1:9092,kafka-2:9092",
            form=BROKERS,
        ),
    ] = "127.0.0.1:9092"
    client_id: Annotated[
        str, describe("Client id in every request to Kafka; the brokers' logs and quotas show it.", "registry-eu")
    ] = "karapace-like"
    metadata_max_age_ms: Annotated[
        int,
        describe(
            "Interval at which Kafka clients refresh the metadata of brokers and topics.", 10_000, ge=1, le=86_400_000
        ),
    ] = 60_000
    connections_max_idle_ms: Annotated[
        int,
        describe(
            "Time after which an idle connection to a broker is closed; 0: never.", 540_000, ge=0, le=2_147_483_647
        ),
    ] = 0
    enable_metrics_push: Annotated[
        bool,
        describe(
            "Whether the service's Kafka clients send their metrics to brokers that subscribe to them (KIP-714). Each "
            "client then takes 0.4 MB more memory, subscribed or not: twice as much as a consumer instance without it."
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class KafkaSecuritySettings(SettingsGroup):
    """How the service's own Kafka clients authenticate and encrypt."""

    group: ClassVar = Group.KAFKA_SECURITY

    security_protocol: Annotated[
        SecurityProtocol,
        describe("Protocol of connections to the brokers: `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`."),
    ] = SecurityProtocol.PLAINTEXT
    ssl_cafile: Annotated[
        str | None,
        describe("PEM file of the CA certificates that verify the brokers.", "/etc/kafka/ca.pem"),
    ] = None
    ssl_certfile: Annotated[
        str | None, describe("PEM file of the certificate that this service presents.", "/etc/kafka/client.pem")
    ] = None
    ssl_keyfile: Annotated[
        str | None, describe("PEM file of the private key of `ssl_certfile`.", "/etc/kafka/client.key")
    ] = None
    ssl_password: Annotated[Secret | None, describe("Passphrase of the private key.", "correct horse")] = None
    ssl_crlfile: Annotated[
        str | None, describe("PEM file of revoked certificates (CRL).", "/etc/kafka/revoked.pem")
    ] = None
    ssl_ciphers: Annotated[
        str | None,
        describe("Allowed cipher suites, in OpenSSL's notation.", "ECDHE+AESGCM:ECDHE+CHACHA20", form=CIPHERS),
    ] = None
    ssl_check_hostname: Annotated[bool, describe("Whether a broker's certificate must name its host.")] = True
    sasl_mechanism: Annotated[
        SaslMechanism | None,
        describe("`PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`, `OAUTHBEARER` or `GSSAPI`.", "SCRAM-SHA-512"),
    ] = None
    sasl_plain_username: Annotated[str | None, describe("User name for `PLAIN` and `SCRAM-*`.", "registry")] = None
    sasl_plain_password: Annotated[Secret | None, describe("Password for `PLAIN` and `SCRAM-*`.", "correct horse")] = (
        None
    )
    sasl_oauth_token: Annotated[
        Secret | None, describe("A fixed token for `OAUTHBEARER`.", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln")
    ] = None
    sasl_oauth_token_endpoint_url: Annotated[
        str | None,
        describe(
            "Token endpoint for `OAUTHBEARER`: tokens are requested and renewed by client credentials.",
            "https://login.example.org/oauth2/token",
            form=URL,
        ),
    ] = None
    sasl_oauth_client_id: Annotated[
        str | None, describe("Client id at `sasl_oauth_token_endpoint_url`.", "registry")
    ] = None
    sasl_oauth_client_secret: Annotated[
        Secret | None, describe("Secret of `sasl_oauth_client_id`.", "correct horse")
    ] = None
    sasl_oauth_scope: Annotated[str | None, describe("Scope to request a token for.", "kafka")] = None
    sasl_kerberos_service_name: Annotated[str, describe("Kerberos service of the brokers, for `GSSAPI`.", "broker")] = (
        "kafka"
    )
    sasl_kerberos_principal: Annotated[
        str | None, describe("Kerberos principal of this service, for `GSSAPI`.", "registry@EXAMPLE.ORG")
    ] = None
    sasl_kerberos_keytab: Annotated[
        str | None,
        describe("Keytab file of `sasl_kerberos_principal`, for `GSSAPI`.", "/etc/kafka/registry.keytab"),
    ] = None
