"""What queues require of Kafka: members of share groups. KafkaFailure is raised for what the cluster refuses."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from karapace_like.errors import KafkaFailure
from karapace_like.proxy.internal import InternalResources
from karapace_like.records import AcquiredRecord, Outcome, RecordPlace


class ShareMember(Protocol):
    """A member of a share group. One call at a time."""

    async def poll(self, wait: float) -> list[AcquiredRecord]:
        """Return records that are locked for this member now; none after `wait` seconds."""
        ...

    async def acknowledge(self, outcomes: Mapping[RecordPlace, Outcome]) -> dict[RecordPlace, KafkaFailure]:
        """Acknowledge records of the last poll; return the failure of each that the cluster has not taken."""
        ...

    async def close(self) -> None:
        """Leave the group."""
        ...


class ShareMembers(Protocol):
    """Creates members of share groups."""

    def create_member(self, group: str, topics: Sequence[str], *, max_records: int) -> ShareMember:
        """Return a new member; `max_records` bounds the records of a poll, which producers' batches may exceed."""
        ...


class GuardedShareMembers:
    """A `ShareMembers` that raises ProxyError for internal groups and topics."""

    def __init__(self, members: ShareMembers, internal: InternalResources) -> None:
        self._members = members
        self._internal = internal

    def create_member(self, group: str, topics: Sequence[str], *, max_records: int) -> ShareMember:
        """Create a member; see `ShareMembers`."""
        self._internal.check_group(group)
        self._internal.check_topics(topics)
        return self._members.create_member(group, topics, max_records=max_records)
