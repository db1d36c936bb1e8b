"""Clients are renewed when the files by which they and the brokers know each other have changed.

librdkafka reads these files when a client is made, and never again: connections that are open go on, and later ones
would be made with what the files held then.
"""

import logging
import weakref
from typing import Protocol

from karapace_like.errors import KafkaFailure

logger = logging.getLogger(__name__)


class Renewable(Protocol):
    """Who has clients."""

    def renew(self) -> None:
        """Use new clients from now on; what is under way may end with those before. KafkaFailure: nothing changes."""
        ...


class Renewal:
    """Everybody in this process who has clients; used on the event loop."""

    def __init__(self) -> None:
        self._clients: weakref.WeakSet[Renewable] = weakref.WeakSet()

    def tell(self, client: Renewable) -> None:
        """Let it know of each renewal, for as long as it lives."""
        self._clients.add(client)

    def renew(self) -> None:
        """Let everybody renew his clients."""
        for each in list(self._clients):
            try:
                each.renew()
            except KafkaFailure as failure:
                logger.error("%s goes on as before: %s", type(each).__name__, failure.message)  # noqa: TRY400 - no trace
