"""The role of one process in its node: what it listens on, and what it shares with other workers."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from karapace_like.config import Listener, Settings
from karapace_like.ownership import Owner
from karapace_like.process.shared_claims import SharedClaims
from karapace_like.registry.snapshot_parts import LoadedState
from karapace_like.replication.shared_progress import SharedProgress
from karapace_like.replication.snapshots import Outcome
from karapace_like.serve.listeners import ListeningSocket

_WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on


@dataclass(frozen=True, slots=True)
class ProcessRole:
    """The role of one process; the defaults are those of the only process of a node."""

    sockets: Sequence[ListeningSocket]
    """Where the node listens; the process closes them at its end."""
    owner: Owner = field(default_factory=Owner.create)
    """The identity of this process and its node."""
    is_elected_here: bool = True
    """Whether this process, and no other worker, takes part in the election."""
    unix_socket: Path | None = None
    """The Unix socket for requests of the other workers; None for the only process."""
    shared: SharedProgress | None = None
    """The progress that all workers of the node share; None for the only process."""
    claims: SharedClaims | None = None
    """Names that at most one worker of the node may hold; None for the only process."""
    reader_file: Path | None = None
    """Where this process writes the state for the workers that follow it, as soon as it has read the topic: it does
    nothing else. None for a process that serves."""
    loaded: LoadedState | None = None
    """What such a process has read, which the workers share."""
    snapshot_outcome: Outcome | None = None
    """What became of the snapshot that was there at the node's start, as such a process has told."""
    accepts_when_ready: bool = False
    """Whether this process waits until it is ready, while other workers accept connections."""
    member_id: str = ""
    """The membership in the election's group that this process resumes: that of its predecessor."""
    on_member: Callable[[str], None] = lambda _: None
    """Called with each new membership."""

    @property
    def worker(self) -> int | None:
        """The number of this worker, unique for each started process; None for the only process."""
        return None if self.unix_socket is None else int(self.unix_socket.name)

    def find_advertised_listener(self, settings: Settings) -> Listener:
        """Return the first address that serves what nodes forward to each other; without one, the first address."""
        addresses = [listening.address for listening in self.sockets]
        return next((address for address in addresses if address.roles >= settings.roles_of_nodes), addresses[0])

    def advertise(self, settings: Settings) -> tuple[str, int, str]:
        """Return the (host, port, scheme) where other nodes reach this one."""
        listener = self.find_advertised_listener(settings)
        host = socket.gethostname() if listener.host in _WILDCARDS else listener.host
        return (
            settings.advertised_hostname or host,
            settings.advertised_port or listener.port,
            settings.advertised_protocol or listener.scheme,
        )
