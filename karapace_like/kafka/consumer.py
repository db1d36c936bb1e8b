"""Members of consumer groups, one for each consumer instance of the proxy.

Made for many members that are idle most of the time: no member has a Python thread of its own. What librdkafka
answers at once is called on the event loop; what may wait for a broker runs in one of a few threads. A member that
nobody polls is kept in its group by `tend`, which the owner calls every second, and stops fetching after a while. One
that is parked has no client at all: it leaves its group, keeps its place, and joins again when it is needed.

The caller makes one call of a member at a time. Records are first looked at (`peek`) and then taken (`advance`): none
is lost between the two, and what has not been taken is not committed.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from confluent_kafka import OFFSET_END, OFFSET_INVALID, KafkaError, KafkaException
from confluent_kafka import Consumer as Client
from confluent_kafka import TopicPartition as ClientPartition

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.blocking import BlockingCalls
from karapace_like.kafka.messages import consumed, partition_of
from karapace_like.kafka.place import NOWHERE, Place
from karapace_like.records import Committed, ConsumedRecord, TopicPartition, positions_after

logger = logging.getLogger(__name__)

_BATCH = 500
"""Records taken from the client before other requests get the event loop again."""
_FIRST_WAIT = 0.001
_LONGEST_WAIT = 0.02
"""Seconds between two looks at whether something has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerSettings:
    """How records are read by every member."""

    timeout: float = 15.0
    """Seconds that one request to the cluster may take."""
    queue_kbytes: int = 16_384
    """How much is fetched ahead, for each member."""
    threads: int = 16
    """How many calls may wait for a broker at the same time."""
    rest_after: float = 5.0
    """Seconds without a poll after which a member stops fetching."""


class Consumer:
    """One member of a group. `close` it at the end."""

    def __init__(self, options: dict[str, Any], threads: ThreadPoolExecutor, settings: ConsumerSettings) -> None:
        """Raises KafkaFailure for options that the client refuses."""
        self._calls = BlockingCalls(threads, settings.timeout)
        self._timeout = settings.timeout
        self._rest_after = settings.rest_after
        self._topics: tuple[str, ...] | None = ()
        self._assigned: tuple[TopicPartition, ...] = ()
        self._held: list[ConsumedRecord] = []
        self._held_bytes = 0
        self._failure: KafkaFailure | None = None
        self._taken: dict[TopicPartition, int] = {}
        """Where the caller is: after the last record that it took, or where it sought."""
        self._ends: dict[TopicPartition, int] = {}
        """Where the end was met, in partitions that nothing was taken of."""
        self._names: list[str] | None = None
        """What is subscribed to, as the client spells it."""
        self._settled = True
        """Whether the group, if it was asked, has said what to read."""
        self._parked: Place | None = None
        self._resting = False
        self._is_old = False
        """Whether the client is to be made anew."""
        self._polled = asyncio.get_running_loop().time()
        self._place = NOWHERE
        """Where to begin in what the group will assign."""
        self._commits = bool(options["enable.auto.commit"])
        self._options = {**options, "error_cb": self._note}
        self._client = self._new_client()

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics subscribed to; for a pattern, those that partitions are assigned of."""
        if self._topics is None:
            return tuple(dict.fromkeys(each.topic for each in self._assigned))
        return self._topics

    @property
    def assigned(self) -> tuple[TopicPartition, ...]:
        """The partitions that are read: as the caller assigned them, or the group up to now."""
        return self._assigned

    @property
    def is_parked(self) -> bool:
        """Whether there is no client at the moment."""
        return self._parked is not None

    def renew(self) -> None:
        """Go on with a new client from the next call on, or from the first one at which it is known where it reads."""
        self._is_old = True

    async def park(self) -> None:
        """Leave the group, and remember where to go on: the next call joins again. Raises KafkaFailure.

        Nothing happens to a member of which it is not known yet where it reads. One that the group has given nothing
        to read, maybe because there is no such topic, has no place to remember.
        """
        positions = self._positions()
        if self._parked is not None or not positions.keys() >= set(self._assigned):
            return
        committed: dict[TopicPartition, int] = {}
        if self._names is not None and self._assigned:
            if self._commits:
                await self.commit()
            committed = _offsets(await self.committed(self._assigned))
        assigned = self._assigned
        place = Place({at: positions[at] for at in assigned}, dict(self._taken), committed)
        if not self._settled:
            place = self._place  # it has not come back to where it was before
        await self._close_client()  # which takes back what the group had assigned
        self._reassigned(assigned)
        self._parked, self._settled = place, True

    async def subscribe(self, topics: Sequence[str]) -> None:
        """Read these topics, as a member of the group, in place of those before."""
        self._leave_place()
        await self._subscribe(list(topics))
        self._topics = tuple(topics)

    async def subscribe_to_pattern(self, pattern: str) -> None:
        """Read every topic whose whole name matches; the pattern is a POSIX extended regular expression."""
        self._leave_place()
        await self._subscribe([f"^({pattern})$"])
        self._topics = None

    async def assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Read these partitions, in place of those before, without the group's assignment."""
        self._leave_place()
        self._polled = asyncio.get_running_loop().time()
        self._resting = False
        await self._calls.make(lambda: self._client.assign([ClientPartition(*each) for each in partitions]))
        self._reassigned(partitions)

    async def unsubscribe(self) -> None:
        """Read nothing any more, and leave the group."""
        # A client that unsubscribes still has a rebalance to be told of, which would undo a later assignment.
        await self.close()
        self._parked = None
        self._client = self._new_client()
        self._topics, self._names, self._settled = (), None, True
        self._reassigned(())

    async def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Go on at these offsets, of assigned partitions; -2 is the first record there is, -1 the end."""
        await self._return(joined=True)
        self._held = [record for record in self._held if record.at not in positions]
        self._held_bytes = _bytes(self._held)
        for at, offset in positions.items():
            self._ends.pop(at, None)
            self._taken.pop(at, None)
            if offset >= 0:
                self._taken[at] = offset
        await self._calls.make(lambda: self._seek([ClientPartition(*at, offset) for at, offset in positions.items()]))

    async def offsets_at(self, times: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """The first offset at or after each time, in milliseconds since the epoch; -1, the end, if there is none."""
        await self._return()
        wanted = [ClientPartition(*at, instant) for at, instant in times.items()]
        found = await self._calls.make(lambda: self._client.offsets_for_times(wanted, self._timeout))
        return {partition_of(each): each.offset if each.offset >= 0 else OFFSET_END for each in found}

    async def peek(
        self, *, wait: float, min_bytes: float, max_bytes: int, is_wanted: Callable[[], bool]
    ) -> list[ConsumedRecord]:
        """The next records: as soon as there are `min_bytes`, after `wait` seconds, or once they are not wanted.

        Reading stops once `max_bytes` are there; it is for the caller to say how many of the records it takes.
        Raises KafkaFailure if there is none and reading failed.
        """
        await self._return()
        loop = asyncio.get_running_loop()
        self._polled = loop.time()
        with translate.failures():
            self._wake()
        pause = _FIRST_WAIT
        while True:
            found = self._fetch(_BATCH) if self._held_bytes < max_bytes else 0
            remaining = self._polled + wait - loop.time()
            if found and remaining > 0:
                await asyncio.sleep(0)  # there may be more at once, and others may want the loop
                continue
            enough = self._held and (self._held_bytes >= min_bytes or self._held_bytes >= max_bytes)
            if enough or self._failure is not None or remaining <= 0 or not is_wanted():
                break
            await asyncio.sleep(min(pause, remaining))
            pause = min(2 * pause, _LONGEST_WAIT)
        if self._failure is not None and not self._held:
            failure, self._failure = self._failure, None
            raise failure
        return list(self._held)

    def advance(self, count: int) -> None:
        """Take the first records of the last `peek`: a commit without offsets includes them from now on."""
        taken = self._held[:count]
        del self._held[:count]
        self._held_bytes = _bytes(self._held)
        positions = positions_after(taken)
        self._taken.update(positions)
        self._store(positions)

    async def commit(self) -> None:
        """Commit what was taken so far, in every assigned partition."""
        await self._return(joined=True)
        try:
            await self._calls.make(lambda: self._client.commit(asynchronous=False))
        except KafkaFailure as failure:
            if failure.name != "_NO_OFFSET":  # nothing was taken since the last commit
                raise

    async def commit_offsets(self, offsets: Sequence[Committed]) -> None:
        """Commit these positions for the group."""
        if not offsets:  # the client would answer that it has none stored
            return
        await self._return(joined=True)
        wanted = [ClientPartition(*each.at, each.offset, each.metadata or "") for each in offsets]
        done = await self._calls.make(lambda: self._client.commit(offsets=wanted, asynchronous=False))
        for each in done or ():
            if each.error is not None:
                raise translate.failure(each.error)

    async def committed(self, partitions: Sequence[TopicPartition]) -> list[Committed]:
        """The group's committed positions, without the partitions that have none."""
        await self._return()
        wanted = [ClientPartition(*each) for each in partitions]
        found = await self._calls.make(lambda: self._client.committed(wanted, self._timeout))
        return [Committed(partition_of(each), each.offset, each.metadata) for each in found if each.offset >= 0]

    def tend(self) -> None:
        """Take part in the group's rebalances while nobody polls, and stop fetching if that lasts. Never waits."""
        if self._parked is not None:
            return
        idle = asyncio.get_running_loop().time() - self._polled
        with translate.failures():
            # Once it rests it learns nothing more of where it is.
            if not self._resting and idle > self._rest_after and self._positions().keys() >= set(self._assigned):
                self._resting = True
                self._client.pause([ClientPartition(*each) for each in self._assigned])
            self._fetch(1)

    async def close(self) -> None:
        """Leave the group; what was taken is committed first, if that was asked for."""
        if self._parked is None:
            await self._close_client()

    def _new_client(self) -> Client:
        self._is_old = False
        with translate.failures():
            return Client(self._options, logger=logger)

    async def _close_client(self) -> None:
        """Let the client go, however long that takes; a call that still waits would be left without it."""
        await self._calls.see_through(self._client.close)

    def _positions(self) -> dict[TopicPartition, int]:
        """Where the caller is in the partitions that it is known of."""
        held = {record.at: record.offset for record in reversed(self._held)}
        return {**self._ends, **held, **self._taken}

    def _leave_place(self) -> None:
        """Get a client, to read something else from now on."""
        if self._parked is not None:
            self._client = self._new_client()
            self._parked = None

    async def _return(self, *, joined: bool = False) -> None:
        """Get a client, and go on where the last one was; `joined`: wait until the group has said what to read.

        What the group committed meanwhile was read by others, and not by this member again.
        """
        if self._is_old:
            await self.park()
        place = self._parked
        if place is not None:
            self._client = self._new_client()
            self._parked, self._resting = None, False
            try:
                await self._go_on(place)
            except KafkaFailure:
                await self._close_client()
                self._parked = place
                raise
        give_up = asyncio.get_running_loop().time() + self._timeout
        while joined and not self._settled and asyncio.get_running_loop().time() < give_up:
            with translate.failures():
                self._fetch(1)
            await asyncio.sleep(_LONGEST_WAIT)

    async def _go_on(self, place: Place) -> None:
        if self._names is None:
            self._assign(self._client, place, self._assigned)
            return
        committed = _offsets(await self.committed(list(place.positions))) if place.positions else {}
        self._place = place.unless_moved(committed)
        await self._subscribe(self._names)

    def _assign(self, client: Client, place: Place, partitions: Sequence[TopicPartition]) -> None:
        """Read these partitions: where the member's place was in them, or else from what the group has committed."""
        with translate.failures():
            client.assign([ClientPartition(*at, place.positions.get(at, OFFSET_INVALID)) for at in partitions])
        self._reassigned(partitions)
        self._taken = dict(place.only(set(partitions)).taken)
        self._ends = {at: place.positions[at] for at in partitions if at in place.positions}
        self._store(self._taken)

    async def _subscribe(self, names: list[str]) -> None:
        self._names, self._settled = names, False
        self._polled = asyncio.get_running_loop().time()
        await self._calls.make(
            lambda: self._client.subscribe(
                names, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
            )
        )

    def _on_assign(self, client: Client, partitions: list[ClientPartition]) -> None:
        place, self._place = self._place, NOWHERE
        self._assign(client, place, [partition_of(each) for each in partitions])
        if self._resting:
            client.pause(partitions)
        self._settled = True

    def _on_revoke(self, client: Client, _: list[ClientPartition]) -> None:
        client.unassign()
        self._settled = False
        self._reassigned(())

    def _reassigned(self, partitions: Sequence[TopicPartition]) -> None:
        """Forget what was read but not taken: it will be read again, here or by another member."""
        self._assigned = tuple(partitions)
        self._held.clear()
        self._held_bytes = 0
        self._taken.clear()
        self._ends.clear()

    def _seek(self, partitions: Sequence[ClientPartition]) -> None:
        """Waits until a partition's first position is known, because it cannot be changed before."""
        give_up = time.monotonic() + self._timeout
        for partition in partitions:
            while True:
                try:
                    self._client.seek(partition)
                    break
                except KafkaException as error:
                    if error.args[0].name() != "_STATE" or time.monotonic() > give_up:
                        raise
                    time.sleep(_LONGEST_WAIT)
        self._store({partition_of(each): each.offset for each in partitions if each.offset >= 0})

    def _store(self, positions: Mapping[TopicPartition, int]) -> None:
        for at, offset in positions.items():
            try:
                self._client.store_offsets(offsets=[ClientPartition(*at, offset)])
            except KafkaException as error:
                # The partition belongs to another member by now, which will read these records again.
                logger.debug("%s: %s", at, error.args[0].str())

    def _wake(self) -> None:
        """Fetch again, after a rest. Without the seek that would begin up to a second later."""
        if self._resting:
            self._resting = False
            assigned = [ClientPartition(*each) for each in self._assigned]
            self._client.resume(assigned)
            for each in self._client.position(assigned):
                if each.offset >= 0:
                    self._client.seek(each)

    def _fetch(self, count: int) -> int:
        """Take what the client has ready, without waiting; how many messages that were."""
        if self._calls.is_waiting:
            return 0  # the client would wait for its call to end, however long, and the event loop with it
        messages: Sequence[Any] = self._client.consume(count, 0)
        records = consumed(messages, self._not_consumed)
        self._held += records
        self._held_bytes += _bytes(records)
        return len(messages)

    def _not_consumed(self, message: Any, error: KafkaError) -> None:
        if error.name() == _END_MET:
            self._ends[TopicPartition(message.topic(), message.partition())] = message.offset()
        self._note(error)

    def _note(self, error: KafkaError) -> None:
        """Keep the failure for the next poll, unless the client gets over it by itself."""
        failure = translate.failure(error)
        logger.debug("%s: %s", failure.name, failure.message)
        if not failure.retriable and failure.name not in _PASSING:
            self._failure = failure


_END_MET = "_PARTITION_EOF"
_PASSING = frozenset({_END_MET, "_MAX_POLL_EXCEEDED", "UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION"})
"""What a consumer meets and gets over: the end of a partition, and having to join the group again."""


def _bytes(records: Sequence[ConsumedRecord]) -> int:
    return sum([record.size for record in records])  # a list is counted faster than a generator


def _offsets(committed: Sequence[Committed]) -> dict[TopicPartition, int]:
    return {each.at: each.offset for each in committed}
