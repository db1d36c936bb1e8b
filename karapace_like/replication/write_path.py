"""The path of a write into the topic: compute, catch up, plan, append, wait until it is applied.

The primary takes all queued writes, plans them on the state that their records will follow, and appends the records
in one transaction. Planning never suspends: a write that must be compared with a version that was applied or planned
meanwhile leaves the batch, computes the comparison and queues again. Other nodes forward a write that would change
something to the primary, and retry through elections until the write times out.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.leadership import DeposedError, Takeover, Term
from karapace_like.records import RefusedEntriesError
from karapace_like.replication import errors
from karapace_like.replication.batches import AddDraft, Batch, plan_batch
from karapace_like.replication.planning import Plan, run_without_suspending
from karapace_like.replication.replica import Replica
from karapace_like.replication.write_availability import WriteAvailability, WriteRole
from karapace_like.replication.writes import (
    Forwarded,
    Forwarder,
    NotWritten,
    Unknown,
    WriteOutcome,
    WriteRequest,
    Written,
)

logger = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")
S = TypeVar("S")
"""The state."""
E = TypeVar("E")
"""The engines that plans may await."""

_MAX_BATCH = 200
"""Writes in one batch at most: planning blocks the event loop."""
_MAX_ATTEMPTS = 20
"""Plans of one write at most; each follows a change of something that the write depends on."""
_ASK_AGAIN_SECONDS = 0.2
"""Pause before a node that did not respond as the primary is asked again, while no other primary is known."""


@dataclass(slots=True)
class WriteStatistics:
    """The writes of this process since it started."""

    batches: int = 0
    records: int = 0
    fenced: int = 0
    """Batches that Kafka rejected because another node was the primary by then."""


class _SentBack:
    """An engine must compute something before the write can be planned."""


@dataclass(slots=True)
class _QueuedWrite:
    """A write that waits for the primary's next batch."""

    planner: Callable[[Any], Plan[Any] | None]
    first_plan: Plan[Any]
    """The plan from when the write was queued."""
    result: "asyncio.Future[Written[Any] | NotWritten | _SentBack]"
    is_begun: bool = False
    """Whether its records were handed to Kafka."""

    def plan(self, state: Any) -> Plan[Any] | None:
        """Return the plan for this state: the first plan refreshed where it can be."""
        refreshed = None if self.first_plan.refresh is None else self.first_plan.refresh(state)
        return self.planner(state) if refreshed is None else refreshed

    def settle(self, result: "Written[Any] | NotWritten | _SentBack") -> None:
        if not self.result.done():
            self.result.set_result(result)

    def refuse(self, error: ApiError) -> None:
        if not self.result.done():
            self.result.set_exception(error)


class WritePath(Generic[S, E]):
    """The only way to change the state."""

    def __init__(
        self,
        replica: Replica[S],
        pin_engines: Callable[[], E],
        draft: Callable[[S], AbstractContextManager[AddDraft]],
        *,
        timeout: float,
        max_waiting: int,
    ) -> None:
        """`pin_engines` returns what the plans of one write await; `draft`: see `plan_batch`.

        `timeout` is that of one write in seconds; `max_waiting` limits the writes in the queue.
        """
        self.statistics = WriteStatistics()
        self.timeout = timeout
        self._replica = replica
        self._contents = replica.contents
        self._pin_engines = pin_engines
        self._draft = draft
        self._max_waiting = max_waiting
        self._queue: list[_QueuedWrite] = []
        self._queued = asyncio.Event()
        self._appending = asyncio.Lock()
        self._writing: asyncio.Task[DeposedError | None] | None = None
        """Writes the batches of the current or the last term; the event loop itself keeps no reference to its tasks."""
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Key of a write -> lock: writes that left a batch compute in turn, since each would make all others compute
        again."""

    async def lead(self, term: Term, on_begin: Callable[[], None]) -> None:
        """Write for this term, until cancelled; raises DeposedError once another node has taken over.

        `on_begin` is called once writes are accepted.
        """
        async with self._appending:  # a batch that an earlier term has begun is completed, not fenced by ourselves
            taken = await self._replica.take_over(term)
        await self._replica.wait_until_applied(taken.end)
        self._replica.mark_end()
        self._replica.term = term
        on_begin()
        self._writing = asyncio.create_task(self._write_batches(term, taken))
        try:
            # A batch that was handed to Kafka is completed even if the term ends.
            deposed = await asyncio.shield(self._writing)
            if deposed is not None:
                raise deposed
        finally:
            self._replica.term = None
            waiting, self._queue = self._queue, []
            for write in waiting:
                write.settle(NotWritten("This node is not the primary any more."))
            self._queued.set()  # the task above ends

    async def write(self, request: WriteRequest[T], forwarder: Forwarder[R]) -> WriteOutcome[T, R]:
        """Carry out the request here or at the primary; raises ApiError for a refusal, which writes nothing."""
        attempt = _Attempt(request, self.timeout)
        try:
            async with asyncio.timeout(self.timeout) as limit:
                return await self._write(request, forwarder, attempt)
        except TimeoutError:
            if not limit.expired():
                raise
        except KafkaFailure as error:
            raise errors.store_failure(self._contents, error.message, retriable=error.retriable) from error
        return attempt.give_up()

    async def _write(
        self, request: WriteRequest[T], forwarder: Forwarder[R], attempt: "_Attempt"
    ) -> WriteOutcome[T, R]:
        engines = self._pin_engines()
        tried: WriteAvailability | None = None
        result: Written[T] | Forwarded[R] | NotWritten = await self._write_here(request, engines, attempt)
        while isinstance(result, NotWritten):
            attempt.note(result, was_forwarded=tried is not None and tried.primary is not None)
            if attempt.is_over:
                return attempt.give_up()
            if tried is not None:
                await self._await_change(tried)
            tried = self._replica.board.current
            if reason := _reason_to_give_up(tried, forwarder):
                attempt.reason = reason
                return attempt.give_up()
            if tried.role is WriteRole.PRIMARY:
                result = await self._write_here(request, engines, attempt)
            elif tried.primary is None:
                result = NotWritten("No primary is elected at the moment.")
            else:
                with attempt.in_doubt():
                    result = await self._forward(tried, tried.primary, forwarder)
        return result

    async def _write_here(self, request: WriteRequest[T], engines: E, attempt: "_Attempt") -> Written[T] | NotWritten:
        async with AsyncExitStack() as turn:
            for attempts in range(_MAX_ATTEMPTS):
                plan = await self._plan(request, engines)
                if not plan.records:
                    return Written(plan.answer)
                if self._replica.term is None:
                    return NotWritten("This node is not the primary.")
                result = await self._wait_for_batch(request, engines, plan, attempt)
                if not isinstance(result, _SentBack):
                    return result
                if attempts == 0 and request.key is not None:
                    await turn.enter_async_context(self._turns.setdefault(request.key, asyncio.Lock()))
        raise errors.too_much_contention(self._contents, _MAX_ATTEMPTS)

    async def _plan(self, request: WriteRequest[T], engines: E) -> Plan[T]:
        """Return the plan for the current state, once the engines have computed its needs; raises ApiError to refuse.

        A plan that writes nothing, or refuses, must see every acknowledged write, so it catches up first. For plans
        that write, the primary's batch does that.
        """
        has_caught_up = False
        for _ in range(_MAX_ATTEMPTS):
            is_current = has_caught_up or self._replica.is_current
            try:
                plan = run_without_suspending(request.planner, self._replica.read(), engines)
            except ApiError:
                if is_current:
                    raise
            else:
                if plan is None:
                    await asyncio.sleep(0)  # what follows is another turn of the event loop
                    await self._compute(request, engines)
                    continue
                if is_current or plan.records:
                    return plan
            await self._replica.catch_up()
            has_caught_up = True
        raise errors.too_much_contention(self._contents, _MAX_ATTEMPTS)

    async def _compute(self, request: WriteRequest[T], engines: E) -> None:
        """Have the engines compute what the plan depends on. A refusal counts only if the plan repeats it."""
        try:
            await request.planner(self._replica.read(), engines)
        except ApiError as error:
            if error.status >= errors.INTERNAL:
                raise

    async def _wait_for_batch(
        self, request: WriteRequest[T], engines: E, plan: Plan[T], attempt: "_Attempt"
    ) -> Written[T] | NotWritten | _SentBack:
        if len(self._queue) >= self._max_waiting:
            raise errors.too_many_writes()
        planner = partial(run_without_suspending, request.planner, engines=engines)
        write = _QueuedWrite(planner, plan, asyncio.get_running_loop().create_future())
        self._queue.append(write)
        self._queued.set()
        try:
            return await write.result
        except asyncio.CancelledError:
            if write.is_begun:
                attempt.is_outcome_known = False
            raise

    async def _forward(
        self, seen: WriteAvailability, primary: str, forwarder: Forwarder[R]
    ) -> Forwarded[R] | NotWritten:
        """Return the primary's response once its writes are applied here.

        A process that leaves the election still waits for it: it knows no other primary, and drains its requests.
        """
        forwarding = asyncio.create_task(forwarder.forward(primary))
        changed = asyncio.create_task(self._replica.board.wait_for_other_primary(seen))
        try:
            await asyncio.wait([forwarding, changed], return_when=asyncio.FIRST_COMPLETED)
            if not forwarding.done():
                return NotWritten(f"{primary} is not the primary any more.", is_outcome_known=False)
            result = forwarding.result()
        finally:
            forwarding.cancel()
            changed.cancel()
        if isinstance(result, Forwarded) and result.is_success:
            await self._wait_for_forwarded_write(result, is_shared=seen.role is WriteRole.WORKER)
        return result

    async def _wait_for_forwarded_write(self, forwarded: Forwarded[Any], *, is_shared: bool) -> None:
        """Wait until the primary's writes are applied: up to the topic's end if the response names no offset.

        `is_shared` means that another worker of this node has forwarded the write and waited for all workers.
        """
        if forwarded.offset is None:
            await self._replica.catch_up()
        else:
            await self._replica.wait_until_applied(forwarded.offset)
        if not is_shared:
            await self._replica.wait_until_applied_by_all_workers(self._replica.position)

    async def _await_change(self, seen: WriteAvailability) -> None:
        """Return when the availability of writes has changed; after a short pause where a primary is known."""
        limit = None if seen.primary is None and seen.role is WriteRole.FOLLOWER else _ASK_AGAIN_SECONDS
        try:
            async with asyncio.timeout(limit) as soon:
                await self._replica.board.wait_for_change_from(seen)
        except TimeoutError:
            if not soon.expired():
                raise

    async def _write_batches(self, term: Term, taken: Takeover) -> DeposedError | None:
        """Write batches until the term has ended; return the error that ended it, if one did."""
        deposed: DeposedError | None = None
        while deposed is None and self._replica.term is term:
            await self._queued.wait()
            if self._replica.term is term:
                deposed = await self._write_batch(term, taken)
        return deposed

    async def _write_batch(self, term: Term, taken: Takeover) -> DeposedError | None:
        """Write the queued writes and answer them; return the error that ends the term, if one does.

        During the lease no other node can write: the state is complete once this node's own records are applied, and
        Kafka rejects a batch that was planned on an outdated state. Without a lease the batch reads the topic's end.
        """
        async with self._appending:
            writes = self._take_queued_writes()
            try:
                if not (taken.is_fenced and term.has_lease()):
                    await self._replica.barrier()
                state = self._replica.read()
                batch = plan_batch(state, [write.plan for write in writes], self._draft(state))
                writes = self._settle_unwritten(writes, batch, term)
                if batch.records:
                    await self._replica.append(batch.records)
                    self.statistics.batches += 1
                    self.statistics.records += len(batch.records)
            except DeposedError as error:
                self.statistics.fenced += 1
                _settle(writes, NotWritten("This node has just been deposed.", is_outcome_known=error.is_outcome_known))
                return error
            except RefusedEntriesError as refused:
                self._take_out(writes, batch, refused, term)
            except KafkaFailure as failure:
                _refuse(writes, self._replica.explain_failure(failure))
            except ApiError as error:
                _refuse(writes, error)
            else:
                for write, answer in zip(writes, batch.answers.values(), strict=True):
                    if isinstance(answer, ApiError):
                        write.refuse(answer)
                    else:
                        write.settle(Written(answer))
            finally:
                # No client waits for what has failed unforeseen.
                _refuse(writes, errors.store_failure(self._contents, "unexpectedly"))
        return None

    def _take_queued_writes(self) -> list[_QueuedWrite]:
        waiting = [write for write in self._queue if not write.result.done()]
        writes, self._queue = waiting[:_MAX_BATCH], waiting[_MAX_BATCH:]
        if not self._queue:
            self._queued.clear()
        return writes

    def _settle_unwritten(self, writes: list[_QueuedWrite], batch: Batch, term: Term) -> list[_QueuedWrite]:
        """Answer the writes that need no record, requeue those that must wait, and return those of the batch."""
        for place, error in batch.refused.items():
            writes[place].refuse(error)
        for place, answer in batch.settled.items():
            writes[place].settle(Written(answer))
        for place in batch.uncomputed:
            writes[place].settle(_SentBack())
        self._requeue([write for place, write in enumerate(writes) if not batch.holds(place)], term)
        written = [writes[place] for place in batch.answers]
        for write in written:
            write.is_begun = True
        return written

    def _take_out(self, writes: list[_QueuedWrite], batch: Batch, refused: RefusedEntriesError, term: Term) -> None:
        """Refuse the writes whose records Kafka does not take, and requeue the others: nothing was written."""
        write_of = dict(zip(batch.answers, writes, strict=True))
        for at, failure in refused.failures.items():
            write_of[batch.places[at]].refuse(self._replica.explain_failure(failure))
        rest = [write for write in writes if not write.result.done()]
        for write in rest:
            write.is_begun = False
        self._requeue(rest, term)
        writes.clear()

    def _requeue(self, writes: list[_QueuedWrite], term: Term) -> None:
        """Have the writes wait for the next batch of the term."""
        if self._replica.term is not term:
            _settle(writes, NotWritten("This node is not the primary any more."))
        elif writes:
            self._queue = writes + self._queue
            self._queued.set()


class _Attempt:
    """The state of one write over all its attempts, here and at other nodes."""

    def __init__(self, request: WriteRequest[Any], timeout: float) -> None:
        self.is_outcome_known = True
        """Whether certainly nothing was written so far; otherwise the records may be in the topic."""
        self.reason: str | None = None
        """Why the last attempt failed; None before one has failed."""
        self._is_repeatable = request.is_repeatable
        self._timeout = timeout
        self._was_forwarded = False

    @property
    def is_over(self) -> bool:
        """Whether no further attempt is allowed."""
        return not self.is_outcome_known and not self._is_repeatable

    def note(self, result: NotWritten, *, was_forwarded: bool) -> None:
        """Record the failure of an attempt."""
        self.reason = result.reason
        self.is_outcome_known &= result.is_outcome_known
        self._was_forwarded = was_forwarded

    @contextmanager
    def in_doubt(self) -> Iterator[None]:
        """Mark the outcome as unknown if the block is interrupted."""
        try:
            yield
        except BaseException:
            self.is_outcome_known = False
            raise

    def give_up(self) -> Unknown:
        """Return the outcome after the last attempt; raises LogError if nothing was written."""
        if not self.is_outcome_known:
            reason = self.reason or "It timed out."
            return Unknown(reason.removesuffix("."), self.is_over and self._was_forwarded)
        if self.reason is None:
            raise errors.write_timed_out_error(self._timeout)
        raise errors.leader_not_known_error(self.reason)


def _reason_to_give_up(standing: WriteAvailability, forwarder: Forwarder[Any]) -> str | None:
    if forwarder.was_forwarded and standing.primary is not None and standing.role is not WriteRole.WORKER:
        return f"This node is not the primary, but {standing.primary}."
    if standing.role is WriteRole.LEAVING:
        return "This node is stopping."
    # A client that has disconnected may have repeated the request elsewhere, and reverted it since.
    return None if forwarder.is_awaited() else "The client does not wait for the response any more."


def _settle(writes: Sequence[_QueuedWrite], result: NotWritten) -> None:
    for write in writes:
        write.settle(result)


def _refuse(writes: Sequence[_QueuedWrite], error: ApiError) -> None:
    for write in writes:
        write.refuse(error)
