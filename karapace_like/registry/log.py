"""The schemas topic as the registry sees it: records to read, and a log to write to. Kafka is behind it."""

from collections.abc import Sequence
from typing import Protocol

from karapace_like.leadership import Takeover, Term


class LogRecord(Protocol):
    """One record of the schemas topic."""

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
    """The schemas topic, as the registry needs it; failures are raised as KafkaFailure."""

    async def end(self) -> int:
        """The offset after the last readable record."""
        ...

    async def take_over(self, term: Term, /) -> Takeover:
        """Refuse every earlier primary's writes from now on, if that can be."""
        ...

    async def append(self, batch: Sequence[tuple[bytes, bytes | None]]) -> int:
        """Write the records, all or none; the offset after the last once all are safe. Raises DeposedError."""
        ...

    def mark(self) -> None:
        """After what was appended is applied: let readers see the topic's end, without waiting."""
        ...
