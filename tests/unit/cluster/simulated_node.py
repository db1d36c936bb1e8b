"""One node: its registry, election and forwarding are real, and so is what they do with a client's write."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from karapace_like.errors import ApiError
from karapace_like.kafka.election import Election, ElectionSettings
from karapace_like.registry import deletion, registration
from karapace_like.registry.planning import Planner
from karapace_like.registry.registration import Rules, Submission
from karapace_like.registry.registry import Registry
from karapace_like.registry.view import EVERYBODY
from karapace_like.replication import errors
from karapace_like.replication.planning import without_engines
from karapace_like.replication.writes import Forwarded, NotWritten, Unknown, WriteRequest, Written
from karapace_like.schema.model import CompatibilityLevel
from karapace_like.web.cluster.forwarding import APPLIED, ask_primary
from karapace_like.web.cluster.peers import NotReachedError, PeerResponse, Peers
from tests.cluster.history import Action, Event, Holding, Outcome, Version
from tests.unit.cluster.simulated_group import SimulatedGroup
from tests.unit.cluster.simulated_log import SimulatedLog

if TYPE_CHECKING:
    from tests.unit.cluster.simulated_world import World

T = TypeVar("T")

NOTHING_WRITTEN = 50004
_DRAIN_SECONDS = 0.3
"""From when a node leaves until it ends; a load balancer sends it nothing any more."""
OUTCOMES = {404: Outcome.MISSING, 500: Outcome.UNKNOWN, 503: Outcome.UNKNOWN}
"""By HTTP status, of what is not acknowledged."""
RULES = Rules(compatibility=CompatibilityLevel.NONE)


@dataclass
class Request:
    """A write on its way."""

    method: str
    planner: Planner[Any]
    is_waited_for: bool = True


class Node:
    """One process, which can be paused and killed; a new one begins with nothing but the topic."""

    def __init__(self, world: "World", number: int) -> None:
        self.world = world
        self.number = number
        self.url = f"http://node:{number}"
        self.is_running = False
        self.is_leaving = False
        log = SimulatedLog(self)
        self.leader, self.registry = log.leader, Registry(log, RULES)
        self.grown = asyncio.Event()
        """Set when the topic has more to read."""
        self._awake = asyncio.Event()
        self._awake.set()
        self._tasks: list[asyncio.Task[None]] = []
        self._requests: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        self.is_running, self.is_leaving = True, False
        log = SimulatedLog(self)
        self.leader, self.registry = log.leader, Registry(log, RULES)
        self.registry.begin_replay(len(self.world.topic))
        election = Election(SimulatedGroup(self), self.registry, ElectionSettings(), clock=self.world.loop.time)
        self._tasks = [
            self.world.start(self._read(self.registry, log)),
            self.world.start(log.writer.keep()),
            self.world.start(election.run("node", self.number)),
        ]

    def stop(self) -> None:
        """As SIGTERM does: leave the group, so that the others need not wait for the session to expire, and end."""
        self.is_leaving = True
        self.registry.leave()
        self._tasks[-1].cancel()
        self.world.loop.call_later(_DRAIN_SECONDS, self.kill)

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

    @property
    def awake_now(self) -> bool:
        return self._awake.is_set()

    async def awake(self) -> None:
        await self._awake.wait()

    async def _read(self, registry: Registry, log: SimulatedLog) -> None:
        """Its reader: takes what is in the topic as it comes."""
        while True:
            await self.awake()
            await self.world.pass_gate(self.number, "read")
            position = registry.progress.position
            if position < len(self.world.topic):
                records = self.world.topic[position : position + 1]
                registry.apply_batch(records, position + 1)
                log.read_back.note(records, position + 1)
                await asyncio.sleep(0)
            else:
                self.grown.clear()
                await self.grown.wait()

    def register(self, subject: str, text: str) -> None:
        plan = partial(
            registration.plan, subject=subject, submission=Submission(reader=EVERYBODY, text=text), rules=RULES
        )
        self._ask(Action.REGISTER, subject, text, Request("POST", plan))

    def delete(self, subject: str, text: str, version: int) -> None:
        plan = partial(deletion.version, name=subject, number=version, permanent=False)
        self._ask(Action.DELETE, subject, text, Request("DELETE", without_engines(plan)))

    def _ask(self, action: Action, subject: str, text: str, request: Request) -> None:
        if self.is_running:  # else the connection is refused
            self.world.start(self._asked(action, subject, text, request)).set_name("client")

    async def _asked(self, action: Action, subject: str, text: str, request: Request) -> None:
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

    async def served(self, request: Request, *, once: bool = False) -> Any:
        """What the web room does: the write, here or by the node that this one takes for the primary."""
        await self.awake()
        write = WriteRequest(planner=request.planner, is_repeatable=request.method != "DELETE")
        match await self.registry.write(write, SimulatedForwarder(self.world, request, was_forwarded=once)):
            case Written(answer) | Forwarded(answer):
                return answer
            case Unknown(reason, was_forwarded):
                raise errors.forwarding_failed_error(reason) if was_forwarded else errors.outcome_unknown(reason)

    def holding(self) -> Holding:
        holding = Holding()
        for each in self.registry.read().all_versions():
            versions = holding.versions.setdefault(each.subject, {})
            versions[each.version] = Version(each.id, each.content.text, each.deleted)
            holding.texts[each.id] = each.content.text
        return holding


class SimulatedForwarder:
    """As `web.forwarding.RequestForwarder`, but for the sockets; the response is the planned answer itself."""

    def __init__(self, world: "World", request: Request, *, was_forwarded: bool) -> None:
        self.was_forwarded = was_forwarded
        self._world = world
        self._request = request

    def is_awaited(self) -> bool:
        return self._request.is_waited_for

    async def forward(self, primary: str) -> Forwarded[Any] | NotWritten:
        peers = SimulatedPeers(self._world, self._request)
        result = await ask_primary(peers, primary, self._request.method, "", {}, b"")
        if isinstance(result, NotWritten):
            return result
        if result.response.status >= 400:
            code = msgspec.json.decode(result.response.body)["error_code"]
            raise ApiError(code, "refused there", status=result.response.status)
        return replace(result, response=peers.found)


class SimulatedPeers(Peers):
    """One request to another node."""

    def __init__(self, world: "World", request: Request) -> None:
        super().__init__()
        self.found: Any = None
        self._world = world
        self._request = request

    async def ask(self, address: str, *_: object) -> PeerResponse:
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
            return PeerResponse(error.status, retry_after, msgspec.json.encode({"error_code": error.code}))
        finally:
            sent.is_waited_for = False
        return PeerResponse(200, {APPLIED: str(node.registry.progress.position)}, b"")
