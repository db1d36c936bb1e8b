"""Replaces the Kafka clients of this process when their certificates, keys or passwords have changed.

librdkafka reads these files only when a client is created: a client would open later connections with the old ones.
"""

import logging
import weakref
from typing import Protocol

from karapace_like.errors import KafkaFailure

logger = logging.getLogger(__name__)


class Renewable(Protocol):
    """An owner of Kafka clients."""

    def renew(self) -> None:
        """Use new clients from now on; requests in flight may end with the old ones.

        Raises KafkaFailure where no client can be created: the old ones stay in use then.
        """
        ...


class ClientRenewal:
    """The owners of Kafka clients in this process; used on the event loop."""

    def __init__(self) -> None:
        self._owners: weakref.WeakSet[Renewable] = weakref.WeakSet()

    def add(self, owner: Renewable) -> None:
        """Have the owner renew its clients with the others, for as long as it lives."""
        self._owners.add(owner)

    def renew(self) -> None:
        """Have every owner renew its clients; log the failures."""
        for owner in list(self._owners):
            try:
                owner.renew()
            except KafkaFailure as failure:
                logger.error(  # noqa: TRY400 - the message says it all
                    "%s keeps its Kafka clients with the previous credentials, because new ones cannot be created: %s",
                    type(owner).__name__,
                    failure.message,
                )
