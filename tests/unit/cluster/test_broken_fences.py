"""The checker finds what each rule of the fence by epoch is for, when a writer leaves that rule out."""

import asyncio
from collections.abc import Callable

import pytest

from karapace_like.kafka.epoch_fence.batches import Headers, Records
from karapace_like.kafka.epoch_fence.fencer import Fence
from karapace_like.kafka.epoch_fence.writer import EpochWriter
from karapace_like.leadership import Fencing, Term
from karapace_like.registry.registry import MARK
from karapace_like.replication.write_availability import WriteRole
from tests.cluster.history import violations
from tests.partition_model import ModelRecord
from tests.unit.cluster.simulated_group import SESSION
from tests.unit.cluster.simulated_node import Node
from tests.unit.cluster.simulated_world import World

EXPIRY = 8.0
"""Seconds after which the partition forgets an idle producer; a client waits for 60 s."""


class PlansBeforeItsNoop(EpochWriter):
    """Takes an epoch and catches up, and lets its first write be the first record of the epoch."""

    async def take_over(self, term: Term) -> int:
        await self._leader.connect()
        producer = await self._leader.take_epoch()
        await self._read_back.wait_for(await self._leader.fetch_end())
        now, limits = self._partition.now(), await self._fencer._fetch_limits()
        self._fence = Fence(term=term, producer=producer, limits=limits, written=now, checked=now, sequence=0)
        self._has_fence.set()
        return self._read_back.position


class AcknowledgesUnread(EpochWriter):
    """Takes the broker's answer for the record's being there."""

    async def _write(self, fence: Fence, records: Records, headers: Headers, *, is_compressed: bool = False) -> int:
        offset = await self._deliver(fence, records, headers, is_compressed=is_compressed)
        return offset + len(records)


class IdlesPastTheExpiry(EpochWriter):
    """Lets the partition forget its epoch."""

    async def keep(self) -> None:
        await asyncio.Event().wait()

    def _check_right_to_write(self, fence: Fence) -> None:
        """It always has."""


def _primary(world: World) -> Node:
    (found,) = (
        node
        for node in world.nodes
        if node.registry.board.current.role is WriteRole.PRIMARY and node.awake_now  # a paused one does not know better
    )
    return found


def _let_a_batch_of_a_sleeper_be_late(world: World) -> Node:
    """The primary's batch is under way when it falls asleep; its successor, which is returned, leads meanwhile."""
    sleeper = _primary(world)
    world.block(sleeper.number, "append")
    sleeper.register("a", '"int"')
    world.run(0.1)
    sleeper.pause()
    world.run(2 * SESSION)
    return _primary(world)


def late_before_the_first_write(world: World) -> None:
    """The late batch arrives between the successor's plan and its write."""
    sleeper = _primary(world)
    successor = _let_a_batch_of_a_sleeper_be_late(world)
    world.block(successor.number, "append")
    successor.register("b", '"long"')
    world.run(0.1)
    world.unblock(sleeper.number, "append")
    world.run(0.1)
    world.unblock(successor.number, "append")


def late_after_an_idle_time(world: World) -> None:
    """Of the successor, which has written before."""
    sleeper = _primary(world)
    successor = _let_a_batch_of_a_sleeper_be_late(world)
    successor.register("b", '"long"')
    world.run(2 * EXPIRY)
    world.unblock(sleeper.number, "append")


def lost_by_an_unclean_election(world: World) -> None:
    """The acknowledged record is gone before anybody has read it, and another one has its offset."""
    for node in world.nodes:
        world.block(node.number, "read")
    _primary(world).register("a", '"int"')
    world.run(1.0)
    world.topic[-1] = ModelRecord(MARK, None, 0, len(world.topic) - 1)
    for node in world.nodes:
        world.unblock(node.number, "read")


@pytest.mark.parametrize("make_writer", [EpochWriter, PlansBeforeItsNoop, AcknowledgesUnread, IdlesPastTheExpiry])
@pytest.mark.parametrize(
    ("happen", "expiry", "found_with"),
    [
        (late_before_the_first_write, float("inf"), PlansBeforeItsNoop),
        (late_after_an_idle_time, EXPIRY, IdlesPastTheExpiry),
        (lost_by_an_unclean_election, float("inf"), AcknowledgesUnread),
    ],
)
def test_the_checker_finds_the_rule_that_was_left_out(
    make_writer: type[EpochWriter], happen: Callable[[World], None], expiry: float, found_with: type[EpochWriter]
) -> None:
    """And finds nothing where the rule that this course of events needs is kept."""
    world = World(fencing=Fencing.EPOCH, make_writer=make_writer)
    world.partition.expiry = expiry
    try:
        for node in world.nodes:
            node.start()
        world.settle()
        happen(world)
        world.run(1.0)
        world.settle()
        broken = violations(world.events, {node.url: node.holding() for node in world.nodes})
        assert bool(broken) is (make_writer is found_with)
    finally:
        world.close()
