"""What belongs to one process of a node."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from karapace_like.config import Settings
from karapace_like.listening import Door
from karapace_like.ownership import Owner
from karapace_like.shared_progress import SharedProgress

_WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on


@dataclass(frozen=True, slots=True)
class Place:
    """What one process is given; the defaults are those of the only one of its node."""

    doors: Sequence[Door]
    """Where the node listens; closed in the end."""
    owner: Owner = field(default_factory=Owner.drawn)
    """This process, and its node."""
    is_elected_here: bool = True
    """Whether this process takes part in the election, and not another worker."""
    asked_at: Path | None = None
    """The Unix socket where the other workers ask this one."""
    shared: SharedProgress | None = None
    """What it has in common with the other workers; None for the only process."""
    accepts_when_ready: bool = False
    """Whether the other workers accept connections until this one is ready."""
    member_id: str = ""
    """The membership in the election's group to go on with: a worker's that has ended."""
    on_member: Callable[[str], None] = lambda _: None
    """Told of each new one."""

    @property
    def worker(self) -> int | None:
        """The worker's number, of which each new worker has a new one; None for the only process."""
        return None if self.asked_at is None else int(self.asked_at.name)

    def advertised(self, settings: Settings) -> tuple[str, int, str]:
        """(host, port, scheme) where the other nodes are told to reach this one."""
        host, port, _ = first = self.doors[0].address
        if host in _WILDCARDS:
            host = socket.gethostname()
        return (
            settings.advertised_hostname or host,
            settings.advertised_port or port,
            settings.advertised_protocol or first.scheme,
        )
