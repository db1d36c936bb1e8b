"""The listening sockets of a node, opened before anything else, so that an address in use ends the start at once.

Several workers accept from the same sockets. The next free worker takes a connection, and a connection that waits
survives the end of a worker.
"""

import errno
import socket
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from karapace_like.config import Listener, Settings
from karapace_like.process.loopback import is_loopback
from karapace_like.web.http.api_roles import ALL_ROLES, ApiRoles
from karapace_like.web.http.dialects import Dialect

_BACKLOG = 1024
"""Connections that wait to be accepted; the kernel may allow fewer (net.core.somaxconn)."""


class ListeningSocket(NamedTuple):
    """A bound socket, whether its connections speak TLS, the dialect of its clients, and what is served there."""

    socket: socket.socket
    is_tls: bool
    dialect: Dialect = Dialect.CONFLUENT
    roles: ApiRoles = ALL_ROLES

    @property
    def address(self) -> Listener:
        """The bound address, with the port that the kernel chose for port 0."""
        host, port = self.socket.getsockname()[:2]
        return Listener(host, port, *self[1:])


class ListenError(Exception):
    """An address cannot be listened on; the message says why, and what to type."""

    def __init__(self, listener: Listener, error: OSError) -> None:
        super().__init__(f"{format_url(listener)} cannot be listened on: {_explain(listener, error)}")


def _explain(listener: Listener, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"another program uses port {listener.port}. Stop it, or choose another port with --port, such as --port "
            f"{listener.port + 10_000 if listener.port < 50_000 else listener.port - 10_000}; --port 0 takes any free "
            "port, and --listeners takes several addresses."
        )
    if error.errno == errno.EACCES:
        return f"this user may not use port {listener.port}. Choose one above 1023 with --port, such as --port 8081."
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"{listener.host} is not an address of this machine. Choose one with --host, such as --host 127.0.0.1."
    return f"{error.strerror or error}."


def open_listeners(listeners: Iterable[Listener]) -> tuple[ListeningSocket, ...]:
    """Return a socket for every address of each listener's host; raises ListenError if one cannot be bound."""
    sockets: list[ListeningSocket] = []
    try:
        for listener in listeners:
            try:
                resolved = socket.getaddrinfo(
                    listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
                )
                for family, address in dict.fromkeys((entry[0], entry[4]) for entry in resolved):
                    opened = socket.create_server(address, family=family, backlog=_BACKLOG)
                    sockets.append(ListeningSocket(opened, *listener[2:]))
            except OSError as error:
                raise ListenError(listener, error) from error
    except BaseException:
        for listening in sockets:
            listening.socket.close()
        raise
    return tuple(sockets)


def find_allowed_hosts(
    settings: Settings, sockets: Sequence[ListeningSocket], *, has_access_control: bool
) -> tuple[str, ...] | None:
    """Return the host names that requests may be addressed to, besides those of loopback; None: all.

    A node that only this machine reaches is open to its browsers, too: without access control nothing but the name
    that a web page calls distinguishes a page's requests from the user's own.
    """
    if settings.allowed_hosts is not None:
        return settings.allowed_hosts
    if has_access_control or not sockets or not all(is_loopback(listening.address.host) for listening in sockets):
        return None
    return () if settings.advertised_hostname is None else (settings.advertised_hostname,)


def format_urls(sockets: Sequence[ListeningSocket]) -> str:
    """Return the URLs of the sockets for a message."""
    return " and ".join(format_url(listening.address) for listening in sockets)


def format_url(address: Listener) -> str:
    """Return the URL of an address; an IPv6 host is in brackets."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{address.scheme}://{host}:{address.port}"
