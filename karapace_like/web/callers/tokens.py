"""Verification of bearer tokens by their issuer's keys, which are fetched, cached and refreshed."""

import asyncio
import contextvars
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp

from karapace_like.access import errors, tokens
from karapace_like.access.principals import Proved
from karapace_like.access.tokens import Keys, TokenRules, UnknownKeyError
from karapace_like.background import BackgroundTasks

logger = logging.getLogger(__name__)

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_MAX_BYTES = 1024 * 1024
_REFRESH_SECONDS = 600.0
_RETRY_SECONDS = 5.0
_MAX_FETCHES = 5
_PER_SECONDS = 60.0
"""Tokens with unknown keys cause at most so many fetches in so many seconds."""


class TokenVerifier:
    """Verifies tokens; `run` must be entered before a call of `verify`."""

    def __init__(self, url: str, rules: TokenRules, background: BackgroundTasks | None = None) -> None:
        self._background = background or BackgroundTasks()
        self._url = url
        self._rules = rules
        self._keys: Keys | None = None
        self._document = b""
        self._session: aiohttp.ClientSession | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._fetches: deque[float] = deque(maxlen=_MAX_FETCHES)
        self._changed: Callable[[], None] = lambda: None

    def on_change(self, do: Callable[[], None]) -> None:
        """Call `do` when the issuer has changed its keys: principals proved by a removed key must leave all caches."""
        self._changed = do

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Refresh the keys while the block runs."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as self._session:
            refreshing = self._background.start("refresh of the token issuer's keys", self._refresh)
            try:
                yield
            finally:
                for task in filter(None, (refreshing, self._fetching)):
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)

    async def verify(self, token: str) -> Proved:
        """Return the principal of a token; raises UnauthenticatedError, or ApiError 503 while no keys are cached."""
        if self._keys is None and self._may_fetch():
            await self._fetch_once()
        with suppress(UnknownKeyError):
            return self._verify(token)
        if self._may_fetch():
            await self._fetch_once()
        try:
            return self._verify(token)
        except UnknownKeyError as error:
            raise errors.bad_token("its key is not one of the issuer's") from error

    def _verify(self, token: str) -> Proved:
        if self._keys is None:
            raise errors.keys_unavailable_error()
        return tokens.verify(token, self._keys, self._rules, time.time())

    def _may_fetch(self) -> bool:
        now = time.monotonic()
        if len(self._fetches) == _MAX_FETCHES and now - self._fetches[0] < _PER_SECONDS:
            return False
        self._fetches.append(now)
        return True

    async def _fetch_once(self) -> None:
        """Fetch the keys; concurrent calls share one fetch."""
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch(), context=contextvars.Context())
        await asyncio.shield(self._fetching)

    async def _refresh(self) -> None:
        while True:
            await self._fetch_once()
            await asyncio.sleep(_REFRESH_SECONDS if self._keys is not None else _RETRY_SECONDS)

    async def _fetch(self) -> None:
        """Replace the keys by the issuer's; they stay if the issuer cannot be reached, or answers without keys."""
        assert self._session is not None
        try:
            async with self._session.get(self._url, allow_redirects=False, raise_for_status=True) as response:
                document = await _read_body(response)
            if document != self._document:
                self._keys = tokens.key_set(document)
                self._document = document
                self._changed()
        except (aiohttp.ClientError, OSError, tokens.KeysError) as error:
            logger.warning("The keys of the token issuer cannot be fetched: %s", str(error) or type(error).__name__)


async def _read_body(response: aiohttp.ClientResponse) -> bytes:
    """Return the whole body; raises KeysError if it has more than 1 MiB."""
    body = b""
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _MAX_BYTES:
            raise tokens.KeysError(f"The document has more than {_MAX_BYTES} bytes")
    return body
