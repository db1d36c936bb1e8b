"""How far each worker of a node has applied the schemas topic, and how long the node surely is the primary.

A few numbers in memory that all workers of a node share, so that one can tell without asking anybody whether it knows
all that any client was told. Each number is written by one worker only, and is never seen half written: it is a
machine word. What a worker has written stays when it ends, and stays true.
"""

import mmap
import time

_WORD_BYTES = 8


class SharedProgress:
    """One worker's view of it."""

    def __init__(self, descriptor: int, worker: int) -> None:
        """`descriptor` is of a file of `size` bytes, which is not needed any more afterwards; `worker` begins at 0."""
        memory = memoryview(mmap.mmap(descriptor, 0))
        self._worker = worker
        self._certain = memory[:_WORD_BYTES].cast("d")
        self._positions = memory[_WORD_BYTES:].cast("q")

    @staticmethod
    def size(workers: int) -> int:
        """Bytes, which are all 0 in the beginning."""
        return (1 + workers) * _WORD_BYTES

    @property
    def is_certain(self) -> bool:
        """Whether nobody but this node can be the primary now."""
        return time.monotonic() < self._certain[0]

    def be_certain(self, until: float) -> None:
        """Until then, by the monotonic clock, which is the same in all processes; 0: not any more."""
        self._certain[0] = until

    @property
    def furthest(self) -> int:
        """The offset up to which the worker has applied the topic that has come furthest."""
        return max(self._positions)

    def reach(self, position: int) -> None:
        """This worker has come so far."""
        self._positions[self._worker] = position
