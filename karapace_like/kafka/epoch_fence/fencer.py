"""How a primary fences its predecessors by epoch, and sees that the fence stands.

It takes the next epoch of the transactional id's producer, appends a NOOP under it, reads up to that NOOP, and proves
that the partition refuses the epoch before. Where the coordinator gave another producer id than the last primary had,
that one is fenced under its own id: brokers do not own ids.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.epoch_fence.fenced_partition import FencedPartition
from karapace_like.kafka.epoch_fence.read_back import FenceMark, ProducerEpoch
from karapace_like.leadership import DeposedError, Term

logger = logging.getLogger(__name__)

TAKE_OVER_SECONDS = 10.0
"""How long taking over may take, including the creation of the transactions' topic, once in a cluster's life."""
_LONGEST_IDLE_SECONDS = 900.0
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0
_READ_SECONDS = 8.0
"""How long reading up to the topic's end may take, which this node follows all the time."""
_MAX_EPOCH = 32_767

FENCED = frozenset({"INVALID_PRODUCER_EPOCH", "PRODUCER_FENCED"})
LOST = FENCED | {
    "DUPLICATE_SEQUENCE_NUMBER",
    "INVALID_PRODUCER_ID_MAPPING",
    "OUT_OF_ORDER_SEQUENCE_NUMBER",
    "UNKNOWN_PRODUCER_ID",
}
"""The partition knows another epoch or sequence of the producer than this primary does."""
_TRANSACTION_OPEN = frozenset({"CONCURRENT_TRANSACTIONS", "INVALID_TXN_STATE"})
"""A predecessor's transaction under the same transactional id is not completed."""
_UNAVAILABLE = frozenset(
    {
        "CLUSTER_AUTHORIZATION_FAILED",
        "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
        "UNSUPPORTED_FOR_MESSAGE_FORMAT",
        "UNSUPPORTED_VERSION",
    }
)
"""The cluster does not let this client fence by epoch."""
_CANNOT_ASK = _UNAVAILABLE | {"TOPIC_AUTHORIZATION_FAILED"}


class FenceUnavailableError(KafkaFailure):
    """This cluster does not fence by epoch, or does not say whether it does. The message says why."""

    def __init__(self, message: str, *, has_transactions: bool = True) -> None:
        super().__init__("UNSUPPORTED_VERSION", message)
        self.has_transactions = has_transactions


class PartitionLimits(NamedTuple):
    """What the cluster's configuration says of the partition."""

    max_bytes: int
    """Of one record batch (`max.message.bytes`)."""
    expiry: float
    """Seconds after which brokers forget an idle producer (`producer.id.expiration.ms`)."""
    is_log_append_time: bool
    """Whether that time counts from the arrival of its last batch, and not from the batch's own timestamp."""


@dataclass(slots=True, kw_only=True)
class Fence:
    """The fence of one term."""

    term: Term
    producer: ProducerEpoch
    limits: PartitionLimits
    written: float
    """When the last batch that was acknowledged was sent, by the clock that suspend does not stop."""
    checked: float
    """When the partition was last seen to remember the epoch."""
    sequence: int = 1
    """That of the next record; 0 was the NOOP's."""

    @property
    def idle_seconds(self) -> float:
        """The time without a write after which a NOOP follows."""
        return min(self.limits.expiry / 4, _LONGEST_IDLE_SECONDS)


class Fencer:
    """Fences for one node; it keeps no state of a term."""

    def __init__(self, partition: FencedPartition, fetch_limits: Callable[[], Awaitable[PartitionLimits]]) -> None:
        self._partition = partition
        self._leader = partition.leader
        self._read_back = partition.read_back
        self._fetch_limits = fetch_limits

    async def fence_others(self, term: Term) -> Fence:
        """Take epochs, with back-off, until one stands. A failed attempt does not hinder the next epoch."""
        problem = KafkaFailure("_TIMED_OUT", "The brokers did not answer in time.", retriable=True)
        pause = FIRST_PAUSE_SECONDS
        try:
            async with asyncio.timeout(TAKE_OVER_SECONDS) as limit:
                while True:
                    try:
                        return await self._try_to_fence(term)
                    except KafkaFailure as failure:
                        if failure.name in _UNAVAILABLE:
                            raise FenceUnavailableError(failure.message) from failure
                        if not (failure.retriable or failure.name in LOST | _TRANSACTION_OPEN):
                            raise
                        problem = failure
                    self._leader.disconnect()
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        except TimeoutError:
            if not limit.expired():
                raise
        if problem.name in _TRANSACTION_OPEN:
            raise FenceUnavailableError(
                f"a transaction under the transactional id {self._partition.transactional_id} is still open: "
                f"{problem.message}"
            )
        raise problem

    async def _try_to_fence(self, term: Term) -> Fence:
        """Append the NOOP under the next epoch, and prove that the partition refuses the one before."""
        leader = self._leader
        await leader.connect()
        producer = await leader.take_epoch()
        if producer.epoch == 0:
            producer = await leader.take_epoch()  # the proof needs an earlier epoch
        limits = await self._fetch_limits()
        await self._read_up_to(await leader.fetch_end())
        sent = self._partition.now()
        await self.append_noop(producer)
        await self._prove(producer)
        fence = Fence(term=term, producer=producer, limits=limits, written=sent, checked=sent)
        if not await self.is_remembered(fence) and not limits.is_log_append_time:
            raise FenceUnavailableError(
                "the brokers do not say which producers the topic remembers (DescribeProducers), and its "
                "message.timestamp.type is not LogAppendTime"
            )
        return fence

    async def renew(self, fence: Fence) -> int:
        """Take the next epoch for the same term, as only the owner of the newest can; return the offset of its NOOP.

        Raises DeposedError where there is a newer one.
        """
        try:
            producer = await self._leader.take_epoch(fence.producer)
            sent = self._partition.now()
            offset = await self.append_noop(producer)
        except KafkaFailure as failure:
            if failure.name in LOST:
                raise DeposedError(failure.message) from failure
            raise
        fence.producer, fence.sequence = producer, 1
        fence.written = fence.checked = sent
        logger.info("Fencing by epoch %d of producer %d from now on", producer.epoch, producer.id)
        return offset

    async def _read_up_to(self, end: int) -> None:
        try:
            async with asyncio.timeout(_READ_SECONDS):
                await self._read_back.wait_for(end)
        except TimeoutError:
            raise KafkaFailure(
                "_TIMED_OUT",
                f"The topic was read up to offset {self._read_back.position} only, and ends at {end}: a transaction "
                "may be open, which `karapace-like doctor` names.",
                retriable=True,
            ) from None

    async def append_noop(self, producer: ProducerEpoch) -> int:
        """Append the first batch of an epoch, and read it back; return its offset.

        Where the last primary had another producer id, that one is fenced first.

        Raises DUPLICATE_SEQUENCE_NUMBER where the next epoch has to be taken: the partition has seen this one before,
        and takes the NOOP for the batch that it has, or another primary has fenced meanwhile.
        """
        read_back = self._read_back
        nonce, end = secrets.token_hex(8), read_back.position
        mark = FenceMark(producer, nonce)
        with read_back.keep():
            previous = read_back.last_fence
            if previous is not None and previous.producer.id != producer.id and previous.producer.epoch < _MAX_EPOCH:
                await self._fence_previous_id(previous.producer, nonce)
            offset = await self._leader.append(self._partition.build_noop(producer, mark))
            if offset >= end:
                await read_back.wait_for(offset + 1)
                others = [other for other in read_back.fences(before=offset) if other.nonce != nonce]
                if read_back.fence_at(offset) == mark and all(other.producer.id == producer.id for other in others):
                    return offset
        raise KafkaFailure(
            "DUPLICATE_SEQUENCE_NUMBER", f"Another primary has used epoch {producer.epoch} of producer {producer.id}."
        )

    async def _fence_previous_id(self, previous: ProducerEpoch, nonce: str) -> None:
        """Fence the last primary, where the coordinator has given another id since: it may be running."""
        successor = ProducerEpoch(previous.id, previous.epoch + 1)
        try:
            await self._leader.append(self._partition.build_noop(successor, FenceMark(successor, nonce)))
        except KafkaFailure as failure:
            if failure.name not in LOST:
                raise

    async def _prove(self, producer: ProducerEpoch) -> None:
        """Raise FenceUnavailableError where the partition accepts a batch of the previous epoch."""
        try:
            await self._leader.append(self._partition.build_noop(ProducerEpoch(producer.id, producer.epoch - 1), None))
        except KafkaFailure as failure:
            if failure.name not in FENCED:
                raise
        else:
            raise FenceUnavailableError("the broker accepts batches of an earlier epoch")

    async def is_remembered(self, fence: Fence) -> bool:
        """Return True where the partition remembers the epoch, False where the brokers do not say.

        Raises DeposedError where it does not, or ends before what was read from it.
        """
        now = self._partition.now()
        try:
            end = await self._leader.fetch_end()
            epoch = await self._leader.fetch_epoch(fence.producer.id)
        except KafkaFailure as failure:
            if failure.name not in _CANNOT_ASK:
                raise
            return False
        if epoch != fence.producer.epoch or end < self._read_back.position:
            raise DeposedError(
                f"The topic ends at offset {end} and remembers epoch {epoch} of producer {fence.producer.id}, not "
                f"{self._read_back.position} and {fence.producer.epoch}."
            )
        fence.checked = now
        return True
