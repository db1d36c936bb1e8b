"""The nodes of the service and their addresses: the members of the election's group, as Kafka describes it.

What is known is used for a few seconds. While the group's members are being settled Kafka does not tell who they are:
what was known before holds until then.
"""

import asyncio
import logging
import time
from collections.abc import Mapping

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import identity
from karapace_like.kafka.group import Group

logger = logging.getLogger(__name__)

_FRESH_SECONDS = 2.0
_AGAIN_SECONDS = 0.2
"""How soon the cluster is asked again about a node that is not known."""
_SETTLED_SECONDS = 3.0
"""How long a question waits for the group to be settled."""


class Nodes:
    """Satisfies `ownership.Nodes`. `group` is used for questions only, and closed by `close`."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._urls: Mapping[str, str] = {}
        self._told = float("-inf")
        """When the cluster told last who is there."""
        self._asking = asyncio.Lock()

    async def url(self, node: str) -> str | None:
        """Where the others reach the node; None once it has left, and KafkaFailure if that cannot be told."""
        known = (await self.all()).get(node)
        if known is None and time.monotonic() - self._told > _AGAIN_SECONDS:
            known = (await self._newer_than(_AGAIN_SECONDS)).get(node)
        return known

    async def all(self) -> Mapping[str, str]:
        """Node -> where the others reach it; raises KafkaFailure only where nothing is known yet."""
        try:
            return await self._newer_than(_FRESH_SECONDS)
        except KafkaFailure as failure:
            if not self._urls:
                raise
            logger.debug("The nodes are not known better than before: %s", failure.message)
            return self._urls

    async def close(self) -> None:
        """Close the connection."""
        await self._group.leave()

    async def _newer_than(self, age: float) -> Mapping[str, str]:
        """What the cluster told at most so many seconds ago, or tells now."""
        give_up = time.monotonic() + _SETTLED_SECONDS
        async with self._asking:
            while time.monotonic() - self._told > age:
                members = await self._group.members()
                if all(members):
                    found = filter(None, map(identity.decode, members))
                    self._urls = {each.node: each.url for each in found if each.node}
                    self._told = time.monotonic()
                elif time.monotonic() > give_up:
                    raise KafkaFailure("REBALANCE_IN_PROGRESS", "the group's members are being settled", retriable=True)
                else:
                    await asyncio.sleep(_AGAIN_SECONDS)
            return self._urls
