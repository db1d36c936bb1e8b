"""A client of any registry with this API: one connection pool, JSON requests and responses, errors as exceptions.

It knows no endpoints: callers build paths with `path`. It does not retry; its callers can be run again.
"""

import os
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import aiohttp
import msgspec
from yarl import URL

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

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        """The `error_code`, such as 40401."""


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
            return {"Authorization": aiohttp.encode_basic_auth(self.user, self.password or "")}
        return {}


def path(*parts: str | int) -> str:
    """Join the parts to a path, each percent-encoded as a whole: a subject may contain slashes."""
    return "".join(f"/{quote(str(part), safe='')}" for part in parts)


def _reason(error: Exception) -> str:
    """Return why there is no response, in the words of the operating system if it has any."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    number = cause.errno if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError) else None
    if number is not None and number > 0:
        return os.strerror(number)
    if isinstance(error, TimeoutError):
        return "no response in time"
    return getattr(cause, "strerror", None) or str(error) or type(error).__name__


class RegistryClient:
    """A registry at a URL, which may contain `user:password@`; open within `async with`."""

    def __init__(self, url: str, credentials: Credentials | None = None, *, cafile: str | None = None) -> None:
        """`cafile` has the CA certificates that verify the registry; None: those of the system."""
        try:
            parts = urlsplit(url)
            parts.port  # noqa: B018 - raises ValueError, too
        except ValueError as error:
            raise UnreachableError(
                f"{url.rpartition('@')[2]!r} is not the URL of a registry: its host or port is malformed. "
                "Percent-encode special characters of a user or password: / as %2F, # as %23"
            ) from error
        if credentials is None or not credentials.headers:
            credentials = Credentials(parts.username and unquote(parts.username), unquote(parts.password or ""))
        host = parts.netloc.rpartition("@")[2]
        self.url = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        """The URL without credentials, so that messages can contain it."""
        if parts.scheme not in {"http", "https"} or not host:
            raise UnreachableError(
                f"{self.url or url!r} is not the URL of a registry: expected http:// or https:// and a host"
            )
        self._headers = {"Accept": _MEDIA_TYPE, **credentials.headers}
        self._cafile = cafile
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers=self._headers,
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=ssl.create_default_context(cafile=self._cafile)),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=_ANSWER_SECONDS),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    async def ask(self, method: str, path: str, body: Any = None, **query: str | int | Sequence[str] | None) -> Any:
        """Send a request and return the JSON of the response; raise RefusedError (status >= 400), UnreachableError."""
        assert self._session is not None
        parameters = [
            (name, str(value))
            for name, values in query.items()
            if values is not None
            for value in ([values] if isinstance(values, str | int) else values)
        ]
        url = URL(self.url + path, encoded=True)
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": _MEDIA_TYPE}
        headers |= trace_context.headers.get()
        try:
            async with self._session.request(
                method, url.with_query(parameters) if parameters else url, data=content, headers=headers
            ) as answer:
                return self._read(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnreachableError(f"No registry answers at {self.url}: {_reason(error)}") from error

    def _read(self, status: int, content: bytes) -> Any:
        try:
            answer = msgspec.json.decode(content) if content else None
        except NOT_JSON as error:
            if status < 400:
                raise UnreachableError(
                    f"The service at {self.url} is not a schema registry: its response (HTTP {status}) is not JSON"
                ) from error
            answer = None
        if status < 400:
            return answer
        fields = answer if isinstance(answer, dict) else {}
        code = fields.get("error_code")
        raise RefusedError(
            status, code if isinstance(code, int) else status, str(fields.get("message", f"HTTP {status}"))
        )

    async def setting(self, path: str) -> Any:
        """Return the setting at this path; None if it is not set, or the registry does not have it."""
        try:
            return await self.ask("GET", path)
        except RefusedError as error:
            if error.status in {404, 405}:
                return None
            raise
