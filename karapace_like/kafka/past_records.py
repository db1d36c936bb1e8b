"""Signs that a log has had records before, for a topic that is missing or empty at the start.

Two things outlive a topic: the other members of the group, each of which has read it, and the cluster's memory of the
transactional id with which only this log is written. Committed offsets do not: brokers delete them with the topic. So
without fencing (`fencing=off`) only running nodes are a sign.
"""

import asyncio
import logging

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import transactions
from karapace_like.kafka.group import Group, GroupSettings
from karapace_like.kafka.own_names import name_transactional_id
from karapace_like.kafka.settings import KafkaSettings

logger = logging.getLogger(__name__)

_ATTEMPTS = 6
_RETRY_SECONDS = 0.25


class PastRecords:
    """Looks for such signs. Where the cluster does not answer there is none."""

    def __init__(self, kafka: KafkaSettings, *, group_id: str, topic: str) -> None:
        self._kafka = kafka
        self._group_id = group_id
        self._id = name_transactional_id(group_id, topic)

    async def find_members(self) -> str | None:
        """Return the sign if the group has members.

        Call it before the topic is created: a node joins the group once it has read one.
        """
        group = Group(self._kafka, GroupSettings(id=self._group_id))
        try:
            count = len(await group.fetch_members())
        except KafkaFailure as failure:
            logger.info("The members of the group %s cannot be listed: %s", self._group_id, failure.message)
            return None
        finally:
            await group.leave()
        return f"the group {self._group_id} has members ({count}), which have read it" if count else None

    async def find_writes(self) -> str | None:
        """Return the sign if a primary of the group has written, within the days that the cluster remembers it."""
        try:
            described = await self._describe_with_retries()
        except KafkaFailure as failure:
            logger.info("The transactional id %s cannot be described: %s", self._id, failure.message)
            return None
        return f"the transactional id {self._id} has written before" if described and described.has_written else None

    async def _describe_with_retries(self) -> transactions.TransactionalId | None:
        """Retry while the coordinator is elected, as for a moment after brokers have started."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return await transactions.describe_transactional_id(self._kafka, self._id)
            except KafkaFailure as failure:
                if not failure.retriable:
                    raise
            await asyncio.sleep(_RETRY_SECONDS)
        return await transactions.describe_transactional_id(self._kafka, self._id)
