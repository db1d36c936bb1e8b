"""Requests for which librdkafka has no good call, sent with aiokafka's connection and request classes.

They are rare: each opens a connection to one of the bootstrap servers, which forwards requests to the controller
(KIP-590). Requests to a group's coordinator are in `coordinators.py`.
"""

import asyncio
from typing import Any

from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.api import Request, RequestStruct

from karapace_like.kafka import translate, wire
from karapace_like.kafka.settings import KafkaSettings

_CONNECT_SECONDS = 3.0
"""How long connecting to one broker may take: the next one may be quicker."""


class SingleVersionRequest(Request[RequestStruct]):  # type: ignore[misc] # aiokafka has no annotations
    """A request for which aiokafka has no class, in one version: sending fails where the broker lacks that version.

    `newer` is one more version, with the same fields, which is sent where the broker has it.
    """

    API_KEY = -1
    """That of the instance is the structure's."""

    def __init__(self, structure: type[RequestStruct], *values: Any, newer: type[RequestStruct] | None = None) -> None:
        """`values` are those of the structure's schema."""
        self.API_KEY = structure.API_KEY
        self._CLASSES = (structure,) if newer is None else (structure, newer)
        self._values = values

    def build(self, request_struct_class: type[RequestStruct]) -> RequestStruct:
        """Return the request in the version that the broker supports."""
        return request_struct_class(*self._values)


class ProtocolClient:
    """Sends requests in the Kafka protocol itself."""

    def __init__(self, kafka: KafkaSettings, *, timeout: float) -> None:
        """`timeout` is in seconds, for each request."""
        self._kafka = kafka
        self._timeout = timeout

    async def ask(self, request: Any) -> Any:
        """Return any broker's response. Raises KafkaFailure where no broker can be reached."""
        with translate.aiokafka_failures():
            connection = await wire.try_brokers(self._kafka, self.connect_to)
            try:
                async with asyncio.timeout(self._timeout):
                    return await connection.send(request)
            finally:
                connection.close()

    def addresses(self) -> list[str]:
        """Return the bootstrap servers as host:port, in random order."""
        return wire.shuffle_addresses(self._kafka)

    async def connect_to(self, address: str, *, max_idle_ms: int | None = None) -> AIOKafkaConnection:
        """Return a connection to the broker at host:port, which `max_idle_ms` without a request closes.

        Raises exceptions of aiokafka, and OSError.
        """
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await wire.connect(
                self._kafka, address, timeout_ms=int(self._timeout * 1000), max_idle_ms=max_idle_ms
            )


def check(error_code: int, message: str | None) -> None:
    """Raise KafkaFailure for an error code other than 0, with the broker's message if it sent one."""
    if error_code:
        failure = translate.error_code(error_code)
        if message and failure.name not in translate.SENTENCES:
            failure.message = message
        raise failure
