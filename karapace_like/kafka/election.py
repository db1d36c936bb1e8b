"""The election: rounds of joining, learning who is primary, and heartbeats, for as long as the service runs.

A round ends when the members change, when a heartbeat fails or when this node's term does; then the node joins again.
Losing the coordinator ends no term by itself: whoever is elected elsewhere fences this node at the broker. Nothing
here waits in order to be safe.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import identity as identities
from karapace_like.kafka.group import Generation, GroupSettings
from karapace_like.kafka.identity import SOFTWARE, Identity
from karapace_like.leadership import Strategy, Term

logger = logging.getLogger(__name__)

_HEARTBEATS_PER_SESSION = 12
"""So that members hear of a rebalance, which waits for them, in less than a second of the default session."""
_RETRY_SECONDS = 0.25
_JOIN_AGAIN = frozenset({"REBALANCE_IN_PROGRESS", "UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "PRODUCER_FENCED"})
"""The ordinary life of groups and terms."""


class Membership(Protocol):
    """The group, as the election needs it; see `group.Group`."""

    @property
    def settings(self) -> GroupSettings: ...  # noqa: D102 - see there

    async def join(self, metadata: bytes) -> Generation: ...  # noqa: D102

    async def sync(self, generation: Generation, assignments: Mapping[str, bytes]) -> bytes: ...  # noqa: D102

    async def heartbeat(self, generation: Generation) -> None: ...  # noqa: D102

    async def members(self) -> list[bytes]: ...  # noqa: D102

    async def leave(self) -> None: ...  # noqa: D102


class Candidate(Protocol):
    """Who stands for election."""

    async def lead(self, term: Term) -> None:
        """Be the primary, until cancelled; returns, or raises KafkaFailure, when it cannot be it any more."""
        ...

    def follow(self, primary: str | None) -> None:
        """Another node is the primary, by its URL; None: nobody is known."""
        ...

    def certain(self, until: float) -> None:
        """Nobody else can have been elected before that time, by the election's clock; 0: anybody can."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectionSettings:
    """How this node takes part."""

    eligible: bool = True
    """Whether it may be elected; else it follows only."""
    strategy: Strategy = Strategy.LOWEST
    sticky: bool = False
    """Whether a primary stays it when a member with a better URL joins."""
    node: str | None = None
    """What the others know this node by in the ids of what it owns."""


class Election:
    """One node's part in the election; `run` it for as long as the node lives."""

    def __init__(
        self,
        group: Membership,
        candidate: Candidate,
        settings: ElectionSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` tells seconds, on any thread: not the event loop's time, which stands still while that is busy."""
        self.url: str | None = None
        """Where the others are told to reach this node."""
        self.generation: int | None = None
        """The group's; None while this node is not in it."""
        self.rounds = 0
        """Elections that this node took part in."""
        self.terms = 0
        """Those that it won."""
        self.problem: str | None = None
        """Why this node cannot take part, or cannot lead; None if all is well."""
        self._settings = settings
        self._group = group
        self._candidate = candidate
        self._now = clock
        self._session = group.settings.session_timeout_ms / 1000
        self._term: asyncio.Task[None] | None = None
        self._certain_until = 0.0

    @property
    def is_eligible(self) -> bool:
        """Whether this node may become primary."""
        return self._settings.eligible

    async def run(self, host: str, port: int, *, scheme: str = "http") -> None:
        """Take part as the node at this address until cancelled.

        Leaves the group then, so that the others need not wait for the end of the session.
        """
        identity = Identity(
            host=host,
            port=port,
            scheme=scheme,
            master_eligibility=self._settings.eligible,
            software=SOFTWARE,
            node=self._settings.node,
        )
        self.url = identity.url
        try:
            while True:
                try:
                    await self._round(identity)
                except KafkaFailure as failure:
                    self.generation = None
                    if failure.name not in _JOIN_AGAIN:
                        self._report(failure)
                        await asyncio.sleep(_RETRY_SECONDS)
        finally:
            await self._end_term()
            await self._group.leave()

    async def _round(self, identity: Identity) -> None:
        """One generation of the group, up to the end of it."""
        self._be_certain(0.0)
        metadata = identities.encode(msgspec.structs.replace(identity, leader=self._is_leading))
        generation = await self._group.join(metadata)
        assignments: dict[str, bytes] = {}
        if generation.members is not None:
            assigned = identities.assignment(generation.members, self._settings.strategy, sticky=self._settings.sticky)
            assignments = dict.fromkeys(generation.members, assigned)
        sent = self._now()
        choice = identities.choice(await self._group.sync(generation, assignments))
        self.generation, self.problem = generation.number, None
        self.rounds += 1
        await self._end_term()
        self._be_certain(sent + self._session)
        if choice.member_id == generation.member_id and self._settings.eligible:
            await self._begin_term(generation)
        else:
            logger.info("Generation %d: the primary is %s", generation.number, choice.url or "not known")
            self._candidate.follow(choice.url)
        await self._heartbeats(generation)

    async def _heartbeats(self, generation: Generation) -> None:
        """Returns when this node's term has ended by itself, raises when the group's generation has."""
        interval = self._session / _HEARTBEATS_PER_SESSION
        while True:
            if self._term is None:
                await asyncio.sleep(interval)
            else:
                ended, _ = await asyncio.wait([self._term], timeout=interval)
                if ended:
                    return self._term.result()
            sent = self._now()
            await self._group.heartbeat(generation)
            self._be_certain(sent + self._session)

    def _be_certain(self, until: float) -> None:
        self._certain_until = until
        self._candidate.certain(until)

    @property
    def _is_leading(self) -> bool:
        return self._term is not None and not self._term.done()

    async def _begin_term(self, generation: Generation) -> None:
        members = [identities.decode(each) for each in await self._group.members()]
        foreign = tuple(each.url for each in members if each is not None and each.software != SOFTWARE)
        logger.info("Generation %d: this node, %s, is the primary", generation.number, self.url)
        term = Term(number=generation.number, foreign=foreign, is_certain=lambda: self._now() < self._certain_until)
        self.terms += 1
        self._term = asyncio.create_task(self._candidate.lead(term))

    async def _end_term(self) -> None:
        if self._term is not None:
            self._term.cancel()
            await asyncio.gather(self._term, return_exceptions=True)
            self._term = None

    def _report(self, failure: KafkaFailure) -> None:
        if self.problem != failure.message:
            logger.warning("Election: %s", failure.message)
        self.problem = failure.message
