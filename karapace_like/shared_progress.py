"""How far each worker of a node is, and how long the node surely is the primary.

A few numbers in memory that all workers of a node share, so that one can tell without asking anybody whether it knows
all that any client was told, and whether a client's next connection is served. Each number is written by one process
at a time, and is never seen half written: it is a machine word. What a worker has written stays when it ends.
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
        numbers = memory[_WORD_BYTES:].cast("q")
        self._positions, self._serving = numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]

    @staticmethod
    def size(workers: int) -> int:
        """Bytes, which are all 0 in the beginning."""
        return (1 + 2 * workers) * _WORD_BYTES

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

    @property
    def all_serve(self) -> bool:
        """Whether no connection finds a worker that is not ready."""
        return all(self._serving)

    def begin(self, *, accepts_when_ready: bool) -> None:
        """This worker is being started; whether it takes connections meanwhile."""
        self._serving[self._worker] = accepts_when_ready

    def serve(self) -> None:
        """This worker is ready."""
        self._serving[self._worker] = True

    def reach(self, position: int) -> None:
        """This worker has come so far."""
        self._positions[self._worker] = position
