"""The receipts of the service: replicated through a topic of their own, which the primary alone writes.

The primary writes the records of a request and its receipt in one transaction, so there are both or neither. It writes
for one request at a time, or for several in one batch, and knows every receipt before it plans the next batch: no
second request with a key gets to write. What an earlier primary has begun is committed or aborted before the next one
begins (`kafka/joint_writer.py`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from karapace_like.errors import ApiError, KafkaFailure, UnknownOutcomeFailure
from karapace_like.receipts import errors, records
from karapace_like.receipts.records import MARK, Answer, Receipt
from karapace_like.receipts.store import ReceiptStore
from karapace_like.records import Delivery, JointEntry, LogEntry, OutgoingRecord
from karapace_like.replication import errors as log_errors
from karapace_like.replication.batches import AddDraft
from karapace_like.replication.log import Log, LogRecord
from karapace_like.replication.optional_state import OptionalState
from karapace_like.replication.planning import Plan
from karapace_like.replication.writes import Forwarder, WriteOutcome, WriteRequest

logger = logging.getLogger(__name__)

R = TypeVar("R")

_MAX_BATCH_RECORDS = 2_000
"""Records of one transaction, unless one request has more: it must end in time."""
_MAX_BATCH_BYTES = 8 * 1_048_576
_TOMBSTONES = 500
"""Receipts that one batch deletes at most."""
_MAX_MARGIN_SECONDS = 300.0
"""By how much the clocks of clients and brokers may differ."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A request with an `Idempotency-Key`."""

    request: bytes
    """What the key stands for: a digest of the key, the caller, the method and the path."""
    digest: bytes
    """Of the rest of the request."""
    key: str
    """As it was sent, for messages."""
    created: float | None = None
    """When the key was made, in seconds since the epoch; None where the key does not say."""


@dataclass(frozen=True, slots=True)
class JointRecords:
    """The records of a request, encoded, and how the request is answered once they are written."""

    records: Sequence[OutgoingRecord]
    render: Callable[[Sequence[Delivery]], Answer]
    """Called in a thread."""


@dataclass(frozen=True, slots=True)
class _PlannedReceipt:
    claim: Claim
    joint: JointRecords

    @property
    def size(self) -> int:
        return sum(len(record.key or b"") + len(record.value or b"") for record in self.joint.records)

    def seal(self, deliveries: Sequence[Delivery]) -> tuple[bytes, bytes]:
        receipt = Receipt.of(self.claim.digest, self.joint.render(deliveries))
        return records.encode_key(self.claim.request), records.encode_receipt(receipt)


_ELSEWHERE: Plan[None] = Plan(None, (None,))
"""The plan of a process that does not write: the primary makes the records."""


class Receipts(OptionalState[ReceiptStore]):
    """The receipts of the topic, and the only way to write records with one."""

    def __init__(self, log: Log, store: ReceiptStore, *, write_timeout: float, max_waiting: int) -> None:
        """`write_timeout` is in seconds; `max_waiting`: writes that wait for the next transaction."""
        super().__init__(
            log, store, "receipts", draft=_draft_receipts, write_timeout=write_timeout, max_waiting=max_waiting
        )
        self._encode_seconds = write_timeout / 2
        self._problem: str | None = None
        self._settled = asyncio.Event()
        self._in_progress: set[bytes] = set()
        self.outcomes: dict[tuple[str], int] = dict.fromkeys([("written",), ("repeated",), ("refused",)], 0)
        """(outcome,) -> requests with a key that this process has decided."""

    @property
    def warnings(self) -> list[str]:
        """Sentences for operators: why requests with a key are not served."""
        return [problem for problem in (self._failure, self._problem) if problem is not None]

    def report_problem(
        self, problem: str | None, *, is_missing: bool = False, is_denied: bool = False, is_transient: bool = False
    ) -> None:
        """See `OptionalState`. Requests with a key are refused until there is no problem."""
        del is_missing, is_denied
        self._problem = problem
        if problem is not None and not is_transient:
            self._settled.set()

    async def wait_until_replayed(self) -> None:
        """Return when the replay has reached its end; the state is known then."""
        await super().wait_until_replayed()
        self._settled.set()

    def find(self, claim: Claim) -> Receipt | None:
        """Return the receipt of the request where this process has it; raises ApiError 422 for another request."""
        if self._problem is not None:
            raise errors.unavailable_error(self._problem)
        receipt = self.read().get(claim.request)
        if receipt is not None and receipt.digest != claim.digest:
            raise errors.other_request_error(claim.key)
        return receipt

    async def write_once(
        self, claim: Claim, encode: Callable[[], Awaitable[JointRecords]], forwarder: Forwarder[R]
    ) -> WriteOutcome[None, R]:
        """Write the records with the receipt of the request, unless it has one; see `WritePath.write`.

        `encode` is awaited once, where this process is the primary.
        """
        if claim.request in self._in_progress:
            raise errors.in_progress_error(claim.key)
        encoding: asyncio.Task[JointRecords] | None = None
        joint: JointRecords | None = None

        async def plan(store: ReceiptStore, _: object) -> Plan[None]:
            nonlocal encoding, joint
            if self.find(claim) is not None:
                return Plan(None)
            _check_new(store, claim)
            if joint is None:
                if encoding is None and self.term is None:
                    return _ELSEWHERE
                encoding = encoding or asyncio.create_task(_run(encode))
                joint = encoding.result() if encoding.done() else await asyncio.shield(encoding)
            return Plan(None, (_PlannedReceipt(claim, joint),))

        self._in_progress.add(claim.request)
        try:
            if self.term is not None:  # most primaries stay what they are: no plan has to wait
                joint = await self._encode_in_time(encode)
            return await self.write(WriteRequest(planner=plan, is_repeatable=True), forwarder)
        finally:
            self._in_progress.discard(claim.request)
            if encoding is not None:
                encoding.cancel()

    async def _encode_in_time(self, encode: Callable[[], Awaitable[JointRecords]]) -> JointRecords:
        try:
            async with asyncio.timeout(self._encode_seconds) as limit:
                return await encode()
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise log_errors.write_timed_out_error(self._encode_seconds) from error

    def explain_failure(self, failure: KafkaFailure) -> ApiError:
        """Return the error of a request whose records Kafka has refused, with Kafka's failure."""
        is_unknown = isinstance(failure, UnknownOutcomeFailure)
        return errors.UnknownWriteError(failure) if is_unknown else errors.NotWrittenError(failure)

    def _apply(self, record: LogRecord) -> None:
        decoded = records.decode(record.key, record.value, record.timestamp)
        if decoded is not None:
            self._store.apply(decoded)
        elif record.key != MARK:
            logger.warning("The receipts topic has a record at offset %d that is none of this release", record.offset)

    def _encode(self, planned: Sequence[_PlannedReceipt]) -> Sequence[LogEntry]:
        entries: list[LogEntry] = [JointEntry(plan.joint.records, plan.seal) for plan in planned]
        renewed = {plan.claim.request for plan in planned}
        expired = self._store.list_expired_requests(_TOMBSTONES, without=renewed)
        return [*entries, *((records.encode_key(request), None) for request in expired)]


async def _run(encode: Callable[[], Awaitable[JointRecords]]) -> JointRecords:
    return await encode()


def _check_new(store: ReceiptStore, claim: Claim) -> None:
    """Raise ReceiptError unless a request without a receipt may write."""
    if claim.request in store.drafted:
        raise errors.in_progress_error(claim.key)
    if claim.created is not None:
        margin = min(_MAX_MARGIN_SECONDS, store.seconds / 10)
        age = store.now - claim.created
        if age > store.seconds - margin:
            raise errors.not_remembered_error(claim.key, age, store.seconds)
        if age < -margin:
            raise errors.key_of_the_future_error(claim.key, -age)
    if store.is_full:
        raise errors.full_error(store.max_bytes, int(store.seconds_until_room) + 1)


@contextmanager
def _draft_receipts(store: ReceiptStore) -> Iterator[AddDraft]:
    """Let requests share a batch until it has many records."""
    count = size = 0

    def add(planned: tuple[_PlannedReceipt, ...]) -> bool:
        nonlocal count, size
        more, bytes_more = sum(len(plan.joint.records) for plan in planned), sum(plan.size for plan in planned)
        if count and (count + more > _MAX_BATCH_RECORDS or size + bytes_more > _MAX_BATCH_BYTES):
            return False
        count, size = count + more, size + bytes_more
        store.drafted.update(plan.claim.request for plan in planned)
        return True

    try:
        yield add
    finally:
        store.drafted.clear()
