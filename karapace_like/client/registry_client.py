"""A client of any registry with this API: one connection pool, JSON requests and responses, errors as exceptions.

It knows no endpoints: callers build paths with `path`. It does not retry; its callers can be run again.
"""

import os
import ssl
from base64 import b64encode
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, Self
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

import msgspec

from karapace_like.client.connections import FAILURES, ConnectionPool, Response
from karapace_like.errors import NOT_JSON
from karapace_like.process import trace_context

_CONNECTIONS = 32
"""Concurrent requests: enough to fill the batches of the primary."""
_ANSWER_SECONDS = 120
"""How long a response may take: a write may wait a minute for an election."""
_MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"


class UnreachableError(Exception):
    """No registry responds at the URL; the message says why and what to check."""


class RefusedError(Exception):
    """The registry responded with an error; the message is its own."""

    def __init__(self, status: int, code: int, message: str, call: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        """The `error_code`, such as 40401."""
        self.call = call
        """Method and path of the request."""

    @property
    def sentence(self) -> str:
        """The message with its code, for the end of a sentence."""
        return f"{str(self).rstrip('.')} ({self.code})"

    @property
    def is_unknown_call(self) -> bool:
        """Whether the service has no such call, rather than no such subject or schema."""
        return self.status == self.code and self.status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}


class Credentials(NamedTuple):
    """The credentials of the client: a user with a password, or a token; neither if the registry needs none."""

    user: str | None = None
    password: str | None = None
    token: str | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers that carry the credentials."""
        if self.token is not None:
            return {"Authorization": f"Bearer {self.token}"}
        if self.user is not None:
            pair = b64encode(f"{self.user}:{self.password or ''}".encode())
            return {"Authorization": f"Basic {pair.decode()}"}
        return {}


def path(*parts: str | int) -> str:
    """Join the parts to a path, each percent-encoded as a whole: a subject may contain slashes."""
    return "".join(f"/{quote(str(part), safe='')}" for part in parts)


def _reason(error: Exception) -> str:
    """Return why there is no response, in the words of the operating system if it has any."""
    number = error.errno if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else None
    if number is not None and number > 0:
        return os.strerror(number)
    if isinstance(error, TimeoutError):
        return "no response in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class RegistryClient:
    """A registry at a URL, which may contain `user:password@`; open within `async with`."""

    _service = "registry"
    """What the URL is expected to be, in messages."""

    def __init__(self, url: str, credentials: Credentials | None = None, *, cafile: str | None = None) -> None:
        """`cafile` has the CA certificates that verify the registry; None: those of the system."""
        try:
            parts = urlsplit(url)
            parts.port  # noqa: B018 - raises ValueError, too
        except ValueError as error:
            raise UnreachableError(
                f"{url.rpartition('@')[2]!r} is not the URL of a {self._service}: its host or port is malformed. "
                "Percent-encode special characters of a user or password: / as %2F, # as %23"
            ) from error
        if credentials is None or not credentials.headers:
            credentials = Credentials(parts.username and unquote(parts.username), unquote(parts.password or ""))
        host = parts.netloc.rpartition("@")[2]
        self.url = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        """The URL without credentials, so that messages can contain it."""
        if parts.scheme not in {"http", "https"} or not host:
            raise UnreachableError(
                f"{self.url or url!r} is not the URL of a {self._service}: expected http:// or https:// and a host"
            )
        self._base = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
        self._server = parts.hostname or "", parts.port
        self._has_tls = parts.scheme == "https"
        self._headers = credentials.headers
        self._cafile = cafile
        self._pool: ConnectionPool | None = None

    async def __aenter__(self) -> Self:
        tls = ssl.create_default_context(cafile=self._cafile) if self._has_tls else None
        self._pool = ConnectionPool(*self._server, tls, limit=_CONNECTIONS, answer_seconds=_ANSWER_SECONDS)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._pool is not None
        self._pool.close()

    async def ask(self, method: str, path: str, body: Any = None, **query: str | int | Sequence[str] | None) -> Any:
        """Send a request and return the JSON of the response; raise RefusedError (status >= 400), UnreachableError."""
        return await self.send(method, path, body, query, _MEDIA_TYPE, f"{_MEDIA_TYPE}, application/json;q=0.9")

    async def send(
        self,
        method: str,
        path: str,
        body: Any,
        query: Mapping[str, str | int | Sequence[str] | None],
        content_type: str,
        accepted: str,
    ) -> Any:
        """Send a request with these media types of request and response; see `ask`."""
        assert self._pool is not None
        parameters = [
            (name, str(value))
            for name, values in query.items()
            if values is not None
            for value in ([values] if isinstance(values, str | int) else values)
        ]
        target = f"{self._base}{path}?{urlencode(parameters)}" if parameters else f"{self._base}{path}"
        content = None if body is None else msgspec.json.encode(body)
        headers = {"Accept": accepted, **self._headers, **({} if body is None else {"Content-Type": content_type})}
        try:
            answer = await self._pool.send(method, target, content, {**headers, **trace_context.headers.get()})
        except FAILURES as error:
            raise UnreachableError(f"No {self._service} answers at {self.url}: {_reason(error)}") from error
        return self._read(answer, f"{method} {path}")

    def _read(self, response: Response, call: str) -> Any:
        status, content, location = response
        if location is not None:  # a redirection could lead the credentials elsewhere
            raise UnreachableError(
                f"The service at {self.url} redirects to {location}: use the URL of the {self._service}"
            )
        try:
            answer = msgspec.json.decode(content) if content else None
        except NOT_JSON as error:
            if status < 400:
                raise UnreachableError(
                    f"The service at {self.url} is not a {self._service}: its response (HTTP {status}) is not JSON"
                ) from error
            answer = None
        if status < 400:
            return answer
        fields = answer if isinstance(answer, dict) else {}
        code = fields.get("error_code")
        raise RefusedError(
            status, code if isinstance(code, int) else status, str(fields.get("message", f"HTTP {status}")), call
        )

    async def setting(self, path: str) -> Any:
        """Return the setting at this path; None if it is not set, or the registry does not have it."""
        try:
            return await self.ask("GET", path)
        except RefusedError as error:
            if error.status in {404, 405}:
                return None
            raise
