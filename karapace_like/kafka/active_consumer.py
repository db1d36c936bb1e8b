"""The state of a group consumer with a client: one librdkafka consumer, its subscription and its fetches.

Calls that librdkafka answers at once run on the event loop, calls that may wait for a broker in one of a few threads
(`blocking.py`). A client that no one polls pauses its partitions after a while.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from confluent_kafka import OFFSET_END, OFFSET_INVALID, KafkaError
from confluent_kafka import Consumer as Client
from confluent_kafka import TopicPartition as ClientPartition

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.blocking import BlockingCalls
from karapace_like.kafka.client_log import client_logger
from karapace_like.kafka.elections import retry_during_elections
from karapace_like.kafka.fetched_records import FetchedRecords
from karapace_like.kafka.messages import convert_messages, convert_partition, make_client_partition
from karapace_like.kafka.parked_position import NO_POSITION, ParkedPosition
from karapace_like.kafka.prefetch import PrefetchBudget
from karapace_like.records import Committed, GroupProgress, TopicPartition

logger = logging.getLogger(__name__)

_PASSING = frozenset({"_STATE", "_OUTDATED"})
"""Why a seek fails for a while: no position is known yet, or the partition was assigned or paused meanwhile."""
_CHECK_SECONDS = 0.02
"""How often an assignment or a seek that is not complete yet is checked."""
_CLOSE_SECONDS = 1.0
"""How long a client that can reach the cluster may take to leave the group by itself."""
_SESSION_SECONDS = 45.0
"""After so long without a heartbeat the group removes a member (librdkafka's default of session.timeout.ms)."""
_LEAST_FETCH_BYTES = 1_000_000
"""librdkafka's least value of fetch.max.bytes: its default of message.max.bytes."""
_PARTITION_FETCH_BYTES = 2**20
"""librdkafka's default of fetch.message.max.bytes: what one fetch returns of one partition."""
_END_OF_PARTITION = "_PARTITION_EOF"
_RECOVERABLE = frozenset({_END_OF_PARTITION, "_MAX_POLL_EXCEEDED", "UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION"})
"""Errors after which the client continues by itself: the end of a partition, and having to rejoin the group."""


def _limit_fetches(kbytes: int) -> dict[str, int]:
    """Return the options of a client that fetches so much ahead. A record that is larger is fetched all the same."""
    size = kbytes * 1024
    return {
        "queued.max.messages.kbytes": kbytes,
        "fetch.max.bytes": max(size, _LEAST_FETCH_BYTES),
        "fetch.message.max.bytes": min(size, _PARTITION_FETCH_BYTES),
    }


class ActiveConsumer:
    """One client and what it fetches. Every method may raise KafkaFailure; `close` it at the end."""

    def __init__(
        self,
        options: Mapping[str, Any],
        budget: PrefetchBudget,
        calls: BlockingCalls,
        fetched: FetchedRecords,
        *,
        timeout: float,
    ) -> None:
        """`options` are librdkafka's, `fetched` receives the records; `timeout` is in seconds, for each request.

        The client fetches ahead within its share of `budget`, and a fetch more.
        """
        self.is_resting = False
        """Whether the partitions are paused, because no one polls."""
        self.is_settled = True
        """Whether the group, if there is a subscription, has assigned partitions."""
        self._calls = calls
        self._fetched = fetched
        self._timeout = timeout
        self.start = NO_POSITION
        """Where to begin in partitions that the group assigns, until a record of them is delivered: a rebalance that
        comes before must not skip what was written meanwhile."""
        self._start_ends = 0.0
        """When `start` ends, by the monotonic clock: other members may have read on in partitions they had."""
        self.stale_since: float | None = None
        """When the credentials changed after the client was created, by the event loop's clock; None if not."""
        self._is_member = False
        """Whether the client has joined the group, or is about to."""
        self._member_id: str | None = None
        """The client's id in the group; requested at once, since the client does not return it during a commit."""
        self._served = asyncio.get_running_loop().time()
        """When the client last had the chance to report a lost assignment, by the event loop's clock."""
        self._budget = budget
        self._share = budget.reserve()
        """KiB."""
        own = {"error_cb": translate.callback(self._note_error), **_limit_fetches(self._share)}
        try:
            with translate.failures():
                self._client = Client({**options, **own}, logger=client_logger)
        except KafkaFailure:
            self._release_share()
            raise

    @property
    def is_stuck(self) -> bool:
        """Whether the client is in a call that exceeds its time limit."""
        return self._calls.is_overdue

    @property
    def position(self) -> ParkedPosition:
        """Where another client continues, from memory: the group's committed offsets are not asked for.

        Nowhere in particular where the group may have removed the member unnoticed: others may have read on.
        """
        if not self.is_settled:
            return self.start  # it has not come back to the position of the last parking yet
        if self._is_member and asyncio.get_running_loop().time() - self._served > _SESSION_SECONDS:
            return NO_POSITION
        return ParkedPosition(self._fetched.positions, dict(self._fetched.delivered), {})

    async def subscribe(self, names: list[str], start: ParkedPosition) -> None:
        """Join the group and read these topics, from `start` in the partitions that it has an offset of.

        The names were checked by `translate.check_texts`; none begins with `^`, which librdkafka takes for a pattern.
        """
        self._is_member, self.is_settled, self.start = True, False, start
        self._start_ends = time.monotonic() + _SESSION_SECONDS
        await self._calls.make(
            self._client.subscribe,
            names,
            on_assign=translate.callback(self._on_assign),
            on_revoke=translate.callback(self._on_revoke),
            on_lost=translate.callback(self._on_revoke),
        )

    async def assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Read these partitions without a group, from the committed offsets."""
        self.is_resting = False
        await self._calls.make(self._client.assign, [make_client_partition(at) for at in partitions])
        self._fetched.reassign(partitions)

    def assign_from(self, position: ParkedPosition, partitions: Sequence[TopicPartition]) -> None:
        """Read these partitions from the position, or from the committed offsets where it has none."""
        wanted = [make_client_partition(at, position.positions.get(at, OFFSET_INVALID)) for at in partitions]
        with translate.failures():
            self._client.assign(wanted)
        self._fetched.resume(partitions, position)
        self._store(self._fetched.delivered)

    async def wait_for_assignment(self) -> None:
        """Return once the group has assigned partitions, or after the timeout of a request."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        while not self.is_settled and loop.time() < deadline:
            self.fetch(1)
            await asyncio.sleep(_CHECK_SECONDS)

    def fetch(self, count: int) -> int:
        """Move what the client has ready to the fetched records, without waiting; return the number of messages."""
        if self._calls.is_waiting:
            return 0  # the client would wait for its own call to end, and the event loop with it
        self._served = asyncio.get_running_loop().time()
        with translate.failures():
            messages: Sequence[Any] = self._client.consume(count, 0)
        if messages:  # mostly there are none: every consumer that waits is looked at
            self._fetched.add(convert_messages(messages, self._note_message_error))
        return len(messages)

    async def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Continue at these offsets; -2 is the first record, -1 the end."""
        self._leave_start(positions)
        partitions = [make_client_partition(at, offset) for at, offset in positions.items()]
        await self._calls.run(self._seek_in_thread, partitions)

    async def fetch_offsets_at(self, times: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Return the first offset at or after each time (milliseconds since the epoch); -1, the end, if none is."""
        wanted = [make_client_partition(at, instant) for at, instant in times.items()]

        async def fetch_once() -> dict[TopicPartition, int]:
            partitions = await self._calls.make(self._client.offsets_for_times, wanted, self._timeout)
            for partition in partitions:
                if partition.error is not None:  # its offset says nothing
                    raise translate.failure(partition.error)
            return {
                convert_partition(partition): partition.offset if partition.offset >= 0 else OFFSET_END
                for partition in partitions
            }

        return await retry_during_elections(fetch_once, self._timeout)

    def advance(self, positions: Mapping[TopicPartition, int]) -> None:
        """Have the next commit include these offsets, those after delivered records."""
        self._leave_start(positions)
        self._store(positions)

    def _store(self, positions: Mapping[TopicPartition, int]) -> None:
        for at, offset in positions.items():
            stored = [make_client_partition(at, offset)]
            try:
                with translate.failures():
                    self._client.store_offsets(offsets=stored)
            except KafkaFailure as failure:
                # The partition belongs to another member by now, which will read these records again.
                logger.debug("The offset %d of %s is not stored: %s", offset, at, failure.message)

    async def commit(self) -> None:
        """Commit the stored offsets, and return when the coordinator has answered."""
        try:
            await self._calls.make(self._client.commit, asynchronous=False)
        except KafkaFailure as failure:
            if failure.name != "_NO_OFFSET":  # nothing was stored since the last commit
                raise

    async def fetch_progress(self) -> GroupProgress:
        """Return the offsets after the delivered records, and the member that may commit them."""
        member = await self._calls.make(self._client.consumer_group_metadata)
        return GroupProgress(tuple(Committed(at, offset) for at, offset in self._fetched.delivered.items()), member)

    async def commit_offsets(self, offsets: Sequence[Committed]) -> None:
        """Commit these offsets, of any partitions."""
        wanted = [make_client_partition(commit.at, commit.offset, commit.metadata or "") for commit in offsets]
        results = await self._calls.make(self._client.commit, offsets=wanted, asynchronous=False)
        for result in results or ():
            if result.error is not None:
                raise translate.failure(result.error)

    async def fetch_committed_offsets(self, partitions: Sequence[TopicPartition]) -> list[Committed]:
        """Return the group's committed offsets, without the partitions that have none."""
        wanted = [make_client_partition(at) for at in partitions]
        results = await retry_during_elections(
            lambda: self._calls.make(self._client.committed, wanted, self._timeout), self._timeout
        )
        return [
            Committed(convert_partition(result), result.offset, result.metadata)
            for result in results
            if result.offset >= 0
        ]

    def rest(self) -> None:
        """Pause the assigned partitions, so that nothing is fetched for them; not while the client is in a call."""
        if self._calls.is_waiting:
            return  # the client would wait for its own call to end, and the event loop with it
        self.is_resting = True
        assigned = [make_client_partition(at) for at in self._fetched.assigned]
        with translate.failures():
            self._client.pause(assigned)

    def wake(self) -> None:
        """Fetch again after `rest`, unless the client is in a call: then the next call of this does.

        The client would begin up to a second later without the seek.
        """
        if self.is_resting and not self._calls.is_waiting:
            self.is_resting = False
            assigned = [make_client_partition(at) for at in self._fetched.assigned]
            with translate.failures():
                self._client.resume(assigned)
                for partition in self._client.position(assigned):
                    if partition.offset >= 0:
                        self._client.seek(partition)

    async def close(self) -> None:
        """Leave the group, however long that takes, after a call that still waits for a broker.

        Where offsets are committed automatically the client commits the stored ones first.
        """
        try:
            await self._calls.see_through(self._client.close)
        finally:
            self._release_share()

    async def abandon(self, remove_member: Callable[[str], Awaitable[None]]) -> None:
        """Close the client although it may not reach the cluster, and have its member removed from the group.

        The coordinator would wait for the member until its session ends, and other members would wait with it.
        """
        closing = asyncio.ensure_future(self._calls.see_through_apart(self._client.close))
        await asyncio.wait({closing}, timeout=_CLOSE_SECONDS)
        try:
            if self._member_id:
                await remove_member(self._member_id)
            await closing
        finally:
            self._release_share()

    def _leave_start(self, positions: Collection[TopicPartition]) -> None:
        if not self.start.positions.keys().isdisjoint(positions):
            self.start = self.start.restrict_to(self.start.positions.keys() - set(positions))

    def _release_share(self) -> None:
        self._budget.release(self._share)
        self._share = 0

    def _seek_in_thread(self, partitions: Sequence[ClientPartition]) -> None:
        """Wait until each partition's first position is known, since the client can change no other, and seek."""
        deadline = time.monotonic() + self._timeout
        for partition in partitions:
            while True:
                try:
                    with translate.failures():
                        self._client.seek(partition)
                    break
                except KafkaFailure as failure:
                    if failure.name not in _PASSING or time.monotonic() > deadline:
                        raise
                    time.sleep(_CHECK_SECONDS)
        self._store(
            {convert_partition(partition): partition.offset for partition in partitions if partition.offset >= 0}
        )

    def _on_assign(self, client: Client, partitions: list[ClientPartition]) -> None:
        if time.monotonic() > self._start_ends:
            self.start = NO_POSITION
        self.assign_from(self.start, [convert_partition(partition) for partition in partitions])
        with translate.failures():
            self._member_id = client.memberid()
            if self.is_resting:
                client.pause(partitions)
        self.is_settled = True

    def _on_revoke(self, client: Client, _: list[ClientPartition]) -> None:
        with translate.failures():
            client.unassign()
        self.is_settled = False
        self._fetched.reassign(())

    def _note_message_error(self, message: Any, error: KafkaError) -> None:
        if error.name() == _END_OF_PARTITION:
            self._fetched.add_end(TopicPartition(message.topic(), message.partition()), message.offset())
        self._note_error(error)

    def _note_error(self, error: KafkaError) -> None:
        """Keep the failure for the next poll, unless the client recovers by itself."""
        failure = translate.failure(error)
        logger.debug("%s: %s", failure.name, failure.message)
        if not failure.retriable and failure.name not in _RECOVERABLE:
            self._fetched.set_failure(failure)
