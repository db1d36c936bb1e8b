"""Atomic requests: all records of a request are written in one Kafka transaction, or none is."""

from collections.abc import Collection, Sequence
from typing import Protocol

from karapace_like.errors import KafkaFailure, UnknownOutcomeFailure
from karapace_like.proxy import errors
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.internal import InternalResources
from karapace_like.records import Delivery, GroupProgress, OutgoingRecord

_REBALANCED = frozenset({"ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "REBALANCE_IN_PROGRESS", "FENCED_INSTANCE_ID"})


class Transactions(Protocol):
    """Writes records in transactions of Kafka."""

    async def write(self, records: Sequence[OutgoingRecord], progress: GroupProgress | None = None) -> list[Delivery]:
        """Write all records, commit the progress of a group with them, and return one delivery for each.

        Raises UnknownOutcomeFailure, and any other KafkaFailure where nothing was written.
        """
        ...

    async def create_topics(self, topics: Collection[str]) -> None:
        """Have the brokers create missing topics, where they do that at a first record."""
        ...

    async def close(self) -> None:
        """Close the connections to the cluster."""
        ...


class TransactionCounts:
    """The transactions of one process by outcome, whoever their callers are."""

    def __init__(self) -> None:
        self.outcomes: dict[tuple[str], int] = dict.fromkeys([("committed",), ("aborted",), ("unknown",)], 0)

    def count(self, outcome: str) -> None:
        """Count one."""
        self.outcomes[outcome,] += 1


class AtomicWriter:
    """Writes the records of atomic requests, none of them to internal topics."""

    def __init__(self, transactions: Transactions, internal: InternalResources, counts: TransactionCounts) -> None:
        self._transactions = transactions
        self._counts = counts
        self._internal = internal

    async def write(self, records: Sequence[OutgoingRecord], progress: GroupProgress | None = None) -> list[Delivery]:
        """Write all records or none, and commit the progress of a group with them.

        Raises ProxyError, whose message says which.
        """
        self._check(records)
        try:
            deliveries = await self._transactions.write(records, progress)
        except UnknownOutcomeFailure as failure:
            self._counts.count("unknown")
            raise unknown_error(failure.message) from failure
        except KafkaFailure as failure:
            self._counts.count("aborted")
            raise not_written_error(failure) from failure
        self._counts.count("committed")
        return deliveries

    async def prepare(self, records: Sequence[OutgoingRecord]) -> None:
        """Have the topics of the records created; raises ProxyError for records that cannot be written."""
        self._check(records)
        await self._transactions.create_topics({record.topic for record in records})

    def _check(self, records: Sequence[OutgoingRecord]) -> None:
        self._internal.check_topics({record.topic for record in records})

    async def close(self) -> None:
        """Close the connections to the cluster."""
        await self._transactions.close()


def not_written_error(failure: KafkaFailure) -> ProxyError:
    """Return the error of records that Kafka has not taken: 50303 where they may be taken later."""
    if failure.name in _REBALANCED:
        return rebalanced_error()
    code = errors.record_code(failure)
    if code != errors.RETRIABLE:
        return ProxyError(code, f"None of the records was written: {failure.message}")
    return nothing_written_error(failure.message)


def rebalanced_error() -> ProxyError:
    """Return the 409 for an instance whose polled records the group may have given to another member."""
    return ProxyError(
        40923,
        "None of the records was written, and no offset is committed: the group has rebalanced, and another member may "
        "read what this instance has polled. Poll again, and write what you make of those records.",
    )


def nothing_written_error(reason: str) -> ProxyError:
    """Return the 50303 for a request that may succeed later."""
    return ProxyError(errors.NOTHING_WRITTEN, f"None of the records was written: {reason}", retry_after=1)


def writing_denied_error(topic: str) -> ProxyError:
    """Return the 40301 for a caller whom Kafka does not let write to a topic."""
    return ProxyError(
        40301,
        f"None of the records was written: Kafka does not let you write to the topic {topic!r}. Ask its owner for the "
        "right WRITE (ACLs).",
    )


def unknown_error(reason: str) -> ProxyError:
    """Return the 50004 for records that are all written, or none."""
    return ProxyError(errors.UNKNOWN_OUTCOME, f"It is unknown whether the records were written, all or none: {reason}")


def overridden_error() -> ProxyError:
    """Return the error for an atomic request with settings of the producer."""
    return ProxyError(422, "atomic excludes acks, compression, partitioner and delivery_timeout_ms; leave them out")
