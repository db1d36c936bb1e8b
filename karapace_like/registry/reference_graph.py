"""The references around one version, followed in both directions: what it needs, and what needs it."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from karapace_like.registry import names
from karapace_like.registry.store import Deleted, StoredVersion
from karapace_like.registry.view import RegistryView

MAX_REFERENCES = 500
"""References that are listed in each direction, the nearest first."""


class Edge(NamedTuple):
    """One reference: `referrer` refers to version `version` of `subject` by `name`."""

    referrer: StoredVersion
    name: str
    subject: str
    """Canonical."""
    version: int
    """As it is resolved: the latest one has its number."""
    is_missing: bool
    """Whether there is no such version."""
    depth: int
    """References from here to the version in the middle, this one included: 1 for a direct one."""


class ReferenceGraph(NamedTuple):
    """The references in both directions."""

    references: Sequence[Edge]
    referrers: Sequence[Edge]
    is_complete: bool
    """False: there are more than `MAX_REFERENCES` in a direction."""


def follow_references(view: RegistryView, version: StoredVersion, deleted: Deleted) -> ReferenceGraph:
    """Return what the version refers to and what refers to it, directly and indirectly.

    `deleted` is for referring versions: a schema needs what it refers to, deleted or not.
    """

    def list_references(referrer: StoredVersion, depth: int) -> Iterator[tuple[Edge, StoredVersion | None]]:
        for reference in referrer.content.references:
            target = view.resolve_reference(reference, referrer.subject)
            subject = names.canonical(names.resolve_reference(reference.subject, referrer.subject))
            number = reference.version if target is None else target.version
            yield Edge(referrer, reference.name, subject, number, target is None, depth), target

    def list_referrers(target: StoredVersion, depth: int) -> Iterator[tuple[Edge, StoredVersion | None]]:
        for referrer in view.references_to(target.subject, target.version, deleted):
            edges = (edge for edge, referred in list_references(referrer, depth) if referred is target)
            yield from ((edge, referrer) for edge in edges)

    down, is_down_complete = _walk(version, list_references)
    up, is_up_complete = _walk(version, list_referrers)
    return ReferenceGraph(down, up, is_down_complete and is_up_complete)


def _walk(
    start: StoredVersion, list_edges: Callable[[StoredVersion, int], Iterator[tuple[Edge, StoredVersion | None]]]
) -> tuple[list[Edge], bool]:
    """Return the edges in the order of their depth, and whether these are all."""
    edges: list[Edge] = []
    seen = {(start.subject, start.version)}
    waiting = deque([(start, 1)])
    while waiting:
        version, depth = waiting.popleft()
        for edge, following in list_edges(version, depth):
            if len(edges) == MAX_REFERENCES:
                return edges, False
            edges.append(edge)
            if following is not None and (key := (following.subject, following.version)) not in seen:
                seen.add(key)
                waiting.append((following, depth + 1))
    return edges, True
