"""What the supervisor and its workers tell each other: lines of JSON over pipes that end with the process.

To a worker: `Orders`, once, then `Neighbours` each time they change. From a worker: `Ready` or `Failed`, once, and
`Member` as that changes. No setting is in an argument or in the environment, where others on the machine could see it.
"""

from typing import Any

import msgspec

from karapace_like.config import Settings
from karapace_like.secret import Secret


class Orders(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What a worker needs to begin."""

    number: int
    """The one with number 0 takes part in the election and writes."""
    node: str
    """What tells this node from any other."""
    socket: str
    """Path of the Unix socket where the others ask it; its name is a number that no other worker here had."""
    shared: int
    """File descriptor of the memory that all of them share (`shared_progress.py`)."""
    listeners: tuple[tuple[int, bool], ...]
    """(file descriptor, whether it speaks TLS) of the listening sockets."""
    replaces: bool
    """Whether it takes the place of one that is gone: the others accept connections until it is ready."""
    member_id: str
    """The membership in the election's group of the worker that this one replaces; it goes on with it."""
    settings: Settings


class Neighbours(msgspec.Struct, frozen=True, tag=True):
    """The other workers, by their Unix sockets."""

    sockets: tuple[str, ...]
    """All that there are, also those that are not ready."""
    writer: str | None
    """The one of them that takes part in the election; None while it is being started, or for itself."""


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The worker serves."""


class Member(msgspec.Struct, frozen=True, tag=True):
    """The worker's membership in the election's group, for the one that will replace it."""

    id: str


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The worker cannot serve, and neither could another in its place."""

    message: str


ToWorker = Orders | Neighbours
ToSupervisor = Ready | Member | Failed


def encode(message: ToWorker | ToSupervisor) -> bytes:
    """One line."""
    return msgspec.json.encode(message, enc_hook=_encoded) + b"\n"


def to_worker(line: bytes) -> ToWorker:
    """What the supervisor says."""
    return _to_worker.decode(line)


def to_supervisor(line: bytes) -> ToSupervisor:
    """What a worker says."""
    return _to_supervisor.decode(line)


def _encoded(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.value
    raise NotImplementedError(f"{type(value)} is not sent")


def _decoded(wanted: type, value: Any) -> Any:
    if wanted is Secret:
        return Secret(str(value))
    raise NotImplementedError(f"{wanted} is not sent")


_to_worker: msgspec.json.Decoder[ToWorker] = msgspec.json.Decoder(ToWorker, dec_hook=_decoded)
_to_supervisor: msgspec.json.Decoder[ToSupervisor] = msgspec.json.Decoder(ToSupervisor)
