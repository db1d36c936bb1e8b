"""Ownership of what lives in one process only, such as a consumer instance, and how an id names its owner.

A node's name is a token that it draws at its start, never an address: an id from outside can only lead to a member of
the election's group. A restarted node has another token, so ids of its earlier objects are recognised as expired.
`kafka/nodes.py` finds the nodes, `web/proxy/instance_owners.py` forwards requests to them.
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
    """A process of the service: a worker of a node."""

    node: str
    worker: int = 0
    """The number of the worker process, from 0."""

    @classmethod
    def create(cls) -> Self:
        """Return the first worker of a new node, with a random token."""
        return cls(secrets.token_hex(_NODE_BYTES))

    def create_id(self) -> str:
        """Return a new id for a consumer instance of this owner."""
        return f"rest-consumer-{self.node}.{self.worker}-{uuid.uuid4()}"


def parse_owner(instance_id: str) -> Owner | None:
    """Return the owner that an id names; None for an id that a client has chosen."""
    match = _ID.fullmatch(instance_id)
    return None if match is None else Owner(match["node"], int(match["worker"]))


def is_node(token: str) -> bool:
    """Return whether the text has the form of a node's token."""
    return re.fullmatch(_NODE, token) is not None


class Claims(Protocol):
    """Claims on names: at most one process of a node holds each; the end of a process releases its claims."""

    def claim(self, *name: str) -> bool:
        """Claim the name; return False where another process holds it."""
        ...

    def release(self, *name: str) -> None:
        """Release the name for other processes."""
        ...


class Nodes(Protocol):
    """The nodes of the service. Every call may raise KafkaFailure."""

    async def find_url(self, node: str) -> str | None:
        """Return the node's URL; None once it has left."""
        ...

    async def fetch_urls(self) -> Mapping[str, str]:
        """Return node -> URL, of every node."""
        ...

    async def close(self) -> None:
        """Close the connection to the cluster."""
        ...
