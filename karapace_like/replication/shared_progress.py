"""Memory that all workers of a node share: the position of each worker, the end of the primary's lease, and restarts.

From these numbers a worker sees, without a message, whether its state contains every acknowledged write, whether the
next connection of a client is served, and how often the supervisor had to replace a worker. Each number is a machine
word with one writer at a time, so that no reader sees half of it. The numbers of a worker stay when it ends.
"""

import mmap
import time

_WORD_BYTES = 8


class SharedProgress:
    """The shared memory as one worker sees it."""

    def __init__(self, descriptor: int, worker: int) -> None:
        """`descriptor` is that of a file of `size` bytes and may be closed afterwards; `worker` is an index from 0."""
        memory = memoryview(mmap.mmap(descriptor, 0))
        self._worker = worker
        self._lease_end = memory[:_WORD_BYTES].cast("d")
        self._restarts = memory[_WORD_BYTES : 2 * _WORD_BYTES].cast("q")
        numbers = memory[2 * _WORD_BYTES :].cast("q")
        self._positions, self._serving = numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]

    @staticmethod
    def size(workers: int) -> int:
        """Return the size of the memory in bytes, all of them 0 at first."""
        return (2 + 2 * workers) * _WORD_BYTES

    @property
    def has_lease(self) -> bool:
        """Whether no other node can be the primary now."""
        return time.monotonic() < self._lease_end[0]

    def extend_lease(self, until: float) -> None:
        """Set the end of the lease, by the monotonic clock, which all processes share; 0 ends the lease."""
        self._lease_end[0] = until

    @property
    def furthest(self) -> int:
        """The position of the worker that has applied most of the topic."""
        return max(self._positions)

    @property
    def workers(self) -> list[tuple[int, bool]]:
        """The position of each worker, and whether it serves or accepts no connections yet."""
        return [(position, bool(serves)) for position, serves in zip(self._positions, self._serving, strict=True)]

    @property
    def all_serve(self) -> bool:
        """Whether every worker that accepts connections is ready."""
        return all(self._serving)

    @property
    def restarts(self) -> int:
        """How many workers were started in place of one that had ended by itself."""
        return self._restarts[0]

    def count_restart(self) -> None:
        """Count such a worker; only the supervisor does."""
        self._restarts[0] += 1

    def begin(self, *, accepts_when_ready: bool) -> None:
        """Mark this worker as starting; `accepts_when_ready` says that it accepts no connections before it is ready."""
        self._serving[self._worker] = accepts_when_ready

    def serve(self) -> None:
        """Mark this worker as ready."""
        self._serving[self._worker] = True

    def reach(self, position: int) -> None:
        """Set the position of this worker."""
        self._positions[self._worker] = position
