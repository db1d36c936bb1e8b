"""Connections in the Kafka protocol itself, for requests that librdkafka has no call for, with the same TLS and SASL.

`group.py`, `transactions.py` and `admin/protocol.py` send the requests.
"""

import asyncio
import contextlib
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from aiokafka import errors
from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.protocol.coordination import FindCoordinatorRequest

from karapace_like.kafka import translate
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.tokens import TokenSource

T = TypeVar("T")

_GROUP_COORDINATOR = 0
"""The key type of FindCoordinator (Kafka protocol guide, key 10)."""
_PROOF_SECONDS = 5.0
"""How long one broker may take to accept or reject credentials."""


async def connect(
    kafka: KafkaSettings, address: str, *, timeout_ms: int, max_idle_ms: int | None = None
) -> AIOKafkaConnection:
    """Return a connection to the broker at host:port. Raises exceptions of aiokafka, and OSError.

    A request may take `timeout_ms`; `max_idle_ms` without one closes the connection.
    """
    host, _, port = address.rpartition(":")
    return await create_conn(
        host.strip("[]"),
        int(port),
        client_id=kafka.client_id,
        request_timeout_ms=timeout_ms,
        max_idle_ms=max_idle_ms,
        **_convert_security(kafka),
    )


def request_group_coordinator(group: str) -> FindCoordinatorRequest:
    """Return the FindCoordinator request of a group, which any broker answers."""
    return FindCoordinatorRequest(group, _GROUP_COORDINATOR)


def shuffle_addresses(kafka: KafkaSettings) -> list[str]:
    """Return the bootstrap servers as host:port, in random order."""
    servers = [server.strip() for server in kafka.bootstrap_servers.split(",")]
    random.shuffle(servers)
    return servers


async def check_credentials(kafka: KafkaSettings) -> None:
    """Connect once. Raises KafkaFailure, SASL_AUTHENTICATION_FAILED where the brokers reject the credentials."""

    async def attempt(address: str) -> None:
        async with asyncio.timeout(_PROOF_SECONDS):
            connection = await connect(kafka, address, timeout_ms=int(_PROOF_SECONDS * 1000))
            try:
                # aiokafka takes the rejection of a token for a success; the broker rejects the next request.
                response = await connection.send(request_group_coordinator(""))
                if response.error_code == errors.IllegalSaslStateError.errno:
                    raise errors.SaslAuthenticationFailed
            finally:
                connection.close()

    with translate.aiokafka_failures():
        await try_brokers(kafka, attempt)


async def try_brokers(kafka: KafkaSettings, attempt: Callable[[str], Awaitable[T]]) -> T:
    """Try the bootstrap servers until an attempt succeeds; return its result, or raise the last failure."""
    servers = shuffle_addresses(kafka)
    for address in servers[1:]:
        with contextlib.suppress(OSError, errors.KafkaError):
            return await attempt(address)
    return await attempt(servers[0])


class _Provider(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no annotations
    def __init__(self, source: TokenSource) -> None:
        self._source = source

    async def token(self) -> str:
        return (await asyncio.to_thread(self._source)).value


def _convert_security(kafka: KafkaSettings) -> dict[str, Any]:
    """Return librdkafka's options about TLS and SASL in aiokafka's form."""
    options = kafka.security
    protocol = str(options.get("security.protocol", "PLAINTEXT"))
    return {
        "security_protocol": protocol,
        "ssl_context": _create_ssl_context(options) if protocol.endswith("SSL") else None,
        "sasl_mechanism": options.get("sasl.mechanism", "PLAIN") if protocol.startswith("SASL") else None,
        "sasl_plain_username": options.get("sasl.username"),
        "sasl_plain_password": options.get("sasl.password"),
        "sasl_kerberos_service_name": options.get("sasl.kerberos.service.name", "kafka"),
        "sasl_oauth_token_provider": None if kafka.token is None else _Provider(kafka.token),
    }


def check_files(kafka: KafkaSettings) -> None:
    """Raise OSError (such as ssl.SSLError) where the TLS files cannot be used."""
    _create_ssl_context(kafka.security)


def _create_ssl_context(options: Mapping[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.get("ssl.ca.location"))
    context.check_hostname = options.get("ssl.endpoint.identification.algorithm") != "none"
    if certificate := options.get("ssl.certificate.location"):
        context.load_cert_chain(certificate, options.get("ssl.key.location"), options.get("ssl.key.password"))
    if revoked := options.get("ssl.crl.location"):
        context.load_verify_locations(revoked)
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    if ciphers := options.get("ssl.cipher.suites"):
        context.set_ciphers(ciphers)
    return context
