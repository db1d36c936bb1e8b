"""Checks of settings that depend on each other; types and forms check single values."""

import importlib.util
from collections.abc import Iterator
from itertools import chain

from karapace_like.config.choices import ClientAuth, SaslMechanism
from karapace_like.config.errors import ConfigError, Fault
from karapace_like.config.settings import Settings
from karapace_like.kafka.kerberos import explain_missing_gssapi

_MAX_CLIENTS = 950
"""Of the 1,010 that a process can have (`kafka/translate.py`); the service itself has some 30."""
_BOUNDS_OF_CLIENTS = (
    "consumer_max_reads",
    "consumer_max_streams",
    "queue_max_members",
    "request_reply_max_topics",
    "websocket_max_topics",
    "producer_max_transactions",
)
"""Settings that bound how many Kafka clients there are for something."""


def find_contradictions(settings: Settings) -> Iterator[Fault]:
    """Yield a fault for each set of settings that contradict each other."""
    return chain(
        _check_workers(settings),
        _check_kafka_clients(settings),
        _check_listening(settings),
        _check_cors(settings),
        _check_forwarding(settings),
        _check_quotas(settings),
        _check_callers(settings),
        _check_kafka_identity(settings),
        _check_kafka_tokens(settings),
        _check_telemetry(settings),
        _check_tokens(settings),
    )


def _require(setting: str, by: str, detail: str = "") -> Fault:
    return Fault((setting, by), f"{setting}: it is required with {by}{detail}.")


def _check_workers(settings: Settings) -> Iterator[Fault]:
    if settings.workers > 1 and settings.karapace_rest and not (settings.karapace_registry or settings.registry_host):
        yield Fault(
            ("workers", "karapace_registry", "registry_host"),
            "workers: more than one worker needs karapace_registry or registry_host for the schemas of produced "
            "records.",
        )


def _check_kafka_clients(settings: Settings) -> Iterator[Fault]:
    """Yield a fault where the bounds of the REST proxy allow more Kafka clients than one process can have."""
    if not settings.karapace_rest:
        return
    bounds = {name: getattr(settings, name) for name in _BOUNDS_OF_CLIENTS}
    consumers = min(2 * settings.consumer_max_active_instances, settings.consumer_max_instances)
    total = consumers + sum(bounds.values())
    if total > _MAX_CLIENTS:
        rest = ", ".join(f"{name} ({bound})" for name, bound in bounds.items())
        twice = f"twice {settings.consumer_max_active_instances}, or consumer_max_instances where that is less"
        yield Fault(
            ("consumer_max_active_instances", *bounds),
            f"consumer_max_active_instances: a process can have {_MAX_CLIENTS} Kafka clients for requests, and the "
            f"settings allow {total}: {consumers} of consumer instances ({twice}), and {rest}. Lower one of them, or "
            "run more workers.",
        )


def _check_listening(settings: Settings) -> Iterator[Fault]:
    try:
        addresses = settings.addresses
    except ConfigError as error:
        yield Fault(("listeners",), str(error))
        return
    needed = settings.roles_of_nodes
    if settings.advertised_port is None and not any(address.roles >= needed for address in addresses):
        yield Fault(
            ("listeners", "advertised_port"),
            f"listeners: other nodes forward requests to this one, so that one address must serve "
            f"{' and '.join(sorted(needed))}: add ?serves={'+'.join(sorted(needed))} to one, or set advertised_port.",
        )
    if settings.server_tls_certfile is None and any(address.is_tls for address in addresses):
        yield Fault(("server_tls_certfile", "listeners"), "server_tls_certfile: it is required for an https listener.")
    if settings.server_tls_client_auth is not ClientAuth.NONE and settings.server_tls_cafile is None:
        yield _require("server_tls_cafile", "server_tls_client_auth")
    if settings.server_tls_keyfile is not None and settings.server_tls_certfile is None:
        yield _require("server_tls_certfile", "server_tls_keyfile")


def _check_cors(settings: Settings) -> Iterator[Fault]:
    if not settings.cors_allow_credentials:
        return
    if settings.cors_allowed_origins is None:
        yield _require("cors_allowed_origins", "cors_allow_credentials")
    elif settings.cors_allowed_origins.strip() == "*":
        yield Fault(
            ("cors_allowed_origins", "cors_allow_credentials"),
            "cors_allowed_origins: it must list origins with cors_allow_credentials: every web page could use the "
            "credentials of its visitors.",
        )


def _check_forwarding(settings: Settings) -> Iterator[Fault]:
    if settings.forwarding_principals is not None:
        if settings.forwarding_certfile is None:
            yield _require("forwarding_certfile", "forwarding_principals")
        if settings.server_tls_client_auth is ClientAuth.NONE:
            yield Fault(
                ("server_tls_client_auth", "forwarding_principals"),
                "server_tls_client_auth: it must be optional or required with forwarding_principals.",
            )
    if settings.forwarding_keyfile is not None and settings.forwarding_certfile is None:
        yield _require("forwarding_certfile", "forwarding_keyfile")


def _check_tokens(settings: Settings) -> Iterator[Fault]:
    if not settings.sasl_oauthbearer_authentication_enabled:
        return
    url = settings.sasl_oauthbearer_jwks_endpoint_url
    if url is None:
        yield _require("sasl_oauthbearer_jwks_endpoint_url", "sasl_oauthbearer_authentication_enabled")
    elif not url.startswith("https://") and not settings.sasl_oauthbearer_allow_insecure_jwks:
        yield Fault(
            ("sasl_oauthbearer_jwks_endpoint_url", "sasl_oauthbearer_allow_insecure_jwks"),
            f"sasl_oauthbearer_jwks_endpoint_url: {url!r} must be an https URL, unless "
            "sasl_oauthbearer_allow_insecure_jwks is true.",
        )
    if settings.sasl_oauthbearer_enforce_azp and settings.sasl_oauthbearer_client_id is None:
        yield _require("sasl_oauthbearer_client_id", "sasl_oauthbearer_enforce_azp")


def _check_quotas(settings: Settings) -> Iterator[Fault]:
    has_principals = settings.registry_authfile is not None or settings.sasl_oauthbearer_authentication_enabled
    if has_principals or settings.rest_authorization:
        return
    for name in ("http_principal_requests_per_second", "http_principal_bytes_per_second"):
        if getattr(settings, name):
            yield Fault(
                (name,), f"{name}: without registry_authfile, tokens or rest_authorization, requests have no principal."
            )


def _check_callers(settings: Settings) -> Iterator[Fault]:
    if settings.rest_authorization and settings.sasl_bootstrap_uri is None and "SASL" not in settings.security_protocol:
        yield Fault(
            ("sasl_bootstrap_uri", "rest_authorization", "security_protocol"),
            "sasl_bootstrap_uri: rest_authorization requires it or a security_protocol with SASL.",
        )


def _check_kafka_identity(settings: Settings) -> Iterator[Fault]:
    if settings.ssl_keyfile is not None and settings.ssl_certfile is None:
        yield _require("ssl_certfile", "ssl_keyfile")
    mechanism = settings.sasl_mechanism
    if not settings.security_protocol.startswith("SASL"):
        return
    if mechanism is None:
        yield _require("sasl_mechanism", "security_protocol", f" {settings.security_protocol}")
    elif mechanism.has_password and None in {settings.sasl_plain_username, settings.sasl_plain_password}:
        yield Fault(
            ("sasl_plain_username", "sasl_plain_password", "sasl_mechanism"),
            f"sasl_plain_username and sasl_plain_password: they are required with the sasl_mechanism {mechanism}.",
        )
    elif mechanism is SaslMechanism.GSSAPI and (reason := explain_missing_gssapi()) is not None:
        yield Fault(("sasl_mechanism",), f"sasl_mechanism: GSSAPI cannot be used here: {reason}")


def _check_kafka_tokens(settings: Settings) -> Iterator[Fault]:
    if not settings.security_protocol.startswith("SASL"):
        return
    url = settings.sasl_oauth_token_endpoint_url
    names = ("sasl_oauth_token", "sasl_oauth_token_endpoint_url", "sasl_mechanism")
    if settings.sasl_mechanism is SaslMechanism.OAUTHBEARER and (settings.sasl_oauth_token is None) is (url is None):
        yield Fault(
            names,
            f"sasl_oauth_token or sasl_oauth_token_endpoint_url: {SaslMechanism.OAUTHBEARER} requires exactly one of "
            "them.",
        )
    if url is not None and None in {settings.sasl_oauth_client_id, settings.sasl_oauth_client_secret}:
        yield Fault(
            ("sasl_oauth_client_id", "sasl_oauth_client_secret", "sasl_oauth_token_endpoint_url"),
            "sasl_oauth_client_id and sasl_oauth_client_secret: they are required with sasl_oauth_token_endpoint_url.",
        )


def _check_telemetry(settings: Settings) -> Iterator[Fault]:
    if settings.telemetry_otel_endpoint_url is None:
        if settings.telemetry_trace_records:
            yield _require("telemetry_otel_endpoint_url", "telemetry_trace_records")
    elif not _has_otel():
        yield Fault(
            ("telemetry_otel_endpoint_url",),
            "telemetry_otel_endpoint_url: the extra is not installed: pip install 'karapace-like[otel]'",
        )


def _has_otel() -> bool:
    try:
        return importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False
