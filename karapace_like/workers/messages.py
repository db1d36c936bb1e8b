"""The messages between the supervisor and its workers: JSON lines over pipes that close with the process.

A worker receives `Orders` once, then `Neighbours` at each change, and `Stopping` at the end; worker 0 gets
`LastWorker` as well. It sends `Ready` or
`Failed` once, and `Member` at each change; the reader sends `TopicRead` in place of `Ready`. Settings travel in a
message, since other users of the machine can see arguments and the environment.
"""

from typing import Any

import msgspec

from karapace_like.config import Settings
from karapace_like.replication.snapshots import Outcome
from karapace_like.secret import Secret
from karapace_like.web.http.api_roles import ApiRoles
from karapace_like.web.http.dialects import Dialect


class Orders(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The role and the settings of a worker."""

    number: int
    """Number of the worker in its node; worker 0 takes part in the election and writes."""
    node: str
    """Identity of the node."""
    socket: str
    """Path of the worker's Unix socket; its file name is a number that is never reused."""
    listeners: tuple[tuple[bool, Dialect, ApiRoles], ...]
    """(whether it speaks TLS, its clients' dialect, what is served there) of each listening socket that the worker
    was forked with."""
    reader_file: str | None
    """Where the worker writes the state for the others, and ends; None for one that serves."""
    snapshot_outcome: Outcome | None
    """What the reader has told of the snapshot (`TopicRead`)."""
    replaces: bool
    """Whether it succeeds a worker that has ended: the others accept connections until it is ready."""
    member_id: str
    """The membership in the election's group that the worker resumes: that of its predecessor."""
    settings: Settings


class Neighbours(msgspec.Struct, frozen=True, tag=True):
    """The other workers, by their Unix sockets."""

    sockets: tuple[str, ...]
    """Every other worker, ready or not."""
    writer: str | None
    """The worker that takes part in the election; None while it starts, and in its own message."""


class Stopping(msgspec.Struct, frozen=True, tag=True):
    """The node is about to stop: the worker's readiness probe fails, and it serves until it is stopped."""


class LastWorker(msgspec.Struct, frozen=True, tag=True):
    """The other workers stop, and this one after them: what they forward no longer waits for a primary."""


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The worker is ready."""


class TopicRead(msgspec.Struct, frozen=True, tag=True):
    """The reader has read the topic."""

    snapshot_outcome: Outcome | None
    """What became of the snapshot that was there at the start."""


class Member(msgspec.Struct, frozen=True, tag=True):
    """The worker's membership in the election's group, for its successor."""

    id: str


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The worker cannot serve, and a successor could not either."""

    message: str


ToWorker = Orders | Neighbours | Stopping | LastWorker
ToSupervisor = Ready | TopicRead | Member | Failed


def encode(message: ToWorker | ToSupervisor) -> bytes:
    """Return the message as one line."""
    return msgspec.json.encode(message, enc_hook=_encode) + b"\n"


def decode_for_worker(line: bytes) -> ToWorker:
    """Return a message of the supervisor."""
    return _for_worker.decode(line)


def decode_for_supervisor(line: bytes) -> ToSupervisor:
    """Return a message of a worker."""
    return _for_supervisor.decode(line)


def _encode(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.value
    raise NotImplementedError(f"{type(value)} cannot be sent between processes")


def _decode(wanted: type, value: Any) -> Any:
    if wanted is Secret:
        return Secret(str(value))
    raise NotImplementedError(f"{wanted} cannot be sent between processes")


_for_worker: msgspec.json.Decoder[ToWorker] = msgspec.json.Decoder(ToWorker, dec_hook=_decode)
_for_supervisor: msgspec.json.Decoder[ToSupervisor] = msgspec.json.Decoder(ToSupervisor)
