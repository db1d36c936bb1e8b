"""Where a member of a group goes on that had no client for a while."""

from collections.abc import Mapping
from dataclasses import dataclass

from karapace_like.records import TopicPartition


@dataclass(frozen=True, slots=True)
class Place:
    """Where a parked member goes on."""

    positions: Mapping[TopicPartition, int]
    taken: Mapping[TopicPartition, int]
    """Those of the positions that a commit includes."""
    committed: Mapping[TopicPartition, int]

    def only(self, partitions: set[TopicPartition]) -> "Place":
        """The place in these partitions."""
        return Place(
            *(
                {at: each[at] for at in partitions & each.keys()}
                for each in (self.positions, self.taken, self.committed)
            )
        )

    def unless_moved(self, committed: Mapping[TopicPartition, int]) -> "Place":
        """The place where the group has committed nothing else since: what it committed was read by others."""
        return self.only({at for at in self.positions if committed.get(at) == self.committed.get(at)})


NOWHERE = Place({}, {}, {})
