"""Which settings go together. What a single one may be, its type says."""

import importlib.util
import re

from karapace_like.config.choices import ClientAuth, SaslMechanism
from karapace_like.config.errors import ConfigError
from karapace_like.config.settings import Settings


def check(settings: Settings) -> None:
    """Raise ConfigError for settings that do not go together."""
    _check_registry(settings)
    _check_listening(settings)
    _check_quotas(settings)
    _check_kafka_identity(settings)
    _check_telemetry(settings)
    if settings.sasl_oauthbearer_authentication_enabled:
        _check_tokens(settings)


def _check_registry(settings: Settings) -> None:
    for name in ("explicit_registration_subjects", "forwarding_principals"):
        try:
            re.compile(getattr(settings, name) or "")
        except re.error as error:
            raise ConfigError(f"{name}: {error}") from error
    if settings.workers > 1 and settings.karapace_rest and not (settings.karapace_registry or settings.registry_host):
        raise ConfigError(
            "workers: several need karapace_registry or registry_host, for the schemas of what is produced"
        )


def _check_listening(settings: Settings) -> None:
    if not settings.addresses:
        raise ConfigError("listeners: there is none")
    if settings.server_tls_certfile is None and any(each.is_tls for each in settings.addresses):
        raise ConfigError("server_tls_certfile: an https listener needs it")
    if settings.server_tls_client_auth is not ClientAuth.NONE and settings.server_tls_cafile is None:
        raise ConfigError("server_tls_cafile: server_tls_client_auth needs it")
    if settings.forwarding_principals is not None:
        if settings.forwarding_certfile is None:
            raise ConfigError("forwarding_certfile: forwarding_principals needs it")
        if settings.server_tls_client_auth is ClientAuth.NONE:
            raise ConfigError("server_tls_client_auth: forwarding_principals needs it to be optional or required")


def _check_tokens(settings: Settings) -> None:
    url = settings.sasl_oauthbearer_jwks_endpoint_url
    if url is None:
        raise ConfigError("sasl_oauthbearer_jwks_endpoint_url: bearer tokens cannot be checked without it")
    if not url.startswith("https://") and not settings.sasl_oauthbearer_allow_insecure_jwks:
        raise ConfigError("sasl_oauthbearer_jwks_endpoint_url: it must be an https URL")
    if settings.sasl_oauthbearer_enforce_azp and settings.sasl_oauthbearer_client_id is None:
        raise ConfigError("sasl_oauthbearer_client_id: sasl_oauthbearer_enforce_azp needs it")


def _check_quotas(settings: Settings) -> None:
    has_principals = settings.registry_authfile is not None or settings.sasl_oauthbearer_authentication_enabled
    if has_principals or settings.rest_authorization:
        return
    for name in ("http_principal_requests_per_second", "http_principal_bytes_per_second"):
        if getattr(settings, name):
            raise ConfigError(
                f"{name}: it needs registry_authfile, tokens or rest_authorization: there is no principal"
            )


def _check_kafka_identity(settings: Settings) -> None:
    if settings.rest_authorization and settings.sasl_bootstrap_uri is None and "SASL" not in settings.security_protocol:
        raise ConfigError("sasl_bootstrap_uri: rest_authorization needs it, or a security_protocol with SASL")
    if not settings.security_protocol.startswith("SASL"):
        return
    mechanism, url = settings.sasl_mechanism, settings.sasl_oauth_token_endpoint_url
    if mechanism is None:
        raise ConfigError(f"sasl_mechanism: security_protocol {settings.security_protocol} needs it")
    if mechanism.has_password and None in {settings.sasl_plain_username, settings.sasl_plain_password}:
        raise ConfigError(f"sasl_plain_username and sasl_plain_password: sasl_mechanism {mechanism} needs them")
    if mechanism is SaslMechanism.OAUTHBEARER and (settings.sasl_oauth_token is None) is (url is None):
        raise ConfigError(f"sasl_oauth_token or sasl_oauth_token_endpoint_url: {mechanism} needs one of them")
    if url is not None and not url.startswith(("https://", "http://")):
        raise ConfigError("sasl_oauth_token_endpoint_url: it must be an https or http URL")
    if url is not None and None in {settings.sasl_oauth_client_id, settings.sasl_oauth_client_secret}:
        raise ConfigError("sasl_oauth_client_id and sasl_oauth_client_secret: the token endpoint needs them")


def _check_telemetry(settings: Settings) -> None:
    if settings.telemetry_otel_endpoint_url is None:
        if settings.telemetry_trace_records:
            raise ConfigError("telemetry_otel_endpoint_url: telemetry_trace_records needs it")
    elif not settings.telemetry_otel_endpoint_url.startswith(("http://", "https://")):
        raise ConfigError("telemetry_otel_endpoint_url: it must be an http or https URL")
    elif not _has_otel():
        raise ConfigError("telemetry_otel_endpoint_url: it needs the extra: pip install 'karapace-like[otel]'")


def _has_otel() -> bool:
    try:
        return importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False
