"""What a call needs its caller to be allowed: an operation on the resources that the request names.

Every route says it (`Route.needs`), and is refused at start-up if it does not. `web/access.py` holds callers to it.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from aiohttp import web

from karapace_like.access.policy import EVERY, Kind, Operation

Resources = Callable[[web.Request], Iterable[tuple[str, ...]]]
"""The resources of a request, each with all of its spellings."""


def _none(_: web.Request) -> Iterable[tuple[str, ...]]:
    return ()


class Need(NamedTuple):
    """What must be allowed before a handler is called."""

    operations: tuple[Operation, ...] = ()
    """One of these."""
    resources: Resources = _none
    """On all of these; where there are none, whoever has proved who he is may call, and the handler decides."""

    is_write: bool = False
    """Whether the call changes something though it reads in the main: what a group has read."""

    @property
    def changes_something(self) -> bool:
        """Whether calls are written into the audit log."""
        return self.is_write or not {Operation.WRITE, Operation.DELETE, Operation.CONFIG}.isdisjoint(self.operations)


AUTHENTICATED = Need()
"""For lists, which show what the caller may see, and for what is nobody's in particular."""


def on_topic(*operations: Operation) -> Need:
    """On the topic of the path."""
    return Need(operations, lambda request: ((Kind.TOPIC.named(request.match_info["topic"]),),))


def on_group(*operations: Operation, is_write: bool = False) -> Need:
    """On the consumer group of the path."""
    return Need(operations, lambda request: ((Kind.GROUP.named(request.match_info["group"]),),), is_write)


def on_every(kind: Kind, *operations: Operation) -> Need:
    """On all that there is of a kind."""
    return Need(operations, lambda _: ((kind.named(EVERY),),))
