"""A client of any registry with this API: one pool of connections, JSON in and out, refusals as exceptions.

It knows no endpoint: callers name paths, whose parts `path` quotes. Left out: retries; every caller can be run again.
"""

import os
import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple, Self
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import aiohttp
import msgspec
from yarl import URL

from karapace_like import trace_context
from karapace_like.errors import NOT_JSON

_CONNECTIONS = 32
"""Requests at the same time: enough to fill the primary's batches."""
_ANSWER_SECONDS = 120
"""How long an answer may take: a write may wait a minute for an election."""
_MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"


class UnreachableError(Exception):
    """Nothing answers there, or not as a registry does; the message says where and what to look at."""


class RefusedError(Exception):
    """The registry refused a request, in its own words."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        """The `error_code`, such as 40401."""


class Credentials(NamedTuple):
    """Who asks: a user with a password, or a token; neither where the registry wants none."""

    user: str | None = None
    password: str | None = None
    token: str | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """The header that proves it."""
        if self.token is not None:
            return {"Authorization": f"Bearer {self.token}"}
        if self.user is not None:
            return {"Authorization": aiohttp.encode_basic_auth(self.user, self.password or "")}
        return {}


def path(*parts: str | int) -> str:
    """The path of these parts, each quoted as a whole: a subject may hold slashes."""
    return "".join(f"/{quote(str(each), safe='')}" for each in parts)


def _reason(error: Exception) -> str:
    """Why nobody answers, in the system's words where it has some."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    number = cause.errno if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError) else None
    if number is not None and number > 0:
        return os.strerror(number)
    if isinstance(error, TimeoutError):
        return "it takes too long"
    return getattr(cause, "strerror", None) or str(error) or type(error).__name__


class RegistryClient:
    """A registry at a URL, which may carry `user:password@`; open inside of `async with`."""

    def __init__(self, url: str, credentials: Credentials | None = None, *, cafile: str | None = None) -> None:
        """`cafile` holds the certificates that the registry's is checked by; None: those of the system."""
        try:
            parts = urlsplit(url)
            parts.port  # noqa: B018 - raises ValueError, too
        except ValueError as error:
            raise UnreachableError(
                f"{url.rpartition('@')[2]!r} is no URL of a registry: its host or port cannot be read. In a user or "
                "password, quote what is special: / as %2F, # as %23"
            ) from error
        if credentials is None or not credentials.headers:
            credentials = Credentials(parts.username and unquote(parts.username), unquote(parts.password or ""))
        host = parts.netloc.rpartition("@")[2]
        self.url = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        """Without credentials, so that it can be shown."""
        if parts.scheme not in {"http", "https"} or not host:
            raise UnreachableError(f"{self.url or url!r} is no URL of a registry: it begins with http:// or https://")
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

    async def ask(self, method: str, path: str, body: Any = None, **query: str | int | None) -> Any:
        """The answer's JSON. Raises RefusedError for a status of 400 or more, UnreachableError without an answer."""
        assert self._session is not None
        asked = [(name, str(value)) for name, value in query.items() if value is not None]
        url = URL(self.url + path, encoded=True)
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": _MEDIA_TYPE}
        headers |= trace_context.headers.get()
        try:
            async with self._session.request(
                method, url.with_query(asked) if asked else url, data=content, headers=headers
            ) as answer:
                return self._read(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnreachableError(f"No registry answers at {self.url}: {_reason(error)}") from error

    def _read(self, status: int, content: bytes) -> Any:
        try:
            found = msgspec.json.decode(content) if content else None
        except NOT_JSON as error:
            if status < 400:
                raise UnreachableError(f"What answers at {self.url} is no schema registry: HTTP {status}") from error
            found = None
        if status < 400:
            return found
        fields = found if isinstance(found, dict) else {}
        raise RefusedError(status, fields.get("error_code", status), str(fields.get("message", f"HTTP {status}")))

    async def setting(self, path: str) -> Any:
        """What is set at this path; None where nothing is, or where the registry knows no such thing."""
        try:
            return await self.ask("GET", path)
        except RefusedError as error:
            if error.status in {404, 405}:
                return None
            raise
