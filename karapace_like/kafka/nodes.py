"""The nodes of the service and their URLs: the members of the election's group, by DescribeGroups.

The URLs are cached for two seconds. During a rebalance Kafka does not report the members' metadata: the cached URLs
stay in use until it ends.
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
"""How long the URLs are cached."""
_RETRY_SECONDS = 0.2
"""How old the cache must be to be refreshed for an unknown node; and the pause between two requests."""
_REBALANCE_SECONDS = 3.0
"""How long a rebalance is waited for."""


class Nodes:
    """Satisfies `ownership.Nodes`. `group` is never joined, and closed by `close`."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._urls: Mapping[str, str] = {}
        self._fetched = float("-inf")
        """When the URLs were fetched last, by the monotonic clock."""
        self._fetching = asyncio.Lock()

    async def find_url(self, node: str) -> str | None:
        """Return the node's URL; None once it has left. Raises KafkaFailure where the cluster cannot say."""
        url = (await self.fetch_urls()).get(node)
        if url is None and time.monotonic() - self._fetched > _RETRY_SECONDS:
            url = (await self._fetch_if_older(_RETRY_SECONDS)).get(node)
        return url

    async def fetch_urls(self) -> Mapping[str, str]:
        """Return node -> URL. Raises KafkaFailure only while nothing is cached."""
        try:
            return await self._fetch_if_older(_FRESH_SECONDS)
        except KafkaFailure as failure:
            if not self._urls:
                raise
            logger.debug("The cached URLs of the nodes stay in use: %s", failure.message)
            return self._urls

    async def close(self) -> None:
        """Close the connection."""
        await self._group.leave()

    async def _fetch_if_older(self, age: float) -> Mapping[str, str]:
        """Return the cached URLs, fetched now if they are older than `age` seconds."""
        deadline = time.monotonic() + _REBALANCE_SECONDS
        async with self._fetching:
            while time.monotonic() - self._fetched > age:
                members = await self._group.fetch_members()
                if all(members):
                    identities = filter(None, map(identity.decode_identity, members))
                    self._urls = {member.node: member.url for member in identities if member.node}
                    self._fetched = time.monotonic()
                elif time.monotonic() > deadline:
                    raise KafkaFailure(
                        "REBALANCE_IN_PROGRESS",
                        "The nodes of the service are not known during a rebalance of the election's group: retry.",
                        retriable=True,
                    )
                else:
                    await asyncio.sleep(_RETRY_SECONDS)
            return self._urls
