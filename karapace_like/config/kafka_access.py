"""Kafka client settings of the service, of its callers, and of commands that need no service."""

import dataclasses
import hashlib

from karapace_like.access.credentials import Basic, Bearer, Credentials
from karapace_like.config import SaslMechanism, Settings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.tokens import ClientCredentials, TokenSource, make_constant_source, parse_expiry


def make_kafka_settings(settings: Settings) -> KafkaSettings:
    """Return the settings of the service's own Kafka clients."""
    return KafkaSettings(
        bootstrap_servers=settings.bootstrap_uri,
        client_id=settings.client_id,
        metadata_max_age_ms=settings.metadata_max_age_ms,
        connections_max_idle_ms=settings.connections_max_idle_ms,
        enable_metrics_push=settings.enable_metrics_push,
        security=_make_security_options(settings),
        token=_make_token_source(settings) if settings.sasl_mechanism is SaslMechanism.OAUTHBEARER else None,
    )


def _make_security_options(settings: Settings) -> dict[str, str | int | float | bool]:
    """Return librdkafka's options for TLS and SASL."""
    options = {
        "security.protocol": settings.security_protocol.value,
        "ssl.ca.location": settings.ssl_cafile,
        "ssl.certificate.location": settings.ssl_certfile,
        "ssl.key.location": settings.ssl_keyfile,
        "ssl.key.password": None if settings.ssl_password is None else settings.ssl_password.value,
        "ssl.crl.location": settings.ssl_crlfile,
        "ssl.cipher.suites": settings.ssl_ciphers,
        "ssl.endpoint.identification.algorithm": "https" if settings.ssl_check_hostname else "none",
        "sasl.mechanism": None if settings.sasl_mechanism is None else settings.sasl_mechanism.value,
        "sasl.username": settings.sasl_plain_username,
        "sasl.password": None if settings.sasl_plain_password is None else settings.sasl_plain_password.value,
    }
    if settings.sasl_mechanism is SaslMechanism.GSSAPI:
        options |= {
            "sasl.kerberos.service.name": settings.sasl_kerberos_service_name,
            "sasl.kerberos.principal": settings.sasl_kerberos_principal,
            "sasl.kerberos.keytab": settings.sasl_kerberos_keytab,
        }
    return {name: value for name, value in options.items() if value is not None}


def _make_token_source(settings: Settings) -> TokenSource | None:
    if settings.sasl_oauth_token is not None:
        return make_constant_source(settings.sasl_oauth_token)
    url, client = settings.sasl_oauth_token_endpoint_url, settings.sasl_oauth_client_id
    secret = settings.sasl_oauth_client_secret
    if url is None or client is None or secret is None:
        return None
    return ClientCredentials(url, client, secret, settings.sasl_oauth_scope)


def make_caller_settings(credentials: Credentials, settings: Settings, service: KafkaSettings) -> KafkaSettings:
    """Return the settings of Kafka clients that authenticate with the caller's credentials."""
    own = {name: value for name, value in service.security.items() if not name.startswith("sasl.")}
    own["security.protocol"] = "SASL_SSL" if settings.security_protocol.endswith("SSL") else "SASL_PLAINTEXT"
    own["sasl.mechanism"] = "OAUTHBEARER"
    token = None
    match credentials:
        case Basic(username, password):
            mechanism = settings.sasl_mechanism
            own["sasl.mechanism"] = mechanism.value if mechanism and mechanism.has_password else "PLAIN"
            own |= {"sasl.username": username, "sasl.password": password.value}
        case Bearer(value):
            token = make_constant_source(value)
    bootstrap = settings.sasl_bootstrap_uri or settings.bootstrap_uri
    return dataclasses.replace(service, bootstrap_servers=bootstrap, security=own, token=token)


def identify_caller(credentials: Credentials) -> str:
    """Return a key for the caller: the user name, or a hash of the token."""
    if isinstance(credentials, Bearer):
        return f"token {hashlib.sha256(credentials.token.value.encode()).hexdigest()}"
    return f"user {credentials.username}"


def find_expiry(credentials: Credentials) -> float:
    """Return the expiry of the credentials in seconds since the epoch; infinity for a password."""
    return parse_expiry(credentials.token.value) if isinstance(credentials, Bearer) else float("inf")
