"""A compacted topic as its state sees it: records to read, and a log to write to. Kafka is behind it."""

from collections.abc import Sequence
from typing import Protocol

from karapace_like.leadership import Takeover, Term
from karapace_like.records import LogEntry


class LogRecord(Protocol):
    """One record of the topic."""

    @property
    def offset(self) -> int:
        """The record's offset in the topic."""
        ...

    @property
    def key(self) -> bytes | None:
        """The key's bytes."""
        ...

    @property
    def value(self) -> bytes | None:
        """The value's bytes; None is a tombstone."""
        ...

    @property
    def timestamp(self) -> int:
        """Milliseconds since the epoch."""
        ...


class Log(Protocol):
    """The topic, as the state needs it; failures are raised as KafkaFailure."""

    async def end(self) -> int:
        """Return the offset after the last readable record."""
        ...

    async def take_over(self, term: Term, /) -> Takeover:
        """Fence every earlier primary from now on, where the cluster supports it."""
        ...

    async def append(self, batch: Sequence[LogEntry], /) -> int:
        """Write all records or none; return the offset after the last once all are durable.

        Raises DeposedError, and RefusedEntriesError where only some entries cannot be written.
        """
        ...

    def mark(self) -> None:
        """Make the topic's end visible to readers after an append was applied, without waiting."""
        ...
