"""Connections that speak the Kafka protocol itself, for what librdkafka has no call for, and secured as its are.

Left out: what is asked over them (`group.py`, `admin/protocol.py`).
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

_OF_A_GROUP = 0
_PROOF_SECONDS = 5.0
"""How long one broker may take to say whether it takes credentials."""


async def connect(
    kafka: KafkaSettings, address: str, *, timeout_ms: int, max_idle_ms: int | None = None
) -> AIOKafkaConnection:
    """A connection to the broker at host:port, over which a request may take so long. Raises as aiokafka does."""
    host, _, port = address.rpartition(":")
    return await create_conn(
        host.strip("[]"),
        int(port),
        client_id=kafka.client_id,
        request_timeout_ms=timeout_ms,
        max_idle_ms=max_idle_ms,
        **_security(kafka),
    )


def who_coordinates(group: str) -> FindCoordinatorRequest:
    """The question, which any broker answers."""
    return FindCoordinatorRequest(group, _OF_A_GROUP)


def addresses(kafka: KafkaSettings) -> list[str]:
    """The bootstrap servers, as host:port, in any order."""
    found = [each.strip() for each in kafka.bootstrap_servers.split(",")]
    random.shuffle(found)
    return found


async def prove(kafka: KafkaSettings) -> None:
    """Connect and hang up. Raises KafkaFailure, SASL_AUTHENTICATION_FAILED where the credentials are not taken."""

    async def attempt(address: str) -> None:
        async with asyncio.timeout(_PROOF_SECONDS):
            connection = await connect(kafka, address, timeout_ms=int(_PROOF_SECONDS * 1000))
            try:
                # A refused token is told in a message that aiokafka takes for a success: the next request is refused.
                answer = await connection.send(who_coordinates(""))
                if answer.error_code == errors.IllegalSaslStateError.errno:
                    raise errors.SaslAuthenticationFailed
            finally:
                connection.close()

    with translate.group_failures():
        await by_any_broker(kafka, attempt)


async def by_any_broker(kafka: KafkaSettings, attempt: Callable[[str], Awaitable[T]]) -> T:
    """What the attempt gives with the first of the bootstrap servers with which it succeeds."""
    found = addresses(kafka)
    for address in found[1:]:
        with contextlib.suppress(OSError, errors.KafkaError):
            return await attempt(address)
    return await attempt(found[0])


class _Provider(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no annotations
    def __init__(self, source: TokenSource) -> None:
        self._source = source

    async def token(self) -> str:
        return (await asyncio.to_thread(self._source)).value


def _security(kafka: KafkaSettings) -> dict[str, Any]:
    """The options about TLS and SASL that librdkafka is given, as aiokafka takes them."""
    options = kafka.security
    protocol = str(options.get("security.protocol", "PLAINTEXT"))
    return {
        "security_protocol": protocol,
        "ssl_context": _ssl_context(options) if protocol.endswith("SSL") else None,
        "sasl_mechanism": options.get("sasl.mechanism", "PLAIN") if protocol.startswith("SASL") else None,
        "sasl_plain_username": options.get("sasl.username"),
        "sasl_plain_password": options.get("sasl.password"),
        "sasl_kerberos_service_name": options.get("sasl.kerberos.service.name", "kafka"),
        "sasl_oauth_token_provider": None if kafka.token is None else _Provider(kafka.token),
    }


def check_files(kafka: KafkaSettings) -> None:
    """Raise OSError where the files about TLS cannot be used (ssl.SSLError is one)."""
    _ssl_context(kafka.security)


def _ssl_context(options: Mapping[str, Any]) -> ssl.SSLContext:
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
