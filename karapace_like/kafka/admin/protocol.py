"""Questions that librdkafka has no good call for, asked with aiokafka's connection and request classes.

They are rare: each opens a connection to one of the bootstrap servers, which passes on what is for the controller.
What a group's coordinator is asked is in `coordinators.py`.
"""

import asyncio
import contextlib
import random
from typing import Any

from aiokafka import errors
from aiokafka.conn import AIOKafkaConnection, create_conn

from karapace_like.kafka import translate
from karapace_like.kafka.group import connection_security
from karapace_like.kafka.settings import KafkaSettings

_CONNECT_SECONDS = 3.0
"""How long one broker may take to be reached: the next one may be quicker."""


class Protocol:
    """Asks brokers in the Kafka protocol itself."""

    def __init__(self, kafka: KafkaSettings, *, timeout: float) -> None:
        """`timeout` is in seconds, for each question."""
        self._kafka = kafka
        self._timeout = timeout

    async def ask(self, request: Any) -> Any:
        """The answer of any broker; raises KafkaFailure where none can be reached."""
        with translate.group_failures():
            connection = await self._connect()
            try:
                async with asyncio.timeout(self._timeout):
                    return await connection.send(request)
            finally:
                connection.close()

    def addresses(self) -> list[str]:
        """The bootstrap servers, as host:port, in any order."""
        addresses = [each.strip() for each in self._kafka.bootstrap_servers.split(",")]
        random.shuffle(addresses)
        return addresses

    async def connect_to(self, address: str, *, max_idle_ms: int | None = None) -> AIOKafkaConnection:
        """A connection to the broker at host:port, kept until it is idle for so long; raises as aiokafka does."""
        host, _, port = address.rpartition(":")
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await create_conn(
                host.strip("[]"),
                int(port),
                client_id=self._kafka.client_id,
                request_timeout_ms=int(self._timeout * 1000),
                max_idle_ms=max_idle_ms,
                **connection_security(self._kafka.security),
            )

    async def _connect(self) -> AIOKafkaConnection:
        addresses = self.addresses()
        for address in addresses[1:]:
            with contextlib.suppress(OSError, errors.KafkaError):
                return await self.connect_to(address)
        return await self.connect_to(addresses[0])


def check(error_code: int, message: str | None) -> None:
    """Raise KafkaFailure for an error code that is not 0, with the broker's own words if it gave any."""
    if error_code:
        failure = translate.protocol_failure(error_code)
        if message and failure.name not in translate.SENTENCES:
            failure.message = message
        raise failure
