"""Questions that librdkafka has no good call for, asked with aiokafka's connection and request classes.

They are rare: each opens a connection to one of the bootstrap servers, which passes on what is for the controller.
What a group's coordinator is asked is in `coordinators.py`.
"""

import asyncio
from typing import Any

from aiokafka.conn import AIOKafkaConnection

from karapace_like.kafka import translate, wire
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
            connection = await wire.by_any_broker(self._kafka, self.connect_to)
            try:
                async with asyncio.timeout(self._timeout):
                    return await connection.send(request)
            finally:
                connection.close()

    def addresses(self) -> list[str]:
        """The bootstrap servers, as host:port, in any order."""
        return wire.addresses(self._kafka)

    async def connect_to(self, address: str, *, max_idle_ms: int | None = None) -> AIOKafkaConnection:
        """A connection to the broker at host:port, kept until it is idle for so long; raises as aiokafka does."""
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await wire.connect(
                self._kafka, address, timeout_ms=int(self._timeout * 1000), max_idle_ms=max_idle_ms
            )


def check(error_code: int, message: str | None) -> None:
    """Raise KafkaFailure for an error code that is not 0, with the broker's own words if it gave any."""
    if error_code:
        failure = translate.protocol_failure(error_code)
        if message and failure.name not in translate.SENTENCES:
            failure.message = message
        raise failure
