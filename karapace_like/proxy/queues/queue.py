"""One queue in this process: the receivers of a share group and its topics, and the members that fetch for them.

A member with an open lease cannot fetch, so a queue has several members. Those without a lease poll in turns, since the
group may assign each of them other partitions: as many at a time as receivers wait (`PollTurns`). A new member takes
five to six seconds to join: members stay for 20 seconds without records, and one more than there are leases is kept
where the bounds allow it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from karapace_like.background import BackgroundTasks
from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.proxy import errors
from karapace_like.proxy.queues.lease import Lease
from karapace_like.proxy.queues.ports import ShareMember
from karapace_like.proxy.queues.usage import QueueUsage
from karapace_like.records import Outcome, RecordPlace

logger = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
_SHARED_POLL_SECONDS = 0.1
"""Where other members wait for their turn: records of partitions that are assigned to them wait as long."""
_LOOK_SECONDS = 2.0
"""How often it is noticed that the client of a waiting receiver has disconnected."""
_IDLE_SECONDS = 20.0
"""How long a member stays in its group without a receiver, and one beside others without records."""
_FRESH_SECONDS = 2.0
"""A fetch that began before the last poll ended has come by then."""
_PAUSE_SECONDS = 1.0
"""Between two failures of members."""


class HeldRecord(NamedTuple):
    """A record that a receiver has got."""

    lease: Lease
    place: int


class _Receiver(NamedTuple):
    user: str
    max_records: int
    max_bytes: int
    records: "asyncio.Future[list[HeldRecord]]"


class Membership:
    """A member of the queue in this process, with the lease that it has."""

    def __init__(self, member: ShareMember) -> None:
        self.member = member
        self.lease: Lease | None = None
        self.polled = asyncio.get_running_loop().time()
        """When the last poll ended, or the member was created."""
        self.acknowledging = asyncio.Lock()
        """Held while records of the lease are acknowledged, so that each gets one outcome."""


class PollTurns:
    """Lets as many members poll at a time as receivers wait, one at least, in the order in which they have come."""

    def __init__(self, count_receivers: Callable[[], int]) -> None:
        self._count_receivers = count_receivers
        self._polling = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def are_wanted(self) -> bool:
        """Whether a member waits for its turn."""
        return bool(self._waiting)

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Wait for a turn, and have it inside of the block."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self.admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting.remove(turn)
            else:  # it came at the same moment
                self._end()
            raise
        try:
            yield
        finally:
            self._end()

    def admit(self) -> None:
        """Begin the turns that there is room for."""
        while self._waiting and self._polling < max(1, self._count_receivers()):
            turn = self._waiting[0]
            if turn.done():
                return  # it was cancelled, and leaves by itself
            self._waiting.popleft()
            self._polling += 1
            turn.set_result(None)

    def _end(self) -> None:
        self._polling -= 1
        self.admit()


class Queue:
    """Delivers the records of one share group's topics to receivers. Times are on the clock of the event loop."""

    def __init__(
        self,
        create_member: Callable[[], ShareMember],
        fetch_lock_seconds: Callable[[], Awaitable[float]],
        usage: QueueUsage,
        background: BackgroundTasks,
    ) -> None:
        """`usage` is shared by all queues of the process, and bounds their members."""
        self._create_member = create_member
        self._usage = usage
        self._fetch_lock_seconds = fetch_lock_seconds
        self._background = background
        self._receivers: deque[_Receiver] = deque()
        self._ready: deque[Lease] = deque()
        """Leases with records that no receiver has got."""
        self.memberships: dict[Membership, asyncio.Task[None]] = {}
        self._turns = PollTurns(lambda: len(self._receivers))
        self._is_wanted = asyncio.Event()
        self._idle = 0
        """Members without a lease."""

    @property
    def is_unused(self) -> bool:
        """Whether the queue has neither receivers nor members."""
        return not self._receivers and not self.memberships

    @property
    def leases(self) -> list[Lease]:
        """The open leases."""
        return [membership.lease for membership in self.memberships if membership.lease is not None]

    def find(self, token: str) -> Membership | None:
        """Return the member with this lease; None where it has ended."""
        return next(
            (
                membership
                for membership in self.memberships
                if membership.lease is not None and membership.lease.token == token
            ),
            None,
        )

    async def receive(
        self, user: str, max_records: int, max_bytes: int, wait: float, is_wanted: Callable[[], bool]
    ) -> list[HeldRecord]:
        """Return the next records, as soon as there are any; none after `wait` seconds.

        Raises ApiError 42901 where no member may be created for them.
        """
        loop = asyncio.get_running_loop()
        give_up = loop.time() + wait
        receiver = _Receiver(user, max_records, max_bytes, loop.create_future())
        self._receivers.append(receiver)
        try:
            self._hand_out()
            if not receiver.records.done():
                self._ensure_member()
            while not receiver.records.done() and loop.time() < give_up and is_wanted():
                await asyncio.wait({receiver.records}, timeout=min(_LOOK_SECONDS, give_up - loop.time()))
        finally:
            if not receiver.records.done():
                self._receivers.remove(receiver)
                receiver.records.cancel()
            self._note_wishes()
        return [] if receiver.records.cancelled() else receiver.records.result()

    async def close(self) -> None:
        """Leave the group with every member: the locks end, and the records are delivered to others."""
        tasks = list(self.memberships.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ensure_member(self) -> None:
        """Have a member that polls, or raise ApiError 42901."""
        if self._idle == 0 and not self._add_member() and not self.memberships:
            raise errors.too_many("queues")

    def _add_member(self) -> bool:
        if self._usage.members >= self._usage.max_members:
            return False
        with errors.translate_kafka_failures():
            membership = Membership(self._create_member())
        self._usage.members += 1
        self._idle += 1
        self.memberships[membership] = self._background.run_once("queue member", self._serve(membership))
        return True

    async def _serve(self, membership: Membership) -> None:
        """Poll and lease in turns with the other members, until the queue is idle; then leave the group."""
        try:
            while (lease := await self._wait_for_records(membership)) is not None:
                membership.lease = lease
                self._usage.leases += 1
                self._idle -= 1
                if self._idle == 0:
                    with suppress(ApiError):  # the leases that end make members free
                        self._add_member()
                self._ready.append(lease)
                self._hand_out()
                try:
                    await self._wait_for_end(membership, lease)
                finally:
                    lease.end()
                membership.lease = None
                self._usage.leases -= 1
                self._idle += 1
        except KafkaFailure as failure:
            logger.warning("A member of a share group failed: %s", failure.message)
            self._fail_receivers(failure)
            await asyncio.sleep(_PAUSE_SECONDS)
        finally:
            if membership.lease is None:
                self._idle -= 1
            else:
                self._usage.leases -= 1
            self._drop(membership)
            try:
                with suppress(KafkaFailure):
                    await membership.member.close()
            finally:
                self._usage.members -= 1

    def _drop(self, membership: Membership) -> None:
        del self.memberships[membership]
        if membership.lease is not None and membership.lease in self._ready:
            self._ready.remove(membership.lease)

    async def _wait_for_records(self, membership: Membership) -> Lease | None:
        """Return the next lease of the member; None where it is not needed.

        That is where no receiver has come for some time, or where it has got nothing for as long beside other members.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        while self._idle == 1 or loop.time() - began < _IDLE_SECONDS:
            await _wait_until(self._is_wanted, _IDLE_SECONDS)
            if not self._is_wanted.is_set():
                return None
            async with self._turns.take():
                lease = await self._poll(membership) if self._is_wanted.is_set() else None
            if lease is not None:
                return lease
        return None

    async def _poll(self, membership: Membership) -> Lease | None:
        """Return a lease of the records that come; None where none come in time."""
        loop = asyncio.get_running_loop()
        lock_seconds = await self._fetch_lock_seconds()
        is_stale = loop.time() - membership.polled > _FRESH_SECONDS
        seconds = _SHARED_POLL_SECONDS if self._turns.are_wanted else _POLL_SECONDS
        # What comes at once after a pause may have been fetched at its beginning.
        locked = membership.polled
        records = await membership.member.poll(0.0 if is_stale else seconds)
        membership.polled = loop.time()
        return Lease(records, locked, lock_seconds, self._usage.holders) if records else None

    async def _wait_for_end(self, membership: Membership, lease: Lease) -> None:
        """Wait until all records of the lease have an outcome, and release those that have none in time."""
        loop = asyncio.get_running_loop()
        await _wait_until(lease.settled, lease.stops_waiting - loop.time())
        if lease in self._ready:
            self._ready.remove(lease)
            await release(membership, lease, range(lease.handed_out, len(lease.records)))
        await _wait_until(lease.settled, lease.ends - loop.time())
        if not lease.settled.is_set():
            await release(membership, lease, range(len(lease.records)))

    def _hand_out(self) -> None:
        """Give records that are ready to the receivers, the first ones first."""
        while self._ready and (receiver := self._choose_receiver(self._ready[0])) is not None:
            lease = self._ready[0]
            first, size = lease.handed_out, 0
            until = min(first + receiver.max_records, len(lease.records))
            stop = first
            while stop < until and (size < receiver.max_bytes or stop == first):
                size += lease.records[stop].record.size
                stop += 1
            places = lease.hand_out(receiver.user, stop - first)
            receiver.records.set_result([HeldRecord(lease, place) for place in places])
            if lease.handed_out == len(lease.records):
                self._ready.popleft()
        self._note_wishes()

    def _choose_receiver(self, lease: Lease) -> _Receiver | None:
        """Take the first receiver whose caller may get records of the lease from those that wait; None without one."""
        chosen = next((one for one in self._receivers if not one.records.done() and lease.can_hand_out(one.user)), None)
        if chosen is not None:
            self._receivers.remove(chosen)
        return chosen

    def _note_wishes(self) -> None:
        if self._receivers:
            self._is_wanted.set()
            self._turns.admit()
        else:
            self._is_wanted.clear()

    def _fail_receivers(self, failure: KafkaFailure) -> None:
        while self._receivers:
            receiver = self._receivers.popleft()
            if not receiver.records.done():
                receiver.records.set_exception(errors.of_kafka(failure))
        self._note_wishes()


async def release(membership: Membership, lease: Lease, places: Iterable[int]) -> None:
    """Have the records that have no outcome delivered again, to anybody; raises KafkaFailure."""
    async with membership.acknowledging:
        rest = [place for place in places if place not in lease.outcomes]
        for place in rest:
            lease.settle(place, Outcome.RELEASE)
        if rest:
            await membership.member.acknowledge({find_place(lease, place): Outcome.RELEASE for place in rest})


def find_place(lease: Lease, place: int) -> RecordPlace:
    """Return where a record of the lease is."""
    record = lease.records[place].record
    return RecordPlace(record.at, record.offset)


async def _wait_until(event: asyncio.Event, seconds: float) -> None:
    if not event.is_set() and seconds > 0:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
