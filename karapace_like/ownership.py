"""Who has what lives in one process only, such as a consumer instance, and how an id names its owner.

A node is named by a token that it draws when it starts, never by an address: an id that comes from outside leads
nowhere but to a member of the group. A node that starts again has another token, so what it had before is known to be
gone. `kafka/nodes.py` finds out which nodes there are, `web/proxy/owners.py` sends requests on to them.
"""

import re
import secrets
import uuid
from collections.abc import Mapping
from typing import NamedTuple, Protocol, Self

_NODE_BYTES = 4
_NODE = "[0-9a-f]{8}"
_ID = re.compile(rf"rest-consumer-(?P<node>{_NODE})\.(?P<worker>[0-9]{{1,4}})-[0-9a-f-]{{36}}", re.ASCII)


class Owner(NamedTuple):
    """A process of the service."""

    node: str
    worker: int = 0
    """Which of the node's processes."""

    @classmethod
    def drawn(cls) -> Self:
        """The first process of a node that starts."""
        return cls(secrets.token_hex(_NODE_BYTES))

    def new_id(self) -> str:
        """An id for a consumer instance of this owner."""
        return f"rest-consumer-{self.node}.{self.worker}-{uuid.uuid4()}"


def owner_of(instance_id: str) -> Owner | None:
    """The owner that an id names; None for an id that a client has chosen."""
    found = _ID.fullmatch(instance_id)
    return None if found is None else Owner(found["node"], int(found["worker"]))


def is_node(token: str) -> bool:
    """Whether that may be a node's token."""
    return re.fullmatch(_NODE, token) is not None


class Nodes(Protocol):
    """The nodes of the service; all may raise KafkaFailure where the cluster does not tell."""

    async def url(self, node: str) -> str | None:
        """Where the others reach the node; None once it has left."""
        ...

    async def all(self) -> Mapping[str, str]:
        """Node -> where the others reach it, of every node."""
        ...

    async def close(self) -> None:
        """Let go of the cluster."""
        ...
