"""How the settings say that Kafka is reached: for the service, its callers, and for commands that need no service."""

import dataclasses

from karapace_like.access.credentials import Basic, Bearer, Credentials
from karapace_like.config import SaslMechanism, Settings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.tokens import ClientCredentials, TokenSource, expiry, given


def kafka_settings(settings: Settings) -> KafkaSettings:
    """What every Kafka client is configured with."""
    return KafkaSettings(
        bootstrap_servers=settings.bootstrap_uri,
        client_id=settings.client_id,
        metadata_max_age_ms=settings.metadata_max_age_ms,
        connections_max_idle_ms=settings.connections_max_idle_ms,
        security=settings.kafka_security,
        token=_tokens(settings) if settings.sasl_mechanism is SaslMechanism.OAUTHBEARER else None,
    )


def _tokens(settings: Settings) -> TokenSource | None:
    if settings.sasl_oauth_token is not None:
        return given(settings.sasl_oauth_token)
    url, client = settings.sasl_oauth_token_endpoint_url, settings.sasl_oauth_client_id
    secret = settings.sasl_oauth_client_secret
    if url is None or client is None or secret is None:
        return None
    return ClientCredentials(url, client, secret, settings.sasl_oauth_scope)


def kafka_settings_of(credentials: Credentials, settings: Settings) -> KafkaSettings:
    """The same for a caller: he is who his credentials say."""
    service = kafka_settings(settings)
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
            token = given(value)
    bootstrap = settings.sasl_bootstrap_uri or settings.bootstrap_uri
    return dataclasses.replace(service, bootstrap_servers=bootstrap, security=own, token=token)


def end_of(credentials: Credentials) -> float:
    """When the credentials end by their own words: seconds since the epoch."""
    return expiry(credentials.token.value) if isinstance(credentials, Bearer) else float("inf")
