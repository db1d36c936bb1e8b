"""Judges whether the next node of a group may be stopped while two products serve one schemas topic.

The order that costs the least: a node of the product that is to stay is elected first, by its URL or because the others
are not eligible; then the others stop, one at a time. Stopping the primary first leaves no primary until the group has
noticed and elected another one.
"""

import enum
from collections.abc import Sequence
from typing import NamedTuple

from karapace_like.kafka import identity as identities
from karapace_like.kafka.group import GroupMember


class Stage(enum.StrEnum):
    """How far a takeover is."""

    START = "start"
    """No node of the product that is to stay is in the group."""
    ELECT = "elect"
    """The primary is a node of the product that is to go."""
    WAIT = "wait"
    """The group rebalances, or has no primary."""
    STOP = "stop"
    """A node of the product that is to go may be stopped."""
    DONE = "done"
    """Only nodes of the product that is to stay are left."""


class Node(NamedTuple):
    """A member of the election's group."""

    url: str
    is_ours: bool
    """Whether it is a node of karapace-like."""
    is_eligible: bool
    is_primary: bool

    def __str__(self) -> str:
        product = "karapace-like" if self.is_ours else "other product"
        state = "primary" if self.is_primary else "eligible" if self.is_eligible else "not eligible"
        return f"{self.url} ({product}, {state})"


class Advice(NamedTuple):
    """What to do next."""

    stage: Stage
    text: str
    primary: str | None = None
    """The URL of the primary that is to stay, once it is elected."""


def list_nodes(members: Sequence[GroupMember]) -> list[Node] | None:
    """Return the nodes by URL; None while a rebalance hides them."""
    if not all(member.metadata for member in members):
        return None
    primaries = {identities.decode_assignment(member.assignment).member_id for member in members if member.assignment}
    nodes = []
    for member in members:
        identity = identities.decode_identity(member.metadata)
        if identity is not None:
            is_ours = identity.software == identities.SOFTWARE
            nodes.append(Node(identity.url, is_ours, identity.master_eligibility, member.id in primaries))
    return sorted(nodes)


def advise(nodes: Sequence[Node] | None, *, to_ours: bool) -> Advice:
    """Return what to do next; `to_ours`: karapace-like is to stay, else the other product is."""
    if nodes is None:
        return Advice(Stage.WAIT, "The group rebalances.")
    staying = [node for node in nodes if node.is_ours is to_ours]
    going = [node for node in nodes if node.is_ours is not to_ours]
    product = "karapace-like" if to_ours else "the other product"
    if not staying:
        return Advice(
            Stage.START,
            f"No node of {product} is in the group. Start one with the others' group id and topic, and stop nothing.",
        )
    primary = next((node for node in nodes if node.is_primary), None)
    if primary is None:
        return Advice(
            Stage.WAIT, "No primary is elected. Stop nothing." + _how_to_elect(staying, going, to_ours=to_ours)
        )
    if primary in going:
        return Advice(
            Stage.ELECT,
            f"The primary is still {primary.url}. Stop nothing: without a primary, writes wait until the group has "
            "elected another one." + _how_to_elect(staying, going, to_ours=to_ours),
        )
    if not going:
        return Advice(
            Stage.DONE,
            f"Done: only nodes of {product} are in the group, and {primary.url} is the primary.",
            primary.url,
        )
    others = f", then the others: {', '.join(node.url for node in going[1:])}" if len(going) > 1 else ""
    return Advice(Stage.STOP, f"The primary is {primary.url}. It is safe to stop {going[0].url}{others}.", primary.url)


def _how_to_elect(staying: Sequence[Node], going: Sequence[Node], *, to_ours: bool) -> str:
    """How a node that is to stay becomes the primary: the eligible one with the smallest URL is elected."""
    eligible = [node for node in staying if node.is_eligible]
    if not eligible:
        setting = (
            "master_eligibility=true" if to_ours else "master_eligibility=true (Confluent: leader.eligibility=true)"
        )
        return f" Restart {staying[0].url} with {setting}."
    before = [node.url for node in going if node.is_eligible and node.url < eligible[0].url]
    if not before:
        return ""
    setting = (
        "master_eligibility=false" if not to_ours else "master_eligibility=false (Confluent: leader.eligibility=false)"
    )
    return (
        f" The eligible node with the smallest URL is elected: restart {', '.join(before)} with {setting}, or give "
        f"{eligible[0].url} a smaller advertised URL."
    )
