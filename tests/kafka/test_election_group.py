"""The election beside members of other products, imitated byte for byte: who joins, leads, is chosen and leaves."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.election import Election, ElectionSettings
from karapace_like.kafka.group import Generation, Group, GroupSettings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.leadership import Strategy, Term
from tests.command_line import run

SESSION_MS = 3_000
OURS = 5_000
"""The port of our node; ports of one length compare as strings as they do as numbers."""
LOWER, HIGHER = 4_000, 6_000


def confluent_identity(port: int) -> bytes:
    """What a Confluent registry joins with."""
    return b'{"host":"h","port":%d,"master_eligibility":true,"scheme":"http","version":1,"leader":false}' % port


def karapace_identity(port: int) -> bytes:
    """What a Karapace registry joins with."""
    return (
        b'{"version":2,"karapace_version":"5.0.3","host":"h","port":%d,"scheme":"http","master_eligibility":true}'
        % port
    )


def confluent_assignment(master: str, metadata: bytes) -> bytes:
    return b'{"error":0,"master":"%s","master_identity":%s,"version":1}' % (master.encode(), metadata)


def karapace_assignment(master: str, metadata: bytes) -> bytes:
    """Karapace rebuilds the chosen member's identity in its own form."""
    chosen = json.loads(metadata)
    identity = karapace_identity(chosen["port"])
    return b'{"master":"%s","master_identity":%s,"error":0}' % (master.encode(), identity)


Identity = Callable[[int], bytes]
Assignment = Callable[[str, bytes], bytes]
PRODUCTS = pytest.mark.parametrize(
    ("identity", "assignment"),
    [(confluent_identity, confluent_assignment), (karapace_identity, karapace_assignment)],
    ids=["confluent", "karapace"],
)


class Imitation:
    """A member of another product: it assigns by the smallest URL when it leads the group."""

    def __init__(self, group: Group, metadata: bytes, assignment: Assignment) -> None:
        self.member_id = ""
        self.assigned = b""
        self.is_assigned = asyncio.Event()
        self._group = group
        self._metadata = metadata
        self._assignment = assignment

    async def run(self) -> None:
        try:
            while True:
                with contextlib.suppress(KafkaFailure):
                    await self._round()
        finally:
            await self._group.leave()

    async def _round(self) -> None:
        generation = await self._group.join(self._metadata)
        self.member_id = generation.member_id
        self.assigned = await self._group.sync(generation, self._assignments(generation))
        self.is_assigned.set()
        while True:
            await asyncio.sleep(0.1)
            await self._group.heartbeat(generation)

    def _assignments(self, generation: Generation) -> dict[str, bytes]:
        members = generation.members or {}
        eligible = {name: each for name, each in members.items() if json.loads(each)["master_eligibility"]}
        if not eligible:
            return {}
        chosen = min(eligible, key=lambda name: f"http://h:{json.loads(eligible[name])['port']}")
        return dict.fromkeys(members, self._assignment(chosen, eligible[chosen]))


class Candidate:
    """Stands for our node and notes what it is told."""

    def __init__(self) -> None:
        self.term: Term | None = None
        self.primary: str | None = None
        self._changed = asyncio.Event()

    async def lead(self, term: Term) -> None:
        self._note(term, None)
        await asyncio.Event().wait()

    def follow(self, primary: str | None) -> None:
        self._note(None, primary)

    def extend_lease(self, until: float) -> None:
        """Nothing follows from it here."""

    def _note(self, term: Term | None, primary: str | None) -> None:
        self.term, self.primary = term, primary
        self._changed.set()

    async def until(self, holds: Callable[["Candidate"], object]) -> None:
        while not holds(self):
            self._changed.clear()
            async with asyncio.timeout(120):
                await self._changed.wait()


class Members:
    """The members of one group, ours and imitations."""

    def __init__(self, kafka: Cluster, stack: contextlib.AsyncExitStack) -> None:
        self._kafka = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
        self._settings = GroupSettings(id=f"group-{secrets.token_hex(4)}", session_timeout_ms=SESSION_MS)
        self._stack = stack
        self.group_id = self._settings.id
        self.tasks: list[asyncio.Task[None]] = []

    def ours(self, port: int = OURS, *, settings: ElectionSettings = ElectionSettings()) -> Candidate:  # noqa: B008 - frozen
        candidate = Candidate()
        self._start(Election(Group(self._kafka, self._settings), candidate, settings).run("h", port))
        return candidate

    def imitation(self, metadata: bytes, assignment: Assignment) -> Imitation:
        member = Imitation(Group(self._kafka, self._settings), metadata, assignment)
        self._start(member.run())
        return member

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.append(task)
        self._stack.push_async_callback(leave, task)


async def leave(task: asyncio.Task[None]) -> None:
    """The member leaves the group."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def members_of(kafka: Cluster) -> AsyncIterator[Members]:
    async with contextlib.AsyncExitStack() as stack:
        yield Members(kafka, stack)


@PRODUCTS
async def test_our_node_leads_the_group_and_another_product_is_chosen_until_it_leaves(
    kafka: Cluster, identity: Identity, assignment: Assignment
) -> None:
    """The assignment holds that member's own bytes, for members that compare identities."""
    async with members_of(kafka) as members:
        ours = members.ours()
        await ours.until(lambda each: each.term is not None)
        other = members.imitation(identity(LOWER), assignment)
        await ours.until(lambda each: each.term is None and each.primary == f"http://h:{LOWER}")
        await other.is_assigned.wait()
        assert other.assigned == confluent_assignment(other.member_id, identity(LOWER))
        await leave(members.tasks[1])
        await ours.until(lambda each: each.term is not None and each.term.foreign == ())


@PRODUCTS
async def test_another_product_leads_the_group_and_chooses_our_node(
    kafka: Cluster, identity: Identity, assignment: Assignment
) -> None:
    """It knows itself by its member id, even with a changed identity, and that others cannot be fenced.

    Passes if every wait ends.
    """
    async with members_of(kafka) as members:
        other = members.imitation(identity(HIGHER), assignment)
        await other.is_assigned.wait()
        ours = members.ours()
        await ours.until(lambda each: each.term is not None and each.term.foreign == (f"http://h:{HIGHER}",))


@PRODUCTS
async def test_a_read_replica_is_not_chosen_and_takes_a_fallback_for_nobody(
    kafka: Cluster, identity: Identity, assignment: Assignment
) -> None:
    """Its URL is the lowest, but it is not eligible; once it is alone nobody is primary."""
    async with members_of(kafka) as members:
        other = members.imitation(identity(HIGHER), assignment)
        replica = members.ours(LOWER, settings=ElectionSettings(eligible=False))
        await replica.until(lambda each: each.primary == f"http://h:{HIGHER}")
        assert other.member_id
        await leave(members.tasks[0])
        await replica.until(lambda each: each.primary is None)
        assert replica.term is None


@PRODUCTS
async def test_a_takeover_is_watched_until_the_other_product_has_left(
    kafka: Cluster, identity: Identity, assignment: Assignment
) -> None:
    """The command says when to stop nothing, which node is safe to stop, and when all is done; and backwards."""
    async with members_of(kafka) as members:

        async def watch(*flags: str) -> tuple[int, str]:
            source = ("--bootstrap-uri", kafka.bootstrap_servers, "--group-id", members.group_id)
            outcome = await asyncio.to_thread(run, "takeover", *source, "--group-only", *flags)
            return outcome.code, outcome.out

        other = members.imitation(identity(LOWER), assignment)
        await other.is_assigned.wait()
        code, told = await watch("--once")
        assert (code, "start: No node of karapace-like is in the group" in told) == (1, True)
        value = json.loads((await watch("--once", "--format", "json"))[1])
        assert (value["stage"], [node["is_ours"] for node in value["nodes"]]) == ("start", [False])
        ours = members.ours()
        await ours.until(lambda each: each.primary == f"http://h:{LOWER}")
        code, told = await watch("--timeout", "0.1")
        assert (code, f"elect: The primary is still http://h:{LOWER}" in told) == (1, True)
        assert (await watch("--once", "--back"))[0] == 0
        await leave(members.tasks[0])
        members.imitation(identity(HIGHER), assignment)
        await ours.until(lambda each: each.term is not None and each.term.foreign == (f"http://h:{HIGHER}",))
        code, told = await watch("--once")
        assert (code, f"It is safe to stop http://h:{HIGHER}." in told) == (0, True)
        assert (await watch("--once", "--back"))[0] == 1
        watching = asyncio.create_task(watch("--timeout", "60"))
        await leave(members.tasks[2])
        await ours.until(lambda each: each.term is not None and each.term.foreign == ())
        code, told = await watching
        assert (code, "done: Done: only nodes of karapace-like are in the group" in told) == (0, True)


async def test_our_nodes_elect_one_of_them(kafka: Cluster) -> None:
    """And another, when that one leaves. Passes if every wait ends."""
    async with members_of(kafka) as members:
        nodes = [members.ours(port) for port in (6_001, 6_002, 6_003)]
        await nodes[0].until(lambda each: each.term is not None)
        for node in nodes[1:]:
            await node.until(lambda each: each.primary == "http://h:6001")
        await leave(members.tasks[0])
        await nodes[1].until(lambda each: each.term is not None)
        await nodes[2].until(lambda each: each.primary == "http://h:6002")


@pytest.mark.parametrize(
    ("settings", "chosen"),
    [
        (ElectionSettings(strategy=Strategy.LOWEST), LOWER),
        (ElectionSettings(strategy=Strategy.HIGHEST), HIGHER),
        (ElectionSettings(strategy=Strategy.LOWEST, sticky=True), OURS),
        (ElectionSettings(strategy=Strategy.HIGHEST, sticky=True), OURS),
    ],
    ids=["lowest", "highest", "lowest sticky", "highest sticky"],
)
async def test_a_node_that_joins_takes_over_where_the_strategy_says_so(
    kafka: Cluster, settings: ElectionSettings, chosen: int
) -> None:
    """A sticky primary stays, however good the URLs of those that join. Passes if every wait ends."""
    async with members_of(kafka) as members:
        nodes = {OURS: members.ours(OURS, settings=settings)}
        await nodes[OURS].until(lambda each: each.term is not None)
        nodes |= {port: members.ours(port, settings=settings) for port in (LOWER, HIGHER)}
        for port, node in nodes.items():
            if port != chosen:
                await node.until(lambda each: each.primary == f"http://h:{chosen}")
        await nodes[chosen].until(lambda each: each.term is not None)
