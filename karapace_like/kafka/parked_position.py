"""The state of a group consumer without a client: the offsets at which it resumes."""

from collections.abc import Mapping
from dataclasses import dataclass

from karapace_like.records import TopicPartition


@dataclass(frozen=True, slots=True)
class ParkedPosition:
    """Offsets of the next record, by partition, at the time when the consumer was parked."""

    positions: Mapping[TopicPartition, int]
    """Where the consumer resumes."""
    delivered: Mapping[TopicPartition, int]
    """Those of the positions that a commit without offsets includes."""
    committed: Mapping[TopicPartition, int]
    """The group's committed offsets at that time."""

    def restrict_to(self, partitions: set[TopicPartition]) -> "ParkedPosition":
        """Return the position in these partitions only."""
        return ParkedPosition(
            *(
                {at: offsets[at] for at in partitions & offsets.keys()}
                for offsets in (self.positions, self.delivered, self.committed)
            )
        )

    def drop_committed_since(self, committed: Mapping[TopicPartition, int]) -> "ParkedPosition":
        """Return the position without the partitions in which the group has committed another offset since.

        Another member has read those records; the consumer resumes there at the committed offset.
        """
        return self.restrict_to({at for at in self.positions if committed.get(at) == self.committed.get(at)})


NO_POSITION = ParkedPosition({}, {}, {})
"""The group's committed offsets decide where a consumer starts."""
