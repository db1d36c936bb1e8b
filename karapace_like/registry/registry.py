"""The registry as its callers see it: read the state, or write by a plan.

Writing is one road: barrier (the state has reached the topic's end, as a fenced primary's always has) -> plan -> append
-> wait until applied -> answer.
Only the primary goes it, with all writes that wait in one transaction; on other nodes a write that would change
something raises NotPrimaryError. Own records come back through `take`, like every other node's; nothing else changes
the state. Kafka is behind `Log` (`log.py`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence, Sized
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.leadership import DeposedError, Takeover, Term
from karapace_like.registry import apply, batches, errors, records
from karapace_like.registry.batches import Batch
from karapace_like.registry.errors import NotPrimaryError, OutcomeUnknownError
from karapace_like.registry.log import Log, LogRecord
from karapace_like.registry.planning import Plan
from karapace_like.registry.position import Position, Progress
from karapace_like.registry.records import Record
from karapace_like.registry.registration import Rules
from karapace_like.registry.standing import Role, Standing, StandingBoard
from karapace_like.registry.store import Store
from karapace_like.shared_progress import SharedProgress

logger = logging.getLogger(__name__)

T = TypeVar("T")

MARK = records.encode_key(records.NoopRecord())
"""The key of the record that says nothing."""

_RETRY_SECONDS = 0.1
"""How soon the cluster is asked again for the topic's end."""
_MAX_BATCH = 200
"""Writes that are planned in one go: planning holds up the event loop."""


DEFAULT_MAX_WAITING = 1_000


@dataclass(slots=True)
class Written:
    """What this node has written since it started."""

    batches: int = 0
    records: int = 0
    fenced: int = 0
    """Batches that were refused, because another node was the primary by then."""


@dataclass(frozen=True, slots=True)
class _Write:
    """A write that waits for its batch."""

    plan: Callable[[Store], Plan[Any]]
    first: Plan[Any]
    """As it was planned when it came."""
    answer: asyncio.Future[Any]

    def planned(self, store: Store) -> Plan[Any]:
        """The plan of now."""
        again = None if self.first.again is None else self.first.again(store)
        return self.plan(store) if again is None else again

    def settle(self, answer: Any) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)

    def refuse(self, error: ApiError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Basis(NamedTuple):
    """What an answer follows from: while it holds, the same question has the same answer."""

    registry: "Registry"
    revision: int
    versions: Sized
    """Those that the answer was chosen from, as the state keeps them; they grow when another is registered."""
    size: int
    needs_term: bool
    """Whether the answer is that of a writer, which nobody else may be meanwhile."""

    def holds(self) -> bool:
        """Whether it does."""
        return self.registry.stands(self)


class Registry:
    """The state and the one way to change it."""

    def __init__(
        self, log: Log, rules: Rules, *, write_timeout: float = 60.0, max_waiting: int = DEFAULT_MAX_WAITING
    ) -> None:
        """`write_timeout` is in seconds: how long a write may take from its barrier to its being applied.

        `max_waiting`: how many writes may wait for the next batch.
        """
        self.rules = rules
        self.board = StandingBoard()
        self.written = Written()
        self.write_timeout = write_timeout
        self._log = log
        self._max_waiting = max_waiting
        self._store = Store()
        self._position = Position()
        self._replay_end: int | None = None
        self._lost: str | None = None
        self._on_lost: Callable[[], object] = lambda: None
        self._term: Term | None = None
        self._queue: list[_Write] = []
        self._queued = asyncio.Event()
        self._appending = asyncio.Lock()
        self._shared_barrier: asyncio.Task[None] | None = None
        self._beside: Callable[[int], Awaitable[None]] | None = None
        self._certain_until = 0.0

    @property
    def store(self) -> Store:
        """The state as far as it has come, for figures; `read` for answers."""
        return self._store

    @property
    def progress(self) -> Progress:
        """How far the replay is."""
        return Progress(position=self._position.offset, end=self._replay_end)

    @property
    def lost(self) -> str | None:
        """Why nothing is served any more."""
        return self._lost

    def begin_replay(self, end: int) -> None:
        """Say where the topic ends now: reads are refused until the state is there."""
        self._replay_end = end

    async def replayed(self) -> None:
        """Return when the replay has reached the end that was named."""
        assert self._replay_end is not None
        await self.applied(self._replay_end)

    def take(self, batch: Sequence[LogRecord], position: int) -> None:
        """Apply records in the topic's order; `position` is the offset up to which the topic is read now."""
        for each in batch:
            record = records.decode(each.key, each.value)
            apply.apply(
                self._store, record, key=each.key or b"", timestamp=each.timestamp, holds_value=bool(each.value)
            )
        self._position.move(position)

    def give_up(self, reason: str) -> None:
        """Serve nothing any more: the topic is not the one that was read."""
        logger.error("%s", reason)
        self._lost = reason
        self._on_lost()

    def on_lost(self, do: Callable[[], object]) -> None:
        """What else is to end when nothing is served any more."""
        self._on_lost = do

    async def applied(self, offset: int) -> None:
        """Return when the topic is applied up to the offset."""
        await self._position.reached(offset)

    def share_with(self, beside: Callable[[int], Awaitable[None]], shared: SharedProgress | None = None) -> None:
        """Answer a write only once `beside` returns: this node's other workers have applied up to the offset.

        `shared` is how each of them knows by itself what was written; None where there are no others.
        """
        self._beside, self._position.shared = beside, shared

    async def applied_everywhere(self, offset: int) -> None:
        """Return when every worker of this node has applied up to the offset: the caller may ask any of them next."""
        await self.applied(offset)
        if self._beside is not None:
            await self._beside(offset)

    async def caught_up(self) -> None:
        """Return when the state has all that anybody can have been told before this call.

        While this node is the primary that is what any of its workers has applied, else what the topic has. Who calls
        while others wait shares the next question to the cluster with all who do.
        """
        if self._position.shared is not None and self._is_certain:
            return await self.applied(self._position.shared.furthest)
        begun_before = self._shared_barrier
        if begun_before is not None:
            await asyncio.wait([begun_before])
        if self._shared_barrier is begun_before:
            self._shared_barrier = asyncio.create_task(self._barrier())
        assert self._shared_barrier is not None
        return await asyncio.shield(self._shared_barrier)

    def read(self) -> Store:
        """The state, to be read and not changed; 503 before the replay has ended."""
        if self._lost is not None:
            raise errors.topic_lost(self._lost)
        if not self.progress.is_ready:
            raise errors.not_ready(self._position.offset, self._replay_end)
        return self._store

    def basis(self, versions: Sized, *, needs_term: bool = False) -> Basis:
        """What an answer follows from that was chosen from these versions of a subject, or of an id."""
        return Basis(self, self._store.revision, versions, len(versions), needs_term)

    def stands(self, basis: Basis) -> bool:
        """Whether nothing has changed from which the answer follows."""
        return (
            self._store.revision == basis.revision
            and len(basis.versions) == basis.size
            and self._lost is None
            and (not basis.needs_term or self._is_current)
        )

    def follow(self, primary: str | None) -> None:
        """Another node writes, by its URL; None: nobody is known."""
        self.board.post(Standing(Role.FOLLOWER, primary))

    def certain(self, until: float) -> None:
        """If this process writes, nobody else can before that time; see `Election`."""
        self._certain_until = until
        if self._position.shared is not None:
            self._position.shared.be_certain(until if self._term is not None else 0.0)

    def work_beside(self, writer: str | None) -> None:
        """Another worker of this node takes part in the election, at this address; None: it is being started."""
        self.board.post(Standing() if writer is None else Standing(Role.WORKER, writer))

    def leave(self) -> None:
        """This node takes no part any more: what waits for a primary is told at once."""
        self.board.post(Standing(Role.LEAVING))

    async def lead(self, term: Term) -> None:
        """Write for this term, until cancelled; raises DeposedError once another node has taken over."""
        now = asyncio.get_running_loop().time
        elected = now()
        await self.replayed()
        async with self._appending:  # what an earlier term has begun is seen through, not fenced by ourselves
            taken = await self._log.take_over(term)
        await self.applied(taken.end)
        self._term = term
        self.certain(self._certain_until)
        self.board.post(Standing(Role.PRIMARY))
        logger.info("Writes are accepted %.2f s after the election", now() - elected)
        try:
            while True:
                await self._queued.wait()
                # What was handed to Kafka is seen through, whatever becomes of the term.
                deposed = await asyncio.shield(asyncio.create_task(self._write_batch(term, taken)))
                if deposed is not None:
                    raise deposed
        finally:
            self._term = None
            self.certain(0.0)
            self.follow(None)
            waiting, self._queue = self._queue, []
            _refuse(waiting, NotPrimaryError())

    async def write(self, plan: Callable[[Store], Plan[T]]) -> T:
        """Carry out a plan and answer once its records are applied; raises NotPrimaryError where this node may not.

        What changes nothing is answered by every node: by the primary's workers at once, as long as nobody else can
        have been elected, by others once they have caught up.
        """
        try:
            async with asyncio.timeout(self.write_timeout):
                if not self._is_current and not _changes_something(plan, self.read()):
                    await self.caught_up()
                planned = plan(self.read())
                if not planned.records:
                    return planned.answer
                if self._term is None:
                    raise NotPrimaryError
                if len(self._queue) >= self._max_waiting:
                    raise errors.too_many_writes()
                write = _Write(plan, planned, asyncio.get_running_loop().create_future())
                self._queue.append(write)
                self._queued.set()
                answer: T = await write.answer
                return answer
        except TimeoutError as error:
            raise OutcomeUnknownError("it timed out") from error
        except KafkaFailure as error:
            raise errors.store_failure(error.message, retriable=error.retriable) from error

    @property
    def _is_certain(self) -> bool:
        """Whether nobody but this node can write."""
        if self._term is not None:
            return self._term.is_certain()
        return self._position.shared is not None and self._position.shared.is_certain

    @property
    def _is_current(self) -> bool:
        """Whether the state has all that anybody can have been told."""
        return self._is_certain and self._position.is_furthest

    async def _write_batch(self, term: Term, taken: Takeover) -> DeposedError | None:
        """Write what waits, and answer it; the error with which the term ends, if it does.

        Where nobody else can write, the state has all there is: this node's own records were waited for, and what is
        planned on a state that has become old is refused by the cluster. Else the topic's end is asked for.
        """
        async with self._appending:
            writes = self._next_writes()
            try:
                if not (taken.is_fenced and term.is_certain()):
                    await self._barrier()
                batch = batches.planned(self._store, [each.planned for each in writes])
                writes = self._answered(writes, batch, term)
                if batch.records:
                    end = await self._appended(batch.records)
                    self.written.batches += 1
                    self.written.records += len(batch.records)
                    self._log.mark()
                    await self.applied_everywhere(end)
            except DeposedError as error:
                self.written.fenced += 1
                _refuse(writes, NotPrimaryError(is_outcome_known=error.is_outcome_known))
                return error
            except KafkaFailure as failure:
                _refuse(writes, errors.store_failure(failure.message, retriable=failure.retriable))
            else:
                for write, answer in zip(writes, batch.answers.values(), strict=True):
                    write.settle(answer)
            finally:
                _refuse(writes, errors.store_failure("unexpectedly"))  # nobody waits for what has failed unforeseen
        return None

    async def _appended(self, planned: Sequence[Record]) -> int:
        """Append the records and return when they are applied; the offset after the last."""
        reached = self._position.offset
        end = await self._log.append(self._encoded(planned))
        if end <= reached:
            reason = "The schemas topic ends before what was read from it: records were lost."
            self.give_up(reason)
            raise KafkaFailure("OFFSET_OUT_OF_RANGE", reason)
        await self.applied(end)
        return end

    def _next_writes(self) -> list[_Write]:
        waiting = [each for each in self._queue if not each.answer.done()]
        writes, self._queue = waiting[:_MAX_BATCH], waiting[_MAX_BATCH:]
        if not self._queue:
            self._queued.clear()
        return writes

    def _answered(self, writes: list[_Write], batch: Batch, term: Term) -> list[_Write]:
        """Answer what the batch need not write, and put back what has to wait; those that it writes."""
        for place, error in batch.refused.items():
            writes[place].refuse(error)
        for place, answer in batch.settled.items():
            writes[place].settle(answer)
        deferred = [each for place, each in enumerate(writes) if not batch.holds(place)]
        if self._term is not term:
            _refuse(deferred, NotPrimaryError())
        elif deferred:
            self._queue = deferred + self._queue
            self._queued.set()
        return [writes[place] for place in batch.answers]

    async def _barrier(self) -> None:
        """Return when the state has reached the topic's end, asking again while Kafka is away.

        An end before what was read already is of a topic that has lost records: nothing goes on until that is cleared.
        """
        while True:
            reached = self._position.offset
            try:
                end = await self._log.end()
            except KafkaFailure as error:
                if not error.retriable:
                    raise
            else:
                if end >= reached:
                    return await self.applied(end)
            await asyncio.sleep(_RETRY_SECONDS)

    def _encoded(self, planned: Sequence[Record]) -> list[tuple[bytes, bytes | None]]:
        """The bytes of the records: a key that the topic holds in another spelling is written under that one."""
        batch: list[tuple[bytes, bytes | None]] = []
        for record in planned:
            key, value = records.encode(record)
            spellings = list(self._store.live_keys(key)) or [key]
            batch += [(each, None) for each in spellings[1:]]
            batch.append((spellings[0], value))
        return batch


def _changes_something(plan: Callable[[Store], Plan[Any]], store: Store) -> bool:
    try:
        return bool(plan(store).records)
    except ApiError:
        return False


def _refuse(writes: Sequence[_Write], error: ApiError) -> None:
    for each in writes:
        each.refuse(error)
