"""Three nodes and their Kafka without clock or sockets: election, registry and forwarding are real, the rest a model.

Time is a number that moves when nothing else can. While requests to Kafka are held, each is held twice until the test
lets it go on: before it takes effect and before its answer arrives. So the test decides what happens in which order,
and what a paused or killed node had under way.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.kafka.election import Election, ElectionSettings
from karapace_like.kafka.group import Generation, GroupSettings
from karapace_like.leadership import DeposedError, Takeover, Term
from karapace_like.registry import deletion, errors, registration
from karapace_like.registry.errors import NotPrimaryError, OutcomeUnknownError
from karapace_like.registry.planning import Plan
from karapace_like.registry.registration import Rules, Submission
from karapace_like.registry.registry import MARK, Registry
from karapace_like.registry.standing import Role, Standing
from karapace_like.registry.store import Store
from karapace_like.schema.model import CompatibilityLevel
from karapace_like.web.forwarding import APPLIED, answered_somewhere, written_there
from karapace_like.web.peers import Answer, NotReachedError, Peers
from tests.cluster.history import Action, Event, Holding, Outcome, Version

T = TypeVar("T")

SESSION = 10.0
NOTHING_WRITTEN = 50004
OUTCOMES = {404: Outcome.MISSING, 500: Outcome.UNKNOWN, 503: Outcome.UNKNOWN}
"""By HTTP status, of what is not acknowledged."""
RULES = Rules(compatibility=CompatibilityLevel.NONE)


class _NothingToSelect(selectors.BaseSelector):
    """Lets the loop's time jump to its next timer."""

    def __init__(self) -> None:
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "the simulation waits for something that cannot happen"
        self.now += timeout
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> Any:
        raise NotImplementedError

    def unregister(self, fileobj: Any) -> Any:
        raise NotImplementedError

    def get_map(self) -> Any:
        raise NotImplementedError


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop without a clock."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _NothingToSelect()

    def time(self) -> float:
        return self._selector.now

    def _process_events(self, events: list[Any]) -> None:
        assert not events

    def _write_to_self(self) -> None:
        """Nothing sleeps."""


class Record(NamedTuple):
    key: bytes
    value: bytes | None
    timestamp: int


class World:
    """The cluster: the group's coordinator, the schemas topic, and what is under way to them."""

    def __init__(self, *, fencing: bool) -> None:
        self.loop = VirtualLoop()
        self.fencing = fencing
        self.epoch = 0
        self.topic: list[Record] = []
        self.is_holding = False
        self.held: list[asyncio.Future[None]] = []
        self.coordinator = Coordinator(self)
        self.events: list[Event] = []
        self.nodes = [Node(self, number) for number in range(3)]
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def append(self, *records: Record) -> int:
        """The topic's end after it."""
        self.topic += records
        for node in self.nodes:
            node.grown.set()
        return len(self.topic)

    async def hold(self) -> None:
        if self.is_holding:
            future = self.loop.create_future()
            self.held.append(future)
            await future
        else:
            await asyncio.sleep(0.001)

    def release(self, place: int) -> None:
        future = self.held.pop(place % len(self.held))
        if not future.done():
            future.set_result(None)

    def release_all(self) -> None:
        self.is_holding = False
        while self.held:
            self.release(0)

    def run(self, seconds: float = 0.0) -> None:
        """Let everything happen that can."""

        async def wait() -> None:
            for _ in range(12):
                await asyncio.sleep(0)
            await asyncio.sleep(seconds)

        self.loop.run_until_complete(wait())

    def settle(self) -> None:
        """Heal everything, and give it time."""
        self.release_all()
        for node in self.nodes:
            node.resume()
            if not node.is_running:
                node.start()
        for _ in range(400):
            self.run(0.5)
            positions = {node.registry.progress.position for node in self.nodes}
            roles = [node.registry.board.current.role for node in self.nodes]
            if positions == {len(self.topic)} and roles.count(Role.PRIMARY) == 1 and not self._under_way():
                return
        raise AssertionError(f"not settled: {roles} at {positions} of {len(self.topic)}, {self._under_way()} under way")

    def _under_way(self) -> int:
        return sum(task.get_name() == "client" for task in self._tasks)

    def close(self) -> None:
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.wait(tasks))
        self.loop.close()


class Coordinator:
    """The group protocol as brokers run it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._members: dict[str, bytes] = {}
        self._heard: dict[str, float] = {}
        self._joining: dict[str, asyncio.Future[Generation]] = {}
        self._syncing: dict[str, asyncio.Future[bytes]] = {}
        self._generation = 0
        self._assigned: Mapping[str, bytes] | None = None
        self._ever = 0

    def join(self, member_id: str, metadata: bytes) -> asyncio.Future[Generation]:
        if member_id not in self._members:
            self._ever += 1
            member_id = f"member-{self._ever}"
        self._members[member_id] = metadata
        self._hear(member_id)
        self._joining[member_id] = future = self._world.loop.create_future()
        self._end_syncs()
        self._complete()
        return future

    def sync(self, generation: Generation, assignments: Mapping[str, bytes]) -> asyncio.Future[bytes]:
        self._check(generation)
        self._syncing[generation.member_id] = future = self._world.loop.create_future()
        if generation.members is not None:
            self._assigned = assignments
        if self._assigned is not None:
            for member_id, each in self._syncing.items():
                if not each.done():
                    each.set_result(self._assigned.get(member_id, b"{}"))
        return future

    def heartbeat(self, generation: Generation) -> None:
        self._check(generation)

    def leave(self, member_id: str) -> None:
        if self._members.pop(member_id, None) is not None:
            self._joining.pop(member_id, None)
            self._rebalance()

    def members(self) -> list[bytes]:
        return list(self._members.values())

    def _check(self, generation: Generation) -> None:
        if generation.member_id not in self._members:
            raise KafkaFailure("UNKNOWN_MEMBER_ID", "expired")
        self._hear(generation.member_id)
        if self._joining:
            raise KafkaFailure("REBALANCE_IN_PROGRESS", "rebalance")
        if generation.number != self._generation:
            raise KafkaFailure("ILLEGAL_GENERATION", "an earlier generation")

    def _hear(self, member_id: str) -> None:
        now = self._world.loop.time()
        self._heard[member_id] = now
        self._world.loop.call_at(now + SESSION, self._expire, member_id, now)

    def _expire(self, member_id: str, heard: float) -> None:
        # Who waits for the others to join is alive.
        if self._heard.get(member_id) == heard and member_id not in self._joining:
            self.leave(member_id)

    def _rebalance(self) -> None:
        """A member is gone: the rest has to join again, which they learn by their heartbeats."""
        self._end_syncs()
        if self._members and not self._joining:
            self._generation += 1
            self._assigned = None
        self._complete()

    def _end_syncs(self) -> None:
        for each in self._syncing.values():
            if not each.done():
                each.set_exception(KafkaFailure("REBALANCE_IN_PROGRESS", "rebalance"))
        self._syncing.clear()

    def _complete(self) -> None:
        if not self._joining or self._joining.keys() != self._members.keys():
            return
        self._generation += 1
        self._assigned = None
        leader = min(self._members)
        for member_id, future in self._joining.items():
            members = dict(self._members) if member_id == leader else None
            if not future.done():
                future.set_result(Generation(self._generation, member_id, members))
            self._hear(member_id)
        self._joining.clear()


class SimulatedGroup:
    """One node's membership; satisfies `election.Membership`."""

    settings = GroupSettings(session_timeout_ms=int(SESSION * 1000))

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._member_id = ""

    async def join(self, metadata: bytes) -> Generation:
        await self._node.awake()
        generation = await self._node.world.coordinator.join(self._member_id, metadata)
        await self._node.awake()
        self._member_id = generation.member_id
        return generation

    async def sync(self, generation: Generation, assignments: Mapping[str, bytes]) -> bytes:
        await self._node.awake()
        assigned = await self._node.world.coordinator.sync(generation, assignments)
        await self._node.awake()
        return assigned

    async def heartbeat(self, generation: Generation) -> None:
        await self._node.awake()
        self._node.world.coordinator.heartbeat(generation)

    async def members(self) -> list[bytes]:
        return self._node.world.coordinator.members()

    async def leave(self) -> None:
        """A killed process cannot."""
        if self._node.is_running:
            self._node.world.coordinator.leave(self._member_id)


class SimulatedLog:
    """One node's way to the topic; satisfies `registry.Log`."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._world = node.world
        self._epoch = 0
        self._term: Term | None = None

    async def end(self) -> int:
        await self._world.hold()
        end = len(self._world.topic)
        await self._node.awake()
        return end

    async def take_over(self, term: Term) -> Takeover:
        await self._node.awake()
        await self._world.hold()
        self._world.epoch += 1
        epoch = self._world.epoch
        end = self._world.append(Record(MARK, None, 0))
        await self._node.awake()
        self._epoch, self._term = epoch, term
        return Takeover(end, self._world.fencing)

    async def append(self, batch: Sequence[tuple[bytes, bytes | None]]) -> int:
        if not self._world.fencing and not (self._term and self._term.is_certain()):
            raise DeposedError("uncertain")
        await self._node.awake()
        # What is sent is under way, whatever becomes of the sender.
        return await asyncio.shield(self._world.start(self._commit(batch, self._epoch)))

    async def _commit(self, batch: Sequence[tuple[bytes, bytes | None]], epoch: int) -> int:
        await self._world.hold()
        if self._world.fencing and epoch != self._world.epoch:
            raise DeposedError("fenced")
        end = self._world.append(*(Record(key, value, 0) for key, value in batch))
        await self._world.hold()
        await self._node.awake()
        return end

    def mark(self) -> None:
        self._world.append(Record(MARK, None, 0))


class Node:
    """One process, which can be paused and killed; a new one begins with nothing but the topic."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        self.url = f"http://node:{number}"
        self.is_running = False
        self.registry = Registry(SimulatedLog(self), RULES)
        self.grown = asyncio.Event()
        """Set when the topic has more to read."""
        self._awake = asyncio.Event()
        self._awake.set()
        self._tasks: list[asyncio.Task[None]] = []
        self._requests: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        self.is_running = True
        self.registry = Registry(SimulatedLog(self), RULES)
        self.registry.begin_replay(len(self.world.topic))
        election = Election(SimulatedGroup(self), self.registry, ElectionSettings(), clock=self.world.loop.time)
        self._tasks = [
            self.world.start(self._read(self.registry)),
            self.world.start(election.run("node", self.number)),
        ]

    def kill(self) -> None:
        """Without leaving the group: the process is gone between two steps."""
        self.is_running = False
        for task in [*self._requests, *self._tasks]:
            task.cancel()
        self.resume()

    def pause(self) -> None:
        if self.is_running:
            self._awake.clear()

    def resume(self) -> None:
        self._awake.set()

    async def awake(self) -> None:
        await self._awake.wait()

    async def _read(self, registry: Registry) -> None:
        """Its reader: takes what is in the topic as it comes."""
        while True:
            await self.awake()
            position = registry.progress.position
            if position < len(self.world.topic):
                registry.take(self.world.topic[position : position + 1], position + 1)
                await asyncio.sleep(0)
            else:
                self.grown.clear()
                await self.grown.wait()

    def register(self, subject: str, text: str) -> None:
        plan = partial(registration.plan, subject=subject, submission=Submission(text=text), rules=RULES)
        self._ask(Action.REGISTER, subject, text, Request("POST", plan))

    def delete(self, subject: str, text: str, version: int) -> None:
        plan = partial(deletion.version, name=subject, number=version, permanent=False)
        self._ask(Action.DELETE, subject, text, Request("DELETE", plan))

    def _ask(self, action: Action, subject: str, text: str, request: "Request") -> None:
        if self.is_running:  # else the connection is refused
            self.world.start(self._asked(action, subject, text, request)).set_name("client")

    async def _asked(self, action: Action, subject: str, text: str, request: "Request") -> None:
        """A client's request, and the event that comes of it."""
        begun = self.world.loop.time()
        outcome, answer = Outcome.UNKNOWN, None
        try:
            answer = await self.answer(self.served(request))
            outcome = Outcome.ACKNOWLEDGED
        except ApiError as error:
            known = error.code == NOTHING_WRITTEN
            outcome = Outcome.REFUSED if known else OUTCOMES.get(error.status, Outcome.REFUSED)
        except ConnectionError:
            outcome = Outcome.UNKNOWN
        found = answer if action is Action.REGISTER else None
        self.world.events.append(
            Event(
                action=action,
                subject=subject,
                node=self.url,
                begun=begun,
                ended=self.world.loop.time(),
                outcome=outcome,
                text=text,
                id=getattr(found, "id", None),
                version=getattr(found, "version", None),
            )
        )

    async def answer(self, work: Coroutine[Any, Any, T]) -> T:
        """What this process answers; ConnectionError if it is killed before."""
        request = self.world.start(work)
        self._requests.add(request)
        request.add_done_callback(self._requests.discard)
        await asyncio.wait([request])
        if request.cancelled():
            raise ConnectionResetError
        return request.result()

    async def served(self, request: "Request", *, once: bool = False) -> Any:
        """What the web room does: the write, here or by the node that this one takes for the primary."""
        await self.awake()
        try:
            return await self._written(request)
        except NotPrimaryError as refusal:
            return await answered_somewhere(
                self.registry,
                refusal,
                lambda: self._written(request.still_waited_for()),
                lambda standing: self._passed_on(standing, request.still_waited_for()),
                once=once,
            )

    async def _written(self, request: "Request") -> Any:
        try:
            return await self.registry.write(request.plan)
        except NotPrimaryError as error:
            if error.is_outcome_known or request.method != "DELETE":
                raise
            raise OutcomeUnknownError("deposed") from error

    async def _passed_on(self, standing: Standing, request: "Request") -> Any:
        peers = SimulatedPeers(self.world, request)
        answer = await written_there(standing, self.registry, peers, request.method, "", {}, b"")
        if answer.status >= 400:
            raise ApiError(int(answer.body), "refused there", status=answer.status)
        return peers.found

    def holding(self) -> Holding:
        holding = Holding()
        for each in self.registry.read().all_versions():
            versions = holding.versions.setdefault(each.subject, {})
            versions[each.version] = Version(each.id, each.content.text, each.deleted)
            holding.texts[each.id] = each.content.text
        return holding


@dataclass
class Request:
    """A write on its way."""

    method: str
    plan: Callable[[Store], Plan[Any]]
    is_waited_for: bool = True

    def still_waited_for(self) -> "Request":
        """As the web room asks the connection."""
        if not self.is_waited_for:
            raise errors.leader_not_known("Nobody waits.")
        return self


class SimulatedPeers(Peers):
    """One request to another node."""

    def __init__(self, world: World, request: Request) -> None:
        super().__init__()
        self.found: Any = None
        self._world = world
        self._request = request

    async def ask(self, address: str, *_: object) -> Answer:
        node = next(each for each in self._world.nodes if each.url == address)
        if not node.is_running:
            raise NotReachedError("nobody listens", is_sent=False)
        sent = replace(self._request)
        try:
            self.found = await node.answer(node.served(sent, once=True))
        except ConnectionError as error:
            raise NotReachedError("it broke off", is_sent=True) from error
        except ApiError as error:
            retry_after = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
            return Answer(error.status, retry_after, str(error.code).encode())
        finally:
            sent.is_waited_for = False
        return Answer(200, {APPLIED: str(node.registry.progress.position)}, b"")
