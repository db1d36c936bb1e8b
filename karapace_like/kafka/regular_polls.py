"""Regular polls of the Kafka clients that nothing else polls.

librdkafka keeps log lines and errors in memory until their client is polled; it makes several a second while brokers
are away.
"""

import asyncio
import weakref
from contextlib import suppress
from typing import Any, Protocol

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate

_INTERVAL_SECONDS = 1.0


class Polled(Protocol):
    """An owner of Kafka clients."""

    def poll(self) -> None:
        """Have the clients log and report what they have queued; never waits, and raises nothing."""
        ...


def poll_client(client: Any) -> None:
    """Have one client log and report what it has queued; never waits, and raises no KafkaFailure."""
    with suppress(KafkaFailure):
        translate.call(client.poll, 0)


class RegularPolls:
    """The owners of such clients in this process; used on the event loop."""

    def __init__(self) -> None:
        self._owners: weakref.WeakSet[Polled] = weakref.WeakSet()

    def add(self, owner: Polled) -> None:
        """Poll the owner's clients with the others, for as long as it lives."""
        self._owners.add(owner)

    async def run(self) -> None:
        """Poll every second, until cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL_SECONDS)
            for owner in list(self._owners):
                owner.poll()
