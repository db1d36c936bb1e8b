"""A consumer of a group that is cheap while it is idle: one for each consumer instance of the REST proxy.

No consumer has a Python thread of its own. The owner calls `tend` every second, which keeps the membership of a
consumer that no one polls; it stops fetching after a while. A consumer is active, with a client, or parked: without a
client, outside the group, and with the offsets at which it resumes. The next call makes a parked consumer active.

The owner makes one call at a time. `peek` shows records and `advance` delivers them: no record is lost between the two,
and no undelivered record is committed.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.active_consumer import ActiveConsumer
from karapace_like.kafka.admin.coordinators import remove_member
from karapace_like.kafka.blocking import BlockingCalls, CallThreads
from karapace_like.kafka.fetched_records import FetchedRecords
from karapace_like.kafka.parked_position import NO_POSITION, ParkedPosition
from karapace_like.kafka.prefetch import PrefetchBudget
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.records import Committed, ConsumedRecord, GroupProgress, TopicPartition

logger = logging.getLogger(__name__)

_BATCH = 500
"""Records taken from the client before other requests get the event loop again."""
_AHEAD_BYTES = 2**20
"""Bytes of records taken from the client for the next response, about, while the client of the last one reads that."""
_FIRST_WAIT = 0.001
_LONGEST_WAIT = 0.02
"""Seconds between two checks whether records have arrived, until `arrivals` takes over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerSettings:
    """How every consumer reads records."""

    timeout: float = 15.0
    """Seconds that one request to the cluster may take."""
    threads: int = 16
    """Calls of all consumers that may wait for a broker at the same time."""
    rest_after: float = 5.0
    """Seconds without a poll after which a consumer stops fetching."""


class Consumer:
    """One consumer of a group; satisfies `proxy.ports.KafkaConsumer`. `close` it at the end."""

    def __init__(
        self,
        options: dict[str, Any],
        threads: CallThreads,
        settings: ConsumerSettings,
        kafka: KafkaSettings,
        budget: PrefetchBudget,
    ) -> None:
        """`options` are librdkafka's. The first call that reads creates a client."""
        self._options = options
        self._threads = threads
        self._settings = settings
        self._kafka = kafka
        self._budget = budget
        self._replaced: asyncio.Task[None] | None = None
        """Closes the last client that was replaced."""
        self._fetched = FetchedRecords()
        self._topics: tuple[str, ...] = ()
        self._polled = asyncio.get_running_loop().time()
        """When the caller polled last, by the event loop's clock."""
        self._max_bytes = 0
        """Of the last `peek`."""
        self._state: ActiveConsumer | ParkedPosition = NO_POSITION

    @property
    def topics(self) -> tuple[str, ...]:
        """The subscribed topics."""
        return self._topics

    @property
    def assignment(self) -> tuple[TopicPartition, ...]:
        """The partitions that the caller or the group assigned last."""
        return self._fetched.assigned

    @property
    def is_parked(self) -> bool:
        """Whether the consumer has no client at the moment."""
        return isinstance(self._state, ParkedPosition)

    def renew(self) -> None:
        """Use a new client from the next call on, once all positions are known or the timeout of a request has passed.

        The new one starts at the positions in memory, since the old one may not reach the cluster any more.
        """
        if isinstance(self._state, ActiveConsumer):
            self._state.stale_since = asyncio.get_running_loop().time()

    async def park(self) -> None:
        """Leave the group and keep the positions: the next call joins again. Raises KafkaFailure.

        Does nothing while the position in an assigned partition is not known. A consumer to which the group has
        assigned no partition, maybe because its topic does not exist, parks without a position.
        """
        if isinstance(self._state, ParkedPosition):
            return
        active = await self._get_or_create_client()
        if not self._fetched.has_all_positions:
            return
        position = await self._capture_position(active)
        self._state = position
        self._fetched = FetchedRecords(self._fetched.assigned)
        await self._close_client(active)

    async def subscribe(self, topics: Sequence[str]) -> None:
        """Replace the subscription by these topics; without any, leave the group.

        Raises KafkaFailure, TOPIC_EXCEPTION for an invalid name.
        """
        if not topics:
            await self.unsubscribe()
            return
        for topic in topics:
            if topic.startswith("^") or "\0" in topic:  # to the client, a pattern, or the name of another topic
                raise KafkaFailure(
                    "TOPIC_EXCEPTION", f"{topic!r} is not the name of a topic: use letters, digits, '.', '_' and '-'."
                )
        if self._topics:  # it keeps its position in the topics that are in both subscriptions
            active = await self._activate()
            await self._subscribe(active, topics, active.position)
        else:
            await self._subscribe(await self._get_or_create_client(), topics)
        self._topics = tuple(topics)

    async def assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Replace the assignment by these partitions, outside of the group's. Raises KafkaFailure."""
        active = await self._get_or_create_client()
        self._polled = asyncio.get_running_loop().time()
        await active.assign(partitions)

    async def unsubscribe(self) -> None:
        """Leave the group, and read nothing. Raises KafkaFailure."""
        # A client that unsubscribes still serves a rebalance afterwards, which would undo a later assignment.
        await self._reconnect()
        old, self._state = self._state, self._create_client()
        self._topics = ()
        self._fetched.reassign(())
        if isinstance(old, ActiveConsumer):
            await self._close_client(old)

    async def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Continue at these offsets of assigned partitions; -2 is the first record, -1 the end. Raises KafkaFailure."""
        active = await self._join()
        self._fetched.seek(positions)
        await active.seek(positions)

    async def offsets_at(self, times: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Return the first offset at or after each time (milliseconds since the epoch); -1, the end, if none is."""
        return await (await self._activate()).fetch_offsets_at(times)

    async def peek(
        self, *, wait: float, min_bytes: float, max_bytes: int, is_wanted: Callable[[], bool]
    ) -> list[ConsumedRecord]:
        """Return the next records: as soon as they have `min_bytes`, after `wait` seconds, or once `is_wanted` fails.

        Fetching stops at `max_bytes`; the records may have more. They come again until `advance` delivers them.
        Raises KafkaFailure where there is no record and fetching failed.
        """
        active = await self._activate()
        fetched = self._fetched
        loop = asyncio.get_running_loop()
        self._polled, self._max_bytes = loop.time(), max_bytes
        active.wake()
        deadline = self._polled + wait
        pause = _FIRST_WAIT

        def is_over() -> bool:
            is_enough = fetched.size > 0 and (fetched.size >= min_bytes or fetched.size >= max_bytes)
            return is_enough or fetched.has_failed or loop.time() >= deadline or not is_wanted()

        while True:
            count = active.fetch(_BATCH) if fetched.size < max_bytes else 0
            if count and loop.time() < deadline:
                await asyncio.sleep(0)  # more may be ready, and other requests need the event loop
            elif is_over():
                break
            elif pause < _LONGEST_WAIT:
                await asyncio.sleep(min(pause, deadline - loop.time()))
                pause *= 2
            else:
                await self._kafka.arrivals.wait(lambda: active.fetch(_BATCH) > 0 or is_over())
        fetched.raise_failure()
        return fetched.records

    def advance(self, count: int) -> None:
        """Deliver the first `count` records of the last `peek`: the next commit includes them.

        Where that leaves some, but fewer than the next response may have, as many are fetched after the caller's turn.
        """
        size = self._fetched.size
        positions = self._fetched.deliver(count)
        if isinstance(self._state, ActiveConsumer):
            self._state.advance(positions)
            if positions and 0 < self._fetched.size < min(self._max_bytes, _AHEAD_BYTES):
                ahead = min(count, _BATCH, count * _AHEAD_BYTES // (size - self._fetched.size))
                asyncio.get_running_loop().call_soon(self._fetch_ahead, self._state, ahead)

    def _fetch_ahead(self, active: ActiveConsumer, count: int) -> None:
        """Take records from the client that the next `peek` would wait for; that one raises what fails here."""
        if self._state is active:
            try:
                active.fetch(count)
            except KafkaFailure as failure:
                self._fetched.set_failure(failure)

    async def commit(self) -> None:
        """Commit the position after the delivered records, in every assigned partition. Raises KafkaFailure."""
        await (await self._join()).commit()

    async def fetch_progress(self) -> GroupProgress:
        """Return what a transaction commits for this consumer: the positions after the delivered records."""
        return await (await self._join()).fetch_progress()

    async def commit_offsets(self, offsets: Sequence[Committed]) -> None:
        """Commit these offsets for the group. Raises KafkaFailure."""
        if offsets:  # without any the client would fail, having none stored
            await (await self._join()).commit_offsets(offsets)

    async def fetch_committed_offsets(self, partitions: Sequence[TopicPartition]) -> list[Committed]:
        """Return the group's committed offsets, without the partitions that have none. Raises KafkaFailure."""
        return await (await self._activate()).fetch_committed_offsets(partitions)

    def tend(self) -> None:
        """Take part in the group's rebalances, and stop fetching where no one has polled for long. Never waits."""
        active = self._state
        if isinstance(active, ParkedPosition):
            return
        idle = asyncio.get_running_loop().time() - self._polled
        # The positions have to be known first: a resting client does not find them out.
        if not active.is_resting and idle > self._settings.rest_after and self._fetched.has_all_positions:
            active.rest()
        active.fetch(1)

    async def close(self) -> None:
        """Leave the group; with automatic commits, commit the position after the delivered records first.

        Returns after the timeout of a request at the latest; what is left is done in the background.
        """
        if isinstance(self._state, ActiveConsumer):
            await self._close_client(self._state)

    def _create_client(self) -> ActiveConsumer:
        timeout, fetched = self._settings.timeout, FetchedRecords(self._fetched.assigned)
        calls = BlockingCalls(self._threads, timeout)
        active = ActiveConsumer(self._options, self._budget, calls, fetched, timeout=timeout)
        self._fetched = fetched
        return active

    def _close_in_background(self, client: ActiveConsumer) -> "asyncio.Task[None]":
        """Close the client in a task of its own, which continues where the caller is cancelled or brokers are slow."""
        if client.stale_since is not None or client.is_stuck:
            work = client.abandon(partial(remove_member, self._kafka, self._options["group.id"]))
        else:
            work = client.close()
        closing = self._kafka.background.run_once("closing of a consumer's Kafka client", _log_failure(work))
        closing.add_done_callback(lambda _: self._kafka.free_memory.release_soon())
        return closing

    async def _close_client(self, client: ActiveConsumer) -> None:
        await asyncio.wait({self._close_in_background(client)}, timeout=self._settings.timeout)

    async def _reconnect(self) -> None:
        """Replace a client that may not reach the cluster any more by one that can commit what was delivered."""
        if isinstance(self._state, ActiveConsumer) and self._is_to_be_replaced(self._state):
            await self._join()

    async def _get_or_create_client(self) -> ActiveConsumer:
        """Return the client; for a parked consumer a new one, which reads nothing yet."""
        await self._reconnect()
        if isinstance(self._state, ParkedPosition):
            self._state = self._create_client()
        return self._state

    async def _subscribe(
        self, active: ActiveConsumer, topics: Sequence[str], start: ParkedPosition = NO_POSITION
    ) -> None:
        translate.check_texts(*topics)
        self._polled = asyncio.get_running_loop().time()
        await active.subscribe(list(topics), start)

    async def _capture_position(self, active: ActiveConsumer) -> ParkedPosition:
        positions = self._fetched.positions
        committed: dict[TopicPartition, int] = {}
        if self._topics and self._fetched.assigned:
            if self._options["enable.auto.commit"]:
                await active.commit()
            committed = _index_offsets(await active.fetch_committed_offsets(self._fetched.assigned))
        if not active.is_settled:
            return active.start  # it has not come back to the position of the last parking yet
        assigned = self._fetched.assigned
        return ParkedPosition({at: positions[at] for at in assigned}, dict(self._fetched.delivered), committed)

    def _is_to_be_replaced(self, client: ActiveConsumer) -> bool:
        """Return whether the client may not reach the cluster, or not in time, and another one can continue."""
        if client.is_stuck:
            # One after the other: each occupies a thread until its call ends.
            return self._replaced is None or self._replaced.done()
        if client.stale_since is None:
            return False
        is_overdue = asyncio.get_running_loop().time() - client.stale_since > self._settings.timeout
        return is_overdue or not client.is_settled or self._fetched.has_all_positions

    async def _activate(self) -> ActiveConsumer:
        """Return a client that reaches the cluster; where that is a new one, it resumes at the consumer's position."""
        state, fetched = self._state, self._fetched
        if isinstance(state, ActiveConsumer) and not self._is_to_be_replaced(state):
            return state
        self._state = active = self._create_client()
        try:
            # A client that may not reach the cluster is asked for nothing.
            position = state.position if isinstance(state, ActiveConsumer) else await self._revise(state, active)
            await self._resume(active, position)
        except BaseException:  # also where the request is cancelled: the next one resumes
            self._state, self._fetched = state, fetched
            self._close_in_background(active)
            raise
        if isinstance(state, ActiveConsumer):
            self._replaced = self._close_in_background(state)
        return active

    async def _join(self) -> ActiveConsumer:
        """Return the client once the group has assigned partitions, if there is a subscription."""
        active = await self._activate()
        await active.wait_for_assignment()
        return active

    async def _revise(self, position: ParkedPosition, active: ActiveConsumer) -> ParkedPosition:
        """Return the position without the partitions that other members of the group have read meanwhile."""
        if not self._topics or not position.positions:
            return position
        return position.drop_committed_since(
            _index_offsets(await active.fetch_committed_offsets(list(position.positions)))
        )

    async def _resume(self, active: ActiveConsumer, position: ParkedPosition) -> None:
        if self._topics:
            await self._subscribe(active, self._topics, position)
        else:
            active.assign_from(position, self._fetched.assigned)


async def _log_failure(closing: Coroutine[Any, Any, None]) -> None:
    try:
        await closing
    except KafkaFailure as failure:
        logger.warning("A consumer's Kafka client failed to close: %s", failure.message)


def _index_offsets(committed: Sequence[Committed]) -> dict[TopicPartition, int]:
    return {commit.at: commit.offset for commit in committed}
