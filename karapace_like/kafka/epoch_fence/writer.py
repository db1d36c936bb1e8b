"""Appends to the topic of a log, fenced by the producer's epoch: the brokers refuse batches of any earlier epoch.

`fencer.py` takes the epoch at the start of a term. Each write is one plain idempotent batch under it, acknowledged once
this node has read it back. Brokers forget a producer that is idle, so that idle NOOPs follow, and a primary that slept
does not write. No transaction is ever begun.

On the event loop, one request at a time. `election.py` decides which node is the primary.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from functools import partial

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.epoch_fence.batches import Headers, Records, build_batch, split_by_size
from karapace_like.kafka.epoch_fence.fenced_partition import FencedPartition
from karapace_like.kafka.epoch_fence.fencer import (
    FENCED,
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    LOST,
    Fence,
    Fencer,
    PartitionLimits,
)
from karapace_like.kafka.epoch_fence.read_back import FenceMark
from karapace_like.leadership import DeposedError, Term

logger = logging.getLogger(__name__)

_CHECK_SECONDS = 60.0
"""How often it is checked that the partition remembers this primary's epoch."""
_FIND_SECONDS = 10.0
"""How long a refused primary looks for its successor's NOOP."""
_LARGE_BYTES = 500_000
"""Of a batch that is built in a thread, because 5 MB take 4 to 12 ms beside the encoding of their record."""
_SEQUENCES = 1 << 31
"""Sequence numbers follow each other modulo this (Kafka protocol guide, "Record Batch")."""
_NOT_APPENDED = frozenset(
    {"FENCED_LEADER_EPOCH", "NOT_ENOUGH_REPLICAS", "THROTTLING_QUOTA_EXCEEDED", "UNKNOWN_LEADER_EPOCH"}
)
"""Errors after which the same batch may be sent again, and was not appended before.

NOT_LEADER_FOR_PARTITION is none of them: a leader that has appended a batch answers so, too, when it stops being the
leader before its replicas have the batch. They may have it all the same.
"""


class EpochWriter:
    """The writer of one node; `keep` runs beside it."""

    def __init__(
        self,
        partition: FencedPartition,
        *,
        fetch_limits: Callable[[], Awaitable[PartitionLimits]],
        timeout: float,
    ) -> None:
        """`timeout` is in seconds, for one append with its retries."""
        self._partition = partition
        self._leader = partition.leader
        self._read_back = partition.read_back
        self._fencer = Fencer(partition, fetch_limits)
        self._timeout = timeout
        self._fence: Fence | None = None
        self._has_fence = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()

    async def take_over(self, term: Term) -> int:
        """Fence every earlier primary; return the offset up to which the topic has to be applied before a write.

        Raises FenceUnavailableError, KafkaFailure.
        """
        async with self._one_at_a_time:
            self._fence = None
            self._leader.disconnect()
            try:
                self._fence = fence = await self._fencer.fence_others(term)
            except BaseException:
                self._leader.disconnect()
                raise
            logger.info("Fencing by epoch %d of producer %d", fence.producer.epoch, fence.producer.id)
            self._has_fence.set()
            return self._read_back.position

    async def append(self, batch: Records) -> int:
        """Write the records in order; return the offset after the last one, once they were read back.

        Raises KafkaFailure, DeposedError.
        """
        fence = self._fence
        async with self._one_at_a_time:
            if fence is None or self._fence is not fence:
                raise DeposedError("The fence of this node's term does not stand any more.")
            end = None
            groups, is_compressed = await self._divide(fence, batch)
            for records in groups:
                try:
                    end = await self._write(fence, records, [], is_compressed=is_compressed)
                except KafkaFailure as failure:
                    if end is None:
                        raise
                    raise self._end_term(failure.message, is_outcome_known=False) from failure
            assert end is not None
            return end

    async def keep(self) -> None:
        """Append idle NOOPs, and check that the partition remembers the epoch, until cancelled."""
        while True:
            await self._has_fence.wait()
            fence = self._fence
            if fence is None:
                self._has_fence.clear()
                continue
            await asyncio.sleep(min(_CHECK_SECONDS, fence.idle_seconds / 2))
            async with self._one_at_a_time:
                if self._fence is fence:
                    await self._keep_fence(fence)

    def renew(self) -> None:
        """Connect again, with the credentials of now, before the next request."""
        self._leader.disconnect()

    def close(self) -> None:
        """End the term, and close the connection."""
        self._fence = None
        self._leader.disconnect()

    async def _keep_fence(self, fence: Fence) -> None:
        try:
            if self._partition.now() - fence.written >= fence.idle_seconds:
                mark = FenceMark(fence.producer, secrets.token_hex(8))
                await self._write(fence, self._partition.noop, self._partition.mark(mark))
            if self._partition.now() - fence.checked >= _CHECK_SECONDS:
                await self._check(fence)
        except DeposedError as deposed:
            self._fence = None
            logger.warning("This node's term has ended: %s", deposed.message)
        except KafkaFailure as failure:
            logger.info("The fence could not be checked: %s", failure.message)

    async def _check(self, fence: Fence) -> None:
        with self._read_back.keep():
            renewed = await self._ensure_connection(fence)
            if renewed is not None:
                self._find_before(renewed, [])
                return
        # Where the brokers do not say, `expiry` and the idle NOOPs are all there is.
        await self._fencer.is_remembered(fence)
        fence.checked = self._partition.now()

    async def _write(self, fence: Fence, records: Records, headers: Headers, *, is_compressed: bool = False) -> int:
        """Write one batch; return its end, once it was read back."""
        start = self._read_back.position
        try:
            with self._read_back.keep():
                offset = await self._deliver(fence, records, headers, is_compressed=is_compressed)
                if offset >= start:
                    await self._read_back.wait_for(offset + len(records))
                if not self._read_back.holds(offset, records):
                    raise self._end_term(
                        f"The topic holds other records at offset {offset} than those that were sent.",
                        is_outcome_known=False,
                    )
        except asyncio.CancelledError:
            self._fence = None  # whether the batch is written, and so the next sequence number, is not known
            raise
        return offset + len(records)

    async def _deliver(self, fence: Fence, records: Records, headers: Headers, *, is_compressed: bool) -> int:
        """Send one batch until it is answered; return its offset. Only a first try that is refused is not written."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        pause, is_in_doubt = FIRST_PAUSE_SECONDS, False
        while True:
            is_sent = False
            try:
                renewed = await self._ensure_connection(fence)
                if renewed is not None and (offset := self._find_before(renewed, records)) is not None:
                    return offset
                batch = await self._build(fence, records, headers, is_compressed=is_compressed)
                self._check_right_to_write(fence)
                sent, is_sent = self._partition.now(), True
                offset = await self._leader.append(batch)
            except KafkaFailure as failure:
                if isinstance(failure, DeposedError) or failure.name in LOST:
                    ended = self._end_term(failure.message, is_outcome_known=not is_in_doubt)
                    if is_in_doubt and failure.name in FENCED:
                        return await self._find_written_offset(records, ended)
                    raise ended from failure
                is_in_doubt = is_in_doubt or (is_sent and _can_be_in_topic(failure))
                if not failure.retriable or loop.time() > deadline:
                    if is_in_doubt:
                        raise self._end_term(failure.message, is_outcome_known=False) from failure
                    raise
            else:
                fence.written = sent
                fence.sequence = (fence.sequence + len(records)) % _SEQUENCES
                return offset
            self._leader.disconnect()
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _build(self, fence: Fence, records: Records, headers: Headers, *, is_compressed: bool) -> bytes:
        build = partial(build_batch, fence.producer, fence.sequence, records, headers, is_compressed=is_compressed)
        is_large = is_compressed or sum(len(value or b"") for _, value in records) > _LARGE_BYTES
        return await asyncio.to_thread(build) if is_large else build()

    async def _find_written_offset(self, records: Records, deposed: DeposedError) -> int:
        """Return the offset of a batch that was retried and then refused, if it is before the successor's NOOP.

        Nothing of this epoch can follow that NOOP. A successor that writes none of the kind leaves the outcome unknown.
        """
        try:
            async with asyncio.timeout(_FIND_SECONDS):
                fence = await self._read_back.wait_for_fence()
        except TimeoutError:
            raise deposed from None
        offset = self._read_back.find(records, before=fence)
        if offset is None:
            raise DeposedError(deposed.message)
        return offset

    def _find_before(self, renewed: int, records: Records) -> int | None:
        """Return the offset of a batch that was sent under the epoch that ended at the offset `renewed`.

        Raises DeposedError where another one was written meanwhile: this one was planned without it.
        """
        if any(key != self._partition.noop_key for key, _ in records):
            offset = self._read_back.find(records, before=renewed)
            if offset is not None:
                return offset
        if self._read_back.has_others(self._partition.noop_key, before=renewed):
            raise DeposedError("Another primary has written while this node's fence was renewed.")
        return None

    async def _ensure_connection(self, fence: Fence) -> int | None:
        """Connect where there is no connection, to a leader that remembers the epoch; another one may not.

        Where the brokers do not say, the epoch is renewed: returns the offset of the NOOP then, None else.
        """
        if self._fence is not fence:
            raise DeposedError("The term of this node has ended.")
        if self._leader.is_connected:
            return None
        await self._leader.connect()
        if await self._fencer.is_remembered(fence):
            fence.checked = self._partition.now()
            return None
        return await self._fencer.renew(fence)

    def _check_right_to_write(self, fence: Fence) -> None:
        """Raise DeposedError where the brokers may have forgotten the epoch, or nothing fences another product."""
        if self._partition.now() - fence.written > fence.limits.expiry / 2:
            raise self._end_term("This node was not running for so long that the brokers may have forgotten its epoch.")
        if fence.term.foreign and not fence.term.has_lease():
            raise self._end_term(
                "The lease of this node has expired, and another product, which is not fenced, may lead."
            )

    def _end_term(self, reason: str, *, is_outcome_known: bool = True) -> DeposedError:
        self._fence = None
        return DeposedError(reason, is_outcome_known=is_outcome_known)

    async def _divide(self, fence: Fence, batch: Records) -> tuple[list[Records], bool]:
        """Return (the groups of records that become a batch each, whether compressed): one group, if it fits."""
        groups = list(split_by_size(batch, fence.limits.max_bytes))
        if len(groups) > 1:
            compressed = await self._build(fence, batch, [], is_compressed=True)
            if len(compressed) <= fence.limits.max_bytes:
                return [batch], True
        return groups, False


def _can_be_in_topic(failure: KafkaFailure) -> bool:
    """Whether a batch that was answered so, or not at all, may be in the topic."""
    return failure.name == "UNKNOWN" or (failure.retriable and failure.name not in _NOT_APPENDED)
