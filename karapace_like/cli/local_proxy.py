"""A REST proxy that runs inside of a command, for topics that are named by their Kafka brokers.

It listens on the loopback interface, where only this command knows its password, and is no member of any group of
nodes: it cannot become the primary. Topic policies and rules apply as in every proxy of this service.
"""

import asyncio
import json
import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from karapace_like.access.passwords import new_user
from karapace_like.cli.source_access import kafka_failures, load_settings
from karapace_like.client.proxy_client import ProxyClient
from karapace_like.client.registry_client import Credentials
from karapace_like.config import AccessLogFormat, Settings
from karapace_like.config.choices import PoliciesEnabled
from karapace_like.config.kafka_access import make_kafka_settings
from karapace_like.errors import KafkaFailure
from karapace_like.kafka import topic_settings
from karapace_like.process import logs
from karapace_like.secret import Secret
from karapace_like.serve.listeners import format_urls, open_listeners
from karapace_like.serve.process_role import ProcessRole
from karapace_like.serve.service import Service, start_service
from karapace_like.tooling.errors import ToolError

_USER = "karapace-like"
_START_SECONDS = 20
"""Until Kafka has answered and the schemas topic is read."""
_PORTS = {"http": 80, "https": 443}


@asynccontextmanager
async def open_local_proxy(
    bootstrap_servers: str, config_file: Path | None, registry: str | None, credentials: Mapping[str, str | None]
) -> AsyncIterator[ProxyClient]:
    """Yield a client of a proxy for this Kafka, once that can serve; raises ToolError, ConfigError.

    `registry` is the URL of the registry with the schemas, and `credentials` are those there; without one, the
    schemas topic is read.
    """
    loaded = load_settings(config_file, bootstrap_uri=bootstrap_servers)
    logs.configure("ERROR", loaded.log_format)
    password = secrets.token_urlsafe()
    with tempfile.NamedTemporaryFile("w", prefix="karapace-like-", suffix=".json") as authfile:
        authfile.write(_write_authfile(password))
        authfile.flush()
        settings = _use_registry(_limit_settings(loaded, authfile.name), registry, credentials)
        async with AsyncExitStack() as stack:
            stack.enter_context(kafka_failures(settings))
            settings = await _use_existing_topics(settings)
            sockets = open_listeners(settings.addresses)
            for listening in sockets:
                stack.callback(listening.socket.close)
            service = await stack.enter_async_context(start_service(settings, ProcessRole(sockets)))
            await _wait_until_ready(service, bootstrap_servers)
            yield await stack.enter_async_context(ProxyClient(format_urls(sockets), Credentials(_USER, password)))


async def _use_existing_topics(settings: Settings) -> Settings:
    """Return the settings with which no topic is created; raises ToolError, KafkaFailure."""
    if not await _exists(settings, settings.topic_name):
        raise ToolError(
            f"Kafka at {settings.bootstrap_uri} has no schemas topic {settings.topic_name}, and this command creates "
            "none. Set KARAPACE_TOPIC_NAME to the topic of your registry, or name a REST proxy with --proxy."
        )
    policies = settings.policies_topic
    has_policies = policies is not None and await _exists(settings, policies)
    return settings if has_policies else replace(settings, topic_policies_enabled=PoliciesEnabled.FALSE)


async def _exists(settings: Settings, topic: str) -> bool:
    try:
        await asyncio.to_thread(topic_settings.fetch_settings, make_kafka_settings(settings), topic)
    except KafkaFailure as error:
        if error.name != "UNKNOWN_TOPIC_OR_PART":
            raise
        return False
    return True


async def _wait_until_ready(service: Service, bootstrap_servers: str) -> None:
    try:
        await asyncio.wait_for(service.ready, _START_SECONDS)
    except TimeoutError as error:
        raise ToolError(
            f"Kafka at {bootstrap_servers} did not answer within {_START_SECONDS} s. Check --bootstrap-servers, and "
            "the TLS and SASL settings in --config."
        ) from error


def _write_authfile(password: str) -> str:
    user = msgspec.to_builtins(new_user(_USER, password))
    return json.dumps({"users": [user], "permissions": [{"username": _USER, "operation": "Write", "resource": ".*"}]})


def _limit_settings(settings: Settings, authfile: str) -> Settings:
    """Return the settings with those of Kafka and records, and without what other nodes, callers and operators see."""
    return replace(
        settings,
        listeners=None,
        host="127.0.0.1",
        port=0,
        workers=1,
        console=False,
        connect_url=None,
        karapace_rest=True,
        karapace_registry=False,
        master_eligibility=False,
        group_id=f"karapace-like-{secrets.token_hex(8)}",
        registry_authfile=authfile,
        rest_authorization=False,
        access_log=AccessLogFormat.OFF,
        server_tls_certfile=None,
        server_tls_keyfile=None,
        server_tls_cafile=None,
    )


def _use_registry(settings: Settings, registry: str | None, credentials: Mapping[str, str | None]) -> Settings:
    """Return the settings with another registry; raises ToolError for one that a proxy cannot use."""
    if registry is None:
        return settings
    parts = urlsplit(registry)
    if parts.scheme not in _PORTS or parts.hostname is None or parts.path.strip("/"):
        raise ToolError(f"{registry!r} is not the URL of a registry for a REST proxy: write http(s)://host:port.")
    if credentials["token"] is not None:
        raise ToolError("With --bootstrap-servers, the registry takes --user and --password. Leave --token out.")
    user = credentials["user"] or (parts.username and unquote(parts.username))
    password = credentials["password"] or (parts.password and unquote(parts.password))
    return replace(
        settings,
        registry_host=parts.hostname,
        registry_port=parts.port or _PORTS[parts.scheme],
        registry_scheme="https" if parts.scheme == "https" else "http",
        registry_user=user or None,
        registry_password=Secret(password) if password else None,
    )
