"""The sockets that the service listens on: opened before anything else: an address that is taken ends the start.

Several workers accept from the same sockets. Whoever is free takes the next connection, and one that waits outlives
the worker that would have taken it.
"""

import socket
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from karapace_like.config import Listener

_BACKLOG = 1024
"""Connections that wait until they are accepted; the kernel may allow fewer (net.core.somaxconn)."""


class Door(NamedTuple):
    """A socket that listens."""

    socket: socket.socket
    is_tls: bool

    @property
    def address(self) -> Listener:
        """As bound."""
        host, port = self.socket.getsockname()[:2]
        return Listener(host, port, self.is_tls)


def opened(listeners: Iterable[Listener]) -> tuple[Door, ...]:
    """A door for every address of each listener's host; raises OSError if one cannot be had."""
    doors: list[Door] = []
    try:
        for host, port, is_tls in listeners:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, address in dict.fromkeys((each[0], each[4]) for each in found):
                doors.append(Door(socket.create_server(address, family=family, backlog=_BACKLOG), is_tls))
    except BaseException:
        for each in doors:
            each.socket.close()
        raise
    return tuple(doors)


def urls(doors: Sequence[Door]) -> str:
    """Where the service can be asked, for people."""
    return " and ".join(_url(each.address) for each in doors)


def _url(at: Listener) -> str:
    return f"{at.scheme}://[{at.host}]:{at.port}" if ":" in at.host else f"{at.scheme}://{at.host}:{at.port}"
