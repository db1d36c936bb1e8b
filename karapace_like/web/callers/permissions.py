"""The permission that a call requires of its caller: an operation on the resources that the request names.

Every route names its permission (`Route.permission`); `web/callers/access.py` checks it.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from aiohttp import web

from karapace_like.access.policy import EVERY, Operation, ResourceKind

Resources = Callable[[web.Request], Iterable[tuple[str, ...]]]
"""Returns the resources of a request, each with all of its names."""


def _none(_: web.Request) -> Iterable[tuple[str, ...]]:
    return ()


class RequiredPermission(NamedTuple):
    """The operations that a policy must allow before the handler is called."""

    operations: tuple[Operation, ...] = ()
    """One of these must be allowed."""
    resources: Resources = _none
    """On all of these; where there are none, every authenticated caller may call, and the handler decides."""

    is_write: bool = False
    """Whether the call changes something beside reading: the offsets of a group."""

    reveals_offsets: bool = False
    """Whether the response reveals how much was written or read: more than a description of the topic or group."""

    is_public: bool = False
    """Whether the call needs no credentials: a file of this program, which holds no data."""

    @property
    def is_description(self) -> bool:
        """Whether the call only describes resources and their configuration."""
        return self.operations == (Operation.DESCRIBE,) and not self.reveals_offsets

    @property
    def changes_something(self) -> bool:
        """Whether calls are written to the audit log."""
        return self.is_write or not {Operation.WRITE, Operation.DELETE, Operation.CONFIG}.isdisjoint(self.operations)


AUTHENTICATED = RequiredPermission()
"""For lists, which show only what the caller may describe, and for calls without a resource."""


PUBLIC = RequiredPermission(is_public=True)
"""For the files of a page, where people enter their credentials."""


def on_topic(*operations: Operation, reveals_offsets: bool = False) -> RequiredPermission:
    """Return the permission for these operations on the topic of the path."""
    return RequiredPermission(
        operations,
        lambda request: ((ResourceKind.TOPIC.name_resource(request.match_info["topic"]),),),
        reveals_offsets=reveals_offsets,
    )


def on_group(*operations: Operation, is_write: bool = False, reveals_offsets: bool = False) -> RequiredPermission:
    """Return the permission for these operations on the consumer group of the path."""
    return RequiredPermission(
        operations,
        lambda request: ((ResourceKind.GROUP.name_resource(request.match_info["group"]),),),
        is_write,
        reveals_offsets=reveals_offsets,
    )


def on_group_and_topic(*operations: Operation, reveals_offsets: bool = False) -> RequiredPermission:
    """Return the permission for these operations on both the consumer group and the topic of the path."""
    return RequiredPermission(
        operations,
        lambda request: (
            (ResourceKind.GROUP.name_resource(request.match_info["group"]),),
            (ResourceKind.TOPIC.name_resource(request.match_info["topic"]),),
        ),
        reveals_offsets=reveals_offsets,
    )


def on_every(kind: ResourceKind, *operations: Operation) -> RequiredPermission:
    """Return the permission for these operations on all resources of a kind."""
    return RequiredPermission(operations, lambda _: ((kind.name_resource(EVERY),),))
