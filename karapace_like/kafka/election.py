"""The election of the primary: rounds of joining the group, reading the assignment, and heartbeats.

A round ends when the group's members change, when a heartbeat fails or when this node's term ends; then the node joins
again. Losing the coordinator does not end a term: a primary elected elsewhere fences this node at the brokers. Safety
never depends on a wait here.
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
from karapace_like.kafka.identity import EPOCH_FENCE, SOFTWARE, Identity
from karapace_like.leadership import Strategy, Term

logger = logging.getLogger(__name__)

_HEARTBEATS_PER_SESSION = 12
"""A rebalance waits for every member's next heartbeat: with the default session less than a second."""
_RETRY_SECONDS = 0.25
_JOIN_AGAIN = frozenset({"REBALANCE_IN_PROGRESS", "UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "PRODUCER_FENCED"})
"""Failures that are ordinary for groups and terms."""


class Membership(Protocol):
    """The port to the group; `group.Group` implements it."""

    @property
    def settings(self) -> GroupSettings: ...  # noqa: D102 - see there

    async def join(self, metadata: bytes) -> Generation: ...  # noqa: D102

    async def sync(self, generation: Generation, assignments: Mapping[str, bytes]) -> bytes: ...  # noqa: D102

    async def heartbeat(self, generation: Generation) -> None: ...  # noqa: D102

    async def fetch_members(self) -> list[bytes]: ...  # noqa: D102

    async def leave(self) -> None: ...  # noqa: D102


class Candidate(Protocol):
    """The port to the node's registry, which leads or follows."""

    async def lead(self, term: Term) -> None:
        """Act as primary until cancelled. Returns, or raises KafkaFailure, when this node can be primary no longer."""
        ...

    def follow(self, primary: str | None) -> None:
        """Follow the primary at this URL; None: no primary is known."""
        ...

    def extend_lease(self, until: float) -> None:
        """No other node can be elected before that time, by the election's clock; 0: one may be elected now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectionSettings:
    """How this node takes part in elections."""

    eligible: bool = True
    """Whether the node may be elected; else it only follows."""
    strategy: Strategy = Strategy.LOWEST
    sticky: bool = False
    """Whether a primary stays primary when a member that the strategy prefers joins."""
    node: str | None = None
    """The token that names this node in the ids of its consumer instances."""


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
        """`clock` returns seconds, on any thread: not the event loop's time, which stands still while it is busy."""
        self.url: str | None = None
        """The URL that this node advertises to the others."""
        self.generation: int | None = None
        """The group's generation; None while this node is not a member."""
        self.rounds = 0
        """Rounds that this node took part in."""
        self.terms = 0
        """Rounds in which it was elected."""
        self.problem: str | None = None
        """Why this node cannot take part, or cannot lead; None if it can."""
        self._settings = settings
        self._group = group
        self._candidate = candidate
        self._now = clock
        self._session = group.settings.session_timeout_ms / 1000
        self._term: asyncio.Task[None] | None = None
        self._lease_until = 0.0

    @property
    def is_eligible(self) -> bool:
        """Whether this node may become primary."""
        return self._settings.eligible

    async def run(self, host: str, port: int, *, scheme: str = "http") -> None:
        """Take part as the node at this address until cancelled.

        Leaves the group then, so that the others need not wait for the session to expire.
        """
        identity = Identity(
            host=host,
            port=port,
            scheme=scheme,
            master_eligibility=self._settings.eligible,
            software=SOFTWARE,
            node=self._settings.node,
            fence=EPOCH_FENCE,
        )
        self.url = identity.url
        try:
            while True:
                try:
                    await self._run_round(identity)
                except KafkaFailure as failure:
                    self.generation = None
                    if failure.name not in _JOIN_AGAIN:
                        self._report(failure)
                        await asyncio.sleep(_RETRY_SECONDS)
        finally:
            self.generation = None
            await self._end_term()
            await self._group.leave()

    async def _run_round(self, identity: Identity) -> None:
        """Take part in one generation of the group, until it ends."""
        self._extend_lease(0.0)
        metadata = identities.encode_identity(msgspec.structs.replace(identity, leader=self._is_leading))
        generation = await self._group.join(metadata)
        assignments: dict[str, bytes] = {}
        if generation.members is not None:
            assigned = identities.encode_assignment(
                generation.members, self._settings.strategy, sticky=self._settings.sticky
            )
            assignments = dict.fromkeys(generation.members, assigned)
        sent = self._now()
        choice = identities.decode_assignment(await self._group.sync(generation, assignments))
        self.generation, self.problem = generation.number, None
        self.rounds += 1
        await self._end_term()
        self._extend_lease(sent + self._session)
        if choice.member_id == generation.member_id and self._settings.eligible:
            await self._begin_term(generation)
        else:
            logger.info("Generation %d: the primary is %s", generation.number, choice.url or "unknown")
            self._candidate.follow(choice.url)
        await self._send_heartbeats(generation)

    async def _send_heartbeats(self, generation: Generation) -> None:
        """Send heartbeats. Returns when this node's term has ended by itself, raises when the generation has."""
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
            self._extend_lease(sent + self._session)

    def _extend_lease(self, until: float) -> None:
        self._lease_until = until
        self._candidate.extend_lease(until)

    @property
    def _is_leading(self) -> bool:
        return self._term is not None and not self._term.done()

    async def _begin_term(self, generation: Generation) -> None:
        decoded = (identities.decode_identity(metadata) for metadata in await self._group.fetch_members())
        members = [member for member in decoded if member is not None]
        logger.info("Generation %d: this node, %s, is the primary", generation.number, self.url)
        term = Term(
            number=generation.number,
            foreign=tuple(member.url for member in members if member.software != SOFTWARE),
            earlier=tuple(
                member.url for member in members if member.software == SOFTWARE and member.fence != EPOCH_FENCE
            ),
            has_lease=lambda: self._now() < self._lease_until,
        )
        self.terms += 1
        self._term = asyncio.create_task(self._candidate.lead(term))

    async def _end_term(self) -> None:
        if self._term is not None:
            self._term.cancel()
            await asyncio.gather(self._term, return_exceptions=True)
            self._term = None

    def _report(self, failure: KafkaFailure) -> None:
        if self.problem != failure.message:
            logger.warning("This node cannot take part in the election: %s", failure.message)
        self.problem = failure.message
